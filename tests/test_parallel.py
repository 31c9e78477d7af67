"""One, two and eight devices, jit and pmap: one global batch, the same numbers."""

import json
import re
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command_line import config, main

from gans.core.build import build
from gans.core.state import init
from gans.errors import UserError
from gans.nn import noise
from gans.run.parallel import lay_out

KEY = jax.random.key(0)
SMOOTH = ['--config.generator.up=linear', '--config.discriminator.down=blur']
# SGD: Adam would hide a gradient that is wrong by a factor. Small rates: pixelwise norm of the nearly empty maps of a
# fresh network, and the corners of L1, blow the last digit of a gradient up to 0.4 % of it, and every step multiplies
# that. So gradients are compared after one step, losses after two.
CONSTANTS = {'learning_rate_gen': 1e-3, 'learning_rate_disc': 1e-3, 'adversarial': 1.0, 'l1': 1.0}


@pytest.fixture(scope='module')
def game():
    from gans.config.load import load

    config = load('configs/inpaint.py:tiny').unlock()
    # The one task with a mask, in all that it can do with one.
    config.task.show_mask, config.task.holes = True, 'strokes'
    with config.ignore_type():
        config.objective.terms = {'l1': {'hole': 6.0}}
    config.objective.fake_in_hole = config.discriminator.patches = True
    config.optimizer.gen.name = config.optimizer.disc.name = 'sgd'
    config.schedules = config.schedules.to_dict() | CONSTANTS
    return build(config, 64)


@pytest.fixture(scope='module')
def images():
    return np.random.default_rng(0).integers(0, 256, (1, 8, 32, 32, 3), np.uint8)


@pytest.fixture(scope='module')
def first(game, images):
    return jax.device_get(jax.jit(partial(init, game))(KEY, images[0]))


def play(kind, devices, game, images, state, steps=2):
    """(the state after the first step, the metrics of every step)."""
    layout = lay_out(kind, game, 8, devices)
    placed, losses, first = layout.place(state), [], None
    for _ in range(steps):
        placed, metrics = layout.step(KEY, placed, layout.feed(images))
        first = first or jax.device_get(layout.fetch(placed))
        losses.append({name: float(value[0]) for name, value in metrics.items()})
    return first, losses


@pytest.fixture(scope='module')
def alone(game, images, first):
    return play('jit', 1, game, images, first)


def relative_distance(a, b, origin):
    """|a - b| / |b - origin| over all parameters: 0 for the same step, 1 - 1/n for gradients n times too small."""

    def norm(x, y):
        return np.sqrt(
            sum(
                ((p - q).astype(np.float64) ** 2).sum()
                for p, q in zip(jax.tree.leaves(x), jax.tree.leaves(y), strict=True)
            )
        )

    return norm(a, b) / norm(b, origin)


@pytest.mark.parametrize('kind, devices', [('jit', 2), ('jit', 8), ('pmap', 1), ('pmap', 2), ('pmap', 8)])
def test_devices_share_the_batch_and_agree(kind, devices, game, images, first, alone):
    state, losses = play(kind, devices, game, images, first)
    for mine, theirs in zip(losses, alone[1], strict=True):
        assert mine == pytest.approx(theirs, rel=1e-4, abs=1e-6)
    for player in ('gen', 'disc'):
        ours, ref, origin = (getattr(s, player).params for s in (state, alone[0], first))
        assert relative_distance(ours, ref, origin) < 0.02


@pytest.mark.parametrize('kind', ['jit', 'pmap'])
def test_what_is_fetched_lies_on_one_device(kind, game, images, first):
    """A program of all devices for each array, dispatched without waiting, is one that CPU devices never finish."""
    layout = lay_out(kind, game, 8, 2)
    placed, metrics = layout.step(KEY, layout.place(first), layout.feed(images))
    fetched = layout.fetch(placed) if kind == 'jit' else (layout.fetch(placed), metrics)
    assert {len(x.devices()) for x in jax.tree.leaves(fetched)} == {1}


def test_fetched_state_outlives_later_steps(game, images, first):
    layout = lay_out('jit', game, 8, 2)
    placed, _ = layout.step(KEY, layout.place(first), layout.feed(images))
    kept = layout.fetch(placed)
    before = jax.device_get(jax.tree.map(np.array, kept))
    placed, _ = layout.step(KEY, placed, layout.feed(images))
    jax.tree.map(np.testing.assert_array_equal, before, jax.device_get(kept))


@pytest.mark.parametrize(
    'kind, batch, devices, words',
    [
        ('jit', 6, 4, '4 devices cannot share'),
        ('jit', 8, 99, 'this machine shows 8'),
        ('pmpa', 8, 1, "did you mean 'pmap'"),
    ],
)
def test_impossible_layouts_are_refused(kind, batch, devices, words, game):
    with pytest.raises(UserError, match=words.replace('?', r'\?')):
        lay_out(kind, game, batch, devices)


@pytest.mark.parametrize('kind, devices', [('jit', 1), ('pmap', 2)])
def test_several_steps_in_one_call_are_the_same_steps(kind, devices, game, first):
    fed = np.random.default_rng(1).integers(0, 256, (4, 1, 8, 32, 32, 3), np.uint8)
    layout, ends, losses = lay_out(kind, game, 8, devices), [], []
    for together in (1, 2, 4):
        state, told = layout.place(first), []
        for start in range(0, 4, together):
            images = [layout.feed(one) for one in fed[start : start + together]]
            state, metrics = layout.step(KEY, state, *images)
            told.append(np.stack([metrics['gen/loss'], metrics['disc/loss']]))
        ends.append(jax.device_get(layout.fetch(state)))
        losses.append(np.concatenate(told, axis=1))
    assert losses[0].shape == (2, 4) and ends[0].step == 4
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    np.testing.assert_array_equal(losses[2], losses[1])
    jax.tree.map(np.testing.assert_array_equal, ends[2], ends[1])


@pytest.mark.parametrize('kind', ('jit', 'pmap'))
def test_devices_exchange_one_sum_per_player_and_turn_and_nothing_else(kind, game, first):
    images = jax.ShapeDtypeStruct((1, 8, 32, 32, 3), np.uint8)
    program = lay_out(kind, game, 8, 8).lower(KEY, first, images).compile().as_text()
    exchanges = re.findall(r' (all-\w+|reduce-scatter|collective-\w+)(?:-start)?\(', program)
    assert exchanges == ['all-reduce'] * 2


@pytest.mark.parametrize(
    'config_file, flags',
    [('wgan_gp:tiny', ['--config.generator.norm=layer', *SMOOTH]), ('dilated_colorize:tiny', [])],
    ids=['points of the penalty', 'noise of the layers'],
)
def test_what_is_drawn_in_a_step_follows_from_the_place_in_the_global_batch(config_file, flags, tmp_path):
    """Under pmap every device drew for its share as if that were the whole batch, and all of them the same points."""
    assert_equal_losses(tmp_path, config_file, (('jit', 1), ('pmap', 2)), '--config.steps=1', *flags)


def test_plain_descent_on_eight_devices_is_that_on_one_for_six_steps(tmp_path):
    """Not so with Adam, which divides a gradient that is nothing but rounding by its own size: docs/devices.md."""
    sgd = [f'--config.optimizer.{player}.name=sgd' for player in ('gen', 'disc')]
    assert_equal_losses(tmp_path, 'colorize:tiny', (('jit', 1), ('jit', 8)), '--config.steps=6', *sgd)


def assert_equal_losses(folder, config_file, layouts, *flags):
    """Trains through main.py in two layouts, (kind, devices); the losses of every step must agree to 1e-5."""
    found = []
    for kind, devices in layouts:
        run = folder / f'{kind}{devices}'
        where = [f'--config.parallel={kind}', f'--config.devices={devices}', '--config.log.every=1', f'--workdir={run}']
        ended = main(config(config_file), *where, *flags)
        assert ended.code == 0, ended.err
        lines = map(json.loads, (run / 'metrics.jsonl').read_text().splitlines())
        found.append([{name: line[name] for name in line if name.startswith(('gen/', 'disc/'))} for line in lines])
    for one, other in zip(*found, strict=True):
        assert len(one) > 4 and other == pytest.approx(one, rel=1e-5)


class Noisy(nn.Module):
    """Every layer that draws, behind `fixed` examples that all devices have, as those of virtual batch norm are."""

    fixed: int

    @nn.compact
    def __call__(self, x):
        x = jnp.concatenate([x, jnp.ones((self.fixed, *x.shape[1:]))])
        for layer in (noise.GaussianNoise(0.5), noise.NoiseMaps(2), noise.NoiseMaps(3, distribution='uniform')):
            x = layer(x, True)
        return noise.Dropout(0.4)(x, True)


@pytest.mark.parametrize('fixed', [0, 3])
def test_every_layer_that_draws_gives_a_device_the_numbers_of_its_place(fixed):
    def apply(axis, x):
        with noise.shared_along(axis, len(x)):
            return Noisy(fixed).apply({}, x, rngs={'noise': KEY})

    x = jax.random.normal(KEY, (8, 4, 4, 2))
    whole = np.asarray(apply(None, x))
    parts = np.asarray(jax.pmap(partial(apply, 'data'), axis_name='data')(x.reshape(4, 2, 4, 4, 2)))
    # Up to rounding: a normal number is a polynomial, whose products and sums a compiler may join.
    same = partial(np.testing.assert_allclose, rtol=1e-6, atol=1e-6)
    same(parts[:, :2].reshape(8, *whole.shape[1:]), whole[:8])
    for part in parts:
        same(part[2:], whole[8:])
