"""Structural similarity of images, one number per image.

The convention is that of Wang et al. 2004 ("Image quality assessment: from error visibility to structural
similarity") and of its authors' code: 11x11 Gaussian window with sigma 1.5 and sum 1, K1 = 0.01, K2 = 0.03,
biased (weighted) variances, 'valid' windows alone (no padding), no downsampling first. Colour images: every
RGB channel by itself, then the mean. The same as scikit-image's `structural_similarity(a, b,
gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1, channel_axis=-1)`; not its
default, which is a 7x7 flat window.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from gans.metrics.pixels import unit_pair

WINDOW, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2  # (K L)^2 with the data range L = 1
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, section 3.2, finest first

_AT_ONCE = 8  # images whose maps are in memory together


@jax.jit
def ssim(a: jax.Array, b: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Mean SSIM, equation 13 averaged as in equation 17 of Wang et al. 2004.

    a, b: float [N, H, W, C] in [-1, 1], H and W at least 11. mask: [N, H, W, 1], or None; with a mask, the mean over
    the windows whose centre lies in it (where it is above 0.5), NaN where there is none. Returns float32 [N] in
    [-1, 1], 1 for equal images. Raises ValueError for smaller images.
    """
    _check_size(a)
    centres = jnp.ones((*a.shape[:3], 1)) if mask is None else (jnp.asarray(mask) > 0.5).astype(jnp.float32)
    edge = WINDOW // 2
    centres = jnp.moveaxis(centres[:, edge:-edge, edge:-edge], -1, 1)

    def one(planes: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        luminance, structure = _maps(*planes[:2])
        return ((luminance * structure).mean(axis=0) * planes[2][0]).sum() / planes[2].sum()

    return _map_planes(one, a, b, centres)


@jax.jit
def ms_ssim(a: jax.Array, b: jax.Array) -> jax.Array:
    """Multi-scale SSIM, equation 7 of Wang et al. 2003, with five scales where the image is large enough.

    Contrast-structure means at every scale, the luminance at the coarsest alone, each to the power of its
    weight; 2x2 means between the scales (an odd last row or column is dropped); negative means count as 0.
    Five scales need a shorter side of 176 pixels; smaller images use as many as keep 11 pixels, with the
    first weights divided by their sum, so numbers of different sizes are not comparable across 22, 44, 88 and
    176. Shapes and errors as `ssim`.
    """
    _check_size(a)
    scales = min(len(SCALE_WEIGHTS), (min(a.shape[1:3]) // WINDOW).bit_length())
    weights = np.array(SCALE_WEIGHTS[:scales]) / sum(SCALE_WEIGHTS[:scales])

    def one(pair: tuple[jax.Array, jax.Array]) -> jax.Array:
        product = 1.0
        for scale, weight in enumerate(weights):
            luminance, structure = _maps(*pair)
            last = scale == scales - 1
            mean = (luminance * structure if last else structure).mean(axis=(1, 2))
            product *= jnp.maximum(mean, 0) ** weight
            pair = _halve(pair[0]), _halve(pair[1])
        return product.mean()

    return _map_planes(one, a, b)


def _check_size(images: jax.Array) -> None:
    height, width = images.shape[1:3]
    if min(height, width) < WINDOW:
        raise ValueError(f'SSIM needs images of at least {WINDOW}x{WINDOW} pixels, got {height}x{width}')


def _map_planes(one: Callable, a: jax.Array, b: jax.Array, *more: jax.Array) -> jax.Array:
    """Applies `one` (pair of [C, H, W] in [0, 1], `more` of each -> number) to [N, H, W, C] in [-1, 1]."""
    planes = tuple(jnp.moveaxis(x, -1, 1) for x in unit_pair(a, b))
    return jax.lax.map(one, (*planes, *more), batch_size=_AT_ONCE)


def _maps(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Luminance and contrast-structure maps of planes [C, H, W] -> two [C, H-10, W-10]."""
    # Variances do not change with a shift; values around 0 lose fewer digits in E[x^2] - E[x]^2.
    a, b = a - 0.5, b - 0.5
    mean_a, mean_b, square_a, square_b, product = _window_means(jnp.stack([a, b, a * a, b * b, a * b]))
    var_a, var_b, cov = square_a - mean_a**2, square_b - mean_b**2, product - mean_a * mean_b
    mean_a, mean_b = mean_a + 0.5, mean_b + 0.5
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return luminance, (2 * cov + C2) / (var_a + var_b + C2)


def _window_means(planes: jax.Array) -> jax.Array:
    """Gaussian-weighted means in all windows that fit: [..., H, W] -> [..., H-10, W-10]."""
    window = np.exp(-0.5 * ((np.arange(WINDOW) - WINDOW // 2) / SIGMA) ** 2)
    window = jnp.asarray(window / window.sum(), jnp.float32)
    # One convolution per axis: on CPU several times faster than matrix products or sums of shifted planes.
    highest = jax.lax.Precision.HIGHEST
    *lead, height, width = planes.shape
    means = planes.reshape(-1, 1, height, width)
    for kernel in (window[None, None, :, None], window[None, None, None, :]):
        means = jax.lax.conv_general_dilated(means, kernel, (1, 1), 'VALID', precision=highest)
    return means.reshape(*lead, *means.shape[2:])


def _halve(planes: jax.Array) -> jax.Array:
    channels, height, width = planes.shape[0], planes.shape[1] // 2, planes.shape[2] // 2
    return planes[:, : 2 * height, : 2 * width].reshape(channels, height, 2, width, 2).mean(axis=(2, 4))
