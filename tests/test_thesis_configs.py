"""The thesis's configs: what their variants take from its text and code; the tiny ones on one device and on eight."""

from functools import partial

import jax
import numpy as np
import pytest
from generators import begun, one_step

from gans.config.load import load
from gans.core.build import build
from gans.core.state import state_shapes

KEY = jax.random.key(0)
VARIANTS = (
    'mnist.py',
    'mnist.py:conv',
    'mnist.py:mlp',
    'mnist.py:manifold',
    'mnist.py:vbn',
    'mnist.py:paper',
    'places.py',
    'places.py:paper',
    'places.py:appendix',
)


def state_of(config_file):
    config = load(f'configs/{config_file}')
    game = build(config, 10_000)
    return config, game, state_shapes(game, config)


@pytest.mark.parametrize('config_file', VARIANTS)
def test_every_variant_plays_the_thesiss_game(config_file):
    config, game, _ = state_of(config_file)
    assert config.turns.to_dict() == {'gen': 2, 'disc': 1} == {**game.turns._asdict()}
    assert (config.objective.form, config.objective.gen_form, config.objective.threshold) == (
        'hinge',
        'non_saturating',
        1,
    )
    for player in (config.optimizer.gen, config.optimizer.disc):
        assert player.to_dict() == {'name': 'adam', 'b1': 0.5, 'b2': 0.999}
    first = {name: float(game.schedules[name](0)) for name in ('adversarial', 'moments', 'style', 'blur')}
    assert first == pytest.approx(dict(adversarial=1, moments=0.2, style=0.1, blur=0))
    assert config.task.distribution == 'uniform'
    assert config.task.latent == config.generator.z_dim == (2 if 'manifold' in config_file else 100)
    assert len(config.objective.terms.moments.layers) == 4 == len(game.objective.layers)


@pytest.mark.parametrize(
    'config_file', [config_file for config_file in VARIANTS if config_file.endswith(('paper', 'appendix'))]
)
def test_the_papers_rates_stay_and_nothing_is_averaged(config_file):
    config, game, _ = state_of(config_file)
    for step in (0, config.steps):
        assert float(game.schedules['learning_rate_gen'](step)) == pytest.approx(5e-4)
        assert float(game.schedules['learning_rate_disc'](step)) == pytest.approx(5e-5)
    assert config.ema == 0 and config.data.source == 'tfds'
    assert config.objective.terms.moments.root and config.objective.terms.style.form == 'appendix'
    assert config.batch == (128 if 'mnist' in config_file else 32)


def test_digits_are_gray_and_not_mirrored():
    config = load('configs/mnist.py')
    assert config.generator.channels == config.discriminator.channels == 1 and not config.task.flip
    assert (config.size, config.data.source) == (28, 'digits')


def test_the_papers_digits_are_told_by_six_layers():
    config, _, state = state_of('mnist.py:paper')
    assert config.networks == 'perceptron' and config.generator.activation == 'elu'
    head = state.disc.params['head']
    widths = [head[f'hidden_{i}']['project']['kernel'].shape[1] for i in range(5)] + [head['out']['kernel'].shape[1]]
    assert widths == [1000, 500, 500, 250, 250, 1]
    assert head['hidden_4']['project']['kernel'].shape[0] == head['out']['kernel'].shape[0] == 250 + 32
    assert (config.discriminator.noise, config.discriminator.input_noise) == (0.3, 0.6)


def test_the_papers_facades_have_batch_norm_and_one_minibatch_layer():
    config, _, state = state_of('places.py:paper')
    assert (config.size, config.data.tfds.label) == (64, 'building_facade')
    assert set(state.gen.stats) == set(state.disc.stats) == {'batch_stats'}
    assert [name for name in state.disc.params['head'] if 'minibatch' in name] == ['minibatch_1']
    _, _, other = state_of('places.py:appendix')
    assert not other.gen.stats and not other.disc.stats
    assert [name for name in sorted(other.disc.params['head']) if 'minibatch' in name] == ['minibatch_0', 'minibatch_1']


def test_the_reference_batch_of_virtual_norm_is_a_batch_of_the_configs_noise():
    config, game, state = state_of('mnist.py:vbn')
    assert state.gen.stats['reference']['reference']['latent'].shape == (config.batch, 100)
    assert game.gen.distribution == 'uniform'
    config = load('configs/mnist.py:vbn').unlock()
    config.task.distribution = 'normal'
    assert build(config, 100).gen.distribution == 'normal'


@pytest.mark.parametrize('config_file', ['mnist', 'places'])
def test_one_device_equals_eight(config_file):
    """Minibatch features, terms over layers, noise, batch norm, a reference batch: all of one global batch."""
    config = load(f'configs/{config_file}.py:tiny').unlock()
    config.optimizer.gen.name = config.optimizer.disc.name = 'sgd'
    config.schedules.learning_rate_gen = config.schedules.learning_rate_disc = dict(at=(0.0,), value=(0.1,))
    if config_file == 'mnist':
        config.generator.norm, config.generator.reference = 'virtual', 4
    game, images, first = begun(config)
    one, eight = (one_step(game, images, first, 'jit', devices) for devices in (1, 8))
    for player in ('gen', 'disc'):
        moves = jax.tree.map(lambda a, b: np.abs(a - b).max(), *(getattr(s, player).params for s in (one[0], first)))
        assert max(jax.tree.leaves(moves)) > 1e-3
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5), one, eight)
