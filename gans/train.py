"""The loop: pictures in, steps, and at their times a log line, a picture grid, a checkpoint."""

import contextlib
import math
import signal
import time
from pathlib import Path

import jax
import numpy as np

from gans import conv, hosts, logbook, startup
from gans.alarm import alarm_of
from gans.build import batches_per_step
from gans.data.batches import batches, numbers, read_whole
from gans.errors import Failure, UserError
from gans.parallel import lay_out
from gans.records import NoRecords, Records
from gans.runs import Experiment, state_shapes, stored_bytes
from gans.sheets import Sheets

_IN_FLIGHT = 2  # calls given to the devices and not yet finished: enough to hide the dispatch, few enough to stop fast


class Diverged(Failure):
    """Training produced a number that is not finite; the message names it."""


def train(experiment: Experiment, folder: Path | None = None) -> bool:
    """Trains to the end, from the newest checkpoint in the folder if there is one.

    Args:
      experiment: what to train, on what.
      folder: the run's folder, made if need be; by default the next numbered one in `runs`.

    Returns:
      True at the end of training, False if a signal stopped it (after saving).

    Raises:
      UserError: the folder belongs to another experiment, or cannot be written.
      Diverged: a loss or a parameter is not finite. The checkpoints on disk are from before.
    """
    config = experiment.config
    shapes = state_shapes(experiment.game, config)  # first of all: what does not fit together leaves no folder behind
    layout = lay_out(config.parallel, experiment.game, config.batch, config.devices, _stored(experiment))
    records = Records(experiment, shapes, folder) if hosts.is_first() else NoRecords()
    with hosts.peers(), contextlib.closing(records), _Stop() as stop:
        place, state = hosts.from_first(records.begin, shapes)
        return _Loop(experiment, layout, records, place['window']).run(place['step'], state, stop)


class _Loop:
    """The state of one sitting: what is written where, and the metrics since the last log line."""

    def __init__(self, experiment, layout, records, window):
        self.experiment, self.layout, self.records = experiment, layout, records
        self.window = window  # [{name: float}] of the steps since the last log line
        self.pending = []  # {name: [steps]} of the newest calls, still on the devices
        self.sheets = Sheets(experiment)
        self.alarm = alarm_of(experiment)
        self.key = jax.random.key(experiment.config.seed)
        self.stage = ()  # the one that was played at the last log line of this sitting; none yet

    def run(self, step, state, stop) -> bool:
        config, layout = self.experiment.config, self.layout
        state = layout.place(state)
        if step == 0:
            self.draw_pictures(0, layout.fetch(state))
        pace = logbook.Pace(config.batch, config.steps, step)
        feeds = _feeds(self.experiment, step)
        agreed = hosts.Agreement(_IN_FLIGHT)
        with contextlib.closing(feeds):
            while step < config.steps and not agreed(bool(stop.asked)):
                asked = time.perf_counter()
                fed = [layout.feed(next(feeds)) for _ in range(self.steps_together(step))]
                if self.idle():
                    pace.waited(time.perf_counter() - asked)
                state, metrics = layout.step(self.key, state, *fed, stage=self.experiment.game.stage(step))
                self.pending.append(metrics)
                if len(self.pending) > _IN_FLIGHT:
                    jax.block_until_ready(self.pending[-1 - _IN_FLIGHT])
                step += len(fed)
                self.at_its_time(step, state, pace)
        self.save(step, state)
        if step < config.steps:
            self.records.stopped(step, stop.asked or 'another process')
        return step == config.steps

    def steps_together(self, step):
        """How many steps the next call takes, a function of the step alone: a run that goes on makes the same calls."""
        if not conv.loop_well():
            return 1
        together = self.experiment.config.get('steps_per_call', 1)  # older pages have none
        stage, last = self.experiment.game.stage, min(step + together, self.experiment.config.steps) - 1
        on_time = step % together == 0 and not any(self.due(step + i) for i in range(1, together))
        return together if on_time and stage(step) == stage(last) else 1

    def idle(self):
        """Have the devices nothing left to do?"""
        return all(value.is_ready() for metrics in self.pending[-1:] for value in metrics.values())

    def due(self, step):
        """What is to be done after a step; the end of training is always logged."""
        config = self.experiment.config
        last = step == config.steps
        times = {
            'log': last or step % config.log.every == 0,
            'draw': step in _equal_times(config.steps, config.log.pictures),
            'save': not last and step % config.checkpoint.every == 0,
        }
        return {name for name, now in times.items() if now}

    def at_its_time(self, step, state, pace):
        """Logs, draws and saves when the step says so."""
        due = self.due(step)
        if 'log' in due:
            self.log(step, state, pace)
        if 'draw' in due:
            self.draw_pictures(step, self.layout.fetch(state))
        if 'save' in due:
            self.save(step, state)

    def log(self, step, state, pace):
        self.collect(step)
        means = {name: float(np.mean([m[name] for m in self.window])) for name in self.window[0]}
        self.window = []
        watched, warning = self.alarm(step, lambda: self.layout.fetch(state))
        self.records.report(step, means | watched, pace.report(step))
        if warning:
            self.records.warn(warning)
        played = self.experiment.game.stage(step - 1)
        if played != self.stage:  # its program was compiled since the last line
            startup.give_back()
        self.stage = played

    def save(self, step, state):
        """Writes a checkpoint, unless something is not finite."""
        self.collect(step)
        copy = self.layout.fetch(state)
        bad = _not_finite(copy)
        if bad:
            raise Diverged(f'{bad} is not finite after step {step}; nothing of it was saved.')
        self.records.save(step, copy, self.window)

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
            for name, value in metrics.items():
                if not math.isfinite(value):
                    raise Diverged(
                        f'{name} is {value} at step {step - back}: training stopped, and the checkpoints on disk are '
                        'from before. A lower learning rate is the usual cure.'
                    )
        if self.window and fetched and self.window[0].keys() != fetched[0].keys():
            raise UserError(
                'The steps since the last log line were trained by another version of the code, with other metrics: '
                'use that version, or another --workdir.'
            )
        self.window += fetched

    def draw_pictures(self, step, state):
        """Writes the sheet of fixed held-out inputs and descriptors."""
        self.records.picture(step, self.sheets(state, step))


def _feeds(experiment, start):
    """What the steps are fed with, from `start` on: pictures, or their numbers where the devices hold the pictures."""
    config = experiment.config
    mine = (jax.process_index(), jax.process_count())
    order = dict(batch=config.batch, turns=batches_per_step(config), seed=config.seed, start=start, shard=mine)
    if config.data.placement == 'device':
        return numbers(experiment.parts, **order)
    parts = [experiment.train[part] for part in experiment.parts]
    return batches(experiment.source, parts, **order, threads=config.data.threads)


def _stored(experiment):
    """All training pictures, uint8 [n, H, W, 3], if the devices are to hold them, else None."""
    if not stored_bytes(experiment):
        return None
    return read_whole(experiment.source, experiment.train, experiment.config.data.threads)


def _equal_times(steps, count):
    """`count` steps at equal distances, the last step among them."""
    return {round(steps * i / count) for i in range(1, count + 1)} if count else set()


def _not_finite(state) -> str:
    """The name of the first array with a number that is not finite, '' if there is none."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(jax.device_get(state)):
        if not np.isfinite(leaf).all():
            return jax.tree_util.keystr(path, simple=True, separator='/')
    return ''


class _Stop:
    """Turns the first SIGTERM or Ctrl-C into a wish to stop after the step; a second Ctrl-C ends at once."""

    def __init__(self):
        self.asked = ''

    def __enter__(self):
        self._before = {}
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(ValueError):  # not the main thread: a notebook's business
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *unused):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number, frame):
        self.asked = signal.Signals(number).name
        signal.signal(signal.SIGINT, signal.default_int_handler)
