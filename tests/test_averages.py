"""Averages of the generator: their laws, and what the step, a checkpoint and several devices make of them."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from generators import KEY, generator_config, generator_game

from gans.core import averages
from gans.core.build import build
from gans.core.sampling import sample
from gans.core.state import init
from gans.core.step import train_step
from gans.errors import UserError
from gans.run.experiment import open_experiment
from gans.run.parallel import lay_out
from gans.run.trained import load_run
from gans.training.loop import train

AUGMENT = ('colour', 'translation', 'cutout')  # in the cases that train: a run that goes on, and several devices


def run(average, values):
    """The average after each step, of one number that takes these values after the steps; it begins at the first."""
    found = [average.init({'x': jnp.float32(values[0])})]
    for step, value in enumerate(values[1:]):
        found.append(average.update(found[-1], {'x': jnp.float32(value)}, jnp.int32(step)))
    return [float(f['x']) for f in found]


AVERAGES = averages.make(0.5), averages.make(0.999), averages.make(0, 300.0, 0.05, 8), averages.running_mean()


@pytest.mark.parametrize('average', AVERAGES)
@pytest.mark.parametrize('dtype', [jnp.float32, jnp.bfloat16])
def test_what_does_not_move_is_its_own_average_to_the_last_bit(average, dtype):
    values = jax.random.normal(KEY, (1000,)).astype(dtype)
    found, update = average.init(values), jax.jit(average.update)
    for step in range(20):
        found = update(found, values, jnp.int32(step))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, values)


def test_a_few_steps_by_hand():
    """Decays 1/10, 2/11, then 1/4, 4/13 but never above the given one."""
    values = [3.0, 5.0, -1.0, 2.0, 8.0]
    expected = [3.0]
    for decay, value in zip([1 / 10, 2 / 11, 3 / 12, 0.3], values[1:], strict=True):
        expected.append(decay * expected[-1] + (1 - decay) * value)
    np.testing.assert_allclose(run(averages.make(0.3), values), expected, rtol=1e-5)


def test_in_the_long_run_the_decay_is_the_one_given():
    late = jnp.int32(10**6)
    after = averages.make(0.999).update({'x': jnp.float32(1)}, {'x': jnp.float32(0)}, late)
    assert float(after['x']) == pytest.approx(0.999, rel=1e-6)


def test_a_running_mean_weighs_all_steps_alike_and_the_start_too():
    values = np.random.default_rng(0).normal(3, 2, 400)
    expected = np.cumsum(values) / np.arange(1, 401)
    np.testing.assert_allclose(run(averages.running_mean(), values), expected, rtol=1e-5)


def test_half_of_an_average_is_forgotten_in_a_half_life_at_every_batch_size():
    for batch, steps in ((4, 25), (20, 5), (100, 1)):
        found = run(averages.make(0, 100.0, 0.0, batch), [1.0] + [0.0] * 2 * steps)
        assert (found[steps], found[2 * steps]) == pytest.approx((0.5, 0.25), rel=1e-5)


def test_a_half_life_begins_as_a_part_of_the_images_seen_so_far():
    """By hand: 8 images in a step, a quarter of those seen so far, at most 5 images: 0, 2, 4, 5 and 5."""
    values = [7.0, 3.0, 5.0, -1.0, 2.0, 8.0]
    expected = [values[0]]
    for half_life, value in zip([0, 2, 4, 5, 5], values[1:], strict=True):
        decay = 0.5 ** (8 / half_life) if half_life else 0.0
        expected.append(decay * expected[-1] + (1 - decay) * value)
    found = run(averages.make(0, 5.0, 0.25, 8), values)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found[1] == 3, 'the untrained start is gone'


@pytest.mark.parametrize(
    'changes, words',
    [
        ({'ema': 0.9, 'ema_half_life': 10.0}, 'config.ema is 0.9 and config.ema_half_life is 10'),
        ({'ema_half_life': -1.0}, 'config.ema_half_life is -1'),
        ({'ema_half_life': 1.0, 'ema_ramp': -0.1}, 'config.ema_ramp is -0.1'),
    ],
)
def test_half_lives_without_sense_are_refused(changes, words):
    with pytest.raises(UserError, match=words):
        build(generator_config(**changes), 64)


@pytest.mark.parametrize('decay', [1.0, -0.1, 1.5])
def test_other_decays_are_refused(decay):
    with pytest.raises(UserError, match=f'config.ema is {decay}'):
        build(generator_config(ema=decay), 64)


# In the step


def steps(game, images, count, turns=None):
    state, seen = jax.jit(partial(init, game))(KEY, images[0]), []
    play = jax.jit(partial(train_step, game))
    for _ in range(count):
        seen.append(jax.device_get(state))
        state, _ = play(KEY, state, images)
    return [*seen, jax.device_get(state)]


def variables(player):
    return {'params': player.params, **player.stats}


@pytest.mark.parametrize('gen_turns', [1, 2])
def test_the_step_averages_what_the_last_turn_leaves_and_samples_show_it(gen_turns, as_shipped):
    changes = {'generator.norm': True, 'turns.gen': gen_turns}
    game, images = generator_game(**changes, ema=0.9)
    states = steps(game, images, 3)
    expected = variables(states[0].gen)
    for step, state in enumerate(states[1:]):
        decay = min(0.9, (1 + step) / (10 + step))
        expected = jax.tree.map(lambda a, x, d=decay: d * a + (1 - d) * x, expected, variables(state.gen))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), states[-1].gen.ema, expected)
    assert 'batch_stats' in expected and states[-1].disc.ema == ()

    latent = {'latent': jax.random.normal(KEY, (4, 5))}
    plain = game.gen.apply(variables(states[-1].gen), **latent, train=False)
    averaged = game.gen.apply(expected, **latent, train=False)
    np.testing.assert_allclose(sample(game, states[-1], latent), averaged, atol=1e-5)
    assert np.abs(plain - averaged).max() > 1e-3

    # Training itself takes no notice.
    without = steps(*generator_game(**changes), 3)[-1]
    assert without.gen.ema == ()
    jax.tree.map(np.testing.assert_array_equal, without.gen.params, states[-1].gen.params)
    np.testing.assert_array_equal(sample(game, without, latent), plain)


def test_a_run_that_goes_on_ends_with_the_same_average(tmp_path):
    changes = {'ema_half_life': 20.0, 'generator.norm': True, 'log.grids': 2, 'augment': AUGMENT}
    train(open_experiment(generator_config(**changes, steps=4)), tmp_path / 'whole')
    for steps in (3, 4):
        train(open_experiment(generator_config(**changes, steps=steps)), tmp_path / 'parts')
    whole, parts = (load_run(tmp_path / name) for name in ('whole', 'parts'))
    assert whole.state.gen.ema and parts.step == 4
    jax.tree.map(np.testing.assert_array_equal, whole.state, parts.state)
    for name in ('step_000004.png',):
        assert (tmp_path / 'whole/samples' / name).read_bytes() == (tmp_path / 'parts/samples' / name).read_bytes()


# Devices


def play(kind, devices, game, images, state):
    layout = lay_out(kind, game, 8, devices)
    placed = layout.place(state)
    for _ in range(2):
        placed, metrics = layout.step(KEY, placed, layout.feed(images))
    return jax.device_get(layout.fetch(placed)), jax.device_get(metrics)


SGD = {'optimizer.gen.name': 'sgd', 'optimizer.disc.name': 'sgd', 'ema_half_life': 50.0, 'augment': AUGMENT}


@pytest.mark.parametrize(
    'norm, kind, devices', [(False, 'jit', 8), (False, 'pmap', 8), (True, 'jit', 8)], ids=['jit', 'pmap', 'batch norm']
)
def test_devices_agree_on_averages_and_on_statistics_of_the_batch(norm, kind, devices, as_shipped):
    game, images = generator_game(**SGD, **{'generator.norm': norm, 'discriminator.norm': norm})
    first = jax.device_get(jax.jit(partial(init, game))(KEY, images[0]))
    (alone, one), (shared, many) = (play(*how, game, images, first) for how in (('jit', 1), (kind, devices)))
    assert bool(alone.gen.stats) == bool(alone.disc.stats) == norm
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6), shared, alone)
    assert {n: float(v[0]) for n, v in many.items()} == pytest.approx(
        {n: float(v[0]) for n, v in one.items()}, rel=1e-4
    )
    for player in ('gen', 'disc') if norm else ():
        start, end = (jax.tree.leaves(getattr(state, player).stats) for state in (first, alone))
        assert all((a != b).any() for a, b in zip(start, end, strict=True)), 'running statistics run'


@pytest.mark.parametrize('who', ['generator', 'discriminator'])
def test_batch_norm_under_pmap_is_refused(who, tmp_path):
    config = generator_config(**{f'{who}.norm': True}, parallel='pmap')
    with pytest.raises(UserError, match='this experiment has batch norm.*--config.parallel=jit'):
        train(open_experiment(config), tmp_path / 'run')
    assert not (tmp_path / 'run').exists()


def test_rules_with_a_memory_under_pmap_are_refused(tmp_path):
    experiment = open_experiment(generator_config(parallel='pmap'))
    rules = experiment.game.objective._replace(init=lambda: jnp.float32(0))
    with pytest.raises(UserError, match='an objective with a memory'):
        train(experiment._replace(game=experiment.game._replace(objective=rules)), tmp_path / 'run')


def test_batch_norm_is_refused_where_every_image_is_judged_by_itself(tmp_path):
    experiment = open_experiment(generator_config(**{'generator.norm': True, 'discriminator.norm': True}))
    rules = experiment.game.objective._replace(per_image=True)
    with pytest.raises(UserError, match='the discriminator has batch norm'):
        train(experiment._replace(game=experiment.game._replace(objective=rules)), tmp_path / 'run')
    fine = open_experiment(generator_config(**{'generator.norm': True}, steps=1))
    assert train(fine._replace(game=fine.game._replace(objective=rules)), tmp_path / 'run')
