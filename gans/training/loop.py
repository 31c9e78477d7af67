"""The loop: images in, steps, and at their times a log line, an image grid, a checkpoint."""

import contextlib
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import numpy as np

from gans import signals, startup
from gans.core.programs import once
from gans.core.state import check_stages, state_shapes
from gans.data.batches import batches, numbers, read_whole
from gans.errors import Failure, UserError
from gans.nn import conv
from gans.progress import progress
from gans.run import multihost
from gans.run.experiment import Experiment, stored_bytes
from gans.run.memory import free_memory
from gans.run.parallel import lay_out
from gans.training.monitor import monitor_of
from gans.training.pace import LOSSES, Pace, bar_note
from gans.training.recorder import NoRecorder, Recorder
from gans.training.sample_grid import SampleGrids

_IN_FLIGHT = 2  # calls given to the devices and not yet finished: enough to hide the dispatch, few enough to stop fast


class Diverged(Failure):
    """Training produced a number that is not finite; the message names it."""


def train(
    experiment: Experiment,
    folder: str | Path | None = None,
    begun: Callable[[Path, int], None] = lambda folder, step: None,
    pause: Callable[[int], bool] = lambda step: False,
) -> bool:
    """Trains to the end, from the newest checkpoint in the folder if there is one.

    Args:
      experiment: what to train, on what.
      folder: the run's folder, made if need be; by default the next numbered one in `runs`.
      begun: is told the folder and how many steps are done, in the first process, before training begins.
      pause: the number of steps done -> whether to save and leave off here. With several processes all must say the
        same.

    Returns:
      True at the end of training. False if `pause` or SIGINT (Ctrl-C), SIGTERM or SIGHUP stopped it, sent to this
      process or another one of the run: everything is saved and written then.

    Raises:
      UserError: the folder belongs to another experiment, or cannot be written.
      Diverged: a loss or a parameter is not finite. The checkpoints on disk are from before.
      gans.signals.Stopped: a signal before the first step, or a second one; it is a KeyboardInterrupt.
    """
    with signals.stopping() as stop:
        return _train(experiment, None if folder is None else Path(folder).expanduser(), begun, pause, stop)


def _train(experiment, folder, begun, pause, stop):
    config = experiment.config
    shapes = state_shapes(experiment.game, config)  # first of all: what does not fit together leaves no folder behind
    check_stages(experiment.game, shapes, config.steps)
    layout = lay_out(config.parallel, experiment.game, config.batch, config.devices, _stored(experiment))
    recorder = Recorder(experiment, shapes, folder) if multihost.is_first() else NoRecorder()
    with multihost.peers(), recorder:
        place, state = multihost.from_first(recorder.begin, shapes)
        if multihost.is_first():
            begun(recorder.folder, place['step'])
        loop = _Loop(experiment, layout, recorder, place)
        stop.train(loop.unsaved)
        number = loop.run(state, stop, pause)
    if number:
        name = signals.name_of(number)
        recorder.stopped(loop.step, name if stop.number else f'{name} to another process')
        stop.number = number
    return loop.step == config.steps


class _Loop:
    """The state of one sitting: what is written where, and the metrics since the last log line."""

    def __init__(self, experiment, layout, recorder, place):
        self.experiment, self.layout, self.recorder = experiment, layout, recorder
        self.step = self.saved = place['step']  # steps done, and steps of the newest checkpoint
        self.window = place['window']  # [{name: float}] of the steps since the last log line
        self.pending = []  # {name: [steps]} of the newest calls, still on the devices
        self.known = {}  # {name: number}: losses of the newest step that is known to be finished
        self.sample_grids = SampleGrids(experiment)
        self.monitor = monitor_of(experiment)
        self.key = jax.random.key(experiment.config.seed)
        self.called = set()  # the programs of this sitting, each with the number of steps that it takes
        self.looked = False  # at what the first step of this sitting needs
        self.stage = ()  # the one that was played at the last log line of this sitting; none yet

    def unsaved(self) -> bool:
        """Would the end of the process lose a step, or cut off a checkpoint that is being written?"""
        return self.step > self.saved or self.recorder.writing()

    def run(self, state, stop, pause) -> int:
        """Trains and saves; returns the number of the signal that stopped it, 0 at the end or at a pause."""
        config, layout, step = self.experiment.config, self.layout, self.step
        state = layout.place(state)
        if step == 0:
            self.draw_images(0, layout.fetch(state))
        pace = Pace(config.batch, config.steps, step)
        feeds = _feeds(self.experiment, step)
        agreed, number = multihost.Agreement(_IN_FLIGHT), 0
        bar = progress('training', config.steps, 'steps', done=step, note=self.note, only_bar=True)
        with contextlib.closing(feeds), bar as advance:
            while step < config.steps and not (number := agreed(stop.number)) and not pause(step):
                asked = time.perf_counter()
                fed = [layout.feed(next(feeds)) for _ in range(self.steps_together(step))]
                if self.idle():
                    pace.waited(time.perf_counter() - asked)
                called = time.perf_counter()
                if not self.looked:
                    self.look_at_memory(self.needs(state, fed, step), free_memory())
                state, metrics = layout.step(self.key, state, *fed, number=step)
                if self.is_new(step, len(fed)):
                    pace.compiled(time.perf_counter() - called, len(fed))
                self.pending.append(metrics)
                if len(self.pending) > _IN_FLIGHT:
                    jax.block_until_ready(self.pending[-1 - _IN_FLIGHT])
                step += len(fed)
                self.step = step
                advance(len(fed))
                self.at_its_time(step, state, pace)
        stop.answer()
        if step > self.saved:
            self.save(step, state)
        return number

    def is_new(self, step, count):
        """Is this the first call of this sitting to a program? It was compiled then, or read."""
        program = (*self.experiment.game.program(step), count)
        known = program in self.called
        self.called.add(program)
        return not known

    def needs(self, state, fed, step):
        """Bytes of memory that a call needs."""
        game, config = self.experiment.game, self.experiment.config
        count = partial(self.layout.needs, self.key, state, *fed, number=step)
        where = (config.parallel, self.layout.devices, config.data.placement)
        return once(game, ('needs', *where, *game.program(step), len(fed)), count)

    def look_at_memory(self, needed, free):
        """Warns where a step will hardly fit. It is tried all the same: what is free changes from moment to moment."""
        self.looked = True
        if needed > free:
            self.recorder.warn(
                f'A step needs {needed / 2**30:.2f} GiB of memory beside what is in use, and {free / 2**30:.2f} GiB '
                'are free: if training fails or is ended by the system, lower --config.batch or --config.size.'
            )

    def note(self, speed):
        """What stands behind the bar. It waits for no device: the losses are those of the newest finished call."""
        if len(self.pending) > _IN_FLIGHT:
            finished = self.pending[-1 - _IN_FLIGHT]
            self.known = {name: np.asarray(finished[name])[-1] for name in LOSSES}
        return bar_note(self.known, speed * self.experiment.config.batch)

    def steps_together(self, step):
        """How many steps the next call takes, a function of the step alone: a run that goes on makes the same calls."""
        if not conv.loop_well():
            return 1
        together = self.experiment.config.steps_per_call
        after = min(step + together, self.experiment.config.steps)
        programs = {self.experiment.game.program(number) for number in range(step, after)}
        on_time = step % together == 0 and not any(self.due(step + i) for i in range(1, together))
        return together if on_time and len(programs) == 1 else 1

    def idle(self):
        """Have the devices nothing left to do?"""
        return all(value.is_ready() for metrics in self.pending[-1:] for value in metrics.values())

    def due(self, step):
        """What is to be done after a step; the end of training is always logged.

        Before another stage begins there is a checkpoint: its program is compiled then, perhaps for minutes, and a
        signal does not wait for that.
        """
        config, stage = self.experiment.config, self.experiment.game.stage
        last = step == config.steps
        times = {
            'log': last or step % config.log.every == 0,
            'draw': step in _equal_times(config.steps, config.log.grids),
            'save': not last and (step % config.checkpoint.every == 0 or stage(step) != stage(step - 1)),
        }
        return {name for name, now in times.items() if now}

    def at_its_time(self, step, state, pace):
        """Logs, draws and saves when the step says so."""
        due = self.due(step)
        if 'log' in due:
            self.log(step, state, pace)
        if 'draw' in due:
            self.draw_images(step, self.layout.fetch(state))
        if 'save' in due:
            self.save(step, state)

    def log(self, step, state, pace):
        self.collect(step)
        means = {name: float(np.mean([m[name] for m in self.window])) for name in self.window[0]}
        self.window, self.known = [], means
        watched, warning = self.monitor(step, lambda: self.layout.fetch(state))
        _check_finite(watched, step)  # finite losses of one step can leave weights whose images are not
        self.recorder.report(step, means | watched, pace.report(step))
        if warning:
            self.recorder.warn(warning)
        played = self.experiment.game.stage(step - 1)
        if played != self.stage:  # its program was compiled since the last line
            startup.trim_heap()
        self.stage = played

    def save(self, step, state):
        """Writes a checkpoint, unless something is not finite."""
        self.collect(step)
        copy = self.layout.fetch(state)
        bad = _not_finite(copy)
        if bad:
            raise Diverged(f'{bad} is not finite after step {step}; nothing of it was saved.')
        self.recorder.save(step, copy, self.window)
        self.saved = step

    def collect(self, step):
        """Fetches the pending metrics and looks at every one of them."""
        calls = jax.device_get(self.pending)
        fetched = [
            dict(zip(call, map(float, values), strict=True))
            for call in calls
            for values in zip(*call.values(), strict=True)
        ]
        self.pending = []
        for back, metrics in enumerate(reversed(fetched)):
            _check_finite(metrics, step - back)
        if self.window and fetched and self.window[0].keys() != fetched[0].keys():
            raise UserError(
                'The steps since the last log line were trained by another version of the code, with other metrics: '
                'use that version, or another --workdir.'
            )
        self.window += fetched

    def draw_images(self, step, state):
        """Writes the sample grid of fixed held-out inputs and latents."""
        self.recorder.image(step, self.sample_grids(state, step))


def _feeds(experiment, start):
    """What the steps are fed with, from `start` on: images, or their numbers where the devices hold the images."""
    config = experiment.config
    mine = (jax.process_index(), jax.process_count())
    order = dict(batch=config.batch, turns=experiment.game.batch_shape[0], seed=config.seed, start=start, shard=mine)
    if config.data.placement == 'device':
        return numbers(experiment.parts, **order)
    parts = [experiment.train[part] for part in experiment.parts]
    return batches(experiment.source, parts, **order, threads=config.data.threads, stop=config.steps)


def _stored(experiment):
    """All training images, uint8 [n, H, W, 3], if the devices are to hold them, else None."""
    if not stored_bytes(experiment):
        return None
    return read_whole(experiment.source, experiment.train, experiment.config.data.threads)


def _equal_times(steps, count):
    """`count` steps at equal distances, the last step among them."""
    return {round(steps * i / count) for i in range(1, count + 1)} if count else set()


def _check_finite(metrics, step):
    """Raises Diverged where a number of this step is not finite."""
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise Diverged(
                f'{name} is {value} at step {step}: training stopped, and the checkpoints on disk are from before. A '
                'lower learning rate is the usual cure.'
            )


def _not_finite(state) -> str:
    """The name of the first array with a number that is not finite, '' if there is none."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(jax.device_get(state)):
        if not np.isfinite(leaf).all():
            return jax.tree_util.keystr(path, simple=True, separator='/')
    return ''
