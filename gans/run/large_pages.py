"""Large pages for scratch memory, which the C library only takes if an environment variable is there from the start.

A step on the CPU takes its scratch memory anew each time, and above 64 MiB glibc gives it back after every step,
whatever `mallopt` was told: threads other than the first cannot keep blocks of that size. In pages of 4 KiB that is
25,000 page faults in a step of inpainting (64 px, batch 16), in pages of 2 MiB some hundred. With them a step of the
default colorizer takes 0.91 of the time, one of `modern` 0.94 (benchmarks/README.md).
"""

import contextlib
import os
import sys

from gans import signals

TUNABLES = 'GLIBC_TUNABLES'  # settings of glibc, read once, before the program's first instruction
SETTING = 'glibc.malloc.hugetlb=1'  # memory from `malloc` may be of large pages, where the system has them (2.35)
PAGES = '/sys/kernel/mm/transparent_hugepage/enabled'
MALLOC = 'GANS_MALLOC'  # that of `gans.startup`, which imports too much to come before a second start


def restart_with_large_pages() -> None:
    """Replaces this process by the same program with large pages; returns if it has them or cannot have them.

    The process keeps its number, its terminal and its files; signals wait for `signals.own_process`. To be called first
    of all by a program that was started as `python [options] FILE arguments`: in a notebook (`%run`), under `python -m`
    or `python -c` nothing happens. With GANS_MALLOC=0, or with a setting of the user's own, nothing happens either.
    """
    given = os.environ.get(TUNABLES, '')
    if os.environ.get(MALLOC) == '0' or 'glibc.malloc.hugetlb' in given:
        return
    options = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv)]
    if sys.orig_argv[1 + len(options) :] != sys.argv or {'-c', '-m'} & set(options) or not _can_have():
        return
    signals.hold()  # Python's own start would answer Ctrl-C with a traceback
    environment = {**os.environ, TUNABLES: f'{given}:{SETTING}'.strip(':')}
    with contextlib.suppress(OSError):  # an interpreter that cannot be started again is good enough as it is
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def _can_have():
    try:
        with open(PAGES) as file:
            return '[never]' not in file.read()
    except OSError:
        return False
