"""How much memory is free for a run: of the device, of the machine, of the container."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax


class _Names(NamedTuple):
    """Where a version of Linux's control groups keeps the memory of a group: folder and files."""

    controller: str  # in /proc/self/cgroup: of version 2 there is none
    folder: str
    limit: str
    used: str
    cached: str  # in memory.stat: bytes that are given up when others want them


_VERSIONS = (
    _Names('', 'sys/fs/cgroup', 'memory.max', 'memory.current', 'inactive_file'),
    _Names('memory', 'sys/fs/cgroup/memory', 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'),
)


def free_memory() -> int:
    """Bytes that are free on the first device or, where devices do not count theirs, for this process."""
    counted = jax.local_devices()[0].memory_stats() or {}
    if 'bytes_limit' in counted:
        return counted['bytes_limit'] - counted['bytes_in_use']
    import psutil

    return max(0, min([psutil.virtual_memory().available, *_left_by_groups()]))


def _left_by_groups(root: Path = Path('/')) -> Iterator[int]:
    """Bytes that are left in each of the control groups (cgroups) around this process which have a limit.

    A container sees its own group as the outermost one, whatever /proc calls it.
    """
    with contextlib.suppress(OSError):
        for line in (root / 'proc/self/cgroup').read_text().splitlines():
            _, controllers, path = line.split(':', 2)
            for names in _VERSIONS:
                if names.controller in controllers.split(','):
                    inner = Path(path.lstrip('/'))
                    for group in (inner, *inner.parents):
                        with contextlib.suppress(OSError, ValueError, KeyError):  # no limit: 'max', or no such file
                            yield _left(root / names.folder / group, names)


def _left(folder, names):
    limit, used = (int((folder / name).read_text()) for name in (names.limit, names.used))
    stat = dict(line.split() for line in (folder / 'memory.stat').read_text().splitlines())
    return limit - used + int(stat[names.cached])
