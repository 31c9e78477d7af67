"""How different the pictures of a set are from each other: what a generator that repeats itself loses."""

import jax
import jax.numpy as jnp
import numpy as np

from gans.metrics import ssim
from gans.metrics.pixels import unit


def pairwise_ms_ssim(pictures: jax.Array, seed: int = 0) -> jax.Array:
    """Multi-scale SSIM of random pairs of a set: 1 where all pictures are equal, the lower the more they differ.

    The mean over pairs is the diversity of Odena et al. 2017 (AC-GAN, section 4.2) and of Karras et al. 2018 (PGGAN,
    section 5), to be compared with that of real pictures of the same size. No picture is in two pairs, so that the
    numbers are independent of each other and a bootstrap interval of their mean is honest.

    Args:
      pictures: float [N, H, W, C] in [-1, 1], N at least 2, as `ssim.ms_ssim` wants them.
      seed: of the pairs.

    Returns:
      float32 [N // 2]. Raises ValueError for fewer than two pictures, or smaller ones than 11 x 11.
    """
    half = len(pictures) // 2
    if not half:
        raise ValueError(f'a pair needs two pictures, got {len(pictures)}')
    order = np.random.default_rng(seed).permutation(len(pictures))
    return ssim.ms_ssim(pictures[order[:half]], pictures[order[half : 2 * half]])


@jax.jit
def deviation(pictures: jax.Array) -> jax.Array:
    """How far small versions of pictures lie from their mean: a cheap number, 0 where all pictures are equal.

    The root of the mean square over pictures, pixels and channels, at 8 x 8 pixels (their own number where that is
    smaller), in units of the [0, 1] scale. Its square is half the mean square distance of two pictures, equal ones
    included. pictures: float [N, H, W, C] in [-1, 1]. Returns a float32 scalar.
    """
    count, height, width, channels = pictures.shape
    shape = (count, min(height, 8), min(width, 8), channels)
    small = jax.image.resize(unit(pictures), shape, 'linear', antialias=True)
    return jnp.sqrt(((small - small.mean(axis=0)) ** 2).mean())
