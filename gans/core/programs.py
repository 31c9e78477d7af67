"""What was made for a game once and serves again: programs that JAX has traced and compiled, the shapes of its state.

Another training of the same game, the next part of one, its sample grids, its evaluation: each would trace and load
all its programs anew, which takes longer than a few steps. They are kept for the newest games of this process.
"""

import threading
from collections.abc import Callable, Hashable

from gans.core.newest import Made, Newest
from gans.types import Game

_GAMES = 4  # for which something is kept: their programs stay in memory

_kept = Newest(_GAMES)  # games by their id
_lock = threading.Lock()


def once(game: Game, name: Hashable, make: Callable[[], Made]) -> Made:
    """What `make` returns, called for this very object `game` and this name only once.

    Args:
      game: what it is made for. Another game of the same config is another one: its code may have been edited.
      name: what is made, with everything but the game that it depends on.
      make: makes it.
    """
    with _lock:
        made = _kept.beside(_kept.get(id(game), lambda: game))
    if name not in made:
        made[name] = make()
    return made[name]


def forget() -> None:
    """Keeps nothing any more."""
    with _lock:
        _kept.clear()
