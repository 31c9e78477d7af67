"""CPU tuning: read only if you tune. What networks use is `transposed`.

Transposed convolutions of stride 2, in the fastest exact form by static shape and backend, like `gans.nn.conv`.
Every form equals `dilated` up to float32 rounding. The factors in comments were measured like those of `gans.nn.conv`.
"""

from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from gans.nn.conv import DIMENSIONS, backend, convolve, multiply_windows, unfold


def transposed(x: Array, kernel: Array, shape: tuple[int, int] | None = None) -> Array:
    """Transposed convolution of stride 2: [N, H, W, I] and a kernel [K, K, I, O], K > 1 -> [N, 2 H, 2 W, O].

    Zeros between the pixels, then a convolution: the gradient of a stride-2 convolution with SAME padding by its
    input, up to a flip of the kernel. Radford et al. 2016 call it a fractionally-strided convolution. A stride of 2
    rounds up, so that its input may also have had one row or one column less: then `shape` is its (height, width).
    """
    form = choose_transposed(x.shape, kernel.shape, backend())
    left_out = beyond(x.shape[1:3], kernel.shape[0], shape or (2 * x.shape[1], 2 * x.shape[2]))
    if form == 'dilated':
        return dilated(x, kernel, left_out)
    y = TRANSPOSED[form](x, kernel)
    (top, bottom), (left, right) = left_out
    return y[:, top : y.shape[1] - bottom, left : y.shape[2] - right]


def choose_transposed(x: tuple, kernel: tuple, backend: str) -> str:
    """The name in `TRANSPOSED` for an input of shape `x`, a kernel of shape `kernel` and a `backend`."""
    if backend != 'cpu':
        return 'dilated'
    if x[1] * x[2] <= 4:
        return 'windows'
    return 'together' if kernel[3] <= 4 else 'apart'


def beyond(extents: tuple[int, int], size: int, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """[(before, after)]: how many rows, and columns, of 2 * `extents` lie outside an output of `shape`.

    SAME padding of an odd extent has one zero more than that of the even one above it. For an odd kernel (`size`) it
    is the first, and such an output begins one pixel later.
    """
    firsts = [side % 2 * (size % 2) for side in shape]
    found = [(first, 2 * extent - side - first) for first, extent, side in zip(firsts, extents, shape, strict=True)]
    if any(sum(sides) not in (0, 1) for sides in found):
        raise ValueError(f'a stride of 2 does not make {extents} pixels of {shape}')
    return found


def dilated(x: Array, kernel: Array, left_out: tuple = ((0, 0), (0, 0))) -> Array:
    """The definition, in XLA's words: slow on the CPU, what accelerators have a program for.

    Rows and columns that are `left_out` (see `beyond`) are not computed.
    """
    before, after = _zeros_around(kernel.shape[0])
    padding = [(before - first, after - last) for first, last in left_out]
    return lax.conv_general_dilated(x, kernel, (1, 1), padding, lhs_dilation=(2, 2), dimension_numbers=DIMENSIONS)


def apart(x: Array, kernel: Array) -> Array:
    """A convolution for the output pixels of every parity, with the taps that do not fall on zeros; then `unfold`.

    The least arithmetic. With both gradients 6 to 16 times as fast as `dilated` at 4 x 4 to 24 x 24 pixels.
    """
    size = kernel.shape[0]
    axis = [([tap for _, tap in taps], (-taps[0][0], taps[-1][0])) for taps in map(partial(taps_on, size), (0, 1))]
    outs = [
        convolve(x, kernel[rows[0] :: 2, columns[0] :: 2], padding=(above, left))
        for rows, above in axis
        for columns, left in axis
    ]
    return unfold(jnp.concatenate(outs, axis=-1))


def together(x: Array, kernel: Array) -> Array:
    """`apart` as one convolution to all parities, with zeros where a parity has no tap (36/25 for a 5x5 kernel).

    Half the time of `apart` at 32 x 32 x 32 -> 3: three columns waste the matmul's width, twelve fill it.
    """
    small, padding = _parities(kernel)
    return unfold(convolve(x, small, padding=(padding, padding)))


def windows(x: Array, kernel: Array) -> Array:
    """`together` as one matmul, for inputs of at most 2 x 2 pixels: a third of the time of `apart` there."""
    small, padding = _parities(kernel)
    return unfold(multiply_windows(jnp.pad(x, ((0, 0), padding, padding, (0, 0))), small, 1, *x.shape[1:3]))


def taps_on(size: int, parity: int) -> list[tuple[int, int]]:
    """[(shift, tap)]: which taps give output row 2 r + parity, each from input row r + shift, in rising order."""
    before, _ = _zeros_around(size)
    taps = [((parity + tap - before) // 2, tap) for tap in range(size) if (parity + tap - before) % 2 == 0]
    return sorted(taps)


def _zeros_around(size):
    """(before, after): the zeros around an image with zeros between its pixels, along one axis."""
    before = (size - 2) // 2
    return size - 1 - before, before + 1


def _parities(kernel):
    """[K, K, I, O] -> ([S, S, I, 4 O] to all parities at once, its zeros (before, after))."""
    size = kernel.shape[0]
    taps = [taps_on(size, parity) for parity in (0, 1)]
    shifts = [shift for parity in taps for shift, _ in parity]
    first, last = min(shifts), max(shifts)
    places = np.zeros((2, last - first + 1, size))
    for parity in (0, 1):
        for shift, tap in taps[parity]:
            places[parity, shift - first, tap] = 1
    places = jnp.asarray(places, kernel.dtype)
    small = jnp.einsum('ary,bsx,yxio->rsiabo', places, places, kernel)
    return small.reshape(*small.shape[:3], -1), (-first, last)


TRANSPOSED = {'dilated': dilated, 'apart': apart, 'together': together, 'windows': windows}
