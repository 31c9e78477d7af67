"""Tuning: the forms of a convolution, and which is the fastest by static shape and backend. Networks use `conv` alone.

Every form below equals `plain` up to float32 rounding, with the same HWIO kernel; `choose` holds the rules. The
factors in the comments were measured on a busy machine: processor time, two AVX2 cores, jax 0.10, batch 16, float32.
Others are not of that kind: where AVX-512 is named, it is time by the clock; `phases` counts arithmetic, and the times
of `patches` come from an earlier probe.
"""

import contextlib
import contextvars
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

DIMENSIONS = ('NHWC', 'HWIO', 'NHWC')
ANY = 'any'  # no backend in particular: the forms that all have a program for, of shapes that need not be known

_BACKEND = contextvars.ContextVar('backend', default=None)


def backend() -> str:
    """What is traced for: 'cpu', 'gpu' or 'tpu', or `ANY` within `for_any_backend`."""
    return _BACKEND.get() or jax.default_backend()


@contextlib.contextmanager
def for_any_backend() -> Iterator[None]:
    """What is traced in this context is for all backends, and heights and widths may be symbols (`jax.export`)."""
    token = _BACKEND.set(ANY)
    try:
        yield
    finally:
        _BACKEND.reset(token)


def conv(x: Array, kernel: Array, stride: int = 1, upscale: int = 1, dilation: int = 1) -> Array:
    """Nearest upscaling by `upscale`, then a convolution with SAME zero padding, `stride` and `dilation`.

    `x` is [N, H, W, I], `kernel` [K, K, I, O]; returns [N, ceil(H * upscale / stride), ceil(W * ...), O]. The taps of
    a dilated kernel lie `dilation` pixels apart (Yu and Koltun 2016; Curro 2016, equation 46).
    """
    if dilation > 1:  # measured on the CPU too: interleaved images by a plain convolution are no faster
        return convolve(repeat(x, upscale), kernel, stride, dilation=dilation)
    form = choose(x.shape, kernel.shape, stride, upscale, backend())
    return FORMS[form](x, kernel, stride, upscale)


def choose(x: tuple, kernel: tuple, stride: int, upscale: int, backend: str) -> str:
    """The name in `FORMS` for an input of shape `x`, a kernel of shape `kernel` and a `backend` ('cpu', ..., `ANY`)."""
    (_, height, width, _), (size, _, inputs, outputs) = x, kernel
    if backend == 'cpu' and -(-height * upscale // stride) * -(-width * upscale // stride) <= 16:
        return 'patches'
    if upscale == 2 and stride == 1 and size % 2:
        return 'phases'
    if backend == 'gpu' and upscale == 1 and size == 5 and height % 2 == 0 and width % 2 == 0:
        # Few channels at many pixels leave most of a matrix unit idle. Measured on an H200 in bfloat16, with both
        # gradients (benchmarks/README.md): 0.29 to 0.51 of the time of `plain` up to 80 channels in and out, 0.75
        # with 96 and 0.68 with 136, and 0.55 with a stride; 1.09 with 176 at 64 x 64.
        if stride == 1 and height * width >= 128 * 128 and inputs + outputs <= 136:
            return 'blocks'
        if stride == 2 and height * width >= 256 * 256 and inputs + outputs <= 22:
            return 'fold'
    if backend != 'cpu' or upscale > 1:
        return 'plain'
    if size == 5 and height % 2 == 0 and width % 2 == 0:
        if stride == 2 and (height * width >= 64 * 64 or inputs + outputs <= 64):
            return 'fold'
        if stride == 1 and outputs <= 24:
            return 'blocks' if inputs <= 4 else 'columns'
    if stride > 1:
        return 'trilinear'
    return 'exchanged' if size % 2 and inputs >= 2 * outputs else 'plain'


def loop_well() -> bool:
    """Whether convolutions in a loop of XLA's are as fast as outside: on the CPU they take 20 times as long."""
    return backend() != 'cpu'


def plain(x: Array, kernel: Array, stride: int = 1, upscale: int = 1) -> Array:
    """The definition: repeat every pixel, then convolve. Arguments and result are those of `conv`."""
    return convolve(repeat(x, upscale), kernel, stride)


def repeat(x: Array, upscale: int) -> Array:
    """Nearest upscaling: every pixel of [N, H, W, C] becomes `upscale` x `upscale` of its kind."""
    return jnp.repeat(jnp.repeat(x, upscale, axis=1), upscale, axis=2) if upscale > 1 else x


def convolve(x: Array, kernel: Array, stride: int = 1, padding: object = 'SAME', dilation: int = 1) -> Array:
    """XLA's convolution, NHWC and HWIO."""
    strides, holes = (stride, stride), (dilation, dilation)
    return lax.conv_general_dilated(x, kernel, strides, padding, rhs_dilation=holes, dimension_numbers=DIMENSIONS)


def phases(x: Array, kernel: Array, stride: int = 1, upscale: int = 2) -> Array:
    """Twofold nearest upscaling and a convolution as one convolution at the low resolution, then `unfold`.

    An output pixel of even (odd) row sees each low-resolution row once or twice, so the taps that fall on one row
    are summed beforehand: a 5x5 kernel becomes four 3x3 ones, 9/25 of the arithmetic. Zero padding outside the
    high-resolution image is zero padding outside the low-resolution one: row -1 is seen only by taps outside.
    """
    size = kernel.shape[0]
    sums = jnp.asarray(phase_sums(size), kernel.dtype)
    small = jnp.einsum('ary,bsx,yxio->rsiabo', sums, sums, kernel)
    side = small.shape[0]
    return unfold(convolve(x, small.reshape(side, side, kernel.shape[2], -1)))


def phase_sums(size: int) -> np.ndarray:
    """[2, S, size]: does tap t of output phase a (row 2 r + a) fall on low-resolution row r + s - S // 2?"""
    half = size // 2
    reach = (half + 1) // 2
    sums = np.zeros((2, 2 * reach + 1, size))
    for phase in range(2):
        for tap in range(size):
            sums[phase, (phase + tap - half) // 2 + reach, tap] = 1
    return sums


def fold_pixels(x: Array) -> Array:
    """[N, H, W, C] -> [N, H / 2, W / 2, 4 C]: every 2 x 2 pixels become channels (row, column, channel)."""
    n, height, width, channels = x.shape
    if backend() == 'cpu':  # rows laid side by side: 0.8 of the time that XLA's transposing takes there
        x = x.reshape(n, height // 2, 2, width // 2, 2 * channels)
        return jnp.concatenate([x[:, :, 0], x[:, :, 1]], axis=-1)
    x = x.reshape(n, height // 2, 2, width // 2, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, height // 2, width // 2, 4 * channels)


def unfold(x: Array) -> Array:
    """[N, H, W, 4 C] -> [N, 2 H, 2 W, C]: the inverse of `fold_pixels`."""
    n, height, width, channels = x.shape
    if backend() == 'cpu':
        x = jnp.stack([x[..., : channels // 2], x[..., channels // 2 :]], axis=2)
        return x.reshape(n, 2 * height, 2 * width, channels // 4)
    x = x.reshape(n, height, width, 2, 2, channels // 4).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, 2 * height, 2 * width, channels // 4)


def fold_kernel(kernel: Array) -> Array:
    """[6, 6, I, O] -> [3, 3, 4 I, O]: the same window, seen by a convolution of `fold_pixels(x)`."""
    _, _, inputs, outputs = kernel.shape
    return kernel.reshape(3, 2, 3, 2, inputs, outputs).transpose(0, 2, 1, 3, 4, 5).reshape(3, 3, 4 * inputs, outputs)


def fold(x: Array, kernel: Array, stride: int = 2, upscale: int = 1) -> Array:
    """A stride-2 5x5 convolution of an even-sized image as a 3x3 convolution of its folded 2 x 2 blocks.

    More arithmetic (36/25: the kernel gets a row and a column of zeros) but no stride, whose input gradient XLA
    computes at a third of the usual speed: with both gradients 0.40 of the time at 64 x 64 x 16 -> 16, 0.60 at
    32 x 32 x 24 -> 24, 0.80 at 16 x 16 x 32 -> 32, no gain at 32 x 32 x 32 -> 64 (AVX-512).
    """
    # SAME with stride 2 and an even size pads one row before: taps start at row 2 r - 1, blocks at row 2 r - 2.
    folded = fold_kernel(jnp.pad(kernel, ((1, 0), (1, 0), (0, 0), (0, 0))))
    return multilinear(fold_pixels(x), folded, 1, backend() == 'cpu' and folded.shape[2] >= folded.shape[3])


def blocks(x: Array, kernel: Array, stride: int = 1, upscale: int = 1) -> Array:
    """A 5x5 convolution from or to very few channels (RGB) as a 3x3 one from folded to folded pixels.

    The kernel stands in four places of a 6x6 window, one for each pixel of a 2 x 2 block: 36/25 of the arithmetic,
    but XLA's matmul wastes most of its width on three columns and twelve fill it. With both gradients 1.7 times
    as fast at 64 x 64 x 16 -> 3 (`columns` is faster there), twice at 64 x 64 x 3 -> 16; no gain from 32 channels.
    """
    places = [jnp.pad(kernel, ((a, 1 - a), (b, 1 - b), (0, 0), (0, 0))) for a in (0, 1) for b in (0, 1)]
    return unfold(convolve(fold_pixels(x), fold_kernel(jnp.concatenate(places, axis=-1))))


def columns(x: Array, kernel: Array, stride: int = 1, upscale: int = 1) -> Array:
    """A 5x5 convolution of an image of even width, two neighbouring columns as channels: one of 5 x 3.

    The kernel stands in two places of a 5x6 window: 6/5 of the arithmetic. But XLA copies every patch before it
    multiplies, which for 16 channels out takes as long as multiplying, and here a patch serves two pixels; the folded
    image is the same memory. With both gradients 0.89 of the time at 64 x 64, 40 -> 16 channels, 0.75 at 32 x 32,
    16 -> 24 (AVX-512; 1.03 and 0.90 with AVX2), no gain from 32 channels out.
    """
    size, _, inputs, outputs = kernel.shape
    places = jnp.stack([jnp.pad(kernel, ((0, 0), (b, 1 - b), (0, 0), (0, 0))) for b in (0, 1)], axis=3)
    n, height, width, _ = x.shape
    pairs = x.reshape(n, height, width // 2, 2 * inputs)
    y = multilinear(pairs, places.reshape(size, 3, 2 * inputs, 2 * outputs), 1, inputs >= outputs)
    return y.reshape(n, height, width, outputs)


def exchanged(x: Array, kernel: Array, stride: int = 1, upscale: int = 1) -> Array:
    """`plain`, whose kernel gradient lets the output's gradient slide over the input instead of the other way round.

    Both are convolutions over the whole image with the same arithmetic; XLA's matmul is narrower by the one whose
    channels come last, so the input's should where they are more: 0.75 of the time at 64 x 64, 40 -> 16 channels.
    """
    return multilinear(x, kernel, stride, True)


def trilinear(x: Array, kernel: Array, stride: int = 2, upscale: int = 1) -> Array:
    """`plain`, closed under differentiation: for strided convolutions whose gradients are differentiated again."""
    return multilinear(x, kernel, stride, False)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def multilinear(x: Array, kernel: Array, stride: int, exchange: bool) -> Array:
    """A convolution whose derivatives of whatever order are it and its two gradients.

    The sum of g * conv(x, k) is linear in each of x, k and g, so that every derivative is one of three maps: the
    convolution, its gradient by x and its gradient by k. JAX's derivatives of the latter two are convolutions of other
    kinds, which XLA computes slowly: a WGAN-GP step took 1.8 s, with these three under 1 s. `exchange`: see
    `exchanged`; for kernels of odd sides without a stride.
    """
    return convolve(x, kernel, stride)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _by_x(shape, stride, exchange, kernel, grad):
    return _transpose(lambda x: convolve(x, kernel, stride), shape, grad)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _by_kernel(shape, stride, exchange, x, grad):
    if not exchange:
        return _transpose(lambda kernel: convolve(x, kernel, stride), shape, grad)
    zeros = [(side // 2, side // 2) for side in shape[:2]]
    slid = lax.conv_general_dilated(grad, x, (1, 1), zeros, dimension_numbers=('CHWN', 'IHWO', 'NHWC'))
    return slid[:, ::-1, ::-1].transpose(1, 2, 3, 0)


def _transpose(linear, shape, grad):
    """The gradient of `linear`, a map of arrays of `shape`, by its argument, weighed by `grad`."""
    (found,) = jax.linear_transpose(linear, jax.ShapeDtypeStruct(shape, grad.dtype))(grad)
    return found


def _keep(of):
    """The forward rule of a bilinear map: its value, and its two factors for the rule back."""
    return lambda *known: (of(*known), known[-2:])


multilinear.defvjp(
    lambda x, kernel, stride, exchange: (convolve(x, kernel, stride), (x, kernel)),
    lambda stride, exchange, known, grad: (
        _by_x(known[0].shape, stride, exchange, known[1], grad),
        _by_kernel(known[1].shape, stride, exchange, known[0], grad),
    ),
)
_by_x.defvjp(
    _keep(_by_x),
    lambda shape, stride, exchange, known, x: (
        _by_kernel(known[0].shape, stride, exchange, x, known[1]),
        multilinear(x, known[0], stride, exchange),
    ),
)
_by_kernel.defvjp(
    _keep(_by_kernel),
    lambda shape, stride, exchange, known, kernel: (
        _by_x(known[0].shape, stride, exchange, kernel, known[1]),
        multilinear(known[0], kernel, stride, exchange),
    ),
)


def patches(x: Array, kernel: Array, stride: int = 1, upscale: int = 1) -> Array:
    """All patches side by side, then one matmul: for outputs of at most 4 x 4 pixels.

    XLA's convolution is slow there, backward above all: 21-35 ms became 0.9-2.2 ms. Taps that no patch has on the image
    are left out: of 25 there are 9 at 2 x 2 pixels, and 4 where a stride of 2 makes one pixel of them. With both
    gradients 0.6 and 0.3 of the time (56 and 256 channels, AVX-512), nearly all of it in the kernel's gradient.
    """
    x = repeat(x, upscale)
    rows, columns = (seen_taps(extent, kernel.shape[0], stride) for extent in x.shape[1:3])
    x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), (*rows.zeros, 0), (*columns.zeros, 0), (0, 0, 0)))
    seen = kernel[rows.first : rows.beyond, columns.first : columns.beyond]
    return multiply_windows(x, seen, stride, rows.extent, columns.extent)


class SeenTaps(NamedTuple):
    """The taps of a SAME convolution, along one axis, that fall on the image somewhere.

    Attributes:
      extent: of the output.
      first, beyond: the first of these taps, and one more than the last.
      zeros: (before, after), the zeros that they need around the image; below 0 where they do not reach its border.
    """

    extent: int
    first: int
    beyond: int
    zeros: tuple[int, int]


def seen_taps(extent: int, size: int, stride: int) -> SeenTaps:
    """Which of `size` taps fall on an image of `extent` pixels."""
    out, (before, _) = same_padding(extent, size, stride)
    starts = stride * np.arange(out) - before  # where the first tap falls, on each output pixel
    taps = [tap for tap in range(size) if np.any((starts + tap >= 0) & (starts + tap < extent))]
    first, last = taps[0], taps[-1]
    return SeenTaps(out, first, last + 1, (-int(starts[0]) - first, int(starts[-1]) + last + 1 - extent))


def multiply_windows(x: Array, kernel: Array, stride: int, height: int, width: int) -> Array:
    """A convolution without padding as one matmul: [N, ...] -> [N, height, width, O], the output's size given."""
    rows, columns, inputs, outputs = kernel.shape
    taps = [
        x[:, i : i + stride * (height - 1) + 1 : stride, j : j + stride * (width - 1) + 1 : stride]
        for i in range(rows)
        for j in range(columns)
    ]
    flat = jnp.concatenate(taps, axis=-1).reshape(-1, rows * columns * inputs)
    return (flat @ kernel.reshape(-1, outputs)).reshape(len(x), height, width, outputs)


def same_padding(extent: int, size: int, stride: int) -> tuple[int, tuple[int, int]]:
    """(output extent, (zeros before, zeros after)) of SAME padding along one axis."""
    out = -(-extent // stride)
    total = max((out - 1) * stride + size - extent, 0)
    return out, (total // 2, total - total // 2)


FORMS = {
    'plain': plain,
    'phases': phases,
    'fold': fold,
    'blocks': blocks,
    'columns': columns,
    'exchanged': exchanged,
    'trilinear': trilinear,
    'patches': patches,
}
