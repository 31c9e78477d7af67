"""How sure a mean over few repetitions is: Student's t interval (Student 1908, "The probable error of a mean")."""

import math
from collections.abc import Sequence

from gans.metrics.bootstrap import Interval


def t_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """The mean of some numbers and its t interval: mean +- t(level, n - 1) s / sqrt(n), s with n - 1 below.

    That is exact for numbers of a normal distribution, and does with two of them, where a bootstrap of so few is much
    too narrow.

    Args:
      values: the numbers; those that are not finite are left out.
      level: how often the interval holds the true mean.

    Returns:
      the interval; without ends (NaN) for fewer than two numbers.
    """
    from scipy.special import stdtrit

    finite = [float(value) for value in values if math.isfinite(value)]
    count = len(finite)
    if not count:
        return Interval(math.nan, math.nan, math.nan, 0, missing=len(values))
    mean = math.fsum(finite) / count
    if count == 1:
        return Interval(mean, math.nan, math.nan, 1, missing=len(values) - 1)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in finite) / (count - 1))
    reach = float(stdtrit(count - 1, (1 + level) / 2)) * deviation / math.sqrt(count)
    return Interval(mean, mean - reach, mean + reach, count, missing=len(values) - count)


def paired_interval(values: Sequence[float], others: Sequence[float], level: float = 0.95) -> Interval:
    """The mean of the differences `values[i] - others[i]` and its t interval; pairs with a NaN are left out."""
    return t_interval([value - other for value, other in zip(values, others, strict=True)], level)
