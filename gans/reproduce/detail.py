"""How much detail images have, as several kinds tell it."""

import numpy as np


def detail(images: np.ndarray) -> float:
    """The mean absolute difference of pixels above and beside each other, in levels, of uint8 [..., H, W, 3]."""
    levels = images.astype(np.float32)
    return float(np.mean([np.abs(np.diff(levels, axis=axis)).mean() for axis in (-3, -2)]))
