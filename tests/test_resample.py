"""Down- and up-sampling without dots: filters against sums by hand, and what the networks' options share."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.errors import UserError
from gans.networks import birds, convnet, dcgan
from gans.nn import resample
from gans.nn.conv import repeat
from gans.nn.layers import Conv, Superlayer, up_conv

KEY = jax.random.key(0)


def gaussian(*shape):
    return jax.random.normal(KEY, shape)


def smooth_by_hand(x):
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode='edge')
    rows = (wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]) / 4
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4


@pytest.mark.parametrize('shape', [(2, 6, 9, 3), (1, 130, 7, 2), (1, 1, 5, 1), (1, 1, 130, 1)])
def test_smooth_is_the_sum_by_hand(shape):
    x = gaussian(*shape)
    np.testing.assert_allclose(resample.smooth(x), smooth_by_hand(np.asarray(x)), atol=1e-6)
    assert resample.smooth(x.astype(jnp.bfloat16)).dtype == jnp.bfloat16


@pytest.mark.parametrize('side', [8, 130])
def test_what_alternates_vanishes_and_constants_stay(side):
    alternating = jnp.asarray((-1.0) ** np.indices((side, side)).sum(0))[None, :, :, None]
    np.testing.assert_allclose(resample.smooth(alternating)[:, 1:-1, 1:-1], 0, atol=1e-7)
    np.testing.assert_allclose(resample.smooth(jnp.full((1, side, side, 1), 0.7)), 0.7, rtol=1e-6)


def test_enlarge_is_bilinear():
    x = gaussian(2, 5, 4, 3)
    np.testing.assert_allclose(resample.enlarge(x), jax.image.resize(x, (2, 10, 8, 3), 'bilinear'), atol=1e-6)


def made(layer, x):
    return layer.init_with_output(KEY, x)


@pytest.mark.parametrize('side', [4, 130])
def test_blur_is_the_strided_layer_of_the_filtered_map(side):
    x = gaussian(2, side, side, 3)
    y, variables = made(Superlayer(5, stride=2, down='blur', init_std=1.0), x)
    plain = Superlayer(5, stride=2).apply(variables, smooth_by_hand(np.asarray(x)))
    np.testing.assert_allclose(y, plain, atol=1e-5)


def test_pool_is_the_mean_of_a_layer_without_stride():
    x = gaussian(2, 6, 4, 3)
    y, variables = made(Superlayer(5, stride=2, down='pool', init_std=1.0), x)
    whole = np.asarray(Superlayer(5).apply(variables, x))
    np.testing.assert_allclose(y, whole.reshape(2, 3, 2, 2, 2, 5).mean((2, 4)), atol=1e-6)


class Up(nn.Module):
    """`up_conv` alone."""

    up: str

    @nn.compact
    def __call__(self, x):
        return up_conv(x, 5, 5, self.up, init_std=1.0, name='conv')


@pytest.mark.parametrize('side', [4, 6])
def test_linear_is_a_convolution_of_the_map_enlarged_bilinearly(side):
    """Away from the border."""
    x = gaussian(2, side, side, 3)
    y, variables = made(Up('linear'), x)
    plain = Conv(5).apply({'params': variables['params']['conv']}, resample.enlarge(x))
    assert y.shape == (2, 2 * side, 2 * side, 5)
    np.testing.assert_allclose(y[:, 3:-3, 3:-3], plain[:, 3:-3, 3:-3], atol=1e-4)
    near = Conv(5).apply({'params': variables['params']['conv']}, repeat(x, 2))
    np.testing.assert_allclose(Up('nearest').apply(variables, x), near, atol=1e-4)


def small(module, **fields):
    """(a small generator, a small discriminator) of a family."""
    widths = {dcgan: dict(widths=(4, 6)), birds: dict(outer=(4,), inner=(6,))}[module]
    ups, downs = ({name: fields[name] for name in fields if name == own} for own in ('up', 'down'))
    gen = module.Generator(**widths, z_dim=5, shape=(16, 16), init_std=0.3, norm='none', **ups)
    return gen, module.Discriminator(**widths, init_std=0.3, norm='none', **downs)


@pytest.mark.parametrize('module', [dcgan, birds])
def test_all_ways_have_the_same_parameters_and_make_other_images(module):
    given = gaussian(2, 5), gaussian(2, 16, 16, 3)
    for which, (field, ways) in enumerate((('up', resample.UP), ('down', resample.DOWN))):
        networks = [small(module, **{field: way})[which] for way in ways]
        first, *others = (jax.jit(network.init)(KEY, given[which]) for network in networks)
        assert all(jax.tree.all(jax.tree.map(np.array_equal, first, other)) for other in others)
        outputs = [np.asarray(jax.jit(network.apply)(first, given[which])) for network in networks]
        assert len({output.shape for output in outputs}) == 1
        assert min(np.abs(a - b).max() for i, a in enumerate(outputs) for b in outputs[:i]) > 1e-4


@pytest.mark.parametrize('module', [dcgan, birds])
def test_a_smooth_generator_cannot_alternate_and_a_smooth_discriminator_does_not_see_it(module):
    """Before its tanh, which hardly bends what is small; the default pair does both."""
    alternating = 0.1 * (-1.0) ** np.indices((16, 16)).sum(0)[None, :, :, None] * np.ones(3)
    for fields, limit in ((dict(up='linear', down='blur'), 1e-3), ({}, None)):
        gen, disc = small(module, **fields)
        latent = gaussian(4, 5)
        halves = jax.tree.map(lambda x: 0.5 * x, jax.jit(gen.init)(KEY, latent))
        image = np.asarray(jax.jit(gen.apply)(halves, latent))
        share = np.abs((image * alternating)[:, 1:-1, 1:-1].mean((1, 2))).max() / np.abs(image).max()
        slope = jax.jit(jax.grad(lambda x: disc.apply(variables, x).sum()))  # noqa: B023
        variables = jax.jit(disc.init)(KEY, jnp.zeros((1, 16, 16, 3)))
        found = np.asarray(slope(jnp.asarray(image)))
        seen = np.abs((found * alternating)[:, 1:-1, 1:-1].mean((1, 2))).max() / np.abs(found).max()
        assert (share < limit and seen < limit) if limit else (share > 1e-3 and seen > 1e-3), (share, seen)


def test_images_of_odd_size_come_up_and_down_too():
    """28 px by 4, 7 and 14."""
    gen = convnet.Generator(widths=(2, 3, 4), z_dim=5, up='linear', kernel=6, norm='none')
    disc = convnet.Discriminator(widths=(2, 3, 4), hidden=(2,), minibatch=0, down='blur', norm='none', noise=0.0)
    image, params = jax.eval_shape(gen.init_with_output, KEY, gaussian(2, 5))
    assert image.shape == (2, 28, 28, 3)
    assert jax.eval_shape(gen.clone(up='transposed').init, KEY, gaussian(2, 5)) == params
    real = gaussian(2, 28, 28, 3)
    variables = jax.jit(disc.init)(KEY, real)
    filtered = disc.clone(down='stride').apply(variables, jnp.asarray(smooth_by_hand(np.asarray(real))))
    assert np.abs(disc.apply(variables, real) - filtered).max() > 1e-5, 'the maps inside are filtered too'
    one = convnet.Discriminator(widths=(4,), hidden=(2,), minibatch=0, down='blur', norm='none', noise=0.0)
    variables = one.init(KEY, real)
    plain = one.clone(down='stride').apply(variables, jnp.asarray(smooth_by_hand(np.asarray(real))))
    np.testing.assert_allclose(one.apply(variables, real), plain, atol=1e-5)


def test_unknown_ways_are_refused():
    with pytest.raises(UserError, match="up='linaer' is not known .*'linear'.*: choose one of transposed, nearest"):
        dcgan.Generator(up='linaer').init(KEY, gaussian(1, 128))
    with pytest.raises(UserError, match="down='mean' is not known.*: choose one of stride, blur, pool"):
        birds.Discriminator(down='mean').init(KEY, jnp.zeros((1, 32, 32, 3)))
    with pytest.raises(UserError, match="down='pool' is not known: choose one of stride, blur"):
        convnet.Discriminator(down='pool').init(KEY, jnp.zeros((1, 28, 28, 3)))
