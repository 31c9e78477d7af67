"""Wide residual networks with noise maps in the generator, and dilated convolutions in the discriminator if wanted.

Source: `mnist_generator_wide`, `mnist_discriminator_wide` and `b64_d_wide_atrous2` of Curro 2016, appendix A. As in
`gans.networks.convnet`, a tanh stands where the thesis has a sigmoid, and the weights start by variance scaling.
"""

import math
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from gans.nn.heads import Head
from gans.nn.layers import Conv, Dense, TransposedConv, check_latent, shown, sizes_up, to_rgb
from gans.nn.noise import NoiseMaps, maps_behind
from gans.nn.residual import Settle, WideDown, WideUp


class Generator(nn.Module):
    """Latent -> image of `shape` (height, width), of any size.

    A projection to a first map of `widths[-1]` channels without norm or activation, a `WideUp` block for every other
    width in reverse, a transposed convolution to `channels` (3, or 1 for gray images, which come out as RGB too).
    Behind the projection and behind every block come maps of noise: `noise_maps[i]` beside `widths[i]`, () for none.
    """

    widths: tuple[int, ...] = (32, 64, 128)
    z_dim: int = 100
    shape: tuple[int, int] = (28, 28)
    channels: int = 3
    kernel: int = 6
    norm: str = 'batch'
    activation: str = 'relu'
    slope: float = 0.2
    resize: str = 'linear'
    noise_maps: tuple[int, ...] = (8, 16, 64)
    init_std: float | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: Array, train: bool = False) -> Array:
        """`latent` [N, z_dim] -> float32 [N, H, W, 3] in [-1, 1].

        `train` adds the noise and chooses what batch norm normalises by. Raises UserError if `latent` has another
        length, if there are not as many `noise_maps` as `widths`, or for other `channels`.
        """
        check_latent(latent, self.z_dim, 'wide')
        maps = maps_behind(self.widths, self.noise_maps, 'wide')
        sizes = sizes_up(self.shape, len(self.widths))
        start = dict(init_std=self.init_std, dtype=self.dtype)
        common = dict(norm=self.norm, activation=self.activation, slope=self.slope, resize=self.resize, **start)
        x = Dense(math.prod(sizes[0]) * self.widths[-1], **start, name='project')(latent)
        x = x.reshape(x.shape[0], *sizes[0], self.widths[-1])
        for i, (width, noise) in enumerate(zip(reversed(self.widths), reversed(maps), strict=True)):
            if i:
                x = WideUp(width, sizes[i], self.kernel, **common, name=f'up_{i}')(x, train)
            x = NoiseMaps(noise, name=f'noise_{i}')(x, train)
        x = TransposedConv(self.channels, self.kernel, **start, shape=self.shape, name='out')(x)
        return to_rgb(jnp.tanh(x.astype(jnp.float32)))


class Discriminator(nn.Module):
    """Image -> logit: a convolution, `WideDown` blocks of stride 2, dilated convolutions, fully connected layers.

    A 3x3 convolution of stride 1 to `widths[0]` channels (`first`), a block for every further width (`down_0`, ...),
    norm and leaky ReLU (`settle`), a 3x3 convolution of `widths[-1]` channels with norm and leaky ReLU for each of
    `dilations` (`dilated_0`, ...), and `head`, as in `gans.networks.convnet`.
    """

    widths: tuple[int, ...] = (32, 64, 128, 256)
    dilations: tuple[int, ...] = ()
    hidden: tuple[int, ...] = (256,)
    minibatch: int = 1
    kernels: int = 32
    dims: int = 8
    scale: str = 'mean'
    channels: int = 3
    norm: str = 'batch'
    slope: float = 0.2
    dropout: float = 0.0
    init_std: float | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Array, cond: Array | None = None, train: bool = False) -> Array:
        """`image` [N, H, W, 3] and `cond` [N, H, W, C] or None, in [-1, 1] -> float32 logits [N].

        `train` adds dropout and chooses what batch norm normalises by. Raises UserError for an unknown name, other
        `channels`, or more `minibatch` than `hidden`.
        """
        x = shown(image, cond, self.channels)
        start = dict(init_std=self.init_std, dtype=self.dtype)
        x = Conv(self.widths[0], 3, use_bias=False, **start, name='first')(x)
        for i, width in enumerate(self.widths[1:]):
            x = WideDown(width, norm=self.norm, **start, name=f'down_{i}')(x, train)
        x = Settle(self.norm, 'leaky_relu', self.slope, name='settle')(x, train)
        for i, dilation in enumerate(self.dilations):
            x = Dilated(self.widths[-1], dilation, self.norm, self.slope, **start, name=f'dilated_{i}')(x, train)
        return Head(
            self.hidden,
            self.minibatch,
            self.kernels,
            self.dims,
            self.scale,
            slope=self.slope,
            dropout=self.dropout,
            **start,
            name='head',
        )(x, train)


class Dilated(nn.Module):
    """3x3 convolution with holes, norm, leaky ReLU: [N, H, W, I] -> [N, H, W, features]."""

    features: int
    dilation: int
    norm: str
    slope: float
    init_std: float | None
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        common = dict(use_bias=self.norm == 'none', init_std=self.init_std, dtype=self.dtype)
        x = Conv(self.features, 3, **common, dilation=self.dilation, name='conv')(x)
        return Settle(self.norm, 'leaky_relu', self.slope, name='settle')(x, train)
