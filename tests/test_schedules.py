"""Schedules: figure 3 and figure 4 of the CGAN post, units, and sentences for what cannot be read."""

import jax
import numpy as np
import pytest

from gans.core import schedules
from gans.core.build import build
from gans.core.schedules import Clock
from gans.data.batches import positions
from gans.errors import UserError

# As programs are compiled outside of tests: it is fused multiplications and additions that make a line end beside 0.
OPTIMISED = {'xla_backend_optimization_level': 3, 'xla_llvm_disable_expensive_passes': False}
CLOCK = Clock(steps=1000, batch=10, images=200, size=256)


def make(**config):
    return schedules.make({'x': config}, CLOCK)['x']


@pytest.mark.parametrize(
    'fraction, expected', [(0, 100), (0.3, 100), (0.55, 92.5), (0.8, 85), (1.0, 85), (0.425, 96.25)]
)
def test_l1_weight_follows_figure_4(fraction, expected):
    schedule = make(at=(0.3, 0.8), value=(100.0, 85.0))
    assert float(schedule(round(1000 * fraction))) == pytest.approx(expected)


@pytest.mark.parametrize('fraction, expected', [(0, 25.6), (0.075, 12.8), (0.15, 0), (0.5, 0), (1, 0)])
def test_blur_follows_figure_3_in_pixels(fraction, expected):
    schedule = make(at=(0.0, 0.15), value=(0.1, 0.0), of='size')
    assert float(schedule(round(1000 * fraction))) == pytest.approx(expected, abs=1e-5)


def test_the_end_of_a_ramp_is_exact():
    """In a compiled step too, whatever the lengths: what is not 0 there is computed for ever."""
    for steps in (1000, 2250, 2900, 4000):
        clock = Clock(steps=steps, batch=8, images=3600, size=64)
        config = dict(at=(0.0, 0.15), value=(0.1, 0.0), of='size')
        schedule = jax.jit(schedules.make({'x': config}, clock)['x']).lower(np.int32(0)).compile(OPTIMISED)
        assert all(float(schedule(np.int32(step))) == 0.0 for step in (round(0.15 * steps), steps))


def test_a_number_is_a_constant():
    schedule = schedules.make({'x': 0.25}, CLOCK)['x']
    assert {float(schedule(step)) for step in (0, 500, 10**6)} == {0.25}


@pytest.mark.parametrize('unit, at', [('fraction', 0.04), ('step', 40), ('epoch', 2), ('image', 400)])
def test_units_name_the_same_moment(unit, at):
    schedule = make(at=(0, at), value=(0.0, 1.0), unit=unit)
    assert [float(schedule(s)) for s in (0, 10, 20, 40, 50)] == pytest.approx([0, 0.25, 0.5, 1, 1])


@pytest.mark.parametrize('turns', [(1, 1), (1, 5), (2, 1), (3, 2)])
@pytest.mark.parametrize('unit', ['epoch', 'image'])
def test_epochs_and_images_are_those_that_the_data_order_counts(turns, unit, tiny):
    """Whatever the turns: at the first step that reads an image for the second time the epoch is 1."""
    config, images, batch = tiny('configs/inpaint.py'), 960, 4
    config.turns.gen, config.turns.disc = turns
    config.batch, config.steps = batch, 1000
    end = 2 if unit == 'epoch' else 2 * images
    config.schedules = config.schedules.to_dict() | {'l1': dict(at=(0, end), value=(0.0, 2.0), unit=unit)}
    game = build(config, images)
    per_step = game.batch_shape[0]
    for step in (0, 24, 240 // per_step, 360 // per_step):
        read = positions(step, batch, per_step, np.arange(batch))[0, 0]
        assert float(game.schedules['l1'](step)) == pytest.approx(read / images, abs=1e-6)


def test_three_pieces_interpolate_as_numpy_does():
    schedule = make(at=(10, 50, 90), value=(1.0, -2.0, 4.0), unit='step')
    steps = np.arange(120)
    found = [float(schedule(s)) for s in steps]
    np.testing.assert_allclose(found, np.interp(steps, [10, 50, 90], [1, -2, 4]), atol=1e-5)


@pytest.mark.parametrize('unit, steps', [('step', 1), ('image', 0.1), ('epoch', 20)])
@pytest.mark.parametrize('at', [(0, 3e9), (0, 100, 5e9), (100, 1e13, 1e15), (0, 2**31 - 1), (3e9, 1e15), (3e9,)])
def test_corners_beyond_every_training(unit, steps, at):
    """As far as steps go, of which there are 10^8 at most, the lines that lead there are those that were given."""
    values = (1.0, 5.0, -2.0)[: len(at)]
    schedule = make(at=at, value=values, unit=unit)
    for step in (0, 50, 101, 10**6, 10**8):
        expected = np.interp(step, [steps * corner for corner in at], values)
        assert float(jax.jit(schedule)(step)) == pytest.approx(expected, abs=1e-5)


def test_a_traced_step_gives_the_same():
    schedule = make(at=(0.3, 0.8), value=(0.0, 0.15))
    assert float(jax.jit(schedule)(550)) == pytest.approx(0.075)


@pytest.mark.parametrize(
    'config, words',
    [
        (dict(at=(0, 1), value=(1,)), 'one value each'),
        (dict(at=(1, 0), value=(1, 2)), 'must rise'),
        (dict(), 'must rise'),
        (dict(at=(0,), value=(1,), of='side'), "'size'"),
        (dict(at=(0,), value=(1,), unit='epochs'), "did you mean 'epoch'"),
        (dict(at=(0,), values=(1,)), "did you mean 'value'"),
    ],
)
def test_what_cannot_be_read_is_named(config, words):
    with pytest.raises(UserError, match='config.schedules.x') as error:
        make(**config)
    assert words in str(error.value)
