"""Generators of images from noise in the real step: batch statistics, penalties, BEGAN's memory, residuals."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.least import least_operations
from gans.config.load import load
from gans.core.build import build
from gans.core.sampling import paint, sample
from gans.core.state import init, state_shapes
from gans.core.step import train_step
from gans.errors import UserError
from gans.run.parallel import lay_out
from gans.types import Inputs, Task

KEY = jax.random.key(0)
BATCH = 8
OBJECTIVES = {
    'dcgan': dict(name='standard', form='non_saturating', terms=()),
    'began': dict(name='began', z_dim=4, gain=0.5, warm_up=0, terms=()),
}
NETWORKS = {
    'dcgan': (dict(widths=(4, 6), z_dim=4, init_std=0.2), dict(widths=(4, 6), init_std=0.2)),
    'began': (dict(width=3, levels=1, z_dim=4, init_std=0.2), dict(widths=(3, 4), z_dim=4, init_std=0.2)),
}


def describe(family, objective=None, norm=None, **scheduled):
    """A config of 16 px images; every schedule is constant, and the optimizers are plain gradient descent."""
    config = load('configs/inpaint.py:tiny').unlock()
    config.size = 16
    config.networks, config.objective = family, objective or OBJECTIVES[family]
    config.generator, config.discriminator = NETWORKS[family]
    if norm:
        config.discriminator.norm = norm
    if config.objective.name == 'standard':
        scheduled['adversarial'] = 1.0
    rates = dict(learning_rate_gen=0.05, learning_rate_disc=0.05, blur=0.0)
    config.schedules = {name: dict(at=(0.0,), value=(value,)) for name, value in (rates | scheduled).items()}
    config.optimizer.gen.name = config.optimizer.disc.name = 'sgd'
    return config


def make(config):
    """The game of a config, with latents of four numbers in and images out."""
    task = Task(
        draw=lambda key, image: Inputs(gen={'latent': jax.random.normal(key, (4,))}, real=image),
        vary=lambda key, image: image,
    )
    return build(config, 64)._replace(task=task)


def play(game, turns=1):
    """(state before, state after, metrics) of a step with `turns` discriminator turns."""
    game = game._replace(turns=game.turns._replace(disc=turns))
    images = np.random.default_rng(0).integers(0, 256, (turns, BATCH, 16, 16, 3), np.uint8)
    before = jax.jit(partial(init, game))(KEY, images[0])
    return before, *jax.jit(partial(train_step, game))(KEY, before, images)


def moved(before, after):
    """The names of the layers that changed, with the paths to them."""
    pairs = zip(jax.tree_util.tree_leaves_with_path(before), jax.tree.leaves(after), strict=True)
    return {'/'.join(key.key for key in path[:-1]) for (path, a), b in pairs if np.any(a != b)}


def test_batch_statistics_of_both_players_move_and_show():
    game = make(describe('dcgan'))
    before, after, metrics = play(game)
    for player in ('gen', 'disc'):
        assert moved(getattr(before, player).stats, getattr(after, player).stats)
    assert all(np.isfinite(value) for value in metrics.values())
    latent = {'latent': jax.random.normal(KEY, (3, 4))}
    blank = after.replace(gen=after.gen.replace(stats=before.gen.stats))
    assert np.abs(sample(game, after, latent) - sample(game, blank, latent)).max() > 1e-3


def test_one_device_equals_eight_with_batch_norm():
    game = make(describe('dcgan'))
    images = np.random.default_rng(0).integers(0, 256, (1, BATCH, 16, 16, 3), np.uint8)
    first = jax.device_get(jax.jit(partial(init, game))(KEY, images[0]))

    def run(devices):
        layout = lay_out('jit', game, BATCH, devices)
        state, _ = layout.step(KEY, layout.place(first), layout.feed(images))
        return jax.device_get(layout.fetch(state))

    one, eight = run(1), run(8)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5), one, eight)


@pytest.mark.parametrize('form', ['wasserstein', 'hinge'])
def test_a_penalised_critic_plays_several_turns(form):
    objective = dict(name='standard', form=form, penalty=True, terms=())
    before, after, metrics = play(make(describe('dcgan', objective, norm='layer', penalty=10.0)), turns=3)
    assert metrics['disc/penalty'] > 0 and metrics['disc/slope'] > 0
    _, free, _ = play(make(describe('dcgan', objective, norm='layer', penalty=0.0)), turns=3)
    assert moved(after.disc.params, free.disc.params) and moved(before.gen.params, after.gen.params)


def test_began_remembers_the_codes_of_every_turn():
    game = make(describe('began', residual=0.0))
    start = game.objective.init()._replace(k=jnp.float32(0.5))
    _, after, metrics = play(game._replace(objective=game.objective._replace(init=lambda: start)), turns=2)
    assert after.carry.codes.seen == 2 * BATCH
    assert np.linalg.eigvalsh(after.carry.codes.cov).min() > -1e-6 < np.trace(after.carry.codes.cov)
    surplus = metrics['disc/real_loss'] / 2 - metrics['disc/fake_loss']
    assert after.carry.k == pytest.approx(float(np.clip(metrics['disc/k'] + 0.5 * surplus, 0, 1)), abs=1e-6)
    assert 0 < after.carry.k < 1 and metrics['disc/k'] != 0.5  # both turns moved it, and nothing was clipped


def test_the_schedule_of_residuals_reaches_both_networks():
    """At 1 the layers between maps of one shape are passed by and stand still; at 0 all move."""
    passed = {'decoder/conv_0_1/conv', 'decoder/conv_1_2/conv'}
    for residual in (1.0, 0.0):
        game = make(describe('began', residual=residual))
        before, after, _ = play(game)
        for player in ('gen', 'disc'):
            still = passed - moved(getattr(before, player).params, getattr(after, player).params)
            assert still == (passed if residual else set())
        latent = {'latent': jax.random.normal(KEY, (3, 4))}
        plain = jnp.clip(game.gen.apply({'params': after.gen.params}, **latent), -1, 1)
        assert np.allclose(paint(game, after, latent), plain, atol=1e-5) == (residual == 0)


def test_a_schedule_that_a_network_reads_must_be_given():
    with pytest.raises(UserError, match='config.schedules.residual is missing'):
        build(describe('began'), 64)
    with pytest.raises(UserError, match='config.schedules.residual is read by nothing'):
        build(describe('dcgan', residual=0.0), 64)


def test_a_penalised_step_does_little_more_than_the_least(forms_of_accelerators):
    """Gradients of gradients too, as in test_least.py."""
    objective = dict(name='standard', form='wasserstein', penalty=True, terms=())
    config = describe('dcgan', objective, norm='layer', penalty=10.0)
    config.size, config.batch, config.generator.widths, config.discriminator.widths = 64, BATCH, (32, 64), (32, 64)
    game = make(config)
    images = jax.ShapeDtypeStruct((1, BATCH, 64, 64, 3), np.uint8)
    step = lay_out('jit', game, BATCH, devices=1).lower(KEY, state_shapes(game, config), images)
    ratio = step.compile().cost_analysis()['flops'] / least_operations(game, config)
    assert 1 < ratio < 1.05
