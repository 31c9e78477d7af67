"""Boundary equilibrium: an autoencoding discriminator, and a control that keeps the players in balance.

With L(v) the mean absolute difference of an image v and the discriminator's reconstruction of it:

  L_disc = L(x) - k L(G(z)),   L_gen = L(G(z)) + sum over terms of w_term * term,
  k <- clip(k + gain (gamma L(x) - L(G(z))), 0, 1),   convergence M = L(x) + |gamma L(x) - L(G(z))|.

Source: Berthelot et al. 2017, sections 3.3 and 3.4.1. Both losses that move k are of the discriminator's turn. Mean and
covariance of the codes of real images are tracked, and the generator's latents drawn from the Gaussian that has
them ("Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs", 2018).
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gans.errors import UserError
from gans.losses import adversarial, reconstruction
from gans.types import Objective, Pair, Term, Turn

Array = jax.Array
# What the two losses log: no term may have such a name.
METRICS = ('real_loss', 'fake_loss', 'k', 'convergence', 'reconstruction')


class Codes(NamedTuple):
    """What is known of the codes [Z] of real images.

    Attributes:
      seen: int32, how many images.
      mean: [Z].
      cov: [Z, Z], the covariance (divided by the number, not the number less one).
    """

    seen: Array
    mean: Array
    cov: Array


class Memory(NamedTuple):
    """The objective's memory: how much the discriminator cares about generated images (0 to 1), and the codes."""

    k: Array
    codes: Codes


def make(
    terms: Mapping[str, Term],
    z_dim: int = 64,
    gamma: float = 0.5,
    gain: float = 0.001,
    warm_up: int = 1000,
    memory: int = 0,
) -> Objective:
    """Makes the objective.

    Args:
      terms: further terms of the generator's loss by name.
      z_dim: the length of the discriminator's codes and the generator's latents.
      gamma: the wanted L(G(z)) / L(x), in [0, 1]: higher for more diverse, lower for sharper images.
      gain: how fast k follows (lambda_k).
      warm_up: latents are standard normal until so many real images were seen.
      memory: about how many of the last images the statistics remember (the encoder changes while it is trained);
        0 for all.

    Raises:
      UserError: a number that makes no sense.
    """
    if not 0 <= gamma <= 1:
        raise UserError(f'config.objective.gamma is {gamma}: it is a ratio between 0 and 1.')
    if 0 < memory < warm_up:
        raise UserError(
            f'config.objective.memory is {memory}, less than warm_up ({warm_up}): a covariance needs more images.'
        )
    return Objective(
        gen=partial(_gen, terms),
        disc=partial(_disc, gamma, gain, memory),
        init=partial(_begin, z_dim),
        needs=tuple(terms),
        map_latent=partial(draw_latent, warm_up),
        terms=Pair(terms, {}),
    )


def track(codes: Codes, batch: Array, memory: int = 0) -> Codes:
    """Adds a batch of codes [N, Z] to what is known, as if mean and covariance were taken of all of them at once.

    Means and squares are of differences from means, so that nothing cancels where the mean is large (Chan et al. 1979,
    "Updating formulae and a pairwise algorithm for computing sample variances", equation 2.1). With `memory`, the past
    counts as at most so many images: what lies `memory` images back weighs 1/e.
    """
    batch = batch.astype(jnp.float32)
    mean = jnp.mean(batch, axis=0)
    centred = batch - mean
    cov = jnp.matmul(centred.T, centred, precision='highest') / len(batch)
    past = jnp.minimum(codes.seen, memory) if memory else codes.seen
    share = len(batch) / (past.astype(jnp.float32) + len(batch))
    step = mean - codes.mean
    spread = codes.cov + share * (cov - codes.cov) + share * (1 - share) * jnp.outer(step, step)
    return Codes(seen=codes.seen + len(batch), mean=codes.mean + share * step, cov=spread)


def draw_latent(warm_up: int, memory: Memory, latent: Array) -> Array:
    """Standard normal `latent` [N, Z] -> latents [N, Z] from the Gaussian of the codes of real images.

    The covariance's root is its Cholesky factor, after a ten thousandth of the mean variance is added to its diagonal:
    directions that the codes do not use would make it fail. `latent` itself before `warm_up` images were seen.
    """
    codes = memory.codes
    size = len(codes.mean)
    if latent.shape[-1] != size:
        raise UserError(
            f'config.objective.z_dim is {size}, but config.task.latent is {latent.shape[-1]}: make them equal.'
        )
    floor = 1e-4 * jnp.trace(codes.cov) / size + 1e-12
    root = jnp.linalg.cholesky(codes.cov + floor * jnp.eye(size))
    drawn = codes.mean + jnp.matmul(latent, root.T, precision='highest')
    return jnp.where(codes.seen >= warm_up, drawn, latent)


def _begin(z_dim):
    codes = Codes(seen=jnp.int32(0), mean=jnp.zeros(z_dim), cov=jnp.zeros((z_dim, z_dim)))
    return Memory(k=jnp.float32(0), codes=codes)


def _disc(gamma, gain, memory, turn: Turn):
    _check(turn)
    real = reconstruction.l1(turn.real_seen, turn.real_out['image'])
    fake = reconstruction.l1(turn.fake_seen, turn.fake_out['image'])
    surplus = gamma * real - fake
    k = turn.carry.k
    carry = Memory(k=jnp.clip(k + gain * surplus, 0, 1), codes=track(turn.carry.codes, turn.real_out['code'], memory))
    metrics = {'real_loss': real, 'fake_loss': fake, 'k': k, 'convergence': real + jnp.abs(surplus)}
    return real - k * fake, metrics, carry


def _gen(terms, turn: Turn):
    loss = reconstruction.l1(turn.fake_seen, turn.fake_out['image'])
    added = {name: term.value(turn) for name, term in terms.items()}
    return adversarial.add_weighted(loss, added, turn.hyper), {'reconstruction': loss} | added, turn.carry


def _check(turn):
    if not isinstance(turn.real_out, dict) or not {'image', 'code'} <= turn.real_out.keys():
        raise UserError(
            "config.objective.name is 'began', whose discriminator is an autoencoder: set config.networks to 'began'."
        )
    known, found = len(turn.carry.codes.mean), turn.real_out['code'].shape[-1]
    if found != known:
        raise UserError(
            f'config.objective.z_dim is {known}, but the discriminator gives codes of {found} numbers: make them equal.'
        )
