"""How long a step of each cell takes, measured side by side: what equal wall time is worked out from."""

import statistics
import time
from collections.abc import Callable, Sequence

import jax
import numpy as np
from ml_collections import ConfigDict

from gans.core.state import state_shapes
from gans.progress import progress
from gans.run.experiment import open_experiment, start
from gans.run.parallel import lay_out

POINTS = 8  # of training at which steps are timed
ROUNDS = 3  # how often each of them


def seconds_per_step(configs: Sequence[ConfigDict], clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """The mean time of a training step of each config, without compilation, reading and writing.

    Steps are timed at equally spaced points of training, since a network that grows computes more at every level, and a
    blur is left out from where its radius is 0. Where a penalty is taken in some steps only, a step with it and one
    without are timed at each point, and count as often as they come. In each round the configs take turns, so that a
    time in which the machine has other work falls on all; of the times at a point the median counts. Images are random.
    The networks of one config at a time are in memory.
    """
    timers = [_Timer(config) for config in configs]
    times = np.zeros((ROUNDS, len(configs), POINTS))
    with progress('measuring the pace', times.size, 'steps') as advance:
        for turn in range(ROUNDS):
            for number, timer in enumerate(timers):
                times[turn, number] = timer.times(clock)
                advance(POINTS)
    return [statistics.mean(map(statistics.median, own.T)) for own in times.swapaxes(0, 1)]


class _Timer:
    """The step of a config on random images, at any step of training."""

    def __init__(self, config):
        self._experiment = open_experiment(config)
        game, self._steps = self._experiment.game, config.steps
        state_shapes(game, config)
        self._layout = lay_out(config.parallel, game, config.batch, config.devices)
        self._key = jax.random.key(config.seed)
        self._compiled = set()  # programs

    def times(self, clock):
        """The time of a step at each point. The first of all is played twice, and so is what compiles."""
        game = self._experiment.game
        images = np.random.default_rng(0).integers(0, 256, game.batch_shape, np.uint8)
        state, fed = self._layout.place(start(self._experiment)), self._layout.feed(images)
        found, every = [], game.objective.every
        for point in range(POINTS):
            middle = min(self._steps - 1, int(self._steps * (point + 0.5) / POINTS))
            time = 0.0
            for step, share in _kinds(middle, every, self._steps):
                program = game.program(step)
                if not found or program not in self._compiled:
                    state = self._play(step, state, fed)
                    self._compiled.add(program)
                begun = clock()
                state = self._play(step, state, fed)
                time += share * (clock() - begun)
            found.append(time)
        return found

    def _play(self, step, state, fed):
        state = state.replace(step=self._layout.place(np.asarray(step, state.step.dtype)))
        state, metrics = self._layout.step(self._key, state, fed, number=step)
        return jax.block_until_ready((state, metrics))[0]


def _kinds(step: int, every: int, steps: int) -> list[tuple[int, float]]:
    """The kinds of steps at a point of training, of which every `every`-th computes more: [(a step, its share)]."""
    due = step - step % every
    if every == 1 or due + 1 >= steps:
        return [(due, 1.0)]
    return [(due, 1 / every), (due + 1, 1 - 1 / every)]
