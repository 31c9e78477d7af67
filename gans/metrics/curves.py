"""How curves over the steps of training are to be drawn."""

from collections.abc import Sequence

import numpy as np

_TALL = 20  # times the least median


def is_tall(curves: Sequence[np.ndarray]) -> bool:
    """Whether curves that share an axis, [n] each, need a logarithmic one: a straight one would hide most of them.

    That is so where the highest value is more than 20 times as high as the median of the lowest curve, and all values
    are above 0. Those that are not finite count for nothing.
    """
    values = [finite for curve in curves if len(finite := curve[np.isfinite(curve)])]
    if not values or min(map(np.min, values)) <= 0:
        return False
    return bool(max(map(np.max, values)) > _TALL * min(map(np.median, values)))
