"""DCGAN, and the networks of a WGAN, with transposed 5x5 convolutions.

Source: "Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs" (2018), Tables 1 and 3.

The post's 36.6 M parameters are 36,565,764 at 64 px with `z_dim` 128: 19,331,075 in the generator and 17,234,689 in
the discriminator. One interpretation reaches that: batch norm with a gain and a shift for every channel, also after the
generator's projection, and a bias in every layer, also where a batch norm follows and takes away what the bias adds.
The 19,072 biases of that kind change nothing; with `bias_before_norm=False` they are left out (36,546,692).
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from gans.nn.layers import Dense, Expand, Superlayer, check_latent, check_size, first_map, shown, up_conv


class Generator(nn.Module):
    """Latent -> RGB image (Table 1, lower half).

    A projection to a first map of `widths[-1]` channels (4 x 4 for 64 px), then a transposed convolution of stride 2
    for every other width in reverse and a last one to three channels. `shape` is the image's (height, width). `up` is
    another way to enlarge, as `gans.nn.layers.up_conv` has it; the parameters stay the same.
    """

    widths: tuple[int, ...] = (128, 256, 512, 1024)
    z_dim: int = 128
    shape: tuple[int, int] = (64, 64)
    norm: str = 'batch'
    activation: str = 'relu'
    bias_before_norm: bool = True
    kernel: int = 5
    up: str = 'transposed'
    slope: float = 0.2
    init_std: float = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: Array, train: bool = False) -> Array:
        """`latent` [N, z_dim] -> float32 [N, H, W, 3] in [-1, 1]; `train` chooses what batch norm normalises by.

        Raises UserError if `latent` has another length, or if `shape` is no multiple of 2 ** len(widths) (16).
        """
        check_latent(latent, self.z_dim, 'dcgan')
        common = dict(
            norm=self.norm,
            activation=self.activation,
            slope=self.slope,
            use_bias=True if self.bias_before_norm else None,
            init_std=self.init_std,
            dtype=self.dtype,
        )
        first = first_map(self.shape, len(self.widths), 'dcgan')
        x = Expand(self.widths[-1], first, **common, name='expand')(latent, train)
        for i, width in enumerate(reversed(self.widths[:-1])):
            x = Superlayer(width, self.kernel, up=self.up, **common, name=f'up_{i}')(x, train=train)
        x = up_conv(x, 3, self.kernel, self.up, init_std=self.init_std, dtype=self.dtype, name='out')
        return jnp.tanh(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """Image -> logit (Table 1, upper half): stride-2 superlayers, the first without norm; a projection to a number.

    With `norm='layer'` it is the WGAN's critic. The table's sigmoid (DCGAN) is part of the loss. `down` is another way
    to make the stride, as `gans.nn.layers.Superlayer` has it; the parameters stay the same.
    """

    widths: tuple[int, ...] = (128, 256, 512, 1024)
    norm: str = 'batch'
    activation: str = 'leaky_relu'
    bias_before_norm: bool = True
    kernel: int = 5
    down: str = 'stride'
    slope: float = 0.2
    init_std: float = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Array, cond: Array | None = None, train: bool = False) -> Array:
        """`image` [N, H, W, 3] and `cond` [N, H, W, C] or None, in [-1, 1] -> float32 logits [N].

        `train` chooses what batch norm normalises by. Raises UserError if H or W is not a multiple of
        2 ** len(widths) (16).
        """
        check_size(image.shape, len(self.widths), 'dcgan')
        superlayer = partial(
            Superlayer,
            kernel=self.kernel,
            stride=2,
            down=self.down,
            activation=self.activation,
            slope=self.slope,
            use_bias=True if self.bias_before_norm else None,
            init_std=self.init_std,
            dtype=self.dtype,
        )
        x = shown(image, cond)
        x = x.astype(self.dtype)
        for i, width in enumerate(self.widths):
            x = superlayer(width, norm=self.norm if i else 'none', name=f'down_{i}')(x, train=train)
        x = Dense(1, init_std=self.init_std, dtype=self.dtype, name='out')(x.reshape(len(x), -1))
        return x[:, 0].astype(jnp.float32)
