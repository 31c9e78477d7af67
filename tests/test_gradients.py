"""Functions with gradients of their own: the gradients are the derived ones, once and twice."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.nn.custom_gradients import by_output, layer_norm
from gans.nn.layers import activation


def gaussian(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def derived(x, gain, shift, epsilon):
    """Layer norm in float64, whose gradients JAX derives."""
    axes = tuple(range(1, x.ndim))
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return gain * (x - mean) / jnp.sqrt(variance + epsilon) + shift


def probe(function):
    """A scalar that every output of the function has a different share in."""
    return lambda *given: jnp.sum(jnp.cos(jnp.arange(given[0].size)).reshape(given[0].shape) * function(*given, 1e-3))


SHAPES = [(3, 5, 4, 6), (4, 7), (1, 2, 2, 1)]


@pytest.mark.parametrize('shape', SHAPES)
def test_layer_norm_and_its_gradients_are_those_of_the_formula(shape):
    given = 2 + 3 * gaussian(1, *shape), gaussian(2, shape[-1]), gaussian(3, shape[-1])
    found = layer_norm(*given, 1e-3), *jax.grad(probe(layer_norm), (0, 1, 2))(*given)
    with jax.enable_x64(True):
        exact = [jnp.asarray(np.asarray(x, np.float64)) for x in given]
        wanted = derived(*exact, 1e-3), *jax.grad(probe(derived), (0, 1, 2))(*exact)
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('shape', SHAPES)
def test_layer_norm_has_the_second_gradients_that_a_penalty_takes(shape):
    def penalty(function):
        return lambda *given: jnp.sum(jnp.square(jax.grad(probe(function))(*given)))

    given = 2 + 3 * gaussian(1, *shape), gaussian(2, shape[-1]), gaussian(3, shape[-1])
    found = jax.grad(penalty(layer_norm), (0, 1))(*given)
    with jax.enable_x64(True):
        wanted = jax.grad(penalty(derived), (0, 1))(*[jnp.asarray(np.asarray(x, np.float64)) for x in given])
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * float(jnp.abs(theirs).max()))


def test_a_constant_example_has_finite_gradients():
    x = jnp.full((2, 3, 3, 4), 7.0)
    for slope in jax.grad(probe(layer_norm), (0, 1, 2))(x, jnp.ones(4), jnp.zeros(4)):
        assert np.isfinite(slope).all()


def test_the_slope_of_elu_found_from_its_output_is_the_derived_one():
    x = jnp.concatenate([jnp.linspace(-4, 4, 101), jnp.array([0.0, -100.0, 100.0])])
    elu = activation('elu')
    for ours, theirs in ((elu, nn.elu), (jax.grad(elu), jax.grad(nn.elu))):
        np.testing.assert_allclose(jax.vmap(ours)(x), jax.vmap(theirs)(x), atol=1e-6)
    away = x[x != 0]  # the second derivative of a function with a bend there
    np.testing.assert_allclose(*(jax.vmap(jax.grad(jax.grad(f)))(away) for f in (elu, nn.elu)), atol=1e-6)
    np.testing.assert_allclose(jax.jvp(elu, (x,), (2 * x,))[1], 2 * x * jax.vmap(jax.grad(nn.elu))(x), atol=1e-6)
    assert elu(x.astype(jnp.bfloat16)).dtype == jax.grad(elu)(jnp.bfloat16(1)).dtype == jnp.bfloat16


def test_only_the_output_is_looked_at():
    seen = []
    square = by_output(jnp.square, lambda y: seen.append(float(y)) or 2 * jnp.sqrt(y))
    assert jax.grad(square)(3.0) == 6 and seen == [9]
