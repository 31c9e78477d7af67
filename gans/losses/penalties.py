"""Penalties on a discriminator: arrays to scalars, in float32."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Array = jax.Array


def gradient_penalty(disc: Callable[[Array], Array], images: Array) -> tuple[Array, Array]:
    """How far the slope of a critic is from 1, on both sides: E[(|grad D(x)| - 1)^2].

    Args:
      disc: images [N, ...] -> scores [N], each of which depends on its own image alone; or maps of scores [N, h, w],
        whose mean is then the score of an image.
      images: where the slope is taken, [N, ...].

    Returns:
      (penalty, mean slope). Source: Gulrajani et al. 2017, equation 3.
    """
    slopes = jax.grad(lambda images: jnp.sum(by_image(disc(images))))(images).astype(jnp.float32)
    # The square root's own slope is infinite at 0; what is added keeps 0 * infinity out of the gradient.
    norms = jnp.sqrt(jnp.sum(jnp.square(slopes), axis=tuple(range(1, slopes.ndim))) + 1e-12)
    return jnp.mean(jnp.square(norms - 1)), jnp.mean(norms)


def by_image(scores: Array) -> Array:
    """A score for each image, [N]: scores as they are, of maps of scores [N, h, w] the means."""
    return scores if scores.ndim == 1 else jnp.mean(scores, axis=tuple(range(1, scores.ndim)))


def zero_centred(gradients: Array) -> Array:
    """E[|grad D(x)|^2] / 2 of the gradients of scores by their images, [N, ...].

    Its weight is the papers' gamma. Source: Mescheder et al. 2018, equation 9 at real images (R1), equation 10 at
    generated ones (R2).
    """
    squares = jnp.square(gradients.astype(jnp.float32))
    return jnp.mean(jnp.sum(squares, axis=tuple(range(1, squares.ndim)))) / 2


def between(share: Array, real: Array, fake: Array) -> Array:
    """A point on the line from each fake image to a real one, [N, ...]: so far along as `share` [N] says."""
    return fake + share.reshape(len(real), *[1] * (real.ndim - 1)) * (real - fake)


def drift(real: Array) -> Array:
    """E[D(x)^2] of real scores [N] or [N, h, w]: keeps a critic near 0, whose loss says nothing about its offset.

    Source: Karras et al. 2018, appendix A.1 (weight 0.001).
    """
    return jnp.mean(jnp.square(real.astype(jnp.float32)))
