"""Wide residual blocks: what the branches compute, when the shortcut is the input itself, sizes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.errors import UserError
from gans.nn.layers import Conv, TransposedConv
from gans.nn.residual import WideDown, WideUp

KEY = jax.random.key(0)


def gaussian(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def silenced(variables):
    """The same variables with the second convolution at zero, whose output is then the shortcut's alone."""
    params = dict(variables['params'])
    params['conv_1'] = jax.tree.map(jnp.zeros_like, params['conv_1'])
    return {**variables, 'params': params}


def normed(x):
    """Layer norm with gain 1 and shift 0, then ReLU."""
    x = np.asarray(x, np.float64)
    mean, variance = x.mean((1, 2, 3), keepdims=True), x.var((1, 2, 3), keepdims=True)
    return np.maximum((x - mean) / np.sqrt(variance + 1e-5), 0)


@pytest.mark.parametrize(('stride', 'shape'), [(2, (2, 4, 3, 5)), (1, (2, 7, 6, 5))])
def test_down_halves_and_widens(stride, shape):
    y, variables = WideDown(5, stride).init_with_output(KEY, gaussian(1, 2, 7, 6, 3))
    assert y.shape == shape
    kernels = {name: leaf['kernel'].shape for name, leaf in variables['params'].items() if 'kernel' in leaf}
    assert kernels == {'shortcut': (1, 1, 3, 5), 'conv_0': (3, 3, 3, 5), 'conv_1': (3, 3, 5, 5)}
    assert not any('bias' in variables['params'][name] for name in kernels)


def test_down_of_the_same_shape_adds_to_its_input():
    x = gaussian(1, 2, 6, 6, 4)
    block = WideDown(4, 1, norm='layer')
    variables = block.init(KEY, x)
    assert 'shortcut' not in variables['params']
    np.testing.assert_array_equal(block.apply(silenced(variables), x), x)
    assert np.abs(block.apply(variables, x) - x).max() > 0.1


def test_down_norms_and_activates_before_every_convolution():
    x = 3 + gaussian(1, 2, 6, 6, 3)
    y, variables = WideDown(4, norm='layer').init_with_output(KEY, x)
    params = variables['params']

    def conv(name, x, size, stride=1):
        kernel = {'params': {'kernel': params[name]['kernel']}}
        return Conv(4, size, stride, use_bias=False).apply(kernel, jnp.asarray(x, jnp.float32))

    seen = normed(x)
    wanted = conv('shortcut', seen, 1, 2) + conv('conv_1', normed(conv('conv_0', seen, 3, 2)), 3)
    np.testing.assert_allclose(y, wanted, atol=1e-4)


@pytest.mark.parametrize(('shape', 'resize'), [((8, 6), 'linear'), ((7, 5), 'linear'), ((8, 6), 'nearest')])
def test_up_adds_to_its_resized_raw_input(shape, resize):
    x = 3 + gaussian(1, 2, 4, 3, 3)
    block = WideUp(5, shape, norm='layer', resize=resize)
    y, variables = block.init_with_output(KEY, x)
    assert y.shape == (2, *shape, 5)
    resized = np.asarray(jax.image.resize(x, (2, *shape, 3), resize))  # first, as in the thesis's code
    shortcut = np.einsum('nhwi,io->nhwo', resized, variables['params']['shortcut']['kernel'][0, 0])
    np.testing.assert_allclose(block.apply(silenced(variables), x), shortcut, atol=1e-4)

    params = variables['params']
    first = TransposedConv(5, 6, shape=shape).apply({'params': params['conv_0']}, jnp.asarray(normed(x), jnp.float32))
    second = Conv(5, 6).apply({'params': params['conv_1']}, jnp.asarray(normed(first), jnp.float32))
    np.testing.assert_allclose(y, shortcut + second, atol=1e-4)


def test_nearest_repeats_pixels():
    x = gaussian(1, 1, 2, 2, 3)
    block = WideUp(3, (4, 4), resize='nearest')
    variables = silenced(block.init(KEY, x))
    y = np.asarray(block.apply(variables, x))
    np.testing.assert_array_equal(y, y[:, ::2, ::2].repeat(2, 1).repeat(2, 2))


def test_no_bias_before_batch_norm():
    params = {
        norm: WideUp(5, (4, 4), norm=norm).init(KEY, jnp.ones((1, 2, 2, 3)))['params'] for norm in ('batch', 'layer')
    }
    assert 'bias' not in params['batch']['conv_0'] and 'bias' in params['layer']['conv_0']
    assert 'bias' in params['batch']['conv_1'] and 'bias' not in params['batch']['shortcut']


def test_batch_statistics_of_a_block_move():
    x = 3 + gaussian(1, 4, 4, 4, 3)
    for block in (WideDown(5), WideUp(5, (8, 8))):
        variables = block.init(KEY, x)
        _, after = block.apply(variables, x, train=True, mutable=['batch_stats'])
        means = after['batch_stats']['settle_0']['norm']['mean']
        np.testing.assert_allclose(means, 0.1 * np.mean(x, (0, 1, 2)), rtol=1e-4)


def test_an_unknown_resize_is_answered():
    with pytest.raises(UserError, match="'cubic' is not a resize.*linear, nearest"):
        WideUp(5, (4, 4), resize='cubic').init(KEY, jnp.ones((1, 2, 2, 3)))
