"""Convolutions that choose the fastest exact form by static shape and backend."""

import jax.numpy as jnp
from jax import Array, lax

DIMENSIONS = ('NHWC', 'HWIO', 'NHWC')


def conv(x: Array, kernel: Array, stride: int = 1, upscale: int = 1) -> Array:
    """Nearest upscaling by `upscale`, then a convolution with SAME zero padding and `stride`.

    `x` is [N, H, W, I], `kernel` [K, K, I, O]; returns [N, H * upscale / stride, W * upscale / stride, O].
    """
    if upscale > 1:
        x = jnp.repeat(jnp.repeat(x, upscale, axis=1), upscale, axis=2)
    return lax.conv_general_dilated(x, kernel, (stride, stride), 'SAME', dimension_numbers=DIMENSIONS)
