"""Down- and up-sampling by two, by name: as it was first done, and without the grid of dots that this leaves.

A stride of 2 folds the finest frequencies of what it samples onto coarse ones (Zhang 2019, "Making Convolutional
Networks Shift-Invariant Again"), and its gradient by the image, which is what a generator learns from, has a pattern of
two pixels. A transposed convolution reaches pixels of even and of odd place by different taps (Odena et al. 2016).
"""

from collections.abc import Sequence
from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from gans.errors import UserError, closest
from gans.nn import conv

DOWN = ('stride', 'blur', 'pool')
UP = ('transposed', 'nearest', 'linear')

_SMALL = 128  # pixels, see `by_matrix`


def check_way(name: str, ways: Sequence[str], field: str) -> None:
    """Raises UserError unless `name` is one of `ways`, those of the network's field `field`."""
    if name not in ways:
        raise UserError(f'{field}={name!r} is not known{closest(name, ways)}: choose one of {", ".join(ways)}.')


def smooth(x: Array) -> Array:
    """Filters [N, H, W, C] by [1, 2, 1] / 4 along both axes; at the border the outermost pixel counts once more.

    What alternates from pixel to pixel vanishes, constants stay.
    """
    if by_matrix(x.shape, conv.backend()):
        for axis, way in ((1, 'ij,njwc->niwc'), (2, 'ij,nhjc->nhic')):
            x = jnp.einsum(way, smoothing(x.shape[axis]).astype(x.dtype), x)
        return x
    for axis in (1, 2):  # twice [1, 1]: the fewest sums
        cut = partial(lax.slice_in_dim, axis=axis)
        x = jnp.concatenate([cut(x, 0, 1), x, cut(x, -1, None)], axis)  # `jnp.pad` has a slow gradient
        for _ in range(2):
            x = cut(x, 0, -1) + cut(x, 1, None)
    return x / 16


def by_matrix(shape: tuple, backend: str) -> bool:
    """Whether `smooth` multiplies a map of `shape` with a matrix for each axis, instead of adding neighbours.

    XLA's CPU computes sums again for every tap of the convolution before or behind them, not products. A layer with
    both gradients took 17 instead of 45 ms at 8 x 8, 43 instead of 90 ms at 64 x 64 (batch 32; processor time on a busy
    machine, jax 0.10.2). From 192 x 192 pixels on the products are the slower ones.
    """
    return backend == 'cpu' and max(shape[1:3]) <= _SMALL


def smoothing(size: int) -> np.ndarray:
    """The matrix [size, size] that filters along an axis of `size` pixels."""
    lines = 0.5 * np.eye(size) + 0.25 * (np.eye(size, k=1) + np.eye(size, k=-1))
    lines[0, 0] += 0.25
    lines[-1, -1] += 0.25
    return lines


def enlarge(x: Array) -> Array:
    """[N, H, W, C] -> [N, 2 H, 2 W, C], bilinearly: every pixel twice along both axes, then `smooth`."""
    return smooth(conv.repeat(x, 2))


def average(x: Array, side: int = 2) -> Array:
    """[N, H, W, C] -> [N, H / side, W / side, C]: means over squares."""
    n, height, width, channels = x.shape
    return x.reshape(n, height // side, side, width // side, side, channels).mean((2, 4)) if side > 1 else x
