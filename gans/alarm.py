"""A warning where a generator from noise begins to repeat itself: a cheap number at every log line, never a stop."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from gans import images
from gans.build import shape_of
from gans.data.batches import read_all
from gans.game import TrainState
from gans.metrics.diversity import deviation
from gans.runs import Experiment
from gans.train_step import draw, sample

COUNT = 16  # samples; always those of the same descriptors, so that what changes is the generator
FALLEN = 0.3  # of the highest so far: a warning
LITTLE = 0.1  # of real pictures, after `PATIENCE` of training: a warning too
PATIENCE = 0.2

Look = Callable[[int, Callable[[], TrainState]], tuple[dict[str, float], str]]


def alarm_of(experiment: Experiment) -> Look:
    """What looks at a run at its log lines: (step, () -> state) -> (metrics, a sentence to warn with or '').

    Where the generator is shown pictures there is nothing to look at: its diversity is theirs.
    """
    pictures = jax.ShapeDtypeStruct((1, *shape_of(experiment.config), 3), np.uint8)
    inputs = jax.eval_shape(partial(draw, experiment.game), jax.random.key(0), pictures)
    return (lambda step, fetch: ({}, '')) if 'image' in inputs.gen else Alarm(experiment)


class Alarm:
    """Watches the diversity of samples. The highest so far is that of one sitting: a resumed run looks anew."""

    def __init__(self, experiment: Experiment):
        """Draws the descriptors, and measures as many training pictures."""
        config, game = experiment.config, experiment.game
        which = experiment.train[np.arange(COUNT) % len(experiment.train)]
        pictures = np.concatenate(list(read_all(experiment.source, which)))
        key = jax.random.fold_in(jax.random.key(config.seed), 2**31 - 2)
        self._gen_inputs, self._steps = draw(game, key, pictures).gen, config.steps
        self._real = max(float(deviation(images.to_float(pictures))), 1e-6)
        self._measure = jax.jit(lambda state, gen_inputs: deviation(sample(game, state, gen_inputs)))
        self._highest, self._warned = 0.0, False

    def __call__(self, step: int, fetch: Callable[[], TrainState]) -> tuple[dict[str, float], str]:
        """The metric 'diversity', that of samples in parts of that of real pictures, and what is to be said of it."""
        diversity = float(self._measure(fetch(), self._gen_inputs)) / self._real
        return {'diversity': diversity}, self.judge(step, diversity)

    def judge(self, step: int, diversity: float) -> str:
        """A sentence if this is a collapse that was not told yet, else ''."""
        self._highest = max(self._highest, diversity)
        fallen = diversity < FALLEN * self._highest
        little = diversity < LITTLE and step >= PATIENCE * self._steps
        told, self._warned = self._warned, fallen or little
        if told or not self._warned:
            return ''
        return (
            f'Step {step}: samples differ {diversity:.2f} times as much as real pictures do; the most so far was '
            f'{self._highest:.2f}. The generator may have collapsed: look at the newest of pictures/.'
        )
