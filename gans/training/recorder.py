"""What a run leaves in its folder while it trains, and how it goes on from that.

The files: config.json, log.txt, metrics.jsonl, timing.jsonl, TensorBoard's events, sample grids and checkpoints.
"""

import contextlib
import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gans.config.compare import differences
from gans.config.load import to_json
from gans.config.stored import read_config
from gans.errors import UserError, cannot_write, naming
from gans.image import files
from gans.printing import tell
from gans.run import checkpoint
from gans.run.experiment import Experiment, fingerprint, open_game, start
from gans.run.folder import Lock, claim, new_run_folder
from gans.training import tensorboard
from gans.training.log_file import LogFile
from gans.training.metrics_files import METRICS, TIMING, cut_after
from gans.training.pace import progress_line


class Recorder:
    """Writes the files of one sitting of a run. One process has it; see `NoRecorder` for the others."""

    def __init__(self, experiment: Experiment, shapes: Any, folder: Path | None):
        """Writes nothing yet; `shapes` are the state's, `folder` as `gans.training.loop.train` has it."""
        self._experiment, self._shapes, self.folder = experiment, shapes, folder
        self._opened = contextlib.ExitStack()  # all that `close` closes, in the order of opening
        self._checkpoints = self._log = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        """Waits until everything is written; if that fails after another error, the other one is told."""
        with contextlib.suppress(UserError) if error is not None else contextlib.nullcontext():
            self.close()

    def begin(self) -> tuple[dict, Any]:
        """Opens the folder: ({'step', 'window'}, state) of the newest sound checkpoint, or of the start.

        'window' are the metrics of the steps since the last log line.

        Raises:
          UserError: the folder belongs to another experiment, or cannot be written.
        """
        config = self._experiment.config
        self.folder = new_run_folder('runs', config.name) if self.folder is None else claim(self.folder)
        self._opened.callback(Lock(self.folder).close)
        with self._writing():
            self._log = self._closing(LogFile(self.folder))
        if self._experiment.source.notes:
            self.warn(f'{self._experiment.source.where}.')
        self._about = {
            'config': to_json(config),
            'data': fingerprint(self._experiment),
            'train_images': len(self._experiment.train),
        }
        keep = config.checkpoint
        with self._writing():
            self._checkpoints = self._closing(checkpoint.Checkpoints(self.folder, keep.keep, keep.get('keep_every', 0)))
        place, state = self._resume() or ({'step': 0, 'window': []}, start(self._experiment))
        with self._writing():
            files.write_json(self.folder / 'config.json', config.to_dict())
            self._open_metrics(place['step'])
        return place, state

    def report(self, step: int, metrics: dict[str, float], timing: dict[str, float]) -> None:
        """Writes a log line, and prints it."""
        self._checkpoints.check()
        with self._writing():
            self._write(METRICS, step, metrics)
            self._write(TIMING, step, timing)
        tell(progress_line(step, self._experiment.config.steps, metrics, timing))

    def image(self, step: int, sample_grid: np.ndarray) -> None:
        """Writes a grid of images, uint8 [H, W, 3]."""
        with self._writing():
            files.save_png(self.folder / 'samples' / f'step_{step:06d}.png', sample_grid)
            self._events.image(step, 'held_out', sample_grid)

    def warn(self, sentence: str) -> None:
        """Says something that does not stop training, on the screen and in log.txt."""
        with self._writing():
            logging.warning(sentence)

    def save(self, step: int, state: Any, window: list[dict[str, float]]) -> None:
        """Begins to write a checkpoint; `state` stays untouched until `close`."""
        self._checkpoints.save(step, state, {**self._about, 'window': window})

    def writing(self) -> bool:
        """Is a checkpoint being written in the background?"""
        return self._checkpoints is not None and self._checkpoints.writing()

    def stopped(self, step: int, by: str) -> None:
        """Says, when everything is written, that training was stopped, and how it goes on."""
        if step:
            line = f'Stopped by {by} at step {step}; saved. The same command, --workdir={self.folder}, goes on.'
        else:
            line = f'Stopped by {by} before the first step: there was nothing to save.'
        tell(line)

    def close(self) -> None:
        """Waits until everything is written, and closes every file, whatever the others do; the lock goes last."""
        self._opened.close()

    def _closing(self, opened):
        self._opened.callback(opened.close)
        return opened

    def _open_metrics(self, step):
        """Opens the files of numbers; what they hold of steps after `step`, of a run that was killed, is cut off."""
        for name in (METRICS, TIMING):
            cut_after(self.folder / name, step)
        self._files = {}
        for name in (METRICS, TIMING):
            self._files[name] = open(self.folder / name, 'a')
            self._opened.callback(_close_quietly, self._files[name])
        self._events = tensorboard.Events(self.folder / 'tensorboard', step)
        self._opened.callback(_close_quietly, self._events)

    def _write(self, name: str, step: int, values: Mapping[str, float]):
        """Appends a line of numbers, and gives them to TensorBoard."""
        with naming(self.folder / name):
            self._files[name].write(json.dumps({'step': step, **values}) + '\n')
            self._files[name].flush()
        self._events.numbers(step, values)

    @contextlib.contextmanager
    def _writing(self):
        """Turns a failed write, also of log.txt since the last time, into one sentence that names what is kept."""
        try:
            yield
            if self._log is not None and self._log.failed is not None:
                with naming(self._log.path):
                    raise self._log.failed
        except (OSError, UserError) as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            if not isinstance(cause, OSError):
                raise
            kept = '' if self._checkpoints is None else self._checkpoints.kept()
            raise cannot_write(cause.filename or self.folder, cause, kept) from error

    def _resume(self):
        found = checkpoint.newest(self._checkpoints, self._read)
        if found is None:
            return None
        step, (about, before, state) = found
        for damaged in self._checkpoints.steps():
            if damaged > step:
                kept = self._checkpoints.set_aside(damaged)
                self.warn(f'The damaged checkpoint of step {damaged} is kept as {kept}.')
        tell(f'Going on from step {step}.')
        self._warn_of_schedules(step, before)
        return {'step': step, 'window': about['window']}, state

    def _warn_of_schedules(self, step, before):
        """Says which schedules are somewhere else now, where training was to take another number of steps before."""
        config = self._experiment.config
        if before.steps == config.steps:
            return
        old, new = open_game(before, len(self._experiment.train)).schedules, self._experiment.game.schedules
        values = {name: (float(old[name](step)), float(new[name](step))) for name in new}
        moved = [f'{name} from {a:g} to {b:g}' for name, (a, b) in values.items() if not math.isclose(a, b)]
        if moved:
            self.warn(
                f'Schedules in fractions of training follow config.steps, which was {before.steps} and is '
                f'{config.steps}: at step {step} they go {", ".join(moved)}.'
            )

    def _read(self, step):
        """A checkpoint of this very experiment; what is another's is refused before its arrays are looked at."""
        about, config = self._checkpoints.about(step), self._experiment.config
        before = read_config(about.get('config'), self.folder)
        changed = differences(before, config)
        if changed:
            raise UserError(
                f'{self.folder} was trained with another config, so it cannot go on with this one:\n  '
                + '\n  '.join(changed)
                + '\nGive those values back, or another --workdir.'
            )
        if about.get('data') != self._about['data']:
            raise UserError(
                f'{self.folder} was trained on other images ({about.get("train_images")} of them) than '
                f'{self._experiment.source.where}: give those back, or another --workdir.'
            )
        if step > config.steps:
            raise UserError(
                f'{self.folder} has {step} steps done, more than config.steps={config.steps}: give '
                f'--config.steps={step} or more to train on, or another --workdir.'
            )
        if not _is_window(about.get('window')):
            raise UserError(
                f'The checkpoint of step {step} in {self.folder} lacks the metrics since the last log line: it was '
                'made by another version of the code, or changed by hand.'
            )
        return about, before, self._checkpoints.restore(step, self._shapes)


class NoRecorder:
    """The recorder of all processes but the first: it writes nothing."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        """Has nothing to wait for."""

    def begin(self) -> None:
        """Opens nothing."""

    def report(self, step: int, metrics: dict[str, float], timing: dict[str, float]) -> None:
        """Writes nothing."""

    def image(self, step: int, sample_grid: np.ndarray) -> None:
        """Writes nothing."""

    def warn(self, sentence: str) -> None:
        """Says nothing."""

    def save(self, step: int, state: Any, window: list[dict[str, float]]) -> None:
        """Writes nothing."""

    def writing(self) -> bool:
        """Writes nothing."""
        return False

    def stopped(self, step: int, by: str) -> None:
        """Says nothing."""


def _is_window(found):
    """Is this [{name: number}] with the same names for every step?"""
    if not isinstance(found, list) or not all(isinstance(metrics, dict) for metrics in found):
        return False
    numbers = [value for metrics in found for value in metrics.values()]
    return all(isinstance(n, float) for n in numbers) and all(metrics.keys() == found[0].keys() for metrics in found)


def _close_quietly(file):
    """All was written when it came: what is left in a buffer is of a line that failed, and was told."""
    with contextlib.suppress(OSError):
        file.close()
