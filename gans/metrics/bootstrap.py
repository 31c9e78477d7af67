"""How sure a mean over pictures is: percentile bootstrap intervals (Efron & Tibshirani 1993, chapter 13)."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

_DRAWS_AT_ONCE = 1_000_000  # 8 MB of indices


class Interval(NamedTuple):
    """An estimate, its interval and the number of values that it rests on."""

    value: float
    low: float
    high: float
    count: int


def interval(values: ArrayLike, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """The mean of `values` [N] and its bootstrap interval.

    NaN values are left out (`count` says how many were not); with none left all three numbers are NaN. The
    ends are resampled means themselves (no interpolation), so infinite values give infinite ends. The same
    seed gives the same interval. Raises ValueError for another shape or a level outside (0, 1).
    """
    values = _vector(values)
    values = values[~np.isnan(values)]
    means = (values[rows].mean(axis=1) for rows in _resampled(len(values), resamples, seed))
    return _interval(values.mean() if len(values) else np.nan, means, level, len(values))


def ratio_interval(a: ArrayLike, b: ArrayLike, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """The ratio mean(a) / mean(b) of paired values [N], and its bootstrap interval.

    For sentences such as "0.7 of the gray picture's error". a[i] and b[i] belong to one picture and are drawn
    together. A pair with a NaN is left out. A mean of b of zero gives infinity or NaN. Otherwise as
    `interval`.
    """
    a, b = _vector(a), _vector(b)
    if len(a) != len(b):
        raise ValueError(f'paired values must be equally many, got {len(a)} and {len(b)}')
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    with np.errstate(divide='ignore', invalid='ignore'):
        ratios = (a[rows].mean(axis=1) / b[rows].mean(axis=1) for rows in _resampled(len(a), resamples, seed))
        return _interval(a.mean() / b.mean() if len(a) else np.nan, ratios, level, len(a))


def _resampled(count: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Indices [some, count] with replacement, `resamples` rows in all, a few at a time."""
    rng = np.random.default_rng(seed)
    at_once = max(1, _DRAWS_AT_ONCE // max(1, count))
    for start in range(0, resamples if count else 0, at_once):
        yield rng.integers(0, count, (min(at_once, resamples - start), count))


def _interval(value: float, resampled: Iterator[np.ndarray], level: float, count: int) -> Interval:
    if not 0 < level < 1:
        raise ValueError(f'level must lie between 0 and 1, got {level}')
    if not count:
        return Interval(np.nan, np.nan, np.nan, 0)
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(list(resampled)), [tail, 1 - tail], method='inverted_cdf')
    return Interval(float(value), float(low), float(high), count)


def _vector(values: ArrayLike) -> np.ndarray:
    values = np.asarray(values, np.float64)
    if values.ndim != 1:
        raise ValueError(f'expected one number per picture [N], got the shape {values.shape}')
    return values
