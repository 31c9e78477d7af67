"""How a set of images is spread over classes, from the class that a classifier gives each of them."""

import numpy as np
from numpy.typing import ArrayLike

ENOUGH = 0.1  # of an equal share: a class that gets so much is covered


def shares(which: ArrayLike, classes: int) -> np.ndarray:
    """The part of a set that falls into each of `classes` classes: float64 [classes], of which [N] from 0 on."""
    which = np.asarray(which)
    return np.bincount(which, minlength=classes) / len(which)


def covered(parts: np.ndarray) -> int:
    """How many classes get at least `ENOUGH` of an equal share: of ten classes, those with 1 % of the set or more."""
    return int((parts >= ENOUGH / len(parts)).sum())


def entropy(parts: np.ndarray) -> float:
    """The entropy of shares in nats: 0 where all is one class, log(classes) where all classes are equally frequent."""
    some = parts[parts > 0]
    return float(-(some * np.log(some)).sum()) + 0.0  # no -0
