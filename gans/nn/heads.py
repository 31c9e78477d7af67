"""The last part of a discriminator: layers that end in a number for each image, or for each place of it."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from gans.errors import UserError
from gans.nn.layers import Conv, Dense, Superlayer, activation, normalize
from gans.nn.minibatch import MinibatchFeatures
from gans.nn.noise import Dropout, GaussianNoise


class Hidden(nn.Module):
    """Noise, projection, norm, activation, dropout: [N, A] -> [N, features]; noise and dropout in training only.

    `noise` is a standard deviation, `dropout` the part of the outputs that is zero; the others grow by what it takes.
    There is no bias before a batch norm.
    """

    features: int
    norm: str = 'none'
    activation: str = 'leaky_relu'
    slope: float = 0.2
    noise: float = 0.0
    dropout: float = 0.0
    init_std: float | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, train: bool = False) -> Array:
        x = GaussianNoise(self.noise, name='noise')(x, train)
        bias = self.norm != 'batch'
        x = Dense(self.features, bias, self.init_std, self.dtype, name='project')(x)
        x = activation(self.activation, self.slope)(normalize(x, self.norm, train))
        return Dropout(self.dropout, name='dropout')(x, train)


class Head(nn.Module):
    """[N, ...] -> logits [N], float32: hidden layers, the last `minibatch` of them followed by minibatch features.

    Its parts are called `hidden_0`, ..., `minibatch_i` after `hidden_i`, and `out`. `scale`, `kernels` and `dims` are
    those of `gans.nn.minibatch.MinibatchFeatures`, the rest is as in `Hidden`. The noise on the input has the deviation
    `input_noise`, that before every later layer, `out` too, `noise`.
    """

    widths: tuple[int, ...]
    minibatch: int = 0
    kernels: int = 32
    dims: int = 8
    scale: str = 'mean'
    norm: str = 'none'
    activation: str = 'leaky_relu'
    slope: float = 0.2
    noise: float = 0.0
    input_noise: float = 0.0
    dropout: float = 0.0
    init_std: float | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, train: bool = False) -> Array:
        """Raises UserError if there are fewer layers than `minibatch`."""
        if not 0 <= self.minibatch <= len(self.widths):
            raise UserError(
                f'config.discriminator.minibatch is {self.minibatch}: of {len(self.widths)} fully connected layers so '
                'many cannot be followed by minibatch features.'
            )
        common = dict(init_std=self.init_std, dtype=self.dtype)
        x = x.reshape(len(x), -1).astype(self.dtype)
        for i, width in enumerate(self.widths):
            noise = self.noise if i else self.input_noise
            hidden = Hidden(
                width, self.norm, self.activation, self.slope, noise, self.dropout, **common, name=f'hidden_{i}'
            )
            x = hidden(x, train)
            if i >= len(self.widths) - self.minibatch:
                x = MinibatchFeatures(self.kernels, self.dims, self.scale, **common, name=f'minibatch_{i}')(x)
        x = GaussianNoise(self.noise, name='noise')(x, train)
        return Dense(1, **common, name='out')(x)[:, 0].astype(jnp.float32)


class PatchHead(nn.Module):
    """A map [N, h, w, C] -> scores [N, h, w], float32: each judges the part of the image that it sees.

    A superlayer of `features` channels and a convolution to one, both with `kernel` and without a stride (Isola et al.
    2017, section 3.2.2 and appendix 6.1.2, the PatchGAN). Its parts are called `hidden` and `out`.
    """

    features: int
    kernel: int
    norm: str = 'pixelwise'
    slope: float = 0.2
    init_std: float | None = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        common = dict(init_std=self.init_std, dtype=self.dtype)
        x = Superlayer(self.features, self.kernel, norm=self.norm, slope=self.slope, **common, name='hidden')(x)
        return Conv(1, self.kernel, **common, name='out')(x)[..., 0].astype(jnp.float32)
