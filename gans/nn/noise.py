"""Distributions of noise, and the noise that networks add themselves, in training only.

Without `train` every layer here is deterministic. The noise of a layer comes from the rng stream `noise` and from the
layer's place in the network, one draw for the whole global batch: what an example gets depends on its place there,
whatever the number of devices (`shared_along`).
"""

import contextlib
import contextvars
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import ndtri

from gans.errors import UserError, closest

# (key, shape, dtype) -> numbers of deviation 1, or within [-1, 1].
DISTRIBUTIONS = {'normal': jax.random.normal, 'uniform': partial(jax.random.uniform, minval=-1.0, maxval=1.0)}
VARIANCES = {'uniform': 1 / 3, 'normal': 1.0}  # of each such number; the means are 0
QUANTILES = {'uniform': lambda p: 2 * p - 1, 'normal': ndtri}  # probability -> the number that is not exceeded with it

# Where the step is traced: the mapped axis along which devices share the batch, and how many examples each has.
_SHARED = contextvars.ContextVar('shared', default=(None, 0))


@contextlib.contextmanager
def shared_along(axis: str | None, examples: int) -> Iterator[None]:
    """While a function is traced in this context, `by_place` draws for a batch that devices share under `pmap`.

    Args:
      axis: the name of the mapped axis; None where the program has the whole batch.
      examples: how many examples of it each device has.
    """
    token = _SHARED.set((axis, examples))
    try:
        yield
    finally:
        _SHARED.reset(token)


def by_place(draw: Callable[[tuple[int, ...]], Array], shape: tuple[int, ...]) -> Array:
    """What `draw` gives these examples of the global batch: the same on one device, under `jit` and under `pmap`.

    Under `pmap` every device draws for the whole batch and takes its part. Rows beyond its share of the batch are
    examples that all devices have alike, as `gans.nn.minibatch.Reference` adds them, and get the same everywhere.

    Args:
      draw: a shape, [examples, ...], to random numbers or keys of that shape.
      shape: that of this device's part.
    """
    axis, examples = _SHARED.get()
    if axis is None:
        return draw(shape)
    devices = jax.lax.axis_size(axis)
    drawn = draw((shape[0] + (devices - 1) * examples, *shape[1:]))
    own = jax.lax.dynamic_slice_in_dim(drawn, jax.lax.axis_index(axis) * examples, examples)
    return jnp.concatenate([own, drawn[devices * examples :]]) if shape[0] > examples else own


def draw(key: Array, shape: tuple[int, ...], distribution: str, dtype: jnp.dtype = jnp.float32) -> Array:
    """Independent numbers of a `distribution` with mean 0: 'normal' of deviation 1, or 'uniform' in [-1, 1].

    Raises:
      UserError: an unknown distribution.
    """
    if distribution not in DISTRIBUTIONS:
        known = ', '.join(DISTRIBUTIONS)
        near = closest(distribution, DISTRIBUTIONS)
        raise UserError(f'{distribution!r} is not a distribution of noise{near}: choose one of {known}.')
    return DISTRIBUTIONS[distribution](key, shape, dtype)


def latent_input(key: Array, size: int, distribution: str = 'normal') -> dict[str, Array]:
    """What a latent adds to the inputs of a generator: {'latent': numbers [size]}, or {} where the size is 0."""
    return {'latent': draw(key, (size,), distribution)} if size else {}


def coarse_normal(key: Array, shape: tuple[int, ...], stddev: float = 1.0, dtype: jnp.dtype = jnp.float32) -> Array:
    """Independent normal numbers of 16 bits each, [`shape`], mean 0, for noise that is added to maps.

    Each is the median of one of 65,536 equally likely slices, looked up, so that none is beyond 4.4 deviations: a
    quarter of the time and a third of the operations of `jax.random.normal` on the CPU. A TPU looks up slowly.
    """
    if jax.default_backend() == 'tpu':
        return stddev * jax.random.normal(key, shape, dtype)
    examples, count = shape[:1], math.prod(shape[1:])
    words = jax.random.bits(key, (*examples, -(-count // 2)), jnp.uint32)
    halves = jax.lax.bitcast_convert_type(words, jnp.uint16).reshape(*examples, -1)
    return _look_up(halves[..., :count].reshape(shape), float(stddev)).astype(dtype)


@partial(jax.jit, static_argnums=1)  # its own function in the program, so that the table is not in it at every call
def _look_up(places, stddev):
    from scipy.special import ndtri

    medians = stddev * ndtri((np.arange(2**16) + 0.5) / 2**16)
    return jnp.asarray(medians, jnp.float32).at[places].get(mode='promise_in_bounds')


def maps_behind(widths: Sequence[int], maps: Sequence[int], networks: str) -> Sequence[int]:
    """How many maps of noise come behind those of each of `widths`: `maps`, or none at all where it is empty.

    Raises:
      UserError: another number of them.
    """
    if maps and len(maps) != len(widths):
        raise UserError(
            f'the {networks} generator has {len(widths)} widths and {len(maps)} noise_maps: give one number for '
            'each width, or none at all.'
        )
    return maps or (0,) * len(widths)


class GaussianNoise(nn.Module):
    """x + N(0, `stddev`) for every number of x [N, ...] by itself, in training; x otherwise. [N, ...] -> [N, ...].

    Source: Curro 2016, section 3.3.1 (0.3 at each layer; its code has 0.3 on the image and 0.5 inside). There a
    image lies in [0, 1]: on images in [-1, 1], twice the deviation is as much noise.
    """

    stddev: float

    @nn.compact
    def __call__(self, x: Array, train: bool = False) -> Array:
        if not train or not self.stddev:
            return x
        key = self.make_rng('noise')
        return x + by_place(lambda shape: coarse_normal(key, shape, self.stddev, x.dtype), x.shape)


class NoiseMaps(nn.Module):
    """Puts `maps` channels of noise behind those of x: [N, H, W, C] -> [N, H, W, C + maps]; zeros but in training.

    `scale` is the deviation of a 'normal' `distribution`, the bound of a 'uniform' one. Source: `add_feats` of Curro
    2016, appendix A, which has two: normal with 0.3 in the file of the generators, uniform with 1 in that of the
    operations.
    """

    maps: int
    scale: float = 0.3
    distribution: str = 'normal'

    @nn.compact
    def __call__(self, x: Array, train: bool = False) -> Array:
        if not self.maps:
            return x
        shape = (*x.shape[:-1], self.maps)
        if not train:
            return jnp.concatenate([x, jnp.zeros(shape, x.dtype)], axis=-1)
        key = self.make_rng('noise')
        noise = self.scale * by_place(lambda shape: draw(key, shape, self.distribution, x.dtype), shape)
        return jnp.concatenate([x, noise], axis=-1)


class Dropout(nn.Module):
    """Zero with the probability `rate`, x / (1 - rate) otherwise, in training; x otherwise. [N, ...] -> [N, ...].

    As `flax.linen.Dropout`, which knows nothing of a batch that devices share, and with its numbers.
    """

    rate: float

    @nn.compact
    def __call__(self, x: Array, train: bool = False) -> Array:
        if not train or not self.rate:
            return x
        kept = by_place(partial(jax.random.bernoulli, self.make_rng('noise'), 1 - self.rate), x.shape)
        return jnp.where(kept, x / (1 - self.rate), 0)
