"""What stays open between trainings and evaluations of one process: images, and the games of equal configs.

A sweep begins and ends some dozens of trainings. Each would open and decode its images, trace its step and get its
programs compiled anew, which takes longer than a minute of training. While `kept_open` is entered, equal images and
equal games are the same objects, and what was made `once` for images, or by `gans.core.programs` for a game, is there
for the next. Numbers do not change.
"""

import contextlib
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from typing import Any

from gans.core.newest import Made, Newest

BYTES = 4 * 2**30  # of decoded images that stay open; the newest do whatever they take
GAMES = 8  # they are small; `gans.core.programs` keeps the programs of fewer


class Kept:
    """What is kept: `images`, sources whose weight is their bytes, and `games`."""

    def __init__(self):
        self.images, self.games = Newest(BYTES), Newest(GAMES)


_KEPT: ContextVar[Kept | None] = ContextVar('kept', default=None)


@contextlib.contextmanager
def kept_open() -> Iterator[None]:
    """Keeps images and programs open until its end; within itself it changes nothing."""
    if _KEPT.get() is not None:
        yield
        return
    token = _KEPT.set(Kept())
    try:
        yield
    finally:
        _KEPT.reset(token)


def kept() -> Kept:
    """What is kept open; outside of `kept_open` a new one, which keeps nothing for the next call."""
    return _KEPT.get() or Kept()


def once(source: Any, name: Hashable, make: Callable[[], Made]) -> Made:
    """What `make` returns, made once for a source of images that is kept open; for others anew at every call.

    Args:
      source: what it follows from; nothing else but the name may decide it.
      name: what it is, different for different things of one source.
      make: makes it.
    """
    beside = kept().images.beside(source)
    if beside is None:
        return make()
    if name not in beside:
        beside[name] = make()
    return beside[name]
