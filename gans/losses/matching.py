"""How much the features of two batches differ, in all moments, in style or in the mean: arrays to scalars, in float32.

x and y are what one layer of a network gives for two batches, [N, ...] and [M, ...] with the same rest. Memory grows as
N M and as the features themselves: neither the differences of all pairs nor the products at all positions are formed.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from gans.errors import UserError, closest

Array = jax.Array

KERNELS = ('gaussian', 'linear')
BANDWIDTHS = (1.0, 5.0, 10.0, 20.0)
STYLES = ('gram', 'appendix', 'positions')


def mmd(
    x: Array,
    y: Array,
    kernel: str = 'gaussian',
    bandwidths: Sequence[float] = BANDWIDTHS,
    weights: Sequence[float] = (),
    unbiased: bool = False,
    root: bool = False,
    by_mean: bool = True,
) -> Array:
    """The squared maximum mean discrepancy of two samples: E k(x, x') + E k(y, y') - 2 E k(x, y).

    Source: Curro 2016, equations 91 ('linear') and 92 to 94 ('gaussian', summed over bandwidths); the statistic and
    its two estimates: Gretton et al. 2012, "A kernel two-sample test", equations 5 and 3.

    Args:
      x, y: features, [N, ...] and [M, ...].
      kernel: 'gaussian', sum_j w_j exp(-|x - y|^2 / (2 s_j)), which sees every moment; or 'linear', the inner product,
        which sees the mean alone and has no bandwidth.
      bandwidths: the s_j > 0 in units of the squared distance: variances, as in equation 92, not deviations.
      weights: the w_j, one for each bandwidth; () for 1 each, the thesis's code.
      unbiased: leaves every example's pair with itself out (Gretton's U-statistic). The biased estimate of the thesis
        is never negative, and 0 for equal samples; for two samples of one distribution it has a mean of
        (1 / N + 1 / M) (sum_j w_j - E k(x, x')), which falls with the spread of the generated batch.
      root: the square root, which the thesis's code takes and its equations do not. By default the square: it can be
        summed over layers, has an unbiased estimate, and its pull fades as the samples meet; the root pulls on.
      by_mean: the squared distance, and the inner product, is the mean over the features (the thesis's code) and not
        their sum (its equations). Then bandwidths mean the same in every layer, whatever its size; by the sum, the
        kernels of thousands of features with a spread of 1 are all 0, and so is their gradient.

    Returns:
      A scalar. Distances come from inner products of features whose common mean was taken away: they are off by about
      1e-7 of the samples' own squared spread, wherever the samples lie, and never negative.

    Raises:
      UserError: as `check_mmd`; an unbiased estimate of less than two examples.
    """
    check_mmd(kernel, bandwidths, weights, unbiased, root)
    x, y = (_rows(sample, by_mean) for sample in (x, y))
    if unbiased and min(len(x), len(y)) < 2:
        raise UserError('An unbiased estimate needs two examples in each batch: give config.batch=2 or more.')
    if kernel == 'linear':
        square = _linear(x, y, unbiased)
    else:
        square = _gaussian(x, y, tuple(zip(bandwidths, weights or [1.0] * len(bandwidths), strict=True)), unbiased)
    # The root's own slope is infinite at 0; what is added is less than the rounding of the square.
    return jnp.sqrt(jnp.maximum(square, 0) + 1e-8) if root else square


def check_mmd(kernel: str, bandwidths: Sequence[float], weights: Sequence[float], unbiased: bool, root: bool) -> None:
    """Raises UserError for an unknown kernel, bandwidths or weights without sense, the root of what may be negative."""
    if kernel not in KERNELS:
        raise UserError(f'{kernel!r} is not a kernel{closest(kernel, KERNELS)}: choose one of {", ".join(KERNELS)}.')
    if np.ndim(bandwidths) != 1 or not np.size(bandwidths) or np.min(bandwidths) <= 0:
        raise UserError(f'The bandwidths of a kernel are {bandwidths}: give one or more numbers above 0.')
    if np.size(weights) and np.shape(weights) != np.shape(bandwidths):
        raise UserError(f'The weights {weights} of the bandwidths {bandwidths} need as many numbers, or none at all.')
    if unbiased and root:
        raise UserError('An unbiased estimate may be negative and has no root: choose unbiased or root.')


def gram(features: Array) -> Array:
    """The Gram matrix of every example: G[c, c'] = sum over positions of f[c] f[c'], divided by C H W.

    [N, H, W, C] -> [N, C, C]. Whatever lies between the first and the last axis counts as positions; a layer without
    any, [N, C], has one. Source: Curro 2016, equation 87; Gatys et al. 2015.
    """
    features = _positions(features)
    products = jnp.einsum('npc,npd->ncd', features, features, precision='highest')
    return products / (features.shape[1] * features.shape[2])


def style(x: Array, y: Array, form: str = 'gram') -> Array:
    """How differently features go together, example by example as they lie in the batches, and the mean over these.

    Args:
      x, y: features of one shape, [N, H, W, C] or as `gram` takes them.
      form: which of the thesis's three formulas is taken.
        'gram': |G(x) - G(y)|^2, squares summed over the matrix (Curro 2016, equations 87, 88 and 98). It is the
          default because layers of every size then weigh about the same: it is the mean over all c and c' of the
          squared difference of the mean product of channels c and c'.
        'appendix': what the thesis's code computes: matrices divided by C alone, squares averaged. That is 'gram'
          times (H W / C)^2, so that wide maps of few channels count most.
        'positions': equation 97 as it is printed: products are compared at every position before they are added, and
          nothing is divided but by N. It asks that channels agree in place too, which only images that belong to
          each other can.

    Of unrelated images, as a generator from noise makes them, the pairs are random: the best that such an image can
    do is the real images' mean Gram matrix, and the spread of theirs remains as a floor.

    Raises:
      UserError: an unknown form.
      ValueError: x and y of different shapes.
    """
    check_style(form)
    if x.shape != y.shape:
        raise ValueError(f'style compares examples one by one, not {x.shape} with {y.shape}')
    x, y = _positions(x), _positions(y)
    if form == 'positions':
        return jnp.mean(jnp.sum(_product_distances(x, y), axis=1))
    distance = jnp.mean(jnp.sum(jnp.square(gram(x) - gram(y)), axis=(1, 2)))
    positions, channels = x.shape[1:]
    return distance * (positions / channels) ** 2 if form == 'appendix' else distance


def check_style(form: str) -> None:
    """Raises UserError for an unknown form of the style loss."""
    if form not in STYLES:
        raise UserError(f'{form!r} is not a form of style{closest(form, STYLES)}: choose one of {", ".join(STYLES)}.')


def feature_matching(x: Array, y: Array) -> Array:
    """The squared distance of the mean features, |E x - E y|^2, summed over the features.

    x, y: [N, ...] and [M, ...]. Source: Salimans et al. 2016, section 3.1; Curro 2016, equation 77. It is the biased
    `mmd` of the linear kernel by the sum.
    """
    return _linear(_rows(x), _rows(y))


def by_direction(x: Array, y: Array) -> Array:
    """The squared distance of the vectors of channels, each divided by its length: the mean over examples and places.

    x, y: features [N, ..., C] of one shape, example by example as they are in the batches. From 0 to 4, to 2 where no
    channel is negative; a layer counts the same whatever its scale. Source: Zhang et al. 2018, "The Unreasonable
    Effectiveness of Deep Features as a Perceptual Metric", equation 1 without learned weights; of one layer it is
    `gans.metrics.perceptual.perceptual`, with a slope where all channels are 0.
    """
    x, y = _unit(x), _unit(y)
    return jnp.mean(jnp.sum(jnp.square(x - y), axis=-1))


def _unit(x):
    x = x.astype(jnp.float32)
    return x * jax.lax.rsqrt(jnp.sum(jnp.square(x), axis=-1, keepdims=True) + 1e-10)


def _rows(x, by_mean=False):
    """Features as [N, F] float32; with `by_mean`, scaled so that sums over F of their products are means."""
    x = x.astype(jnp.float32).reshape(len(x), -1)
    return x / np.sqrt(x.shape[1], dtype=np.float32) if by_mean else x


def _positions(x):
    return x.astype(jnp.float32).reshape(len(x), -1, x.shape[-1])


def _linear(x, y, unbiased=False):
    """In closed form: no matrix of pairs. The unbiased one takes away what the means' own variances add."""
    centre = jax.lax.stop_gradient(jnp.mean(y, axis=0))  # a common offset would cost the means their digits
    x, y = x - centre, y - centre
    square = jnp.sum(jnp.square(jnp.mean(x, axis=0) - jnp.mean(y, axis=0)))
    own = [jnp.sum(jnp.var(sample, axis=0, ddof=1)) / len(sample) for sample in (x, y)] if unbiased else []
    return square - sum(own)


def _gaussian(x, y, kernels, unbiased):
    def likeness(a, b):
        distances = _squared_distances(a, b)
        return sum(weight * jnp.exp(-distances / (2 * bandwidth)) for bandwidth, weight in kernels)

    def own(a):
        pairs, n = likeness(a, a), len(a)
        return (jnp.sum(pairs) - jnp.trace(pairs)) / (n * (n - 1)) if unbiased else jnp.mean(pairs)

    return own(x) + own(y) - 2 * jnp.mean(likeness(x, y))


def _squared_distances(x, y):
    """|x_i - y_j|^2 as [N, M], by inner products: N M F numbers would not fit.

    Distances do not feel the centre: it takes an offset away, which would drown them in rounding, and gets no gradient.
    """
    centre = jax.lax.stop_gradient((jnp.mean(x, axis=0) + jnp.mean(y, axis=0)) / 2)
    x, y = x - centre, y - centre
    norms = jnp.sum(jnp.square(x), axis=1)[:, None] + jnp.sum(jnp.square(y), axis=1)
    return jnp.maximum(norms - 2 * jnp.matmul(x, y.T, precision='highest'), 0)


def _product_distances(x, y):
    """|x x^T - y y^T|^2 at every position, [N, P, C] -> [N, P], without the matrices.

    With s = x + y and d = x - y the difference is (s d^T + d s^T) / 2, whose square is (|s|^2 |d|^2 + (s d)^2) / 2: a
    sum of squares, where |x|^4 + |y|^4 - 2 (x y)^2 would cancel and could fall below 0.
    """
    s, d = x + y, x - y
    crossed = jnp.square(jnp.sum(s * d, axis=-1))
    return (jnp.sum(jnp.square(s), axis=-1) * jnp.sum(jnp.square(d), axis=-1) + crossed) / 2
