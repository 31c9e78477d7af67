"""A warning where generated images lose what real ones have: a cheap number at every log line.

It stops nothing; the loop stops where the number is not finite, as it does for every other one.

Samples from noise may begin to repeat each other; colours of gray images may fade (Curro 2016, section 4.0.1: the
network "can learn to forward its input"). What is watched, the task says.
"""

from collections.abc import Callable
from functools import partial

import jax

from gans.core.inputs import draw, seen_by_generator
from gans.core.programs import once
from gans.core.sampling import sample
from gans.data.batches import read_whole
from gans.data.content import by_content
from gans.image import ops
from gans.image.batching import fill
from gans.run.experiment import Experiment
from gans.startup import jit_seldom
from gans.types import TrainState, Watch

COUNT = 16  # images; always those of the same inputs, so that what changes is the generator
FALLEN = 0.3  # of the highest so far, or of real images where it was above theirs: a warning
LITTLE = 0.1  # of real images, after `PATIENCE` of training: a warning too
PATIENCE = 0.2

Look = Callable[[int, Callable[[], TrainState]], tuple[dict[str, float], str]]


def monitor_of(experiment: Experiment) -> Look:
    """What looks at a run at its log lines: (step, () -> state) -> (metrics, a sentence to warn with or '')."""
    watch = experiment.game.task.watch
    return Monitor(experiment, watch) if watch else lambda step, fetch: ({}, '')


class Monitor:
    """Watches one number of generated images. The highest so far is that of one sitting: a resumed run looks anew."""

    def __init__(self, experiment: Experiment, watch: Watch):
        """Draws the inputs, and measures as many training images."""
        config, game = experiment.config, experiment.game
        # By content: the first of a sorted folder would all be of one kind.
        few = by_content(experiment.source, experiment.train)[:COUNT]
        images = read_whole(experiment.source, fill(few, COUNT))
        key = jax.random.fold_in(jax.random.key(config.seed), 2**31 - 2)
        self._watch, self._steps = watch, config.steps
        self._gen_inputs = once(game, 'draw', lambda: jit_seldom(partial(draw, game)))(key, images).gen
        self._real = float(watch.number(ops.to_float(images)))
        self._measure = once(game, 'watch', lambda: jit_seldom(partial(_measure, game, watch)))
        self._highest, self._warned = 0.0, False

    def __call__(self, step: int, fetch: Callable[[], TrainState]) -> tuple[dict[str, float], str]:
        """({name of the metric: its value for generated images divided by that for real ones}, a warning or '').

        Where real images have next to nothing of it there is no metric, which is said once.
        """
        if self._real <= self._watch.least:
            told, self._warned = self._warned, True
            return {}, '' if told else self._nothing_to_watch()
        number = float(self._measure(fetch(), self._gen_inputs)) / self._real
        return {self._watch.name: number}, self.judge(step, number)

    def _nothing_to_watch(self):
        return (
            f'The training images looked at are {self._watch.without}: {self._watch.name} is not logged, since there '
            'is nothing to compare it with.'
        )

    def judge(self, step: int, number: float) -> str:
        """A sentence if this is a loss that was not told yet, else ''."""
        self._highest = max(self._highest, number)
        had = self._highest >= LITTLE  # what was never there cannot be lost
        fallen = had and number < FALLEN * min(self._highest, 1.0)
        little = number < LITTLE and step >= PATIENCE * self._steps
        told, self._warned = self._warned, fallen or little
        if told or not self._warned:
            return ''
        return (
            f'Step {step}: {self._watch.fact.format(f"{number:.2f}")}; the most so far was {self._highest:.2f}. '
            f'The generator may {self._watch.guess}: look at the newest of samples/.'
        )


def _measure(game, watch, state, gen_inputs):
    return watch.number(sample(game, state, seen_by_generator(game, gen_inputs, state.step)))
