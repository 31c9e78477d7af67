"""Penalties at real and generated images in the real step: their gradients, their cost, steps without them."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from generators import begun
from three_ways import trained_in_three_ways

from benchmarks.least import least_operations
from gans.config.load import load
from gans.core import schedules
from gans.core.build import build
from gans.core.inputs import training_inputs
from gans.core.overrides import load_with
from gans.core.state import first_state, state_shapes
from gans.core.step import train_step
from gans.errors import UserError
from gans.run.parallel import lay_out
from gans.training.loop import _Loop

KEY = jax.random.key(0)
BATCH = 4


def described(**objective):
    """A config of 16 px from noise; the discriminator has curves, the optimizers are plain gradient descent."""
    config = load('configs/wgan_gp.py:tiny').unlock()
    config.batch = BATCH
    config.objective = dict(name='standard', form='relativistic', terms=()) | objective
    config.optimizer.gen.name = config.optimizer.disc.name = 'sgd'
    weights = {name: 0.5 for name in ('r1', 'r2') if objective.get(name)}
    config.schedules = dict(learning_rate_gen=0.0, learning_rate_disc=1.0, adversarial=1.0, blur=0.0, **weights)
    return config


def moved(before, after):
    return jax.tree.map(lambda a, b: np.asarray(a - b), before.disc.params, after.disc.params)


def test_the_discriminator_moves_by_the_gradient_of_the_whole_loss():
    """Shared forward passes against one discriminator per image, its slope by `jax.grad`."""
    game, images, state = begun(described(r1=True, r2=True, lazy=3))
    after, metrics = jax.jit(partial(train_step, game, KEY))(state, images)
    hyper = schedules.read(game.schedules, state.step)
    keys = jax.random.split(jax.random.split(jax.random.fold_in(KEY, 0), 1)[0], 3)
    inputs = training_inputs(game, keys[0], state.carry, images[0], hyper)
    fake, _ = game.gen.apply(state.gen.variables, **inputs.gen, train=True, mutable=list(state.gen.stats))

    def whole_loss(params):
        def score(image):
            return game.disc.apply({'params': params}, image[None], train=True)[0]

        def penalty(images):
            return jnp.mean(jax.vmap(lambda image: jnp.sum(jnp.square(jax.grad(score)(image))))(images)) / 2

        paired = jax.nn.softplus(jax.vmap(score)(fake) - jax.vmap(score)(inputs.real)).mean()
        return paired + 3 * 0.5 * (penalty(inputs.real) + penalty(fake)), (penalty(inputs.real), penalty(fake))

    expected, (r1, r2) = jax.jit(jax.grad(whole_loss, has_aux=True))(state.disc.params)
    assert metrics['disc/r1'] == pytest.approx(3 * float(r1), rel=1e-4)
    assert metrics['disc/r2'] == pytest.approx(3 * float(r2), rel=1e-4)
    for a, b in zip(jax.tree.leaves(moved(state, after)), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * float(jnp.abs(b).max()) + 1e-6)


def test_steps_between_are_those_of_a_game_without_penalties():
    """Bit for bit, on the layout that the number of the step chooses; and every third step has both."""
    free = build(described(), 64)
    game, images, state = begun(described(r1=True, r2=True, lazy=3))
    assert [game.program(step) for step in (None, 0, 1, 2, 3)] == [(None, step in (0, 3)) for step in (0, 0, 1, 2, 3)]
    lazy, never = (lay_out('jit', one, BATCH, 2) for one in (game, free))
    for number, same in ((2, True), (3, False)):
        ends = []
        for layout in (lazy, never):
            placed = layout.place(state.replace(step=jnp.int32(number)))
            end, metrics = layout.step(KEY, placed, layout.feed(images), number=number)
            ends.append((jax.device_get(layout.fetch(end)), {name: float(x[0]) for name, x in metrics.items()}))
        (mine, told), (other, bare) = ends
        pairs = zip(jax.tree.leaves(mine.disc.params), jax.tree.leaves(other.disc.params), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs) == same
        assert (told['disc/r1'] == told['disc/r2'] == 0) == same
        assert told['disc/pair_loss'] == pytest.approx(bare['disc/pair_loss'], rel=1e-5)


@pytest.mark.parametrize('due', [True, False])
@pytest.mark.parametrize('networks', ['curved', 'dcgan', 'skips'])
def test_a_step_does_little_more_than_the_least(networks, due, forms_of_accelerators):
    """The program of steps with penalties and that of steps without, each against the least of its own."""
    if networks == 'skips':
        config = load('configs/modern.py:skips').unlock()
        config.batch = BATCH
        config.generator.widths = config.discriminator.widths = (64, 48, 32)
    elif networks == 'dcgan':
        config = load('configs/modern.py').unlock()
        config.batch = BATCH
    else:
        config = described(r1=True, r2=True, lazy=4)
        config.size, config.generator.widths, config.discriminator.widths = 64, (32, 64), (32, 64)
    game = build(config, 64)
    stage = game.program(0)[0]
    game = game.at(stage, due)
    images = jax.ShapeDtypeStruct(game.batch_shape, np.uint8)
    shapes = state_shapes(game, config)
    program = lay_out('jit', game, BATCH, devices=1).lower(KEY, shapes, images)
    ratio = program.compile().cost_analysis()['flops'] / least_operations(game, config)
    assert 1 < ratio < 1.05
    config.objective.update(r1=False, r2=False, lazy=1)
    config.schedules = {name: value for name, value in config.schedules.items() if name not in ('r1', 'r2')}
    free = least_operations(build(config, 64).at(stage), config)
    assert least_operations(game, config) > free if due else least_operations(game, config) == free


def test_calls_of_several_steps_are_of_one_program(monkeypatch):
    """Every fourth step has penalties, and stands alone."""
    monkeypatch.setattr('gans.nn.conv.loop_well', lambda: True)
    settings = described(r1=True, lazy=4)
    settings.steps_per_call, settings.steps, settings.log.every = 2, 20, 10
    settings.log.grids, settings.checkpoint.every = 1, 20
    loop = object.__new__(_Loop)
    loop.experiment = type('Opened', (), {'config': settings, 'game': build(settings, 64)})
    step, calls = 0, []
    while step < settings.steps:
        calls.append(loop.steps_together(step))
        step += calls[-1]
    assert calls == [1, 1, 2] * 5


def test_a_lazy_run_of_growing_networks_resumes_exactly_and_devices_agree(tmp_path, monkeypatch):
    words = [f'--config.optimizer.{player}.name=sgd' for player in ('gen', 'disc')]
    words += ["--config.schedules.growth={'at': (0, 2), 'value': (0.0, 1.0), 'unit': 'step'}", '--config.steps=3']
    game = 'form=relativistic r1=True r2=True lazy=2'  # beside the penalty and the drift that the config has
    words += [f'--config.objective.{field}' for field in game.split()]
    words += ['--config.schedules.r1=2', '--config.schedules.r2=2']
    words += ['--config.size=8', *(f'--config.{player}.widths=4,4' for player in ('generator', 'discriminator'))]
    words += ['--config.log.every=1', '--config.log.grids=0', '--config.checkpoint.every=1']

    alone = trained_in_three_ways(
        tmp_path, 'progressive:tiny', words, 'pmap'
    )  # stopped before a step without penalties
    assert [line['disc/r1'] > 0 for line in alone] == [True, False, True]


def test_any_config_takes_them_by_flag():
    flags = {'objective.form': 'relativistic', 'objective.r1': 'True', 'objective.lazy': '4', 'schedules.r1': '0.2'}
    for name in ('dcgan', 'colorize'):
        settings = load_with(f'configs/{name}.py:tiny', flags)
        objective = build(settings, 64).objective
        assert (objective.gradients, objective.every) == (('real',), 4) and 'r1' in objective.needs
    for flag, sentence in (
        ({'objective.r3': 'True'}, 'config.objective.r3 is not a field'),
        ({'schedules.r3': '1'}, 'config.schedules.r3 is not a field'),
        ({'schedules.label': '1'}, 'config.schedules.label is not a field'),
        ({'objective.lazy': '0'}, 'config.objective.lazy is 0: give a whole number from 1'),
        ({'networks': 'unett', 'generator.dropout': '0.1'}, "config.networks is 'unett'.*did you mean 'unet'"),
    ):
        with pytest.raises(UserError, match=sentence):
            load_with('configs/dcgan.py:tiny', flag)


def test_networks_with_batch_statistics_are_refused():
    config = described(r1=True)
    config.discriminator.norm = 'batch'
    with pytest.raises(UserError, match='penalty wants every image judged by itself.*batch norm'):
        state_shapes(build(config, 64), config)


def test_so_are_layers_that_look_at_a_batch_when_the_first_state_was_there_before():
    config = load('configs/mnist.py:tiny').unlock()
    config.objective.r1, config.schedules.r1 = True, 1.0
    game = build(config, 64)
    first_state(game, 0)
    with pytest.raises(UserError, match='penalty wants every image judged by itself.*minibatch features'):
        state_shapes(game, config)
