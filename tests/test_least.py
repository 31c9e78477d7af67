"""The least arithmetic of a step: products counted one by one, and the turns that share them."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from variants import CONFIG_FILES

from benchmarks.least import layers_of, least_operations
from gans.config.load import load
from gans.core.build import build
from gans.core.inputs import draw
from gans.core.state import state_shapes
from gans.nn.layers import Conv, Dense, TransposedConv
from gans.run.parallel import lay_out


def products(extent, size, stride, dilation=1):
    """Taps of a SAME convolution along one axis that fall on the image, one by one."""
    out = -(-extent // stride)
    before = max((out - 1) * stride + (size - 1) * dilation + 1 - extent, 0) // 2
    places = [place * stride + tap * dilation - before for place in range(out) for tap in range(size)]
    return sum(0 <= place < extent for place in places)


class Net(nn.Module):
    """One layer on an image, and a projection of all that it gives."""

    stride: int = 1
    upscale: int = 1
    dilation: int = 1

    @nn.compact
    def __call__(self, x, train=False):
        x = Conv(7, stride=self.stride, upscale=self.upscale, dilation=self.dilation)(x, x)
        return Dense(5)(x.reshape(len(x), -1))


class TransposedNet(nn.Module):
    """One transposed layer."""

    size: int
    shape: tuple[int, int] | None = None

    @nn.compact
    def __call__(self, x, train=False):
        return TransposedConv(7, self.size, shape=self.shape)(x)


@pytest.mark.parametrize('stride', [1, 2])
def test_products_with_the_border_are_not_counted(stride):
    conv, dense = layers_of(Net(stride=stride), jax.ShapeDtypeStruct((2, 6, 9, 3), jnp.float32))
    assert conv.operations == 2 * 2 * products(6, 5, stride) * products(9, 5, stride) * 6 * 7
    assert conv.channels == 6
    pixels = -(-6 // stride) * -(-9 // stride)
    assert dense.operations == 2 * 2 * (7 * pixels) * 5


def test_upscaling_counts_as_four_small_kernels_at_the_low_resolution():
    conv, _ = layers_of(Net(upscale=2), jax.ShapeDtypeStruct((1, 4, 6, 3), jnp.float32))
    assert conv.operations == 2 * (2 * products(4, 3, 1)) * (2 * products(6, 3, 1)) * 6 * 7


@pytest.mark.parametrize('size', [3, 5])
def test_transposed_convolutions_are_counted_without_the_zeros(size):
    (layer,) = layers_of(TransposedNet(size), jax.ShapeDtypeStruct((2, 3, 4, 5), jnp.float32))
    # The gradient of a strided convolution needs the products of that convolution.
    assert layer.operations == 2 * 2 * products(6, size, 2) * products(8, size, 2) * 5 * 7


@pytest.mark.parametrize('size', [3, 5, 6])
def test_outputs_of_odd_size_need_fewer_products(size):
    (layer,) = layers_of(TransposedNet(size, (5, 8)), jax.ShapeDtypeStruct((2, 3, 4, 5), jnp.float32))
    assert layer.operations == 2 * 2 * products(5, size, 2) * products(8, size, 2) * 5 * 7


@pytest.mark.parametrize('dilation', [2, 4, 16])
def test_taps_of_a_dilated_kernel_that_fall_outside_are_not_counted(dilation):
    conv, _ = layers_of(Net(dilation=dilation), jax.ShapeDtypeStruct((1, 6, 9, 3), jnp.float32))
    assert conv.operations == 2 * products(6, 5, 1, dilation) * products(9, 5, 1, dilation) * 6 * 7


@pytest.mark.parametrize('config_file', CONFIG_FILES)
def test_more_turns_cost_what_they_add(config_file):
    def count(gen, disc):
        config = load(f'{config_file}:tiny').unlock()
        config.turns.update(gen=gen, disc=disc)
        return least_operations(build(config, 64), config)

    one = count(1, 1)
    more_disc, more_gen = count(1, 2) - one, count(2, 1) - one
    assert 0 < more_disc < one and 0 < more_gen < one
    assert count(3, 4) == pytest.approx(one + 3 * more_disc + 2 * more_gen, rel=1e-12)
    # The shared generator forward pass is all that one turn of each saves.
    config = load(f'{config_file}:tiny')
    assert more_disc + more_gen > one
    np.testing.assert_allclose(more_disc + more_gen - one, _forward(config), rtol=1e-12)


VARIANTS = ['configs/inpaint.py:masked', 'configs/colorize.py:luma']


@pytest.mark.parametrize('config_file', [*CONFIG_FILES, *VARIANTS])
def test_the_compiled_step_does_little_more_than_the_least(config_file, forms_of_accelerators):
    config = without_pairs(load(config_file))
    game = build(config, 1000)
    images = jax.ShapeDtypeStruct(game.batch_shape, np.uint8)
    layout = lay_out('jit', game, config.batch, devices=1)
    compiled = layout.lower(jax.random.key(0), state_shapes(game, config), images).compile()
    excess = compiled.cost_analysis()['flops'] / least_operations(game, config)
    assert 1 < excess < 1.05


def without_pairs(config):
    """The config without what compares all pairs of a batch, which is not counted: terms over layers, their like."""
    config.unlock()
    terms = config.objective.terms
    for name in [name for name in terms if not isinstance(terms, tuple) and 'layers' in terms[name]]:
        del terms[name], config.schedules[name]
    if 'minibatch' in config.discriminator:
        config.discriminator.minibatch = 0
    return config


def _forward(config):
    game = build(config, 64)
    size = config.size
    images = jax.ShapeDtypeStruct((config.batch, size, size, 3), np.uint8)
    inputs = jax.eval_shape(partial(draw, game), jax.random.key(0), images)
    return sum(layer.operations for layer in layers_of(game.gen, **inputs.gen))
