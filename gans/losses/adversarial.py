"""Adversarial losses: arrays to scalars, in float32.

Scores are a discriminator's output before any sigmoid, [N]: the higher, the more it takes an image for real. Maps of
scores [N, h, w], one for each place (Isola et al. 2017, section 3.2.2, PatchGAN), do as well: every mean E is then over
the places too. Where scores are logits, everything is written with softplus, so that no probability is ever formed and
no logarithm of zero taken: -log sigmoid(x) = softplus(-x), -log(1 - sigmoid(x)) = softplus(x).
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

Array = jax.Array


def logistic_disc(real: Array, fake: Array, label: float = 1.0) -> tuple[Array, Array]:
    """The discriminator's cross entropy, in two parts: on real and on fake logits [N].

    E[-label log D(x) - (1 - label) log(1 - D(x))] and E[-log(1 - D(G(z)))]; their sum is what the discriminator
    minimises. Source: Goodfellow et al. 2014, equation 1; at logits of 0 each part is log 2. A `label` below 1 is
    one-sided label smoothing (Salimans et al. 2016, section 3.4), after which the best D is label p / (p + q) for the
    densities p of real and q of fake images (Curro 2016, equation 83).
    """
    return _mean(jax.nn.softplus(-real) + (1 - label) * real), _mean(jax.nn.softplus(fake))


def non_saturating_gen(fake: Array) -> Array:
    """The generator's loss E[-log D(G(z))] of fake logits [N]. Source: Goodfellow et al. 2014, section 3."""
    return _mean(jax.nn.softplus(-fake))


def minimax_gen(fake: Array) -> Array:
    """The generator's loss E[log(1 - D(G(z)))] of fake logits [N]: never positive.

    Source: Goodfellow et al. 2014, equation 1; the form that the flower CGANs print (their L_CGAN). Its gradient
    vanishes where the discriminator is sure.
    """
    return -_mean(jax.nn.softplus(fake))


def hinge_disc(real: Array, fake: Array, threshold: float = 1.0) -> tuple[Array, Array]:
    """The discriminator's hinge loss, in two parts: E[max(0, t - D(x))] and E[max(0, t + D(G(z)))] of scores [N].

    Scores beyond the threshold t > 0 on their own side cost nothing and have no gradient. Source: Curro 2016, equation
    103, whose minus sign before the sum is a misprint (its code, like Lim and Ye 2017, "Geometric GAN", and Miyato et
    al. 2018, equation 16, minimises the sum itself).
    """
    return _mean(jax.nn.relu(threshold - real)), _mean(jax.nn.relu(threshold + fake))


def wasserstein_disc(real: Array, fake: Array) -> tuple[Array, Array]:
    """The critic's loss, in two parts: E[-D(x)] and E[D(G(z))] of scores [N].

    Minus their sum estimates the Wasserstein distance if D's slope is bounded by 1. Source: Arjovsky et al. 2017,
    equation 2; Gulrajani et al. 2017, equation 3, without the penalty.
    """
    return -_mean(real), _mean(fake)


def score_gen(fake: Array) -> Array:
    """The generator's loss E[-D(G(z))] of fake scores [N], against a hinge discriminator or a Wasserstein critic."""
    return -_mean(fake)


def least_squares_disc(real: Array, fake: Array) -> tuple[Array, Array]:
    """The discriminator's loss in two parts: E[(D(x) - 1)^2] / 2 and E[D(G(z))^2] / 2 of scores [N].

    Source: Mao et al. 2017, equation 9 (the labels 0 for fake and 1 for real, which the generator wants too).
    """
    return _mean(jnp.square(real - 1)) / 2, _mean(jnp.square(fake)) / 2


def least_squares_gen(fake: Array) -> Array:
    """The generator's loss E[(D(G(z)) - 1)^2] / 2 of fake scores [N]. Source: Mao et al. 2017, equation 9."""
    return _mean(jnp.square(fake - 1)) / 2


def relativistic_disc(real: Array, fake: Array) -> tuple[Array]:
    """The discriminator's loss E[-log sigmoid(D(x) - D(G(z)))] of real and fake scores, pair by pair: one part.

    Every real image is compared with the generated one at its place in the batch. Only differences count: a number
    added to all scores changes nothing. At equal scores it is log 2. Source: Huang et al. 2024, equation 2 (RpGAN);
    Jolicoeur-Martineau 2018, "The relativistic discriminator".
    """
    return (_mean(jax.nn.softplus(fake - real)),)


def relativistic_gen(real: Array, fake: Array) -> Array:
    """The generator's loss E[-log sigmoid(D(G(z)) - D(x))] of real and fake scores, pair by pair.

    Source: as of `relativistic_disc`.
    """
    return _mean(jax.nn.softplus(real - fake))


def add_weighted(loss: Array, parts: Mapping[str, Array], weights: Mapping[str, Array]) -> Array:
    """`loss` and the sum of all `parts`, each times the weight of its name."""
    return loss + sum(weights[name] * part for name, part in parts.items())


def _mean(x: Array) -> Array:
    return jnp.mean(x.astype(jnp.float32))
