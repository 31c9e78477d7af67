"""Layers that the networks are spelled with: convolutions, projections, pixelwise norm, superlayers.

Parameters are float32 and plain (`kernel` in HWIO or [in, out], `bias`); `dtype` is the compute type only.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from gans import conv


def pixelwise_norm(x: Array, epsilon: float = 1e-8) -> Array:
    """Scales every pixel's channel vector to unit mean square: x / sqrt(mean_c(x^2) + epsilon).

    `x` is [..., C] of any float type; computed in float32, returned in the type of `x`.
    Source: Karras et al. 2018 (PGGAN), section 4.2, as used in the flower CGAN post (2018), Tables 1a and 1b.
    """
    wide = x.astype(jnp.float32)
    scale = lax.rsqrt(jnp.mean(jnp.square(wide), axis=-1, keepdims=True) + epsilon)
    return (wide * scale).astype(x.dtype)


class Conv(nn.Module):
    """Nearest upscaling by `upscale`, then a `kernel` x `kernel` convolution: SAME zero padding, `stride`.

    [N, H, W, I] -> [N, ceil(H * upscale / stride), ceil(W * upscale / stride), features]. Weights start as
    N(0, `init_std`), the bias at zero (the flower CGAN post, Table 2). Several inputs stand for their concatenation
    along the channels. `gans.conv` chooses how it is computed; the parameters do not depend on that choice.
    """

    features: int
    kernel: int = 5
    stride: int = 1
    upscale: int = 1
    use_bias: bool = True
    init_std: float = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, *inputs: Array) -> Array:
        x = inputs[0] if len(inputs) == 1 else jnp.concatenate(inputs, axis=-1)
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        weights = self.param('kernel', nn.initializers.normal(self.init_std), shape)
        y = conv.conv(x.astype(self.dtype), weights.astype(self.dtype), self.stride, self.upscale)
        if self.use_bias:
            y = y + self.param('bias', nn.initializers.zeros_init(), (self.features,)).astype(self.dtype)
        return y


class Dense(nn.Module):
    """Linear projection [..., I] -> [..., features]; weights start as N(0, `init_std`), the bias at zero."""

    features: int
    use_bias: bool = True
    init_std: float = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        weights = self.param('kernel', nn.initializers.normal(self.init_std), (x.shape[-1], self.features))
        y = x.astype(self.dtype) @ weights.astype(self.dtype)
        if self.use_bias:
            y = y + self.param('bias', nn.initializers.zeros_init(), (self.features,)).astype(self.dtype)
        return y


class Superlayer(nn.Module):
    """Convolution, pixelwise norm (unless `norm` is false), leaky ReLU: a row of the flower CGAN post's Table 1a or 1b.

    Shapes and the convolution's fields are those of `Conv`; `slope` is the leaky ReLU's slope below zero.
    """

    features: int
    kernel: int = 5
    stride: int = 1
    upscale: int = 1
    norm: bool = True
    slope: float = 0.2
    init_std: float = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, *inputs: Array) -> Array:
        x = Conv(
            self.features, self.kernel, self.stride, self.upscale, init_std=self.init_std, dtype=self.dtype, name='conv'
        )(*inputs)
        return nn.leaky_relu(pixelwise_norm(x) if self.norm else x, self.slope)
