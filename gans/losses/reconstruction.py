"""Losses between an image and the one that it should be: arrays to scalars, in float32."""

import jax.numpy as jnp

from gans.losses.adversarial import Array


def l1(a: Array, b: Array, weights: Array | None = None) -> Array:
    """The mean absolute difference of two arrays of one shape, in their own units ([-1, 1] images: 0 to 2).

    `weights`, of a shape that broadcasts with theirs, multiply the differences; the mean is over all of them still.
    """
    apart = jnp.abs(a.astype(jnp.float32) - b.astype(jnp.float32))
    return jnp.mean(apart if weights is None else apart * weights)
