"""BEGAN: a discriminator that is an autoencoder, and a generator of its decoder's form.

Source: "Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs" (2018), Table 2; Berthelot et al. 2017,
section 3.4. At 64 px with `z_dim` 64 the encoder and the two decoders have 17,187,398 parameters (the text says 17.2
M): a bias in every layer, and the projected latent (8 x 8 x 128) concatenated at each of the three upsamplings, so
that the first convolution of those three groups goes from 256 to 128 channels.

Vanishing residuals: while the scheduled number `residual` r is above 0, every convolution from a map to one of the same
shape gives r * input + (1 - r) * output, so that a network begins shallow (r = 1) and becomes the table's (r = 0). The
networks look for it in the collection `hyper` and take 0 where there is none.
"""

import math
from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from gans.errors import UserError
from gans.nn.conv import repeat
from gans.nn.layers import Dense, Superlayer, check_latent, check_size, first_map


class Generator(nn.Module):
    """Latent -> RGB image of `shape` (Table 2, lower half), enlarged `levels` times.

    2,749,315 parameters at 64 px (8 x 8, three levels); 128 px are four levels.
    """

    width: int = 128
    levels: int = 3
    z_dim: int = 64
    shape: tuple[int, int] = (64, 64)
    init_std: float = 0.02
    dtype: Any = jnp.float32

    needs = ('residual',)  # the schedules that are read from the collection `hyper`

    @nn.compact
    def __call__(self, latent: Array, train: bool = False) -> Array:
        """`latent` [N, z_dim] -> float32 [N, H, W, 3].

        In [-1, 1] unless `train`: the table's last ELU is above -1 and has no upper bound, and a clipped pixel would
        get no gradient. Raises UserError if `latent` has another length, or if `shape` is no multiple of 2 ** levels.
        """
        check_latent(latent, self.z_dim, 'began')
        first = first_map(self.shape, self.levels, 'began')
        decoder = Decoder(self.width, self.levels, first, self.init_std, self.dtype, name='decoder')
        x = decoder(latent, self.get_variable('hyper', 'residual'))
        return x if train else jnp.clip(x, -1, 1)


class Discriminator(nn.Module):
    """Image -> its reconstruction and its code (Table 2). 14,438,083 parameters at 64 px.

    The first map of the decoder has the size of the encoder's last: 8 x 8 for 64 px and four widths, and for 128 px
    and five.
    """

    widths: tuple[int, ...] = (128, 256, 384, 512)
    z_dim: int = 64
    init_std: float = 0.02
    dtype: Any = jnp.float32

    needs = ('residual',)

    @nn.compact
    def __call__(self, image: Array, cond: Array | None = None, train: bool = False) -> dict[str, Array]:
        """`image` [N, H, W, 3] in [-1, 1] -> {'image': [N, H, W, 3], 'code': [N, z_dim]}, float32.

        `train` changes nothing. The reconstruction is above -1 and has no upper bound (the table's last ELU). Raises
        UserError for a condition, or if H or W is not a multiple of 2 ** (len(widths) - 1) (8).
        """
        if cond is not None:
            raise UserError(
                'the began discriminator reconstructs one image and takes no condition: choose other networks'
            )
        check_size(image.shape, len(self.widths) - 1, 'began')
        residual = self.get_variable('hyper', 'residual')
        code, base = Encoder(self.widths, self.z_dim, self.init_std, self.dtype, name='encoder')(image, residual)
        decoder = Decoder(self.widths[0], len(self.widths) - 1, base, self.init_std, self.dtype, name='decoder')
        return {'image': decoder(code, residual), 'code': code.astype(jnp.float32)}


class Encoder(nn.Module):
    """Image -> (code [N, z_dim], (height, width) of the last map) (Table 2, upper half).

    For every width two 3x3 convolutions, three for the first, then one of stride 2 but for the last; a projection.
    """

    widths: tuple[int, ...]
    z_dim: int
    init_std: float
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, residual: Array | None) -> tuple[Array, tuple[int, int]]:
        superlayer = _superlayer(self.init_std, self.dtype)
        x = x.astype(self.dtype)
        for i, width in enumerate(self.widths):
            x = superlayer(width, name=f'conv_{i}_0')(x)
            for j in (1, 2) if i == 0 else (1,):
                x = _blend(x, superlayer(width, name=f'conv_{i}_{j}')(x), residual)
            if i < len(self.widths) - 1:
                x = superlayer(width, stride=2, name=f'down_{i}')(x)
        code = Dense(self.z_dim, init_std=self.init_std, dtype=self.dtype, name='project')(x.reshape(len(x), -1))
        return code, x.shape[1:3]


class Decoder(nn.Module):
    """Latent [N, Z] -> float32 image [N, H, W, 3], `base` times 2 ** levels pixels (Table 2, lower half).

    A projection to a first map, three 3x3 convolutions, and `levels` times: the map and the projection side by side,
    both enlarged by repeating pixels, and three convolutions; a last one to three channels.
    """

    width: int
    levels: int
    base: tuple[int, int]
    init_std: float
    dtype: Any

    @nn.compact
    def __call__(self, code: Array, residual: Array | None) -> Array:
        superlayer = _superlayer(self.init_std, self.dtype)
        size = math.prod(self.base) * self.width
        first = Dense(size, init_std=self.init_std, dtype=self.dtype, name='project')(code)
        first = first.reshape(code.shape[0], *self.base, self.width)
        x = _blend(first, superlayer(self.width, name='conv_0_0')(first), residual)
        for i in range(self.levels + 1):
            if i:
                x = superlayer(self.width, upscale=2, name=f'conv_{i}_0')(x, repeat(first, 2 ** (i - 1)))
            for j in (1, 2):
                x = _blend(x, superlayer(self.width, name=f'conv_{i}_{j}')(x), residual)
        return superlayer(3, name='out')(x).astype(jnp.float32)


def _superlayer(init_std, dtype):
    return partial(Superlayer, kernel=3, norm='none', activation='elu', init_std=init_std, dtype=dtype)


def _blend(before, after, residual):
    """Vanishing residual (Berthelot et al. 2017, section 3.4); nothing is computed where `residual` is None."""
    if residual is None:
        return after
    share = residual.astype(after.dtype)
    return share * before + (1 - share) * after
