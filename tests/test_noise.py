"""Noise that networks add themselves: in training only, of the stated size, another one in every layer and step."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from gans.errors import UserError
from gans.nn.noise import Dropout, GaussianNoise, NoiseMaps, coarse_normal

KEY = jax.random.key(0)


def add(layer, x, key=KEY, train=True):
    return np.asarray(layer.apply({}, x, train=train, rngs={'noise': key}), np.float64)


def test_gaussian_noise_has_its_deviation_at_every_place_by_itself():
    x = jnp.full((64, 8, 8, 4), 3.0)
    noise = add(GaussianNoise(0.5), x) - 3
    assert noise.std() == pytest.approx(0.5, rel=0.02) and abs(noise.mean()) < 0.02
    assert (np.abs(noise) < 0.5).mean() == pytest.approx(0.6827, abs=0.01)
    for axis in range(4):  # neighbours are as seldom equal as 16 bits let them be, one pair in 65,536
        assert (np.diff(noise, axis=axis) == 0).mean() < 5e-4


def test_coarse_normal_numbers_are_distributed_as_normal_ones_are():
    drawn = np.sort(np.asarray(coarse_normal(KEY, (50, 64, 64, 2)), np.float64).ravel())
    expected = np.arange(1, drawn.size + 1) / drawn.size
    assert np.abs(scipy.special.ndtr(drawn) - expected).max() < 1.63 / drawn.size**0.5  # Kolmogorov: 1 % of draws
    np.testing.assert_allclose([drawn.mean(), drawn.var(), (drawn**4).mean()], [0, 1, 3], atol=0.02)
    assert 4 < drawn[-1] < 4.4 and -4.4 < drawn[0] < -4  # the medians of the last slices lie at 4.33 deviations


@pytest.mark.parametrize('shape', [(3,), (3, 5), (2, 3, 3, 1), (2, 4, 4, 2)])
def test_coarse_normal_numbers_have_any_shape_and_are_independent(shape):
    many = np.asarray(jax.vmap(lambda key: coarse_normal(key, shape))(jax.random.split(KEY, 4000)))
    assert many.shape == (4000, *shape)
    correlations = np.corrcoef(many.reshape(4000, -1).T)
    assert np.abs(correlations - np.eye(len(correlations))).max() < 0.1


def test_a_tpu_computes_what_others_look_up(monkeypatch):
    monkeypatch.setattr(jax, 'default_backend', lambda: 'tpu')
    np.testing.assert_array_equal(coarse_normal(KEY, (2, 3, 4)), jax.random.normal(KEY, (2, 3, 4)))


@pytest.mark.parametrize('layer', [GaussianNoise(0.5), NoiseMaps(3)])
def test_noise_follows_from_the_key(layer):
    x = jnp.ones((2, 4, 4, 2))
    np.testing.assert_array_equal(add(layer, x), add(layer, x))
    assert np.any(add(layer, x) != add(layer, x, jax.random.key(1)))


def test_two_layers_draw_differently():
    class Two(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            return GaussianNoise(1.0)(x, train), GaussianNoise(1.0)(x, train)

    a, b = Two().apply({}, jnp.zeros(100), True, rngs={'noise': KEY})
    assert np.abs(np.corrcoef(a, b)[0, 1]) < 0.4


def test_without_training_there_is_no_noise_and_no_key():
    x = jax.random.normal(KEY, (2, 4, 4, 2))
    np.testing.assert_array_equal(GaussianNoise(0.5).apply({}, x), x)
    y = NoiseMaps(3).apply({}, x)
    np.testing.assert_array_equal(y[..., :2], x)
    assert y.shape == (2, 4, 4, 5) and not np.any(y[..., 2:])


@pytest.mark.parametrize(('distribution', 'scale', 'deviation'), [('normal', 0.3, 0.3), ('uniform', 1.0, 3**-0.5)])
def test_maps_of_noise_lie_behind_the_others(distribution, scale, deviation):
    x = jax.random.normal(KEY, (16, 8, 8, 2))
    y = add(NoiseMaps(8, scale, distribution), x)
    np.testing.assert_allclose(y[..., :2], x)
    noise = y[..., 2:]
    assert noise.std() == pytest.approx(deviation, rel=0.02) and abs(noise.mean()) < 0.02
    assert (np.abs(noise).max() <= 1) == (distribution == 'uniform')


def test_no_maps_change_nothing():
    x = jnp.ones((1, 2, 2, 3))
    assert NoiseMaps(0).apply({}, x, train=True) is x


def test_an_unknown_distribution_is_answered():
    with pytest.raises(UserError, match="'gauss' is not a distribution of noise.*normal, uniform"):
        add(NoiseMaps(2, distribution='gauss'), jnp.ones((1, 2, 2, 3)))


def test_noise_of_bfloat16_is_bfloat16():
    x = jnp.ones((2, 4, 4, 2), jnp.bfloat16)
    for layer in (GaussianNoise(0.5), NoiseMaps(3), NoiseMaps(3, distribution='uniform')):
        assert layer.apply({}, x, train=True, rngs={'noise': KEY}).dtype == jnp.bfloat16


def test_dropout_is_flax_dropout():
    x = jax.random.normal(KEY, (8, 4, 4, 3))
    theirs = nn.Dropout(0.3, rng_collection='noise').apply({}, x, deterministic=False, rngs={'noise': KEY})
    np.testing.assert_array_equal(Dropout(0.3).apply({}, x, train=True, rngs={'noise': KEY}), theirs)
    assert Dropout(0.3).apply({}, x) is x and Dropout(0.0).apply({}, x, train=True) is x
