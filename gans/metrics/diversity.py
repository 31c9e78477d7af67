"""How different the images of a set are from each other: what a generator that repeats itself loses."""

import jax
import jax.numpy as jnp

from gans.metrics import ssim
from gans.metrics.pixels import unit


def pairwise_ms_ssim(images: jax.Array) -> jax.Array:
    """Multi-scale SSIM of pairs of a set: 1 where all images are equal, the lower the more they differ.

    The mean over pairs is the diversity of Odena et al. 2017 (AC-GAN, section 4.2) and of Karras et al. 2018 (PGGAN,
    section 5), to be compared with that of real images of the same size. The pairs are the first two images, the
    next two, and so on, so that a set in random order (`gans.data.content.by_content`) gives random pairs. No image
    is in two pairs: the numbers are independent of each other and a bootstrap interval of their mean is honest.

    Args:
      images: float [N, H, W, C] in [-1, 1], N at least 2, as `ssim.ms_ssim` wants them; an odd last one has no pair.

    Returns:
      float32 [N // 2]. Raises ValueError for fewer than two images, or smaller ones than 11 x 11.
    """
    if len(images) < 2:
        raise ValueError(f'a pair needs two images, got {len(images)}')
    paired = len(images) // 2 * 2
    return ssim.ms_ssim(images[0:paired:2], images[1:paired:2])


@jax.jit
def deviation(images: jax.Array) -> jax.Array:
    """How far small versions of images lie from their mean: a cheap number, 0 where all images are equal.

    The root of the mean square over images, pixels and channels, at 8 x 8 pixels (their own number where that is
    smaller), in units of the [0, 1] scale. Its square is half the mean square distance of two images, equal ones
    included. images: float [N, H, W, C] in [-1, 1]. Returns a float32 scalar.
    """
    count, height, width, channels = images.shape
    shape = (count, min(height, 8), min(width, 8), channels)
    small = jax.image.resize(unit(images), shape, 'linear', antialias=True)
    return jnp.sqrt(((small - small.mean(axis=0)) ** 2).mean())
