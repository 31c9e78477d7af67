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
    blur is left out from where its radius is 0. At each point the configs take turns, so that a moment in which the
    machine has other work falls on all; of the times at a point the median counts. Images are random.
    """
    timers = [_Timer(config) for config in configs]
    times = np.zeros((len(configs), POINTS, ROUNDS))
    with progress('measuring the pace', times.size, 'steps') as advance:
        for point in range(POINTS):
            for timer in timers:
                timer.compile(point)
            for turn in range(ROUNDS):
                for number, timer in enumerate(timers):
                    times[number, point, turn] = timer.time(point, clock)
                    advance(1)
    return [statistics.mean(map(statistics.median, own)) for own in times]


class _Timer:
    """The step of a config on random images, at any step of training."""

    def __init__(self, config):
        experiment = open_experiment(config)  # its images are not kept
        self._game, self._steps = experiment.game, config.steps
        state_shapes(self._game, config)
        self._layout = lay_out(config.parallel, self._game, config.batch, config.devices)
        self._key = jax.random.key(config.seed)
        self._state = self._layout.place(start(experiment))
        images = np.random.default_rng(0).integers(0, 256, self._game.batch_shape, np.uint8)
        self._fed = self._layout.feed(images)

    def compile(self, point):
        self._play(point)

    def time(self, point, clock):
        begun = clock()
        self._play(point)
        return clock() - begun

    def _play(self, point):
        step = min(self._steps - 1, int(self._steps * (point + 0.5) / POINTS))
        state = self._state.replace(step=self._layout.place(np.asarray(step, self._state.step.dtype)))
        self._state, metrics = self._layout.step(self._key, state, self._fed, number=step)
        jax.block_until_ready((self._state, metrics))
