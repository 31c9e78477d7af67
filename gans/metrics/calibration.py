"""Does what is called 70 % probable happen in 70 % of the cases? Reliability of probabilities, in bins."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Bin(NamedTuple):
    """Predictions of about one probability.

    Attributes:
      low: the probabilities are above this; 0 is in the first bin.
      high: they are up to this, which is in the bin.
      count: how many there are.
      probability: their mean; NaN where there are none.
      frequency: how often it happened, from 0 to 1; NaN where there are none.
    """

    low: float
    high: float
    count: int
    probability: float
    frequency: float


def reliability(probabilities: ArrayLike, happened: ArrayLike, bins: int = 10) -> list[Bin]:
    """The reliability diagram of predictions of one event: `bins` bins of equal width from 0 to 1.

    probabilities: [N] from 0 to 1, how probable it was called; happened: [N], true or false. Raises ValueError for
    other shapes or values. Source: DeGroot and Fienberg 1983; Niculescu-Mizil and Caruana 2005, section 2.
    """
    probabilities, happened = np.asarray(probabilities, np.float64), np.asarray(happened, bool)
    inside = (probabilities >= 0) & (probabilities <= 1)
    if probabilities.ndim != 1 or happened.shape != probabilities.shape or not inside.all():
        raise ValueError(f'expected probabilities [N] from 0 to 1 and N events, got {probabilities.shape}')
    edges = np.linspace(0, 1, bins + 1)
    which = np.searchsorted(edges[1:-1], probabilities, side='left')
    found = []
    for k in range(bins):
        mine = which == k
        means = (float(x[mine].mean()) if mine.any() else np.nan for x in (probabilities, happened))
        found.append(Bin(float(edges[k]), float(edges[k + 1]), int(mine.sum()), *means))
    return found


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: the mean distance of probability and frequency, each bin as often as it has cases.

    0 for a perfect forecast, NaN without any case. Source: Naeini et al. 2015, section 3; Guo et al. 2017, equation 3.
    """
    filled = [one for one in bins if one.count]
    total = sum(one.count for one in filled)
    return sum(one.count * abs(one.probability - one.frequency) for one in filled) / total if total else np.nan
