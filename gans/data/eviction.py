"""Folders of bounded size: what was not used for longest makes room."""

import contextlib
from collections.abc import Iterable
from pathlib import Path


def make_room(paths: Iterable[Path], size: int, most: int) -> None:
    """Removes the files whose time is oldest until `size` more bytes fit into `most`.

    Files that vanish meanwhile, or cannot be removed, are passed over.
    """
    files = []
    for path in paths:
        with contextlib.suppress(OSError):  # another process has removed it meanwhile
            found = path.stat()
            files.append((found.st_mtime, found.st_size, path))
    taken = sum(its_size for _, its_size, _ in files)
    for _, its_size, path in sorted(files):
        if taken + size <= most:
            return
        taken -= its_size
        with contextlib.suppress(OSError):
            path.unlink()
