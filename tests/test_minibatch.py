"""Minibatch features by loops; virtual batch norm by its reference, which never changes; who may see a whole batch."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from generators import KEY, generator_config
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from gans.core import averages
from gans.core.build import build
from gans.core.state import state_shapes
from gans.errors import UserError
from gans.nn.layers import Dense
from gans.nn.minibatch import MinibatchDeviation, MinibatchFeatures, Reference, VirtualBatchNorm, normalize
from gans.run.experiment import open_experiment
from gans.run.trained import load_run
from gans.training.loop import train
from gans.types import Pair, Term


def gaussian(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


# Minibatch features

FEATURES = MinibatchFeatures(kernels=3, dims=2, init_std=0.4)


def by_loops(x, project, kernels, dims):
    """Equations 78 to 81, one pair at a time, the example itself left out."""
    m = (np.asarray(x, np.float64) @ project['kernel']).reshape(len(x), kernels, dims)
    found = np.zeros((len(x), kernels))
    for i in range(len(x)):
        for j in range(len(x)):
            for b in range(kernels):
                if i != j:
                    found[i, b] += np.exp(-np.abs(m[i, b] - m[j, b]).sum())
    return found


@pytest.mark.parametrize(('scale', 'parts'), [('mean', 4), ('sum', 1), ('pairs', 20)])
def test_minibatch_features_by_loops(scale, parts):
    x = gaussian(1, 5, 4)
    layer = MinibatchFeatures(3, 2, scale, init_std=0.4)
    y, variables = layer.init_with_output(KEY, x)
    project = variables['params']['project']
    assert project['kernel'].shape == (4, 6)
    np.testing.assert_array_equal(y[:, :4], x)
    np.testing.assert_allclose(y[:, 4:], by_loops(x, project, 3, 2) / parts, rtol=1e-5)


def test_equal_examples_are_as_near_as_can_be_and_their_gradient_is_finite():
    x = jnp.ones((4, 3))
    variables = FEATURES.init(KEY, x)
    np.testing.assert_allclose(FEATURES.apply(variables, x)[:, 3:], 1)
    slope = jax.grad(lambda x: FEATURES.apply(variables, x).sum())(x)
    np.testing.assert_allclose(slope, 1)  # of the features that pass through; nearness is at its peak


def test_an_example_alone_has_no_neighbours():
    y, _ = FEATURES.init_with_output(KEY, jnp.ones((1, 3)))
    assert not np.any(y[:, 3:])


def test_the_features_change_places_with_the_examples():
    x = gaussian(1, 5, 4)
    variables = FEATURES.init(KEY, x)
    order = np.array([3, 0, 4, 1, 2])
    np.testing.assert_allclose(FEATURES.apply(variables, x)[order], FEATURES.apply(variables, x[order]), rtol=1e-5)


def test_minibatch_features_over_eight_devices_are_those_of_one():
    x = gaussian(1, 16, 4)
    variables = FEATURES.init(KEY, x)
    step = jax.jit(jax.value_and_grad(lambda v, x: jnp.sum(jnp.sin(FEATURES.apply(v, x)))))
    mesh = jax.make_mesh((8,), ('data',), axis_types=(AxisType.Auto,))
    shared = jax.device_put(x, NamedSharding(mesh, PartitionSpec('data')))
    one, eight = step(variables, x), step(variables, shared)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), one, eight)


def test_an_unknown_scale_is_answered():
    with pytest.raises(UserError, match="'means' is not a scale of minibatch features .did you mean 'mean'"):
        MinibatchFeatures(scale='means').init(KEY, jnp.ones((2, 3)))


def test_features_of_bfloat16_are_compared_in_float32():
    layer = MinibatchFeatures(3, 2, init_std=0.4, dtype=jnp.bfloat16)
    x = gaussian(1, 5, 4).astype(jnp.bfloat16)
    y, variables = layer.init_with_output(KEY, x)
    assert y.dtype == jnp.bfloat16 and variables['params']['project']['kernel'].dtype == jnp.float32
    m = Dense(6, False, dtype=jnp.bfloat16).apply({'params': variables['params']['project']}, x)
    wanted = by_loops(np.asarray(m, np.float64), {'kernel': np.eye(6)}, 3, 2) / 4
    np.testing.assert_allclose(np.asarray(y[:, 4:], np.float64), wanted, rtol=2**-8)


# Virtual batch norm


@pytest.mark.parametrize(('per_position', 'axes'), [(False, (0, 1, 2)), (True, (0,))])
def test_virtual_batch_norm_takes_the_moments_of_the_reference(per_position, axes):
    x = 3 + 2 * gaussian(1, 3 + 5, 4, 2, 6)
    params = {'scale': gaussian(2, 6), 'bias': gaussian(3, 6)}
    y = VirtualBatchNorm(5, per_position).apply({'params': params}, x)
    known = np.asarray(x[3:], np.float64)
    mean, variance = known.mean(axes, keepdims=True), known.var(axes, keepdims=True)
    wanted = (x - mean) / np.sqrt(variance + 1e-5) * params['scale'] + params['bias']
    np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-5)


def test_virtual_batch_norm_of_features_without_positions():
    x = 3 + 2 * gaussian(1, 3 + 5, 6)
    y, variables = VirtualBatchNorm(5).init_with_output(KEY, x)
    assert {name: leaf.shape for name, leaf in variables['params'].items()} == {'scale': (6,), 'bias': (6,)}
    known = np.asarray(x[3:], np.float64)
    np.testing.assert_allclose(y, (x - known.mean(0)) / np.sqrt(known.var(0) + 1e-5), rtol=1e-4, atol=1e-5)


def test_an_example_is_normed_as_if_it_were_alone():
    x, others, known = gaussian(1, 1, 2, 2, 3), 9 * gaussian(2, 4, 2, 2, 3), gaussian(3, 5, 2, 2, 3)
    layer = VirtualBatchNorm(5)
    variables = layer.init(KEY, known)
    alone = layer.apply(variables, jnp.concatenate([x, known]))[0]
    together = layer.apply(variables, jnp.concatenate([others, x, known]))[4]
    np.testing.assert_allclose(alone, together, rtol=1e-6)
    assert np.abs(layer.apply(variables, jnp.concatenate([x, known + 1]))[0] - alone).max() > 0.1


def test_virtual_is_one_of_the_norms():
    x = gaussian(1, 4, 2, 2, 3)

    class Net(nn.Module):
        norm: str

        @nn.compact
        def __call__(self, x):
            return normalize(x, self.norm, False, 2)

    for norm, names in (('virtual', {'scale', 'bias'}), ('layer', {'scale', 'bias'})):
        assert set(Net(norm).init(KEY, x)['params']['norm']) == names
    with pytest.raises(UserError, match="'virtaul' is not a norm .did you mean 'virtual'.*layer, none, virtual"):
        Net('virtaul').init(KEY, x)


@pytest.mark.parametrize('distribution', ['uniform', 'normal'])
def test_the_reference_is_drawn_once_and_put_behind(distribution):
    layer, latent = Reference(500, distribution), gaussian(1, 2, 8)
    y, variables = layer.init_with_output(KEY, latent)
    fixed = variables['reference']['latent']
    assert y.shape == (502, 8) and fixed.shape == (500, 8)
    np.testing.assert_array_equal(y, np.concatenate([latent, fixed]))
    again, after = layer.apply(variables, latent + 1, mutable=['reference'])
    np.testing.assert_array_equal(again[2:], fixed)
    np.testing.assert_array_equal(after['reference']['latent'], fixed)
    assert np.std(fixed) == pytest.approx(3**-0.5 if distribution == 'uniform' else 1, rel=0.05)
    assert (np.abs(fixed).max() <= 1) == (distribution == 'uniform')
    assert np.any(fixed != layer.init(jax.random.key(1), latent)['reference']['latent'])


def test_a_reference_of_one_has_no_deviation():
    with pytest.raises(UserError, match='reference of 1: give at least 2'):
        Reference(1).init(KEY, jnp.ones((2, 3)))


# In the step and in a run


def config_of(norm='virtual', minibatch=1, **changes):
    """A small game of gray images, 14 px, by the convolutional networks."""
    config = generator_config()
    whole = config.to_dict() | dict(
        size=14,
        networks='convnet',
        generator=dict(widths=(4, 6), z_dim=5, channels=1, norm=norm, reference=6),
        discriminator=dict(widths=(4, 4), hidden=(6, 5), minibatch=minibatch, kernels=3, dims=2, channels=1, noise=0.1),
    )
    config = type(config)(whole)
    if norm != 'virtual':
        del config.generator['reference']
    config.update_from_flattened_dict(changes)
    return config


def test_a_stopped_run_goes_on_with_its_reference_to_the_last_bit(tmp_path):
    whole = tmp_path / 'whole'
    assert train(open_experiment(config_of(steps=3, ema=0.9)), whole)
    for steps in (1, 3):
        assert train(open_experiment(config_of(steps=steps, ema=0.9)), tmp_path / 'parts')
    one, other = (load_run(folder).state for folder in (whole, tmp_path / 'parts'))
    jax.tree.map(np.testing.assert_array_equal, one, other)
    first = load_run(whole).state.gen
    assert first.stats['reference']['reference']['latent'].shape == (6, 5)
    np.testing.assert_array_equal(*(tree['reference']['reference']['latent'] for tree in (first.stats, first.ema)))


def test_an_average_leaves_what_never_changes_alone():
    fixed = {'x': gaussian(1, 1000)}
    average = averages.make(0.99)
    found = average.init(fixed)
    for step in range(20):
        found = average.update(found, fixed, jnp.int32(step))
    np.testing.assert_array_equal(found['x'], fixed['x'])


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(norm='layer', minibatch=1), 'this experiment has minibatch features, for which .*config.parallel=jit'),
        (dict(norm='batch', minibatch=2), 'batch norm and minibatch features'),
        (dict(norm='batch', minibatch=0), 'has batch norm'),
    ],
)
def test_what_looks_over_a_batch_is_refused_under_pmap(changes, words):
    config = config_of(**changes, parallel='pmap')
    with pytest.raises(UserError, match=words):
        state_shapes(build(config, 64), config)


def test_what_looks_at_one_example_is_not_refused_under_pmap():
    config = config_of(norm='virtual', minibatch=0, parallel='pmap')
    assert 'reference' in state_shapes(build(config, 64), config).gen.stats


def test_terms_over_layers_are_refused_under_pmap():
    config = config_of(norm='layer', minibatch=0, parallel='pmap')
    game = build(config, 64)
    state_shapes(game, config)
    style = Pair({}, {'style': Term(lambda turn: 0.0, layers=('down_0',))})
    game = game._replace(objective=game.objective._replace(terms=style))
    with pytest.raises(UserError, match='terms that compare the layers of batches'):
        state_shapes(game, config)


def test_minibatch_features_are_refused_where_every_image_is_judged_by_itself():
    config = config_of(minibatch=1)
    game = build(config, 64)
    game = game._replace(objective=game.objective._replace(per_image=True))
    with pytest.raises(UserError, match='the discriminator has minibatch features: take that out'):
        state_shapes(game, config)
    config = config_of(norm='batch', minibatch=0)  # the generator's norm: nothing judges that
    state_shapes(build(config, 64)._replace(objective=game.objective), config)


def test_the_deviation_of_a_batch_is_one_number_behind_its_maps():
    x = np.random.default_rng(0).normal(size=(6, 4, 5, 3)).astype(np.float32)
    y = np.asarray(MinibatchDeviation().apply({}, x))
    np.testing.assert_array_equal(y[..., :3], x)
    np.testing.assert_allclose(y[..., 3], x.std(axis=0).mean(), rtol=1e-5)


def test_a_batch_of_equal_examples_has_no_deviation_and_a_gradient():
    x = jnp.ones((4, 2, 2, 3))
    assert MinibatchDeviation().apply({}, x)[..., 3].max() < 1e-3
    assert np.all(np.isfinite(jax.grad(lambda x: MinibatchDeviation().apply({}, x).sum())(x)))
