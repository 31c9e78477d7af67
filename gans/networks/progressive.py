"""Networks that grow: from a few pixels to the whole image, level by level, while they are trained.

Source: Karras et al. 2018, "Progressive Growing of GANs" (PGGAN), sections 2 and 4, Table 2.

Level k has images of 2 ** k times the first map's size. The scheduled number `growth` says how far the networks have
come: at 2.0 they make and judge images of level 2, at 2.3 level 3 is faded in and counts 0.3. All levels have their
parameters from the start, so that a checkpoint of any moment has one form. A level that is not reached weighs nothing,
and what weighs nothing gets no gradient: with Adam's b1 at 0 it does not move.

The field `stage` is the highest level that is computed (`gans.types.Game.at`), and images then have its size.
So they are trained, and a penalty on the discriminator's slope goes by the pixels that there are. Without a stage all
levels are computed, whatever `growth` is, for the same images in full size, small ones enlarged by repeating pixels,
and the same scores of those. So the networks are used.

With `skips` nothing grows, and no schedule is read (Karras et al. 2020, "Analyzing and Improving the Image Quality of
StyleGAN", section 4.1, figure 7 b): a generator adds up what the RGB layers of all levels give, a discriminator what
those of all levels see. Coarse levels are learned first all the same, since all of the image depends on them.

At 1024 px (`widths` 512, 512, 512, 512, 256, 128, 64, 32, 16, `z_dim` 512) the generator has 23,086,795 parameters and
the discriminator 23,082,641; Table 2 says 23.1 M each, with one RGB layer instead of nine.
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from gans.nn.conv import repeat
from gans.nn.layers import Conv, Dense, activation, check_latent, check_size, first_map, pixelwise_norm, shown, up_conv
from gans.nn.minibatch import MinibatchDeviation
from gans.nn.resample import average, check_way, enlarge

UP = ('nearest', 'linear')
GAIN = 2**0.5  # before a leaky ReLU; 1 before what is linear


class Generator(nn.Module):
    """Latent -> RGB image, of `shape` without a stage; `growth` decides how much detail it has.

    The latent is scaled to mean square 1, projected to a first map, and convolved once; every further level
    enlarges the map twice and convolves twice, 3x3. `widths` are the levels' channels, from the first map on. Pixelwise
    norm comes after every leaky ReLU. Every level has a linear 1x1 layer to RGB. With `up='linear'` the convolutions
    behind the enlarging are filtered, as `gans.nn.layers.up_conv` does it. With `skips` the image is the sum of all
    levels, enlarged bilinearly.
    """

    widths: tuple[int, ...] = (512, 512, 512, 512, 256, 128, 64, 32, 16)
    z_dim: int = 512
    shape: tuple[int, int] = (1024, 1024)
    up: str = 'nearest'
    skips: bool = False
    slope: float = 0.2
    dtype: Any = jnp.float32
    stage: int | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The schedules that are read from the collection `hyper`."""
        return () if self.skips else ('growth',)

    @nn.compact
    def __call__(self, latent: Array, train: bool = False) -> Array:
        """`latent` [N, z_dim] -> float32 [N, H, W, 3], of the stage's size.

        In [-1, 1] unless `train`: the last layer is linear, and a clipped pixel would get no gradient. Raises UserError
        if `latent` has another length, if `shape` is no multiple of 2 ** (len(widths) - 1), or for an unknown `up`.
        """
        check_latent(latent, self.z_dim, 'progressive')
        check_way(self.up, UP, 'up')
        top, growth = len(self.widths) - 1, self.get_variable('hyper', 'growth')
        stage, lowest = _highest(self), _lowest(self, growth)
        layer = partial(_layer, slope=self.slope, norm=True, dtype=self.dtype)
        rows, columns = first_map(self.shape, top, 'progressive')

        x = pixelwise_norm(latent.astype(jnp.float32))
        # The projection's inputs are few beside a map's: the authors scale it as the convolution that it stands for.
        x = Dense(rows * columns * self.widths[0], gain=GAIN / 4, dtype=self.dtype, name='project')(x)
        x = pixelwise_norm(activation('leaky_relu', self.slope)(x.reshape(x.shape[0], rows, columns, -1)))
        x = layer(x, self.widths[0], name='conv_0')
        for level in range(stage + 1):
            if level:
                x = layer(x, self.widths[level], up=self.up, name=f'up_{level}')
                x = layer(x, self.widths[level], name=f'conv_{level}')
            if level >= lowest or self.skips:
                rgb = Conv(3, 1, gain=1.0, dtype=self.dtype, name=f'rgb_{level}')(x).astype(jnp.float32)
            if level == (0 if self.skips else lowest):
                image = rgb
            elif self.skips:
                image = enlarge(image) + rgb
            elif level > lowest:
                image = _fade(repeat(image, 2), rgb, _share(growth, level))
        return image if train else jnp.clip(image, -1, 1)

    @nn.nowrap
    def target(self, images: Array, hyper: dict[str, Array]) -> Array:
        """What of real images [N, H, W, 3] of full size is to be imitated now, in the stage's size.

        That is the detail that `growth` has reached: while a level is faded in, images of two sizes are mixed as the
        generator's are (PGGAN, section 2). Raises UserError if H or W cannot be halved as often as there are levels.
        """
        top = len(self.widths) - 1
        check_size(images.shape, top, 'progressive')
        if self.skips:
            return average(images, 2 ** (top - _highest(self)))
        mixed = average(images, 2**top)
        for level in range(1, _highest(self) + 1):
            mixed = _fade(repeat(mixed, 2), average(images, 2 ** (top - level)), _share(hyper['growth'], level))
        return mixed


class Discriminator(nn.Module):
    """Image of the stage's size -> score, the generator in reverse and without norms.

    Every level has a 1x1 layer from RGB; two 3x3 convolutions and averages over 2 x 2 pixels lead to the level below. A
    last convolution, a projection to the first width, and one to the score, which is linear. With `deviation` the last
    convolution sees one more map: how much the examples of the batch differ. With `skips` what the RGB layer of a level
    gives of the image at that size is added to what comes from the level above.
    """

    widths: tuple[int, ...] = (512, 512, 512, 512, 256, 128, 64, 32, 16)
    slope: float = 0.2
    deviation: bool = False
    skips: bool = False
    dtype: Any = jnp.float32
    stage: int | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The schedules that are read from the collection `hyper`."""
        return () if self.skips else ('growth',)

    @nn.compact
    def __call__(self, image: Array, cond: Array | None = None, train: bool = False) -> Array:
        """`image` [N, H, W, 3] and `cond` [N, H, W, C] or None, in [-1, 1] -> float32 scores [N].

        `train` changes nothing. Raises UserError if H or W cannot be halved as often as the stage wants.
        """
        growth = self.get_variable('hyper', 'growth')
        stage, lowest = _highest(self), _lowest(self, growth)
        check_size(image.shape, stage, 'progressive')
        layer = partial(_layer, slope=self.slope, norm=False, dtype=self.dtype)
        seen = shown(image, cond)

        def enter(level):
            return layer(average(seen, 2 ** (stage - level)), self.widths[level], kernel=1, name=f'rgb_{level}')

        x = enter(stage)
        for level in range(stage, 0, -1):
            x = layer(x, self.widths[level], name=f'conv_{level}')
            x = average(layer(x, self.widths[level - 1], name=f'down_{level}'), 2)
            if self.skips:
                x = x + enter(level - 1)
            elif level > lowest:
                x = _fade(enter(level - 1), x, _share(growth, level))
        if self.deviation:
            x = MinibatchDeviation()(x)
        x = layer(x, self.widths[0], name='conv_0')
        x = Dense(self.widths[0], gain=GAIN, dtype=self.dtype, name='project')(x.reshape(len(x), -1))
        x = activation('leaky_relu', self.slope)(x)
        return Dense(1, gain=1.0, dtype=self.dtype, name='out')(x)[:, 0].astype(jnp.float32)


def _layer(x, features, name, slope, norm, dtype, kernel=3, up=''):
    """Convolution, with `up` to twice the size, leaky ReLU, and the norm behind it."""
    common = dict(gain=GAIN, dtype=dtype, name=name)
    x = up_conv(x, features, kernel, up, **common) if up else Conv(features, kernel, **common)(x)
    x = activation('leaky_relu', slope)(x)
    return pixelwise_norm(x) if norm else x


def _highest(network):
    """The highest level that is computed."""
    return len(network.widths) - 1 if network.stage is None else network.stage


def _lowest(network, growth):
    """The lowest level whose RGB layer is needed: for any `growth`, for that of the stage, or where nothing grows."""
    if network.is_initializing() or (network.stage is None and growth is not None):
        return 0
    return _highest(network) if growth is None else max(network.stage - 1, 0)


def _share(growth, level):
    """How much a level counts beside those below it: 0 before it is reached, 1 when it is there (or nothing grows)."""
    return 1.0 if growth is None else jnp.clip(growth - (level - 1), 0.0, 1.0)


def _fade(before, after, share):
    share = jnp.asarray(share, after.dtype)
    return (1 - share) * before + share * after
