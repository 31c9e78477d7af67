"""Digits told from forgeries by a fully connected network, and the convolutional generator that goes with it.

Source: Curro 2016, section 3.3.1 and `mnist_discriminator_fc` of appendix A. Images lie in [-1, 1] here and in [0, 1]
there, so that noise of 0.6 on them is the thesis's 0.3. The weights start by variance scaling.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from gans.networks.convnet import Generator
from gans.nn.heads import Head
from gans.nn.layers import shown

__all__ = ['Discriminator', 'Generator']


class Discriminator(nn.Module):
    """Image -> logit: a fully connected layer for every one of `widths`, and one to a number.

    Noise, projection, norm, activation for every width (`head/hidden_0`, ...), and minibatch features after the last
    `minibatch` of them: six layers, and two instances in front of the last two, by default. `kernels`, `dims` and
    `scale` are those of `gans.nn.minibatch.MinibatchFeatures`. The last layer has noise before it, no norm and no
    activation: the text's sigmoid is part of the loss.

    `input_noise` is the deviation on the image, `noise` that inside: 0.3 at each layer by the text, 0.3 on the
    image and 0.5 inside by the code. The thesis has no dropout here.
    """

    widths: tuple[int, ...] = (1000, 500, 500, 250, 250)
    minibatch: int = 2
    kernels: int = 32
    dims: int = 8
    scale: str = 'mean'
    channels: int = 3
    norm: str = 'layer'
    activation: str = 'elu'
    slope: float = 0.2
    input_noise: float = 0.6
    noise: float = 0.3
    dropout: float = 0.0
    init_std: float | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Array, cond: Array | None = None, train: bool = False) -> Array:
        """`image` [N, H, W, 3] and `cond` [N, H, W, C] or None, in [-1, 1] -> float32 logits [N].

        `train` adds noise and dropout and chooses what batch norm normalises by. Raises UserError for an unknown name,
        other `channels`, or more `minibatch` than `widths`.
        """
        x = shown(image, cond, self.channels)
        return Head(
            self.widths,
            self.minibatch,
            self.kernels,
            self.dims,
            self.scale,
            self.norm,
            self.activation,
            self.slope,
            self.noise,
            self.input_noise,
            self.dropout,
            self.init_std,
            self.dtype,
            name='head',
        )(x, train)
