"""Layers against their formulas in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.layers import Conv, Dense, Superlayer, pixelwise_norm


def test_pixelwise_norm_gives_unit_mean_square_and_survives_zeros():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    wanted = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(pixelwise_norm(jnp.asarray(x)), wanted, rtol=1e-5)
    zeros = jnp.zeros((1, 2, 2, 3))
    assert not np.any(pixelwise_norm(zeros))
    assert np.all(np.isfinite(jax.grad(lambda x: pixelwise_norm(x).sum())(zeros)))


def test_pixelwise_norm_of_bfloat16_is_rounded_once():
    x = jax.random.normal(jax.random.key(0), (4, 8, 8, 24), jnp.bfloat16)
    wide = np.asarray(x, np.float64)
    wanted = wide / np.sqrt((wide**2).mean(-1, keepdims=True) + 1e-8)
    y = pixelwise_norm(x)
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.asarray(y, np.float64), wanted, rtol=1.01 * 2**-8)  # half a unit of bfloat16


@pytest.mark.parametrize(
    ('layer', 'shape', 'kernel'), [(Conv(32), (1, 4, 4, 16), (5, 5, 16, 32)), (Dense(128), (1, 128), (128, 128))]
)
def test_parameters_start_as_the_table_says(layer, shape, kernel):
    params = layer.init(jax.random.key(0), jnp.zeros(shape))['params']
    assert params['kernel'].shape == kernel and params['kernel'].dtype == jnp.float32
    assert abs(float(params['kernel'].std()) / 0.02 - 1) < 0.03
    assert abs(float(params['kernel'].mean())) < 1e-3
    assert params['bias'].shape == kernel[-1:] and not np.any(params['bias'])


def test_no_bias_and_bfloat16_compute_with_float32_parameters():
    layer = Conv(4, use_bias=False, dtype=jnp.bfloat16)
    y, variables = layer.init_with_output(jax.random.key(0), jnp.ones((1, 4, 4, 3)))
    assert y.dtype == jnp.bfloat16
    assert {name: leaf.dtype for name, leaf in variables['params'].items()} == {'kernel': jnp.float32}


@pytest.mark.parametrize(
    ('stride', 'upscale', 'shape'), [(1, 1, (1, 6, 4, 7)), (2, 1, (1, 3, 2, 7)), (1, 2, (1, 12, 8, 7))]
)
def test_conv_shapes(stride, upscale, shape):
    layer = Conv(7, stride=stride, upscale=upscale)
    assert layer.init_with_output(jax.random.key(0), jnp.ones((1, 6, 4, 3)))[0].shape == shape


def test_several_inputs_stand_for_their_concatenation():
    a, b = jax.random.normal(jax.random.key(1), (1, 4, 4, 2)), jax.random.normal(jax.random.key(2), (1, 4, 4, 3))
    variables = Conv(4).init(jax.random.key(0), a, b)
    np.testing.assert_allclose(
        Conv(4).apply(variables, a, b), Conv(4).apply(variables, jnp.concatenate([a, b], -1)), atol=1e-6
    )


@pytest.mark.parametrize('norm', [True, False])
def test_superlayer_is_conv_norm_leaky_relu(norm):
    x = jax.random.normal(jax.random.key(1), (2, 4, 4, 3))
    y, variables = Superlayer(5, norm=norm, init_std=1.0).init_with_output(jax.random.key(0), x)
    z = np.asarray(Conv(5).apply({'params': variables['params']['conv']}, x))
    if norm:
        z = z / np.sqrt((z**2).mean(-1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(y, np.where(z > 0, z, 0.2 * z), rtol=1e-4, atol=1e-5)
