"""Layers that look at several examples at once: minibatch features, their deviation, norm by a fixed reference batch.

A module whose output for one example depends on the others of its batch says so with the class attribute
`batchwise = True` (batch norm is known without it): it needs the whole batch on every device that computes it, and fits
no loss that rests on every image being judged by itself. `gans.core.state` refuses the rest.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from gans.errors import UserError, closest
from gans.nn import layers
from gans.nn.layers import Dense
from gans.nn.noise import draw

NORMS = (*layers.NORMS, 'virtual')
SCALES = ('mean', 'sum', 'pairs')


class MinibatchFeatures(nn.Module):
    """How near an example is to the others of its batch, put behind its features: [N, A] -> [N, A + kernels].

    With M = x T, [N, kernels, dims], feature b of example i is the sum of exp(-|M_ib - M_jb|_1) over the other examples
    j (Salimans et al. 2016, section 3.2; Curro 2016, equations 78-81). The thesis's code adds a bias to M, which falls
    out of the differences: there is none here.

    The thesis's equation 79 counts the example itself among the others (its constant 1); its code, and this layer, do
    not. `scale` says what the sum is divided by: 'mean' by the number of others, so that the features of batches of
    different sizes can be compared; 'sum' (the equation) by nothing; 'pairs' (the code) by N (N - 1).

    Computed in float32. The differences are N * N * kernels * dims numbers: 17 MB for 128 examples by 32 x 8, where the
    compiler does not sum them as they come.
    """

    kernels: int = 32
    dims: int = 8
    scale: str = 'mean'
    init_std: float | None = None
    dtype: Any = jnp.float32

    batchwise = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Raises UserError for an unknown scale."""
        if self.scale not in SCALES:
            near = closest(self.scale, SCALES)
            raise UserError(f'{self.scale!r} is not a scale of minibatch features{near}: use {", ".join(SCALES)}.')
        n = len(x)
        project = Dense(self.kernels * self.dims, False, self.init_std, self.dtype, name='project')
        m = project(x).astype(jnp.float32).reshape(n, self.kernels, self.dims)
        distance = jnp.sum(jnp.abs(m[:, None] - m[None]), axis=-1)
        nearness = jnp.where(jnp.eye(n, dtype=bool)[..., None], 0, jnp.exp(-distance))
        parts = {'mean': max(n - 1, 1), 'sum': 1, 'pairs': max(n * (n - 1), 1)}[self.scale]
        return jnp.concatenate([x, (jnp.sum(nearness, axis=1) / parts).astype(x.dtype)], axis=-1)


class MinibatchDeviation(nn.Module):
    """Puts behind the maps of a batch one more, a single number: [N, H, W, C] -> [N, H, W, C + 1], float32 inside.

    The number is the standard deviation over the batch, for every place and channel by itself, averaged over all of
    them (Karras et al. 2018 (PGGAN), section 3): small if a generator makes the same image again and again. It has no
    parameters. The authors' code takes it over groups of four examples, this one over the whole batch, as their text.
    """

    batchwise = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        # A constant under the root: its slope at a batch of equal examples would be infinite.
        deviation = jnp.sqrt(jnp.var(x.astype(jnp.float32), axis=0) + 1e-8)
        return jnp.concatenate([x, jnp.full((*x.shape[:-1], 1), jnp.mean(deviation), x.dtype)], axis=-1)


class Reference(nn.Module):
    """Puts a batch of `size` latents that never changes behind a batch of latents: [N, Z] -> [N + size, Z].

    It is drawn when the network is initialised, from the task's `distribution` ('uniform' in [-1, 1], or 'normal'), and
    lies in the collection `reference`: in checkpoints, and not trained. What `VirtualBatchNorm` takes its statistics
    from goes through the network beside every batch.
    """

    size: int
    distribution: str = 'uniform'

    @nn.compact
    def __call__(self, latent: Array) -> Array:
        """Raises UserError for a size that gives no deviation, or an unknown distribution."""
        if self.size < 2:
            raise UserError(f'virtual batch norm has a reference of {self.size}: give at least 2 examples.')

        shape = (self.size, latent.shape[-1])
        fixed = self.variable('reference', 'latent', lambda: draw(self.make_rng('params'), shape, self.distribution))
        return jnp.concatenate([latent, fixed.value.astype(latent.dtype)])


class VirtualBatchNorm(nn.Module):
    """Norm of a batch by the statistics of its last `reference` examples, then a gain and a shift for each channel.

    x is [N + reference, H, W, C] or [N + reference, C], of any float type; mean and variance are those of the
    reference alone, so that an example's output depends on no other example (Curro 2016, section 2.2.3.5; Salimans et
    al. 2016, section 3.6, count the example itself in as well). They are computed in float32 at every pass, in training
    and after it, and gradients flow through them.

    A channel's statistics are those over the reference and its pixels, as batch norm's are. With `per_position` every
    pixel has its own, over the reference alone, as in the thesis's code: few numbers to estimate each from.
    """

    reference: int
    per_position: bool = False
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: Array) -> Array:
        wide = x.astype(jnp.float32)
        known = wide[x.shape[0] - self.reference :]
        axes = 0 if self.per_position else tuple(range(x.ndim - 1))
        mean, variance = jnp.mean(known, axes, keepdims=True), jnp.var(known, axes, keepdims=True)
        gain = self.param('scale', nn.initializers.ones_init(), x.shape[-1:])
        shift = self.param('bias', nn.initializers.zeros_init(), x.shape[-1:])
        return ((wide - mean) * jax.lax.rsqrt(variance + self.epsilon) * gain + shift).astype(x.dtype)


def normalize(x: Array, norm: str, train: bool, reference: int = 0, per_position: bool = False) -> Array:
    """`gans.nn.layers.normalize` with one norm more, 'virtual': see `VirtualBatchNorm` for the last two arguments.

    Raises:
      UserError: an unknown name.
    """
    if norm == 'virtual':
        return VirtualBatchNorm(reference, per_position, name='norm')(x)
    if norm not in layers.NORMS:
        raise UserError(f'{norm!r} is not a norm{closest(norm, NORMS)}: choose one of {", ".join(NORMS)}.')
    return layers.normalize(x, norm, train)
