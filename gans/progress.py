"""How far a long work is: a bar on a terminal, a line every ten seconds elsewhere, nothing for what is quick.

The bar is the last line of the terminal behind standard error (`gans.printing.draw_bar`), and is wiped at the end of
the work, however it ends. Nothing of it reaches standard output. Of works within each other the outermost alone is
shown, and none that is done in another thread than the main one or in another process than the first.
"""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gans.printing import draw_bar, encodes, say

_EVERY = 10  # seconds between two lines, where nobody can watch a bar
_DELAY = 2  # seconds before a bar appears
_REDRAWN = 0.2  # seconds between two drawings of a bar
_RECENT = 20  # seconds: the speed is that of the work done since then
_LEFT = 3  # columns behind a bar for the ^C that a terminal shows: it would begin another line in the last one
_WIDE = 80  # columns of a terminal that does not say how many it has
_FORMAT = '{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {unit} [{elapsed}<{remaining}{postfix}]'

_shown = True  # in this process?
_busy = False  # is a work shown now?


def show_none() -> None:
    """From now on no work of this process is shown: another one does the same, and shows it."""
    global _shown
    _shown = False


@contextmanager
def progress(
    what: str,
    total: int,
    unit: str = 'images',
    done: int = 0,
    note: Callable[[float], str] | None = None,
    only_bar: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[int], None]]:
    """Shows on standard error how far a work is.

    Args:
      what: what is done, a word or two: 'drawing'.
      total: how many units it has.
      unit: what is counted.
      done: how many of them were done before.
      note: speed in units per second, 0 while it is not known -> some words behind the bar. By default the speed.
      only_bar: for work that prints lines of its own: a bar from the beginning on, and no lines.
      clock: seconds that only increase.

    Yields:
      a function to call with the number of units that were done since the last call.
    """
    global _busy
    shown: _Bar | _Lines | None = None
    if _shown and not _busy and threading.current_thread() is threading.main_thread():
        if _is_terminal():
            shown = _Bar(what, total, unit, done, note or _speed(unit), clock, 0 if only_bar else _DELAY)
        elif not only_bar:
            shown = _Lines(what, total, unit, done, clock)
    if shown is None:
        yield lambda count: None
        return
    _busy = True
    try:
        yield shown.advance
    finally:
        _busy = False
        draw_bar('')


def counted(chunks: Iterable[Any], advance: Callable[[int], None]) -> Iterator[Any]:
    """The chunks of some units, each of which is told to what `progress` gives, when the next one is wanted."""
    for chunk in chunks:
        yield chunk
        advance(len(chunk))


class _Lines:
    """A line every ten seconds, and none at the end."""

    def __init__(self, what, total, unit, done, clock):
        self._what, self._total, self._unit, self._done, self._clock = what, total, unit, done, clock
        self._next = clock() + _EVERY

    def advance(self, count: int) -> None:
        self._done += count
        if self._done < self._total and self._clock() >= self._next:
            self._next = self._clock() + _EVERY
            say(f'{self._what}: {self._done} of {self._total} {self._unit}', sys.stderr)


class _Bar:
    """A bar, drawn again at most every `_REDRAWN` seconds: `advance` costs a look at the clock otherwise."""

    def __init__(self, what, total, unit, done, note, clock, delay):
        self._what, self._total, self._unit, self._done = what, total, unit, done
        self._note, self._clock, self._began = note, clock, clock()
        # (time, units done) at each drawing. The first entry comes after the first unit, so that compiling, which comes
        # before it, does not count as slow work.
        self._recent: deque[tuple[float, int]] = deque()
        self._next = self._began + delay
        if not delay:
            self._draw(self._began)

    def advance(self, count: int) -> None:
        self._done += count
        now = self._clock()
        if not self._recent or now >= self._next:
            self._recent.append((now, self._done))
            while len(self._recent) > 2 and self._recent[1][0] < now - _RECENT:
                self._recent.popleft()
        if now >= self._next:
            self._draw(now)

    def _draw(self, now):
        from tqdm import tqdm

        self._next = now + _REDRAWN
        speed = self._speed()
        draw_bar(
            tqdm.format_meter(
                self._done,
                self._total,
                now - self._began,
                ncols=max(1, _columns() - _LEFT),
                prefix=self._what,
                ascii=not encodes(sys.stderr, '\u258f\u2588'),
                unit=self._unit,
                rate=speed,
                bar_format=_FORMAT,
                postfix=self._note(speed),
            )
        )

    def _speed(self):
        if len(self._recent) < 2:
            return 0.0
        (since, before), (now, done) = self._recent[0], self._recent[-1]
        return (done - before) / max(now - since, 1e-9)


def _speed(unit):
    return lambda speed: f'{speed:{".3g" if speed < 1000 else ",.0f"}} {unit}/s' if speed else ''


def _is_terminal() -> bool:
    """Whether standard error is a terminal on which a line can be drawn again."""
    try:
        is_one = sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # closed
        return False
    return is_one and os.environ.get('TERM', '' if os.name == 'nt' else 'dumb') != 'dumb'


def _columns() -> int:
    """How many columns the terminal has: the fewer of what it says itself and what COLUMNS says."""
    found = [int(text) for text in [os.environ.get('COLUMNS', '')] if text.isascii() and text.isdigit()]
    try:
        found.append(os.get_terminal_size(sys.stderr.fileno()).columns)
    except (OSError, ValueError):  # it does not say
        pass
    return min((columns for columns in found if columns > 0), default=_WIDE)
