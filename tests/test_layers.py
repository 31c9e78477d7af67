"""Layers against their formulas in numpy."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from gans.errors import UserError
from gans.nn.layers import (
    Conv,
    Dense,
    Expand,
    Superlayer,
    TransposedConv,
    activation,
    normalize,
    pixelwise_norm,
    shown,
    sizes_up,
    to_channels,
    to_rgb,
)


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


def gaussian(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


@pytest.mark.parametrize('norm', ['pixelwise', 'none'])
def test_superlayer_is_conv_norm_leaky_relu(norm):
    x = gaussian(1, 2, 4, 4, 3)
    y, variables = Superlayer(5, norm=norm, init_std=1.0).init_with_output(jax.random.key(0), x)
    z = np.asarray(Conv(5).apply({'params': variables['params']['conv']}, x))
    if norm == 'pixelwise':
        z = z / np.sqrt((z**2).mean(-1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(y, np.where(z > 0, z, 0.2 * z), rtol=1e-4, atol=1e-5)


def normed(norm, axes, x, gain=1.0, shift=0.0):
    """Superlayer(norm, tanh) by hand, and the module's variables."""
    layer = Superlayer(5, 3, norm=norm, activation='tanh', init_std=1.0)
    variables = layer.init(jax.random.key(0), x)
    variables['params']['norm'] = {'scale': jnp.full(5, gain), 'bias': jnp.full(5, shift)}
    z = np.asarray(
        Conv(5, 3, use_bias='bias' in variables['params']['conv']).apply({'params': variables['params']['conv']}, x)
    )
    mean, var = z.mean(axes, keepdims=True), z.var(axes, keepdims=True)
    return layer, variables, z, np.tanh(gain * (z - mean) / np.sqrt(var + 1e-5) + shift)


def test_batch_norm_normalises_channels_over_the_batch_and_its_pixels():
    x = 3 + gaussian(1, 4, 6, 4, 3)
    layer, variables, z, wanted = normed('batch', (0, 1, 2), x, 0.5, 0.1)
    y, after = layer.apply(variables, x, train=True, mutable=['batch_stats'])
    np.testing.assert_allclose(y, wanted, atol=1e-5)
    running = after['batch_stats']['norm']
    np.testing.assert_allclose(running['mean'], 0.1 * z.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(running['var'], 0.9 + 0.1 * z.var((0, 1, 2)), rtol=1e-5)


def test_batch_norm_after_training_uses_the_running_statistics():
    x = gaussian(1, 4, 6, 4, 3)
    layer, variables, z, _ = normed('batch', (0, 1, 2), x)
    variables['batch_stats'] = {'norm': {'mean': jnp.full(5, 0.5), 'var': jnp.full(5, 4.0)}}
    np.testing.assert_allclose(layer.apply(variables, x), np.tanh((z - 0.5) / np.sqrt(4 + 1e-5)), atol=1e-6)


def test_batch_norm_takes_no_bias_before_it_unless_told():
    shapes = jax.eval_shape(Superlayer(5, norm='batch').init, jax.random.key(0), jnp.ones((1, 4, 4, 3)))
    assert set(shapes['params']['conv']) == {'kernel'}
    told = jax.eval_shape(Superlayer(5, norm='batch', use_bias=True).init, jax.random.key(0), jnp.ones((1, 4, 4, 3)))
    assert set(told['params']['conv']) == {'kernel', 'bias'}


def test_batch_norm_over_eight_devices_is_that_of_one():
    x = gaussian(1, 16, 4, 4, 3) * jnp.arange(16)[:, None, None, None]
    layer, variables, _, _ = normed('batch', (0, 1, 2), x)

    def run(x):
        y, after = layer.apply(variables, x, train=True, mutable=['batch_stats'])
        return y, after['batch_stats']

    mesh = jax.make_mesh((8,), ('data',))
    shared = jax.device_put(x, NamedSharding(mesh, PartitionSpec('data')))
    one, eight = jax.jit(run)(x), jax.jit(run)(shared)
    assert len(eight[0].sharding.device_set) == 8
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), one, eight)


def test_layer_norm_normalises_every_example_by_itself():
    x = gaussian(1, 4, 6, 4, 3) * jnp.arange(1, 5)[:, None, None, None]
    layer, variables, _, wanted = normed('layer', (1, 2, 3), x, 0.5, 0.1)
    np.testing.assert_allclose(layer.apply(variables, x), wanted, atol=1e-5)
    np.testing.assert_allclose(layer.apply(variables, x[2:3]), wanted[2:3], atol=1e-5)


@pytest.mark.parametrize('norm', ['batch', 'layer'])
def test_norms_of_bfloat16_compute_in_float32(norm):
    """Values whose mean is 256 times their deviation: in bfloat16 nothing would be left of them."""
    x = (256 + gaussian(1, 8, 4, 4, 1)).astype(jnp.bfloat16)
    layer = Superlayer(2, 1, norm=norm, activation='tanh', init_std=1.0, dtype=jnp.bfloat16)
    variables = layer.init(jax.random.key(0), x)
    y, _ = layer.apply(variables, x, train=True, mutable=['batch_stats'])
    z = np.asarray(Conv(2, 1, use_bias=False, dtype=jnp.bfloat16).apply({'params': variables['params']['conv']}, x))
    axes = (0, 1, 2) if norm == 'batch' else (1, 2, 3)
    z = z.astype(np.float64)
    wanted = np.tanh((z - z.mean(axes, keepdims=True)) / np.sqrt(z.var(axes, keepdims=True) + 1e-5))
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.asarray(y, np.float64), wanted, atol=0.01)


@pytest.mark.parametrize(
    ('name', 'formula'),
    [
        ('leaky_relu', lambda x: np.where(x > 0, x, 0.3 * x)),
        ('relu', lambda x: np.maximum(x, 0)),
        ('elu', lambda x: np.where(x > 0, x, np.expm1(x))),
        ('tanh', np.tanh),
    ],
)
def test_activations_are_their_formulas(name, formula):
    x = np.linspace(-3, 3, 13, dtype=np.float32)
    np.testing.assert_allclose(activation(name, 0.3)(jnp.asarray(x)), formula(x), atol=1e-6)


@pytest.mark.parametrize('layer', [Conv(7, 3), TransposedConv(7, 3), Dense(7)])
def test_an_equalized_layer_divides_its_weights_by_the_root_of_its_inputs(layer):
    x = gaussian(1, 2, 4, 4, 50)
    variables = layer.clone(gain=3.0).init(jax.random.key(0), x)
    kernel = variables['params']['kernel']
    assert np.std(kernel) == pytest.approx(1, abs=0.05)
    inputs = 50 if isinstance(layer, Dense) else 50 * 9
    scaled = {'params': variables['params'] | {'kernel': kernel * (3 / inputs**0.5)}}
    np.testing.assert_allclose(layer.clone(gain=3.0).apply(variables, x), layer.apply(scaled, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('channels', [1, 3])
def test_a_discriminator_is_shown_the_condition_behind_the_image(channels):
    image, cond = gaussian(1, 2, 4, 4, 3), gaussian(2, 2, 4, 4, 2)
    seen = image if channels == 3 else image.mean(-1, keepdims=True)
    np.testing.assert_array_equal(shown(image, None, channels), seen)
    np.testing.assert_array_equal(shown(image, cond, channels), np.concatenate([seen, cond], axis=-1))


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(UserError, match="'pixel' is not a norm .*'pixelwise'"):
        Superlayer(5, norm='pixel').init(jax.random.key(0), jnp.ones((1, 4, 4, 3)))
    with pytest.raises(UserError, match="'lrelu' is not an activation .*'relu'"):
        activation('lrelu')


@pytest.mark.parametrize('kernel', [3, 5])
def test_transposed_conv_doubles_the_size(kernel):
    y, variables = TransposedConv(7, kernel).init_with_output(jax.random.key(0), jnp.ones((2, 3, 4, 5)))
    assert y.shape == (2, 6, 8, 7)
    assert {name: leaf.shape for name, leaf in variables['params'].items()} == {
        'kernel': (kernel, kernel, 5, 7),
        'bias': (7,),
    }


def test_transposed_superlayer_is_transposed_conv_norm_activation():
    x = gaussian(1, 2, 4, 4, 3)
    layer = Superlayer(5, up='transposed', activation='elu', init_std=1.0)
    y, variables = layer.init_with_output(jax.random.key(0), x)
    z = TransposedConv(5).apply({'params': variables['params']['conv']}, x)
    np.testing.assert_allclose(y, jax.nn.elu(pixelwise_norm(z)), atol=1e-6)


def test_expand_projects_a_latent_to_a_normed_map():
    z = gaussian(1, 2, 6)
    y, variables = Expand(5, (3, 4), init_std=1.0).init_with_output(jax.random.key(0), z)
    project = variables['params']['project']
    x = pixelwise_norm((z @ project['kernel'] + project['bias']).reshape(2, 3, 4, 5))
    np.testing.assert_allclose(y, jax.nn.leaky_relu(x, 0.2), atol=1e-5)
    batch = jax.eval_shape(Expand(5, (3, 4), norm='batch').init, jax.random.key(0), z)
    assert set(batch['params']['project']) == {'kernel'} and batch['params']['norm']['scale'].shape == (5,)


def test_layer_norm_of_features_without_positions_is_over_all_of_them():
    """Equations 50 to 52, with a gain and a shift for every unit."""

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            return normalize(x, 'layer', train=True)

    x = 3 + 2 * gaussian(1, 4, 6)
    params = {'norm': {'scale': gaussian(2, 6), 'bias': gaussian(3, 6)}}
    assert jax.tree.map(jnp.shape, Net().init(jax.random.key(0), x)['params']) == jax.tree.map(jnp.shape, params)
    mean, variance = x.mean(1, keepdims=True), x.var(1, keepdims=True)
    wanted = (x - mean) / np.sqrt(variance + 1e-5) * params['norm']['scale'] + params['norm']['bias']
    np.testing.assert_allclose(Net().apply({'params': params}, x), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ('layer', 'shape', 'inputs'),
    [
        (Conv(64, 3, init_std=None), (1, 4, 4, 32), 9 * 32),
        (TransposedConv(32, 6, init_std=None), (1, 4, 4, 16), 36 * 16),
        (Dense(64, init_std=None), (1, 300), 300),
    ],
)
def test_variance_scaling_follows_the_number_of_inputs(layer, shape, inputs):
    kernel = np.asarray(layer.init(jax.random.key(0), jnp.zeros(shape))['params']['kernel'], np.float64)
    deviation = np.sqrt(2 / inputs)
    assert kernel.std() == pytest.approx(deviation, rel=0.02) and abs(kernel.mean()) < 0.02 * deviation
    uncut = deviation / 0.87962566  # the deviation of a normal distribution cut off at 2 is 0.8796
    assert 1.9 * uncut < np.abs(kernel).max() <= 2 * uncut


def test_variance_scaling_keeps_the_mean_square_through_relus():
    x, params = gaussian(1, 256, 400), {}
    for i in range(5):
        params = Dense(400, init_std=None).init(jax.random.key(i), x)
        x = jax.nn.relu(Dense(400, init_std=None).apply(params, x))
    assert float(jnp.mean(jnp.square(x))) == pytest.approx(1, rel=0.3)  # before each ReLU it is 2


def test_dilated_conv_passes_its_field_on_and_keeps_the_size():
    x = gaussian(1, 2, 6, 7, 3)
    y, variables = Conv(4, 3, dilation=2).init_with_output(jax.random.key(0), x)
    assert y.shape == (2, 6, 7, 4) and variables['params']['kernel'].shape == (3, 3, 3, 4)
    plain = Conv(4, 3).apply(variables, x)
    apart = Conv(4, 3).apply(variables, x[:, ::2, ::2])  # every second pixel by itself is a plain convolution
    np.testing.assert_allclose(y[:, ::2, ::2], apart, atol=1e-6)
    assert np.abs(y - plain).max() > 1e-3


def test_transposed_conv_reaches_odd_sizes():
    x = gaussian(1, 2, 4, 4, 3)
    y, variables = TransposedConv(5, 6, shape=(7, 8)).init_with_output(jax.random.key(0), x)
    np.testing.assert_allclose(y, TransposedConv(5, 6).apply(variables, x)[:, :7], atol=1e-6)


@pytest.mark.parametrize(
    ('shape', 'levels', 'sizes'),
    [
        ((28, 28), 3, [(4, 4), (7, 7), (14, 14), (28, 28)]),
        ((178, 218), 5, [(6, 7), (12, 14), (23, 28), (45, 55), (89, 109), (178, 218)]),
        ((5, 1), 2, [(2, 1), (3, 1), (5, 1)]),
        ((64, 64), 0, [(64, 64)]),
    ],
)
def test_sizes_up_to_any_image(shape, levels, sizes):
    assert sizes_up(shape, levels) == sizes


def test_gray_images_are_seen_and_made_in_one_channel():
    gray = np.random.default_rng(0).uniform(-1, 1, (2, 3, 3, 1)).astype(np.float32)
    rgb = to_rgb(jnp.asarray(gray))
    np.testing.assert_array_equal(rgb, gray.repeat(3, -1))
    np.testing.assert_allclose(to_channels(rgb, 1), gray, atol=1e-7)
    assert to_channels(rgb, 3) is rgb and to_rgb(rgb) is rgb
    np.testing.assert_allclose(to_channels(jnp.asarray([[[[0.0, 0.5, 1.0]]]]), 1), 0.5, atol=1e-7)
    for wrong in (lambda: to_channels(rgb, 2), lambda: to_rgb(rgb[..., :2])):
        with pytest.raises(UserError, match='2 channels: give 1 for gray images, or 3'):
            wrong()
