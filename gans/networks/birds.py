"""The networks that draw birds: pixelwise norm, strides on every second layer.

Source: "Gradually Increasing Image Resolution During GAN Training" (2018), Tables 1 and 2.

At 192 x 192 pixels, `z_dim` 128: 4,848,835 parameters in the generator and 7,043,393 in the discriminator (the text
says 4.9 M and 7.1 M), with pixelwise norm, which has none. Another norm and another activation are fields: the
comparison of remarks iv and v.

A logit sees 125 x 125 pixels through the convolutions, as remark ii says (then a projection joins all places). The
generator's, by the table, is wider than the remark's 125: a pixel of its first map reaches 173 x 173 pixels.
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from gans.nn.layers import Dense, Expand, Superlayer, check_latent, check_size, first_map, shown, up_conv


class Generator(nn.Module):
    """Latent -> RGB image (Table 1, lower half).

    A projection to a first map (6 x 6 for 192 px); for every inner width in reverse a 3x3 convolution to the next
    width and a transposed 3x3 one; then transposed 5x5 convolutions to the outer widths and to three channels. `shape`
    is the image's (height, width). `up` is another way to enlarge, as `gans.nn.layers.up_conv` has it; the parameters
    stay the same.
    """

    outer: tuple[int, ...] = (32, 64, 128)
    inner: tuple[int, ...] = (256, 512)
    z_dim: int = 128
    shape: tuple[int, int] = (192, 192)
    norm: str = 'pixelwise'
    activation: str = 'leaky_relu'
    up: str = 'transposed'
    slope: float = 0.2
    init_std: float = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: Array, train: bool = False) -> Array:
        """`latent` [N, z_dim] -> float32 [N, H, W, 3] in [-1, 1]; `train` matters to batch norm alone.

        Raises UserError if `latent` has another length, or if `shape` is no multiple of
        2 ** (len(outer) + len(inner)) (32).
        """
        check_latent(latent, self.z_dim, 'birds')
        common = dict(
            norm=self.norm, activation=self.activation, slope=self.slope, init_std=self.init_std, dtype=self.dtype
        )
        widths = (*self.outer, *self.inner)
        x = Expand(widths[-1], first_map(self.shape, len(widths), 'birds'), **common, name='expand')(latent, train)
        for i, width in enumerate(reversed(widths[:-1])):
            if i < len(self.inner):
                x = Superlayer(width, 3, **common, name=f'conv_{i}')(x, train=train)
            kernel = 3 if i < len(self.inner) else 5
            x = Superlayer(width, kernel, up=self.up, **common, name=f'up_{i}')(x, train=train)
        x = up_conv(x, 3, 5, self.up, init_std=self.init_std, dtype=self.dtype, name='out')
        return jnp.tanh(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """Image -> logit (Table 1, upper half).

    A 5x5 convolution of stride 2 for every outer width, two 3x3 ones of stride 1 and 2 for every inner width, all
    with norm, the first too; a linear projection to `hidden` (the table's Z_dim), then to one number. The table's
    sigmoid is part of the loss. `down` is another way to make the strides, as `gans.nn.layers.Superlayer` has it; the
    parameters stay the same.
    """

    outer: tuple[int, ...] = (32, 64, 128)
    inner: tuple[int, ...] = (256, 512)
    hidden: int = 128
    norm: str = 'pixelwise'
    activation: str = 'leaky_relu'
    down: str = 'stride'
    slope: float = 0.2
    init_std: float = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Array, cond: Array | None = None, train: bool = False) -> Array:
        """`image` [N, H, W, 3] and `cond` [N, H, W, C] or None, in [-1, 1] -> float32 logits [N].

        `train` matters to batch norm alone. Raises UserError if H or W is not a multiple of
        2 ** (len(outer) + len(inner)) (32).
        """
        check_size(image.shape, len(self.outer) + len(self.inner), 'birds')
        superlayer = partial(
            Superlayer,
            norm=self.norm,
            activation=self.activation,
            down=self.down,
            slope=self.slope,
            init_std=self.init_std,
            dtype=self.dtype,
        )
        x = shown(image, cond)
        x = x.astype(self.dtype)
        for i, width in enumerate(self.outer):
            x = superlayer(width, 5, stride=2, name=f'outer_{i}')(x, train=train)
        for i, width in enumerate(self.inner):
            x = superlayer(width, 3, name=f'inner_{i}')(x, train=train)
            x = superlayer(width, 3, stride=2, name=f'down_{i}')(x, train=train)
        dense = partial(Dense, init_std=self.init_std, dtype=self.dtype)
        x = dense(self.hidden, name='project')(x.reshape(len(x), -1))
        return dense(1, name='out')(x)[:, 0].astype(jnp.float32)
