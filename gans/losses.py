"""Adversarial and reconstruction losses: arrays to scalars, in float32.

Logits are a discriminator's output before the sigmoid, [N]: positive means "real". Everything is written with
softplus, so that no probability is ever formed and no logarithm of zero taken:
-log sigmoid(x) = softplus(-x), -log(1 - sigmoid(x)) = softplus(x).
"""

import jax
import jax.numpy as jnp

Array = jax.Array


def logistic_disc(real: Array, fake: Array) -> tuple[Array, Array]:
    """The discriminator's cross entropy, in two parts: on real and on fake logits [N].

    E[-log D(x)] and E[-log(1 - D(G(z)))]; their sum is what the discriminator minimises.
    Source: Goodfellow et al. 2014, equation 1. At logits of 0 each part is log 2.
    """
    return _mean(jax.nn.softplus(-real)), _mean(jax.nn.softplus(fake))


def non_saturating_gen(fake: Array) -> Array:
    """The generator's loss E[-log D(G(z))] of fake logits [N]. Source: Goodfellow et al. 2014, section 3."""
    return _mean(jax.nn.softplus(-fake))


def minimax_gen(fake: Array) -> Array:
    """The generator's loss E[log(1 - D(G(z)))] of fake logits [N]: never positive.

    Source: Goodfellow et al. 2014, equation 1; the form that the flower CGANs print (their L_CGAN). Its gradient
    vanishes where the discriminator is sure.
    """
    return -_mean(jax.nn.softplus(fake))


def l1(a: Array, b: Array) -> Array:
    """The mean absolute difference of two arrays of one shape, in their own units ([-1, 1] pictures: 0 to 2)."""
    return jnp.mean(jnp.abs(a.astype(jnp.float32) - b.astype(jnp.float32)))


def _mean(x: Array) -> Array:
    return jnp.mean(x.astype(jnp.float32))
