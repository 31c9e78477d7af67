"""Convolutional networks for digits and facades: 6x6 transposed convolutions up, 3x3 ones down, minibatch features.

Source: Curro 2016, sections 3.3.1 and 3.3.2, and `mnist_generator_ln`, `mnist_generator_vbn`, `b64_g_p`,
`mnist_discriminator_ln` and `mnist_discriminator_ln_noise` of appendix A. The weights start by variance scaling.

There, images lie in [0, 1] and the generator ends in a sigmoid; here they lie in [-1, 1] and it ends in a tanh, which
is that sigmoid stretched: tanh(x) = 2 sigmoid(2 x) - 1. The discriminator's sigmoid is part of the loss.
"""

import math
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from gans.nn import layers
from gans.nn.heads import Head
from gans.nn.layers import Conv, Dense, activation, check_latent, shown, sizes_up, to_rgb, up_conv
from gans.nn.minibatch import Reference, normalize
from gans.nn.noise import GaussianNoise, NoiseMaps, maps_behind
from gans.nn.resample import check_way, smooth

DOWN = ('stride', 'blur')


class Generator(nn.Module):
    """Latent -> image of `shape` (height, width), of any size: 28 px are 4, 7, 14 and 28.

    A projection to a first map of `widths[-1]` channels, then a transposed convolution for every other width in reverse
    and a last one to `channels`: 3, or 1 for gray images, which come out as RGB too. `up_0` is the projection. Each
    but the last with norm and activation (the thesis's text has ELUs on digits, its code ReLUs), and behind it
    `noise_maps[i]` maps of noise beside the `widths[i]`; none without `noise_maps`. `up` is another way to enlarge, as
    `gans.nn.layers.up_conv` has it; the parameters stay the same.

    norm: one of `gans.nn.minibatch.NORMS`. 'virtual' takes its statistics from `reference` latents that were drawn
    from `distribution` (the task's) at the beginning; `per_position` is that of `VirtualBatchNorm`.
    """

    widths: tuple[int, ...] = (64, 128, 256)
    z_dim: int = 100
    shape: tuple[int, int] = (28, 28)
    channels: int = 3
    kernel: int = 6
    norm: str = 'layer'
    activation: str = 'relu'
    up: str = 'transposed'
    slope: float = 0.2
    noise_maps: tuple[int, ...] = ()
    reference: int = 64
    per_position: bool = False
    distribution: str = 'uniform'
    init_std: float | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: Array, train: bool = False) -> Array:
        """`latent` [N, z_dim] -> float32 [N, H, W, 3] in [-1, 1].

        `train` adds the noise and chooses what batch norm normalises by. Raises UserError if `latent` has another
        length, if there are not as many `noise_maps` as `widths`, or for other `channels`.
        """
        check_latent(latent, self.z_dim, 'convnet')
        maps = maps_behind(self.widths, self.noise_maps, 'convnet')
        x, sizes = latent, sizes_up(self.shape, len(self.widths))
        if self.norm == 'virtual':
            x = Reference(self.reference, self.distribution, name='reference')(x)
        for i, (width, noise) in enumerate(zip(reversed(self.widths), reversed(maps), strict=True)):
            x = Up(
                width,
                sizes[i],
                self.kernel,
                self.norm,
                self.activation,
                self.slope,
                noise,
                self.reference,
                self.per_position,
                up=self.up,
                init_std=self.init_std,
                dtype=self.dtype,
                name=f'up_{i}',
            )(x, train)
        start = dict(init_std=self.init_std, dtype=self.dtype, name='out')
        x = up_conv(x[: latent.shape[0]], self.channels, self.kernel, self.up, self.shape, **start)
        return to_rgb(jnp.tanh(x.astype(jnp.float32)))


class Discriminator(nn.Module):
    """Image -> logit: convolutions of stride 2, fully connected layers, one number.

    A convolution, noise of deviation `noise`, norm and activation for every one of `widths`: `down_0`, `down_1`, ...,
    the thesis's h0 to h3. Then `head`: a layer with activation and dropout for every one of `hidden`, the last
    `minibatch` of them followed by minibatch features; `kernels`, `dims` and `scale` are those of
    `gans.nn.minibatch.MinibatchFeatures`. Its code has two such layers, the text, for facades, one. With `channels=1`
    it sees gray images: the mean of the three channels. With `down='blur'` every convolution sees a map filtered by
    `gans.nn.resample.smooth`.
    """

    widths: tuple[int, ...] = (8, 16, 32, 64)
    hidden: tuple[int, ...] = (500, 250)
    minibatch: int = 2
    kernels: int = 32
    dims: int = 8
    scale: str = 'mean'
    channels: int = 3
    kernel: int = 3
    norm: str = 'layer'
    activation: str = 'leaky_relu'
    down: str = 'stride'
    slope: float = 0.2
    noise: float = 0.5
    dropout: float = 0.0
    init_std: float | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Array, cond: Array | None = None, train: bool = False) -> Array:
        """`image` [N, H, W, 3] and `cond` [N, H, W, C] or None, in [-1, 1] -> float32 logits [N].

        `train` adds noise and dropout and chooses what batch norm normalises by. Raises UserError for an unknown name,
        other `channels`, or more `minibatch` than `hidden`.
        """
        check_way(self.down, DOWN, 'down')
        x = shown(image, cond, self.channels)
        common = dict(activation=self.activation, slope=self.slope, init_std=self.init_std, dtype=self.dtype)
        for i, width in enumerate(self.widths):
            x = smooth(x) if self.down == 'blur' else x
            x = Down(width, self.kernel, self.norm, self.noise, **common, name=f'down_{i}')(x, train)
        return Head(
            self.hidden,
            self.minibatch,
            self.kernels,
            self.dims,
            self.scale,
            dropout=self.dropout,
            **common,
            name='head',
        )(x, train)


class Up(nn.Module):
    """[N, Z] or [N, H, W, I] -> [N, *shape, features + maps]: enlarged, normed, activated, with maps of noise.

    A latent is projected; a map goes through `up_conv`, to (2 H, 2 W) or one less. No bias before a
    norm that takes it away.
    """

    features: int
    shape: tuple[int, int]
    kernel: int
    norm: str
    activation: str
    slope: float
    maps: int
    reference: int
    per_position: bool
    up: str
    init_std: float | None
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        common = dict(use_bias=self.norm not in ('batch', 'virtual'), init_std=self.init_std, dtype=self.dtype)
        if x.ndim == 2:
            project = Dense(math.prod(self.shape) * self.features, **common, name='project')
            x = project(x).reshape(x.shape[0], *self.shape, self.features)
        else:
            x = up_conv(x, self.features, self.kernel, self.up, self.shape, **common, name='conv')
        x = normalize(x, self.norm, train, self.reference, self.per_position)
        return NoiseMaps(self.maps, name='noise')(activation(self.activation, self.slope)(x), train)


class Down(nn.Module):
    """Convolution of stride 2, noise, norm, activation: [N, H, W, I] -> [N, ceil(H / 2), ceil(W / 2), features].

    No bias where a norm follows, as in the thesis's code: its shift does the same, and a batch norm takes it away.
    """

    features: int
    kernel: int
    norm: str
    noise: float
    activation: str
    slope: float
    init_std: float | None
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        bias = self.norm == 'none'
        common = dict(use_bias=bias, init_std=self.init_std, dtype=self.dtype)
        x = Conv(self.features, self.kernel, stride=2, **common, name='conv')(x)
        x = GaussianNoise(self.noise, name='noise')(x, train)
        return activation(self.activation, self.slope)(layers.normalize(x, self.norm, train))
