"""Does a loss curve jump? Changes from one log line to the next that are far from the curve's usual ones, counted."""

import numpy as np
from numpy.typing import ArrayLike

MEANING = 'Jumps: changes between log lines that are outliers among those of the curve (modified z-score).'
LIMIT = 3.5  # of the modified z-score, as its authors recommend
_GAUSSIAN = 0.6745  # median absolute deviation of a Gaussian of deviation 1
_ROUNDING = 1e-9  # of the largest value: smaller differences between changes are those of arithmetic


def jumps(values: ArrayLike) -> int:
    """How often a curve jumps: the places of `jumps_at`, neighbours counted once.

    A spike of one value, up and down again, is one jump; a longer one is two.
    """
    places = jumps_at(values)
    return int(len(places) and 1 + (np.diff(places) > 1).sum())


def jumps_at(values: ArrayLike) -> np.ndarray:
    """The places of the values that a jump leads to, ascending: int [n], each from 1 to N - 1.

    A jump is a change from the value before whose modified z-score among all changes of the curve is above `LIMIT`:
    0.6745 |change - median| / MAD, MAD being the median of |change - median|. Medians, since the mean and the standard
    deviation of the changes would grow with the jumps, and hide them. So the curve is its own measure: neither its
    scale nor a steady slope matters. A curve that is wild all the time has no jumps; `usual_change` tells. A change to
    or from a value that is not finite is a jump. Fewer than three changes have none.

    Args:
      values: [N], as they were logged, in order.

    Raises ValueError for another shape. Source of the score: Iglewicz and Hoaglin 1993, "How to Detect and Handle
    Outliers", section 3.
    """
    values = _checked(values)
    with np.errstate(invalid='ignore'):
        changes = np.diff(values)
    finite = np.isfinite(changes)
    found = ~finite
    if finite.sum() >= 3:
        usual = changes[finite]
        deviations = np.abs(usual - np.median(usual))
        rounding = _ROUNDING * np.abs(values[np.isfinite(values)]).max()
        far = _GAUSSIAN * deviations > LIMIT * np.median(deviations)
        found[finite] = far & (deviations > rounding)
    return np.flatnonzero(found) + 1


def usual_change(values: ArrayLike) -> float:
    """The median of |value - value before|; NaN for fewer than two finite neighbours. Raises as `jumps_at`."""
    with np.errstate(invalid='ignore'):
        changes = np.abs(np.diff(_checked(values)))
    changes = changes[np.isfinite(changes)]
    return float(np.median(changes)) if len(changes) else np.nan


def _checked(values):
    values = np.asarray(values, np.float64)
    if values.ndim != 1:
        raise ValueError(f'expected values [N] of one curve, got {values.shape}')
    return values
