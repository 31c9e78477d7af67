"""Fidelity and diversity apart: precision and recall, density and coverage of two sets of features.

The region that a set covers is taken to be the union of balls around its features, each up to the k-th nearest other
feature of the set.

- Precision and recall ("improved", Kynkaanniemi et al. 2019, equations 1 and 2; k = 3): the part of the fake features
  in a ball of a real one, and the part of the real ones in a ball of a fake one.
- Density and coverage (Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative Models", equations 4
  and 5; k = 5): in how many balls of real features a fake one is on average, divided by k; and the part of the balls of
  real features with a fake one in it. Balls around fake features, of which one outlier makes a huge one, are not used.

Balls include their border, so that a set with several copies of every feature still has itself in its region. Squared
distances are float64 products, block by block: in memory are `_AT_ONCE` squared of them, however many features there
are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

PRECISION_NEIGHBOURS = 3
DENSITY_NEIGHBOURS = 5
FEWEST = DENSITY_NEIGHBOURS + 1  # features that a set needs

_AT_ONCE = 2048  # features of each set whose distances are in memory together: 32 MB
_ROUNDING = 1e-12  # of the squared lengths: smaller squared distances are those of copies


class Region(NamedTuple):
    """A set of features with its balls.

    Attributes:
      features: [N, D].
      small: squared radii of the balls of precision and recall, float64 [N].
      large: squared radii of the balls of density and coverage, float64 [N].
    """

    features: np.ndarray
    small: np.ndarray
    large: np.ndarray


class Scores(NamedTuple):
    """All between 0 and 1 but for the density, which has no upper bound.

    Of two sets of one distribution the density is 1 on average; the others are less than 1.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def region(features: ArrayLike) -> Region:
    """The balls of a set of features [N, D]; raises ValueError for another shape or fewer than `FEWEST`."""
    features = np.asarray(features)
    if features.ndim != 2 or len(features) < FEWEST:
        raise ValueError(f'{FEWEST} or more features [N, D] are needed, got {features.shape}')
    nearest = np.empty((len(features), DENSITY_NEIGHBOURS))
    for rows in _blocks(features):
        found = np.full((rows.stop - rows.start, DENSITY_NEIGHBOURS), np.inf)
        for columns in _blocks(features):
            squares = _squares(features[rows], features[columns])
            if rows == columns:
                np.fill_diagonal(squares, np.inf)  # a feature is no neighbour of its own
            joined = np.concatenate([found, squares], axis=1)
            found = np.partition(joined, DENSITY_NEIGHBOURS - 1, axis=1)[:, :DENSITY_NEIGHBOURS]
        nearest[rows] = np.sort(found, axis=1)
    return Region(features, nearest[:, PRECISION_NEIGHBOURS - 1].copy(), nearest[:, DENSITY_NEIGHBOURS - 1].copy())


def compare(real: Region, fake: Region) -> Scores:
    """Precision, recall, density and coverage of fake features, by the regions of both sets.

    Only sets of equal numbers can be compared with other such pairs. Raises ValueError for features of two lengths.
    """
    if real.features.shape[1] != fake.features.shape[1]:
        raise ValueError(f'features of one length are needed, got {real.features.shape} and {fake.features.shape}')
    inside, balls = np.zeros(len(fake.features), bool), np.zeros(len(fake.features), np.int64)
    reached, covered = np.zeros((2, len(real.features)), bool)
    for rows in _blocks(fake.features):
        for columns in _blocks(real.features):
            squares = _squares(fake.features[rows], real.features[columns])
            inside[rows] |= (squares <= real.small[columns]).any(axis=1)
            reached[columns] |= (squares <= fake.small[rows, None]).any(axis=0)
            within = squares <= real.large[columns]
            balls[rows] += within.sum(axis=1)
            covered[columns] |= within.any(axis=0)
    density = balls.mean() / DENSITY_NEIGHBOURS
    return Scores(*(float(x) for x in (inside.mean(), reached.mean(), density, covered.mean())))


def _blocks(features):
    return [slice(i, min(i + _AT_ONCE, len(features))) for i in range(0, len(features), _AT_ONCE)]


def _squares(a, b):
    """Squared distances [N, M] of features [N, D] and [M, D]; 0 for copies."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    lengths = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)
    squares = lengths - 2 * (a @ b.T)
    squares[squares < _ROUNDING * lengths] = 0
    return squares
