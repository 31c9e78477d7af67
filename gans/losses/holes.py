"""Adversarial losses that know where a hole was: only what was made up counts as fake."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gans.losses.adversarial import Array


def disc(
    loss: Callable[[Array, Array], tuple[Array, Array]], real: Array, fake: Array, mask: Array
) -> tuple[Array, Array]:
    """A discriminator's loss in two parts, where a generated image is fake in its hole and real around it.

    The second part is the mean over all places of the loss of a fake score where the place sees a part of the hole, and
    of a real score elsewhere. Source: Suvorov et al. 2022, "Resolution-robust Large Mask Inpainting with Fourier
    Convolutions", section 2.2.2.

    Args:
      loss: (real scores, fake scores) -> (mean loss of the real ones, of the fake ones), score by score, as the losses
        in `gans.losses.adversarial` are.
      real, fake: scores [N, h, w].
      mask: [N, H, W, 1], 1 in the hole.
    """
    as_real, as_fake = jax.vmap(loss)(fake.reshape(-1), fake.reshape(-1))
    hole = at_scores(mask, fake.shape[1:]).reshape(-1)
    return loss(real, fake)[0], jnp.mean(jnp.where(hole > 0, as_fake, as_real))


def at_scores(mask: Array, size: tuple[int, int]) -> Array:
    """The largest value of a mask [N, H, W, 1] of zeros and ones in each of h x w equal parts: [N, h, w]."""
    (count, *sides, _), parts = mask.shape, []
    for side, n in zip(sides, size, strict=True):
        parts += [n, -(-side // n)]
    spare = [(0, parts[i] * parts[i + 1] - side) for i, side in zip((0, 2), sides, strict=True)]
    whole = jnp.pad(mask[..., 0], [(0, 0), *spare])
    return whole.reshape(count, *parts).max(axis=(2, 4))
