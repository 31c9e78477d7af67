"""Wide residual blocks that halve a map or enlarge it: norm and activation come before every convolution.

Source: Zagoruyko and Komodakis 2016; `wide_basic_conv` and `wide_basic_deconv` of Curro 2016, appendix A. Norms and
activations are those of `gans.nn.layers`, weights start as `gans.nn.layers.initializer` says.
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from gans.errors import UserError, closest
from gans.nn.layers import Conv, TransposedConv, activation, normalize

RESIZES = ('linear', 'nearest')


class WideDown(nn.Module):
    """Two convolutions beside a shortcut: [N, H, W, I] -> [N, ceil(H / stride), ceil(W / stride), features].

    Norm, activation, convolution with `stride`, norm, activation, convolution; no biases. The shortcut is the block's
    input as it is where the shape stays, else a 1x1 convolution, with the stride, of what the first one sees.
    """

    features: int
    stride: int = 2
    kernel: int = 3
    norm: str = 'batch'
    activation: str = 'relu'
    slope: float = 0.2
    init_std: float | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, train: bool = False) -> Array:
        conv = partial(Conv, self.features, use_bias=False, init_std=self.init_std, dtype=self.dtype)
        settle = partial(Settle, self.norm, self.activation, self.slope)
        x = x.astype(self.dtype)
        seen = settle(name='settle_0')(x, train)
        same = self.stride == 1 and x.shape[-1] == self.features
        shortcut = x if same else conv(1, self.stride, name='shortcut')(seen)
        y = conv(self.kernel, self.stride, name='conv_0')(seen)
        y = conv(self.kernel, name='conv_1')(settle(name='settle_1')(y, train))
        return shortcut + y


class WideUp(nn.Module):
    """A transposed convolution and one of stride 1 beside an enlarged shortcut: [N, H, W, I] -> [N, *shape, features].

    Norm, activation, transposed convolution, norm, activation, convolution. `shape` is (2 H, 2 W) or one less, as for
    `TransposedConv`. The shortcut is the block's raw input through a 1x1 convolution, resized: the thesis's code
    resizes first, which comes to the same. Its bilinear resize begins at the corner (TensorFlow's of 2016), this one
    in the middle of pixels; `resize='nearest'` repeats them. The code's second convolution is a transposed one of
    stride 1 with an even kernel: the same up to a turn of the kernel and the side of its extra row. There is a bias
    for the sum, where the code has one in each of its parts, and one in the first convolution but before batch norm.
    """

    features: int
    shape: tuple[int, int]
    kernel: int = 6
    norm: str = 'batch'
    activation: str = 'relu'
    slope: float = 0.2
    resize: str = 'linear'
    init_std: float | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, train: bool = False) -> Array:
        """Raises UserError for an unknown resize."""
        if self.resize not in RESIZES:
            near = closest(self.resize, RESIZES)
            raise UserError(f'{self.resize!r} is not a resize{near}: choose one of {", ".join(RESIZES)}.')
        common = dict(init_std=self.init_std, dtype=self.dtype)
        settle = partial(Settle, self.norm, self.activation, self.slope)
        x = x.astype(self.dtype)
        shortcut = Conv(self.features, 1, use_bias=False, **common, name='shortcut')(x)
        shortcut = jax.image.resize(shortcut, (x.shape[0], *self.shape, self.features), self.resize)
        bias = self.norm != 'batch'
        y = settle(name='settle_0')(x, train)
        y = TransposedConv(self.features, self.kernel, bias, **common, shape=self.shape, name='conv_0')(y)
        y = Conv(self.features, self.kernel, **common, name='conv_1')(settle(name='settle_1')(y, train))
        return shortcut + y


class Settle(nn.Module):
    """Norm, activation: [N, ..., C] -> [N, ..., C]."""

    norm: str
    activation: str
    slope: float = 0.2

    @nn.compact
    def __call__(self, x: Array, train: bool = False) -> Array:
        return activation(self.activation, self.slope)(normalize(x, self.norm, train))
