"""How colours differ between images, and how colourful an image is: one number per image."""

import jax
import jax.numpy as jnp

from gans.image import ops
from gans.metrics.pixels import unit, unit_pair


@jax.jit
def chroma_error(a: jax.Array, b: jax.Array) -> jax.Array:
    """Mean absolute difference of U and V (BT.601, Curro 2016, equations 74-75), brightness left out.

    a, b: float RGB [N, H, W, 3] in [-1, 1]. Returns float32 [N], the mean over pixels and both colour
    differences in units of rgb in [0, 1] (where U spans +-0.436 and V +-0.615). Raises ValueError for other
    shapes.
    """
    a, b = unit_pair(a, b)
    return jnp.abs(ops.rgb_to_yuv(a) - ops.rgb_to_yuv(b))[..., 1:].mean(axis=(2, 3)).mean(axis=1)


@jax.jit
def colourfulness(a: jax.Array) -> jax.Array:
    """Colourfulness of Hasler and Suesstrunk 2003, the measure M-hat(3): sigma_rgyb + 0.3 mu_rgyb.

    With rg = R - G and yb = (R + G) / 2 - B on the 0-255 scale, sigma and mu are the lengths of the vectors
    of their standard deviations (biased) and means over the pixels. The paper's words: 0 not, 15 slightly, 33
    moderately, 45 averagely, 59 quite, 82 highly, 109 extremely colourful. a: float RGB [N, H, W, 3] in [-1,
    1]. Returns float32 [N].
    """
    red, green, blue = jnp.moveaxis(unit(a) * 255, -1, 0)
    opponents = jnp.stack([red - green, (red + green) / 2 - blue])  # [2, N, H, W]
    mean = opponents.mean(axis=3).mean(axis=2)
    variance = ((opponents - mean[:, :, None, None]) ** 2).mean(axis=3).mean(axis=2)
    return jnp.sqrt(variance.sum(axis=0)) + 0.3 * jnp.sqrt((mean**2).sum(axis=0))
