"""Layers that the networks are spelled with: convolutions, projections, norms, activations, superlayers.

Parameters are float32 and plain (`kernel` in HWIO or [in, out], `bias`, a norm's `scale` and `bias`); `dtype` is the
compute type only, and norms compute in float32. Norms and activations are chosen by name.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from gans.errors import UserError, closest
from gans.nn import conv, rules
from gans.nn.conv_transpose import transposed
from gans.nn.custom_gradients import by_output, layer_norm, layer_statistics
from gans.nn.resample import DOWN, UP, average, check_way, smooth

NORMS = ('pixelwise', 'batch', 'layer', 'none')
ACTIVATIONS = ('leaky_relu', 'relu', 'elu', 'tanh')


def pixelwise_norm(x: Array, epsilon: float = 1e-8) -> Array:
    """Scales every pixel's channel vector to unit mean square: x / sqrt(mean_c(x^2) + epsilon).

    `x` is [..., C] of any float type; computed in float32, returned in the type of `x`.
    Source: Karras et al. 2018 (PGGAN), section 4.2, as used in the flower CGAN post (2018), Tables 1a and 1b.
    """
    wide = x.astype(jnp.float32)
    scale = lax.rsqrt(jnp.mean(jnp.square(wide), axis=-1, keepdims=True) + epsilon)
    return (wide * rules.current().scale(scale)).astype(x.dtype)


def normalize(x: Array, norm: str, train: bool, decay: float = 0.9) -> Array:
    """Applies a norm by name to [N, H, W, C] or [N, C], within a compact method of the module with its parameters.

    Args:
      x: of any float type; statistics and arithmetic are float32, the result has the type of `x`.
      norm: 'pixelwise' (see `pixelwise_norm`); 'batch': every channel to mean 0 and variance 1 over the whole batch
        and all pixels (Ioffe and Szegedy 2015), `layer`: every example over its pixels and channels (Ba et al. 2016),
        both then with a gain and a shift for each channel; or 'none'.
      train: batch norm takes the statistics of this batch and moves the running ones towards them; otherwise it
        takes the running ones. They live in the collection `batch_stats`. Under `jit` over several devices the batch
        is the global one.
      decay: how much of the running statistics a batch leaves in place.

    Raises:
      UserError: an unknown name.
    """
    if norm == 'pixelwise':
        return pixelwise_norm(x)
    if norm == 'none':
        return x
    if norm == 'batch':
        layer = nn.BatchNorm(not train, momentum=decay, use_fast_variance=False, name='norm')
    elif norm == 'layer':
        layer = LayerNorm(name='norm')
    else:
        raise UserError(f'{norm!r} is not a norm{closest(norm, NORMS)}: choose one of {", ".join(NORMS)}.')
    return layer(x.astype(jnp.float32)).astype(x.dtype)


def activation(name: str, slope: float = 0.2) -> Callable[[Array], Array]:
    """The nonlinearity of that name, elementwise; `slope` is the leaky ReLU's below zero.

    Raises:
      UserError: an unknown name.
    """
    if name not in ACTIVATIONS:
        known = ', '.join(ACTIVATIONS)
        raise UserError(f'{name!r} is not an activation{closest(name, ACTIVATIONS)}: choose one of {known}.')
    if name == 'elu':
        function = by_output(nn.elu, lambda y: 1 + jnp.minimum(y, 0))
    elif name == 'leaky_relu':  # by_output, measured here too: a colorizing step took as long, and 1/7 more memory
        function = partial(nn.leaky_relu, negative_slope=slope)
    else:
        function = getattr(nn, name)
    return rules.current().activation(function)


def initializer(std: float | None) -> nn.initializers.Initializer:
    """How weights start: from N(0, `std`), or for None as widely as their layer's number of inputs allows.

    That is variance scaling: a normal distribution of deviation sqrt(2 / n), cut off at two deviations of the uncut one
    and widened by what that takes away, so that the mean square survives a ReLU. n is the number of inputs, times
    K * K for a kernel (He et al. 2015; Curro 2016, section 1.2.4.1), for a transposed one too: the thesis's code counts
    its outputs there, because TensorFlow's transposed kernels have them third, and a last layer to one channel starts
    saturated by that.
    """
    if std is None:
        return nn.initializers.variance_scaling(2.0, 'fan_in', 'truncated_normal')
    return nn.initializers.normal(std)


def weights(module: nn.Module, shape: tuple[int, ...]) -> Array:
    """The parameter `kernel` of a layer, [..., O] over its inputs, as its fields `init_std` and `gain` have it.

    With a `gain` the learning rate is equalized: weights start from N(0, 1) and are multiplied, at every use, by
    `gain` / sqrt(inputs), so that all move at the same pace under Adam, whose steps do not know a layer's width (Karras
    et al. 2018 (PGGAN), section 4.1, where the gain is sqrt(2) before a ReLU).
    """
    if module.gain is None:
        return module.param('kernel', initializer(module.init_std), shape)
    return module.param('kernel', initializer(1.0), shape) * (module.gain / math.sqrt(math.prod(shape[:-1])))


class LayerNorm(nn.Module):
    """`custom_gradients.layer_norm` with a gain that starts at 1 and a shift that starts at 0, float32 [N, ..., C]."""

    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: Array) -> Array:
        gain = self.param('scale', nn.initializers.ones_init(), x.shape[-1:])
        shift = self.param('bias', nn.initializers.zeros_init(), x.shape[-1:])
        if (rule := rules.current()) is rules.DEFINED:
            return layer_norm(x, gain, shift, self.epsilon)
        mean, inverse = layer_statistics(x, self.epsilon)
        return (x - rule.mean(mean)) * (rule.scale(inverse) * gain) + shift


class Conv(nn.Module):
    """Nearest upscaling by `upscale`, then a `kernel` x `kernel` convolution: SAME zero padding, `stride`, `dilation`.

    [N, H, W, I] -> [N, ceil(H * upscale / stride), ceil(W * upscale / stride), features]. Weights start as
    N(0, `init_std`), the bias at zero (the flower CGAN post, Table 2); None is explained at `initializer`, `gain` at
    `weights`. Several inputs stand for their concatenation along the channels. The taps of a dilated kernel lie
    `dilation` pixels apart. `gans.nn.conv` chooses how it is computed; the parameters do not depend on that choice.
    """

    features: int
    kernel: int = 5
    stride: int = 1
    upscale: int = 1
    use_bias: bool = True
    init_std: float | None = 0.02
    dtype: Any = jnp.float32
    dilation: int = 1
    gain: float | None = None

    @nn.compact
    def __call__(self, *inputs: Array) -> Array:
        x = inputs[0] if len(inputs) == 1 else jnp.concatenate(inputs, axis=-1)
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        kernel = weights(self, shape).astype(self.dtype)
        y = conv.conv(x.astype(self.dtype), kernel, self.stride, self.upscale, self.dilation)
        if self.use_bias:
            y = y + self.param('bias', nn.initializers.zeros_init(), (self.features,)).astype(self.dtype)
        return y


class TransposedConv(nn.Module):
    """`kernel` x `kernel` transposed convolution of stride 2: [N, H, W, I] -> [N, 2 H, 2 W, features].

    `shape` is the output's (height, width) where it is not twice the input's, but one less (4 -> 7 pixels). See
    `gans.nn.conv_transpose`; weights and bias start as those of `Conv`.
    """

    features: int
    kernel: int = 5
    use_bias: bool = True
    init_std: float | None = 0.02
    dtype: Any = jnp.float32
    shape: tuple[int, int] | None = None
    gain: float | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        y = transposed(x.astype(self.dtype), weights(self, shape).astype(self.dtype), self.shape)
        if self.use_bias:
            y = y + self.param('bias', nn.initializers.zeros_init(), (self.features,)).astype(self.dtype)
        return y


class Dense(nn.Module):
    """Linear projection [..., I] -> [..., features]; the weights are those of `weights`, the bias starts at zero."""

    features: int
    use_bias: bool = True
    init_std: float | None = 0.02
    dtype: Any = jnp.float32
    gain: float | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        y = x.astype(self.dtype) @ weights(self, (x.shape[-1], self.features)).astype(self.dtype)
        if self.use_bias:
            y = y + self.param('bias', nn.initializers.zeros_init(), (self.features,)).astype(self.dtype)
        return y


def up_conv(
    x: Array, features: int, kernel: int, up: str, shape: tuple[int, int] | None = None, **common: Any
) -> Array:
    """A convolution to twice the height and width, within a compact method: [N, H, W, I] -> [N, 2 H, 2 W, features].

    `shape` is the output's (height, width) where one less is wanted.

    `up` is 'transposed': `TransposedConv`; 'nearest': `Conv` of the map with every pixel twice along both axes; or
    'linear': the same, filtered by `resample.smooth`, which is `Conv` of the map enlarged bilinearly except at the
    border. `common` are fields that both layers have. Raises UserError for an unknown name.
    """
    check_way(up, UP, 'up')
    if up == 'transposed':
        return TransposedConv(features, kernel, shape=shape, **common)(x)
    x = Conv(features, kernel, upscale=2, **common)(x)
    x = x if shape is None else x[:, : shape[0], : shape[1]]
    return smooth(x) if up == 'linear' else x


class Superlayer(nn.Module):
    """Convolution, norm, activation: a row of the tables in the flower CGAN, DCGAN, BEGAN and birds posts (2018).

    Shapes and the convolution's fields are those of `Conv`, or with `up` those of `up_conv`. `norm` is one of `NORMS`,
    `activation` one of `ACTIVATIONS`, `slope` the leaky ReLU's slope below zero. A batch norm takes away what a bias
    before it adds, so that there is none unless `use_bias` says so. `down` says how a `stride` of 2 is made: 'stride',
    by the convolution; 'blur', the same of the map filtered by `resample.smooth`; 'pool', by the mean over 2 x 2 pixels
    of what a layer without stride gives, which takes four times the arithmetic. Raises UserError for an unknown name.
    """

    features: int
    kernel: int = 5
    stride: int = 1
    upscale: int = 1
    down: str = 'stride'
    up: str | None = None
    norm: str = 'pixelwise'
    activation: str = 'leaky_relu'
    slope: float = 0.2
    use_bias: bool | None = None
    init_std: float | None = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, *inputs: Array, train: bool = False) -> Array:
        common = dict(use_bias=_bias(self.use_bias, self.norm), init_std=self.init_std, dtype=self.dtype, name='conv')
        check_way(self.down, DOWN, 'down')
        pool = self.stride > 1 and self.down == 'pool'
        if self.stride > 1 and self.down == 'blur':
            inputs = [smooth(x) for x in inputs]
        if self.up:
            x = up_conv(*inputs, self.features, self.kernel, self.up, **common)
        else:
            x = Conv(self.features, self.kernel, 1 if pool else self.stride, self.upscale, **common)(*inputs)
        x = activation(self.activation, self.slope)(normalize(x, self.norm, train))
        return average(x, self.stride) if pool else x


class Expand(nn.Module):
    """Projection of a latent to a first map, norm, activation: [N, Z] -> [N, *base, features].

    Fields as in `Superlayer`; `base` is the map's (height, width).
    """

    features: int
    base: tuple[int, int]
    norm: str = 'pixelwise'
    activation: str = 'leaky_relu'
    slope: float = 0.2
    use_bias: bool | None = None
    init_std: float | None = 0.02
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: Array, train: bool = False) -> Array:
        shape = (latent.shape[0], *self.base, self.features)
        bias = _bias(self.use_bias, self.norm)
        x = Dense(math.prod(shape[1:]), bias, self.init_std, self.dtype, name='project')(latent).reshape(shape)
        return activation(self.activation, self.slope)(normalize(x, self.norm, train))


def check_size(shape: tuple[int, ...], levels: int, networks: str) -> None:
    """Raises UserError unless height and width of `shape` [N, H, W, C] are multiples of 2 ** levels."""
    height, width = shape[1:3]
    step = 2**levels
    if height % step or width % step or not height or not width:
        near = ','.join(f'{max(1, round(side / step)) * step}' for side in (height, width))
        raise UserError(
            f'the {networks} networks need a height and width that are multiples of {step}, not '
            f'{height} x {width}: give --config.size={near}, for example.'
        )


def first_map(shape: tuple[int, int], levels: int, networks: str) -> tuple[int, int]:
    """The (height, width) of the map that becomes an image of `shape` when it is doubled `levels` times.

    Raises:
      UserError: there is none.
    """
    check_size((1, *shape, 3), levels, networks)
    return shape[0] // 2**levels, shape[1] // 2**levels


def sizes_up(shape: tuple[int, int], levels: int) -> list[tuple[int, int]]:
    """The (height, width) of `levels` + 1 maps up to one of `shape`, each half of the next one, rounded up.

    28 pixels after three levels: 4, 7, 14, 28. No size is refused.
    """
    sizes = [tuple(shape)]
    for _ in range(levels):
        sizes.insert(0, tuple(-(-side // 2) for side in sizes[0]))
    return sizes


def to_channels(image: Array, channels: int) -> Array:
    """What a network for images of so many `channels` sees of [N, H, W, 3]: all three, or for 1 their mean.

    In a gray image all three are equal, and equal to that mean. Raises UserError for another number.
    """
    _check_channels(channels)
    return image if channels == 3 else jnp.mean(image, axis=-1, keepdims=True)


def shown(image: Array, cond: Array | None, channels: int = 3) -> Array:
    """What a discriminator sees: `image` [N, H, W, 3] by `to_channels`, behind it the channels of `cond`, if any."""
    x = to_channels(image, channels)
    return x if cond is None else jnp.concatenate([x, cond], axis=-1)


def to_rgb(x: Array) -> Array:
    """[N, H, W, 1 or 3] -> [N, H, W, 3]: a single channel is gray and stands for all three. Raises UserError else."""
    _check_channels(x.shape[-1])
    return x if x.shape[-1] == 3 else jnp.repeat(x, 3, axis=-1)


def check_latent(latent: Array, z_dim: int, networks: str) -> None:
    """Raises UserError unless `latent` is [N, z_dim]."""
    if latent.ndim != 2 or latent.shape[-1] != z_dim:
        raise UserError(
            f'the {networks} generator needs a latent of shape (N, {z_dim}), not {latent.shape}: '
            f'let the task draw {z_dim} numbers per image (config.task.latent).'
        )


def _check_channels(channels):
    if channels not in (1, 3):
        raise UserError(f'the networks were asked for {channels} channels: give 1 for gray images, or 3.')


def _bias(use_bias, norm):
    return norm != 'batch' if use_bias is None else use_bias
