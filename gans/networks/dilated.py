"""The thesis's colorizer: residual dilated convolutions at full size, luminance in, colour differences out.

Source: Curro 2016, "Alternative Architectures for Image Generation and Residual Dilated Convolutions for Image
Colorization with Adversarial Networks", chapter 4 and equation 107. The thesis gives neither widths nor depth.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from gans.errors import UserError
from gans.image import ops
from gans.networks import convnet
from gans.nn.layers import Conv, activation, normalize

Discriminator = convnet.Discriminator


class Dilated(nn.Module):
    """Dilated convolution, plus what is added, norm, activation: [N, H, W, C] -> [N, H, W, width]."""

    width: int
    kernel: int
    dilation: int
    norm: str
    activation: str
    init_std: float | None
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, added: Array | float, train: bool) -> Array:
        conv = Conv(
            self.width, self.kernel, dilation=self.dilation, init_std=self.init_std, dtype=self.dtype, name='conv'
        )
        return activation(self.activation)(normalize(conv(x) + added, self.norm, train))


class Generator(nn.Module):
    """Gray image -> RGB image of the same luminance (equation 107).

    Layer l of 1 to `depth`: a `kernel` x `kernel` convolution of dilation 2^l to `width` channels; every even one adds
    what lay two layers before (layer 2 the gray image itself, to all channels alike); norm; activation. Then one
    plain convolution to U and V, and tanh times the limits of their ranges. Dilations 2, 4, ... alone reach only every
    second pixel; the plain convolution at the end fills the gaps, and the receptive field is all of the
    2^(depth + 2) - 1 pixels around (for `kernel` 3): 255 for a depth of 6. Any height and width will do.
    """

    width: int = 32
    depth: int = 6
    kernel: int = 3
    norm: str = 'layer'
    activation: str = 'elu'
    init_std: float | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Array, train: bool = False) -> Array:
        """`image` [N, H, W, 1] in [-1, 1] -> float32 [N, H, W, 3], whose luma is `image`.

        A colour may lie outside the RGB cube; it is clipped where it is stored. `train` is what batch norm asks for.
        Raises UserError for a `depth` above 16.
        """
        if self.depth > 16:
            raise UserError(f'config.generator.depth is {self.depth}: every layer doubles the dilation; give up to 16.')
        before, x = 0.0, image.astype(self.dtype)
        for level in range(1, self.depth + 1):
            layer = Dilated(
                self.width,
                self.kernel,
                2**level,
                self.norm,
                self.activation,
                self.init_std,
                self.dtype,
                name=f'dilated_{level}',
            )
            before, x = x, layer(x, 0.0 if level % 2 else before, train)
        x = Conv(2, self.kernel, init_std=self.init_std, dtype=self.dtype, name='out')(x)
        colour = jnp.tanh(x.astype(jnp.float32)) * 2 * jnp.array([ops.U_MAX, ops.V_MAX])
        return ops.yuv_to_rgb(jnp.concatenate([image, colour], axis=-1))
