"""How activations and norms are computed while a network is looked into (`gans.visualization`).

In training and in use they are what their names say. Inside `using(rules)`, a function that is traced gets what the
rules put in their place, so that networks need not know of it.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import NamedTuple

from jax import Array


def _same(x):
    return x


class Rules(NamedTuple):
    """What stands for the parts of a network.

    Attributes:
      activation: an elementwise function -> the one that is computed for it.
      mean: what a norm subtracts, found from its input -> what is subtracted.
      scale: what a norm multiplies by, found from its input -> what it is multiplied by. A norm that has its statistics
        from training has neither.
    """

    activation: Callable[[Callable[[Array], Array]], Callable[[Array], Array]] = _same
    mean: Callable[[Array], Array] = _same
    scale: Callable[[Array], Array] = _same


DEFINED = Rules()  # everything is what its name says
_CURRENT = contextvars.ContextVar('rules', default=DEFINED)


def current() -> Rules:
    """The rules that hold where a function is traced."""
    return _CURRENT.get()


@contextlib.contextmanager
def using(rules: Rules) -> Iterator[None]:
    """What is traced in this context has its activations and norms by `rules`. Enter it inside a compiled function."""
    token = _CURRENT.set(rules)
    try:
        yield
    finally:
        _CURRENT.reset(token)
