"""Losses on colour alone: arrays to scalars, in float32. Images are [N, H, W, 3] in [-1, 1], outputs may go beyond."""

import jax
import jax.numpy as jnp

from gans.image import ops

Array = jax.Array

_TINY = 1e-4  # of squared 8-bit levels: far below one, and enough for a root that has a slope


def chroma(output: Array, real: Array, gray: float) -> Array:
    """The mean absolute difference of U and V (BT.601, [-1, 1] images: U to 0.872, V to 1.23 either way), weighted.

    A pixel weighs `gray` + (1 - `gray`) S, where S in [0, 1] is the saturation of the real image there (HSV). Most
    pixels of photographs have little colour; without weights, an output between gray and sepia is near all of them.
    The weights are not divided by their sum, so that every image counts by itself.
    """
    output, real = output.astype(jnp.float32), real.astype(jnp.float32)
    weight = gray + (1 - gray) * ops.rgb_to_hsv(real)[..., 1:2]
    difference = ops.rgb_to_yuv(output) - ops.rgb_to_yuv(real)
    return jnp.mean(weight * jnp.abs(difference[..., 1:]))


def lack_of_colour(output: Array) -> Array:
    """1 - M / 100 for the colourfulness M of an image (Hasler and Suesstrunk 2003), the mean over the batch.

    M = sigma + 0.3 mu for the lengths of the deviations and means of R - G and (R + G) / 2 - B over the pixels, in
    8-bit levels: `gans.metrics.colour.colourfulness`, up to 0.02. Source: Kang et al. 2023, "DDColor: Towards
    Photo-Realistic Image Colorization via Dual Decoders", the colourfulness loss.
    """
    red, green, blue = jnp.moveaxis(output.astype(jnp.float32) * 127.5, -1, 0)
    opponents = jnp.stack([red - green, (red + green) / 2 - blue])  # [2, N, H, W]
    mean = jnp.mean(opponents, axis=(2, 3))
    variance = jnp.mean(jnp.square(opponents - mean[..., None, None]), axis=(2, 3))
    # The root's own slope is infinite at 0, where an image is gray.
    deviation, length = (jnp.sqrt(jnp.sum(part, axis=0) + _TINY) for part in (variance, jnp.square(mean)))
    return 1 - jnp.mean(deviation + 0.3 * length) / 100
