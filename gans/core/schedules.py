"""Config dicts to optax schedules: every number that varies in training, on one clock, the step.

A schedule in a config is a number (constant) or a dict:

  at: where the breakpoints lie, rising; the value is constant before the first and after the last.
  value: the values there, joined by straight lines.
  unit: what `at` counts: 'fraction' of training (default), 'step', 'epoch' or 'image'. A step reads a batch for every
    turn, but one for the two that share it; images are all that were read, and an epoch is a pass over the set.
  of: 'size' if the values are fractions of the image's shorter side in pixels; absent otherwise.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from gans.config.shapes import shape_of
from gans.errors import UserError, closest


class Clock(NamedTuple):
    """What the units of a schedule mean in one run: total steps, images read per step, training images, pixels."""

    steps: int
    batch: int
    images: int
    size: int


def clock_of(config: ConfigDict, images: int) -> Clock:
    """The clock of a config; `images` are read once in an epoch."""
    return Clock(config.steps, config.batch * batches_per_step(config), images, min(shape_of(config)))


def batches_per_step(config: ConfigDict) -> int:
    """How many batches a step reads: the last discriminator turn and the first generator turn share one.

    Raises:
      UserError: a player without a turn.
    """
    if min(config.turns.gen, config.turns.disc) < 1:
        raise UserError(f'config.turns is {config.turns.to_dict()}: each player needs at least one turn.')
    return config.turns.gen + config.turns.disc - 1


# Schedules that a config may leave out, also where they are read, and what they are then.
UNLESS_GIVEN = {'augment': 1.0}
_KEYS = ('at', 'value', 'unit', 'of')
_LAST = 2**31 - 1  # step: they are int32, and no training comes so far


def make(config: Mapping, clock: Clock) -> dict[str, Callable]:
    """Makes every schedule of a config: name -> (step -> value).

    Raises:
      UserError: a schedule that cannot be read, by its name.
    """
    return {name: _make_one(name, value, clock) for name, value in config.items()}


def counts_epochs(config: Mapping) -> bool:
    """Whether schedules of a config follow from the number of training images."""
    return any(isinstance(one, Mapping) and one.get('unit') == 'epoch' for one in config.values())


def _make_one(name, config, clock):
    if isinstance(config, (int, float)):
        return optax.schedules.constant_schedule(float(config))
    if not isinstance(config, Mapping):
        raise UserError(f'config.schedules.{name} is {config!r}: give a number, or a dict with at and value.')
    for key in config:
        if key not in _KEYS:
            raise UserError(f'config.schedules.{name}.{key} is not known{closest(key, _KEYS)}.')
    at, values = list(config.get('at', ())), [float(v) for v in config.get('value', ())]
    if not at or len(at) != len(values) or any(b <= a for a, b in zip(at, at[1:], strict=False)):
        raise UserError(f'config.schedules.{name}: at {at} must rise, with one value each (value is {values}).')
    scale = {None: 1.0, 'size': float(clock.size)}.get(config.get('of'))
    if scale is None:
        raise UserError(f"config.schedules.{name}.of is {config['of']!r}: it can only be 'size'.")
    boundaries = [round(a * _steps_per_unit(name, config.get('unit', 'fraction'), clock)) for a in at]
    return _piecewise_linear(*_within_int32(boundaries, [scale * v for v in values]))


def _steps_per_unit(name, unit, clock):
    units = {
        'fraction': clock.steps,
        'step': 1,
        'epoch': clock.images / clock.batch,
        'image': 1 / clock.batch,
    }
    if unit not in units:
        raise UserError(f'config.schedules.{name}.unit is {unit!r}: choose of {sorted(units)}{closest(unit, units)}.')
    return units[unit]


def _within_int32(boundaries, values):
    """The same corners up to `_LAST`: where a line leads beyond, it ends there, at the value that it has there."""
    if boundaries[-1] <= _LAST:
        return boundaries, values
    kept = [boundary for boundary in boundaries if boundary < _LAST]
    return [*kept, _LAST], [*values[: len(kept)], float(np.interp(_LAST, boundaries, values))]


def _piecewise_linear(boundaries, values):
    corners = zip(boundaries, values, strict=True)
    lines = [optax.schedules.linear_schedule(a, b, end - start) for (start, a), (end, b) in itertools.pairwise(corners)]
    # optax's line ends beside its end, by rounding: a blur of 1e-8 px instead of 0 would be computed for ever.
    before, after = (optax.schedules.constant_schedule(values[i]) for i in (0, -1))
    return optax.schedules.join_schedules([before, *lines, after], boundaries)


def read(schedules: Mapping[str, Callable], step: jax.Array) -> dict[str, jax.Array]:
    """The value of every schedule at a step: name -> float32 scalar."""
    return {name: jnp.float32(schedule(step)) for name, schedule in schedules.items()}
