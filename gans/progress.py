"""How far a long work is: a bar on a terminal, a line every ten seconds elsewhere, nothing for what is quick."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gans.printing import say

_EVERY = 10  # seconds between two lines, where nobody can watch a bar
_DELAY = 2  # seconds before a bar appears


@contextmanager
def progress(what: str, total: int, unit: str = 'images', clock: Callable = time.monotonic) -> Iterator[Callable]:
    """Shows on standard error how far a work is.

    Args:
      what: what is done, a word or two: 'drawing'.
      total: how many units it has.
      unit: what is counted.
      clock: seconds that only increase.

    Yields:
      a function to call with the number of units that were done since the last call.
    """
    if sys.stderr is not None and sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(total=total, desc=what, unit=f' {unit}', delay=_DELAY, leave=False, dynamic_ncols=True) as bar:
            yield bar.update
        return
    done, told = 0, clock()

    def advance(count: int) -> None:
        nonlocal done, told
        done += count
        if done < total and clock() - told >= _EVERY:
            told = clock()
            say(f'{what}: {done} of {total} {unit}', sys.stderr)

    yield advance
