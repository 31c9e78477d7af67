"""The loop: pictures in, steps, and at their times a log line, a picture grid, a checkpoint."""

import contextlib
import math
import signal
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from gans import checkpoint, images, logbook
from gans.build import batches_per_step
from gans.config import differences, from_json, to_json
from gans.data.batches import batches, numbers, read_all
from gans.errors import Failure, UserError
from gans.parallel import lay_out
from gans.runs import Experiment, fingerprint, state_shapes, stored_bytes, write_json
from gans.train_step import draw, init, sample, seen_by_generator

_IN_FLIGHT = 2  # steps given to the devices and not yet finished: enough to hide the dispatch, few enough to stop fast


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
    folder = logbook.new_run_folder('runs', config.name) if folder is None else _claim(folder)
    logbook.log_to(folder)
    about = {'config': to_json(config), 'data': fingerprint(experiment), 'train_pictures': len(experiment.train)}
    with checkpoint.Checkpoints(folder, config.checkpoint.keep) as checkpoints, _Stop() as stop:
        step, window, state = _resume_or_start(experiment, shapes, about['data'], checkpoints)
        write_json(folder / 'config.json', config.to_dict())
        book = logbook.Logbook(folder, step)
        with contextlib.closing(book):
            loop = _Loop(experiment, layout, checkpoints, book, folder, about, window)
            return loop.run(step, state, stop)


class _Loop:
    """The state of one sitting: what is written where, and the metrics since the last log line."""

    def __init__(self, experiment, layout, checkpoints, book, folder, about, window):
        self.experiment, self.layout, self.folder, self.about = experiment, layout, folder, about
        self.checkpoints, self.book = checkpoints, book
        self.window = window  # [{name: float}] of the steps since the last log line
        self.pending = []  # the same of the newest steps, still on the devices
        self.fixed = _fixed_inputs(experiment)
        self.make_grid = jax.jit(partial(_make_grid, experiment.game))
        self.key = jax.random.key(experiment.config.seed)

    def run(self, step, state, stop) -> bool:
        config, layout = self.experiment.config, self.layout
        state = layout.place(state)
        if step == 0:
            self.draw_pictures(0, layout.fetch(state))
        pace = logbook.Pace(config.batch, config.steps, step)
        feeds = _feeds(self.experiment, step)
        with contextlib.closing(feeds):
            while step < config.steps and not stop.asked:
                asked = time.perf_counter()
                fed = layout.feed(next(feeds))
                pace.waited(time.perf_counter() - asked)
                state, metrics = layout.step(self.key, state, fed)
                self.pending.append(metrics)
                if len(self.pending) > _IN_FLIGHT:
                    jax.block_until_ready(self.pending[-1 - _IN_FLIGHT])
                step += 1
                self.at_its_time(step, state, pace)
        self.save(step, state)
        if stop.asked:
            print(f'Stopped by {stop.asked} at step {step}; saved. The same command, --workdir={self.folder}, goes on.')
        return not stop.asked

    def at_its_time(self, step, state, pace):
        """Logs, draws and saves when the step says so; the end is always such a time."""
        config = self.experiment.config
        last = step == config.steps
        if last or step % config.log.every == 0:
            self.log(step, pace)
        if step in _equal_times(config.steps, config.log.pictures):
            self.draw_pictures(step, self.layout.fetch(state))
        if not last and step % config.checkpoint.every == 0:
            self.save(step, state)

    def log(self, step, pace):
        self.collect(step)
        means = {name: float(np.mean([m[name] for m in self.window])) for name in self.window[0]}
        self.window = []
        timing = pace.report(step)
        self.book.metrics(step, means)
        self.book.timing(step, timing)
        print(logbook.progress_line(step, self.experiment.config.steps, means, timing), flush=True)

    def save(self, step, state):
        """Writes a checkpoint, unless something is not finite."""
        self.collect(step)
        copy = self.layout.fetch(state)
        bad = _not_finite(copy)
        if bad:
            raise Diverged(f'{bad} is not finite after step {step}; nothing of it was saved.')
        self.checkpoints.save(step, copy, {**self.about, 'window': self.window})

    def collect(self, step):
        """Fetches the pending metrics and looks at every one of them."""
        fetched = [{name: float(v) for name, v in m.items()} for m in jax.device_get(self.pending)]
        self.pending = []
        for back, metrics in enumerate(reversed(fetched)):
            for name, value in metrics.items():
                if not math.isfinite(value):
                    raise Diverged(
                        f'{name} is {value} at step {step - back}: training stopped, and the checkpoints on disk are '
                        'from before. A lower learning rate is the usual cure.'
                    )
        self.window += fetched

    def draw_pictures(self, step, state):
        """Writes the grid of fixed held-out inputs: what the generator sees, makes, and should make."""
        inputs, outputs = self.make_grid(state, self.fixed, jnp.int32(step))
        rows = [outputs, images.to_uint8(self.fixed.real)]
        if inputs is not None:
            rows.insert(0, inputs)
        sheet = images.grid(np.concatenate([np.asarray(_as_rgb(row)) for row in rows]), len(self.fixed.real))
        images.save_png(self.folder / 'pictures' / f'step_{step:06d}.png', sheet)
        self.book.picture(step, 'held_out', sheet)


def _resume_or_start(experiment, shapes, data, checkpoints):
    """(step, metrics since the last log line, state): of the newest sound checkpoint, or of the start."""
    config = experiment.config
    found = checkpoint.newest_sound(checkpoints, shapes)
    if found is None:
        first = np.zeros((1, *experiment.source[int(experiment.train[0])].shape), np.uint8)
        start = jax.jit(partial(init, experiment.game))(jax.random.key(config.seed), first)
        return 0, [], start
    step, about, state = found
    changed = differences(from_json(about['config']), config)
    if changed:
        raise UserError(
            f'{checkpoints.folder.parent} was trained with another config, so it cannot go on with this one:\n  '
            + '\n  '.join(changed)
            + '\nGive those values back, or another --workdir.'
        )
    if about['data'] != data:
        raise UserError(
            f'{checkpoints.folder.parent} was trained on other pictures ({about["train_pictures"]} of them) than '
            f'{experiment.source.where}: give those back, or another --workdir.'
        )
    for damaged in checkpoints.steps():
        if damaged > step:
            checkpoints.drop(damaged)
    print(f'Going on from step {step}.')
    return step, about['window'], state


def _claim(folder: Path) -> Path:
    """Makes the folder, or makes sure that it is a run's; returns it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = any(folder.iterdir()) and not (folder / 'config.json').exists()
    except OSError as error:
        raise UserError(f'Cannot use {folder} as a run folder ({error.strerror}): choose another --workdir.') from error
    if foreign and not (folder / checkpoint.FOLDER).exists():
        raise UserError(f'{folder} holds files but is not a run folder: choose an empty or a new --workdir.')
    return folder


def _feeds(experiment, start):
    """What the steps are fed with, from `start` on: pictures, or their numbers where the devices hold the pictures."""
    config = experiment.config
    order = dict(batch=config.batch, turns=batches_per_step(config), seed=config.seed, start=start)
    if config.data.placement == 'device':
        return numbers(len(experiment.train), **order)
    return batches(experiment.source, experiment.train, **order, threads=config.data.threads)


def _stored(experiment):
    """All training pictures, uint8 [n, H, W, 3], if the devices are to hold them, else None."""
    if not stored_bytes(experiment):
        return None
    return np.concatenate(list(read_all(experiment.source, experiment.train, threads=experiment.config.data.threads)))


def _fixed_inputs(experiment):
    """The same held-out pictures, degraded the same way, in every grid of the run."""
    count = min(experiment.config.log.grid, len(experiment.test))
    chunks = read_all(experiment.source, experiment.test[:count])
    pictures = np.concatenate([np.asarray(chunk) for chunk in chunks])
    key = jax.random.fold_in(jax.random.key(experiment.config.seed), 2**31 - 1)
    return jax.jit(partial(draw, experiment.game))(key, pictures)


def _make_grid(game, state, inputs, step):
    seen = seen_by_generator(game, inputs.gen, step)
    shown = images.to_uint8(seen['image']) if 'image' in seen else None
    return shown, images.to_uint8(sample(game, state, seen))


def _as_rgb(pictures):
    return np.repeat(pictures, 3, axis=-1) if pictures.shape[-1] == 1 else pictures


def _equal_times(steps, count):
    """`count` steps at equal distances, the last step among them."""
    return {round(steps * i / count) for i in range(1, count + 1)} if count else set()


@jax.jit
def _finite_leaves(state):
    return jax.tree.map(lambda x: jnp.isfinite(x).all(), state)


def _not_finite(state) -> str:
    """The name of the first array with a number that is not finite, '' if there is none."""
    for path, good in jax.tree_util.tree_leaves_with_path(jax.device_get(_finite_leaves(state))):
        if not good:
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
