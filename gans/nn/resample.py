"""Down- and up-sampling by two, by name: as it was first done, and without the grid of dots that this leaves.

A stride of 2 folds the finest frequencies of what it samples onto coarse ones (Zhang 2019, "Making Convolutional
Networks Shift-Invariant Again"), and its gradient by the image, which is what a generator learns from, has a pattern of
two pixels. A transposed convolution reaches pixels of even and of odd place by different taps (Odena et al. 2016).
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from gans.errors import UserError, closest
from gans.nn import conv

DOWN = ('stride', 'blur', 'pool')
UP = ('transposed', 'nearest', 'linear')

# Pixels: up to here two products with a matrix are faster on the CPU than sums, which XLA computes again for every tap
# of a convolution that follows. With both gradients of a whole layer 17 instead of 45 ms at 8 x 8, 28 instead of 49 ms
# at 32 x 32 (batch 32; processor time on a busy machine, jax 0.10.2).
_SMALL = 32


def check_way(name: str, ways: Sequence[str], field: str) -> None:
    """Raises UserError unless `name` is one of `ways`, those of the network's field `field`."""
    if name not in ways:
        raise UserError(f'{field}={name!r} is not known{closest(name, ways)}: choose one of {", ".join(ways)}.')


def smooth(x: Array) -> Array:
    """Filters [N, H, W, C] by [1, 2, 1] / 4 along both axes; at the border the outermost pixel counts once more.

    What alternates from pixel to pixel vanishes, constants stay.
    """
    small = conv.backend() == 'cpu' and max(x.shape[1:3]) <= _SMALL
    for axis, way in ((1, 'ij,njwc->niwc'), (2, 'ij,nhjc->nhic')):
        if small:
            x = jnp.einsum(way, smoothing(x.shape[axis]).astype(x.dtype), x)
        else:
            before, after = (jnp.concatenate(pair, axis) for pair in _neighbours(x, axis))
            x = 0.25 * (before + after) + 0.5 * x
    return x


def smoothing(size: int) -> np.ndarray:
    """The matrix [size, size] that filters along an axis of `size` pixels."""
    lines = 0.5 * np.eye(size) + 0.25 * (np.eye(size, k=1) + np.eye(size, k=-1))
    lines[0, 0] += 0.25
    lines[-1, -1] += 0.25
    return lines


def _neighbours(x, axis):
    """What stands before and what stands behind every pixel, in two parts each; `jnp.pad` has a slow gradient."""
    first, front, back, last = (
        lax.slice_in_dim(x, start, end, axis=axis) for start, end in ((0, 1), (0, -1), (1, None), (-1, None))
    )
    return (first, front), (back, last)


def enlarge(x: Array) -> Array:
    """[N, H, W, C] -> [N, 2 H, 2 W, C], bilinearly: every pixel twice along both axes, then `smooth`."""
    return smooth(conv.repeat(x, 2))


def average(x: Array, side: int = 2) -> Array:
    """[N, H, W, C] -> [N, H / side, W / side, C]: means over squares."""
    n, height, width, channels = x.shape
    return x.reshape(n, height // side, side, width // side, side, channels).mean((2, 4)) if side > 1 else x
