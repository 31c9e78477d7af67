"""A run's folder: its number, its progress line, metrics.jsonl, TensorBoard events.

metrics.jsonl holds what training computed and nothing of the machine, so that a run that was stopped and resumed
writes the same bytes as one that was not. What depends on the machine (rates, memory) goes to timing.jsonl.
"""

import contextlib
import json
import logging
import re
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from gans.errors import UserError, naming
from gans.image import files
from gans.printing import Formatter
from gans.training import tensorboard

METRICS = 'metrics.jsonl'
TIMING = 'timing.jsonl'


def new_run_folder(parent: str | Path, name: str) -> Path:
    """Makes the next numbered folder, `parent/00007-name`, safe against a run that starts at the same time."""
    parent = Path(parent)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in range(_next_number(parent), 100_000):
            folder = parent / f'{number:05d}-{name}'
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                continue
    except OSError as error:
        message = f'Cannot make a run folder in {parent} ({error.strerror}): choose another --workdir.'
        raise UserError(message) from error
    raise UserError(f'{parent} has no run numbers left.')


def next_run_name(parent: str | Path, name: str) -> str:
    """What `new_run_folder` would make, without making it."""
    return str(Path(parent) / f'{_next_number(Path(parent)):05d}-{name}')


def _next_number(parent):
    taken = [int(m[1]) for p in parent.glob('*') if (m := re.match(r'(\d{5})-', p.name))]
    return max(taken, default=-1) + 1


class Log(logging.FileHandler):
    """Warnings and messages of a run in its `log.txt`, from the opening to the closing; the screen has them too.

    `failed` is the OSError of the last line that could not be written, if there was one: it may come from any thread,
    and only the main one can end the run for it.
    """

    def __init__(self, folder: str | Path):
        """Opens the file, and adds itself to the root logger. Raises OSError."""
        self.path = Path(folder) / 'log.txt'
        super().__init__(self.path, encoding='utf-8', errors='backslashreplace')
        self.failed: OSError | None = None
        self.setFormatter(Formatter('%(asctime)s %(message)s', '%Y-%m-%d %H:%M:%S'))
        logging.getLogger().addHandler(self)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Keeps the error, where logging would print a traceback."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif self.failed is None:
            self.failed = error

    def close(self) -> None:
        """Takes itself from the root logger and closes the file. What could not be written was noted when it came."""
        logging.getLogger().removeHandler(self)
        with contextlib.suppress(OSError):
            super().close()


class Logbook:
    """Writes what training reports into a run's folder. Its methods raise OSError, which names the file."""

    def __init__(self, folder: str | Path, step: int):
        """Opens the files; whatever they hold of steps after `step` (of a run that was killed) is cut off."""
        self._folder = Path(folder)
        for name in (METRICS, TIMING):
            cut_after(self._folder / name, step)
        with contextlib.ExitStack() as opened:
            self._files = {name: opened.enter_context(open(self._folder / name, 'a')) for name in (METRICS, TIMING)}
            events = tensorboard.Events(self._folder / 'tensorboard', step)
            self._events = opened.enter_context(contextlib.closing(events))
            self._opened = opened.pop_all()

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Appends one line of numbers that training computed."""
        self._write(METRICS, step, values)

    def timing(self, step: int, values: Mapping[str, float]) -> None:
        """Appends one line of numbers that depend on the machine."""
        self._write(TIMING, step, values)

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Adds an image, uint8 [H, W, 3], to the TensorBoard events."""
        self._events.image(step, name, image)

    def close(self) -> None:
        """Closes everything. All was written when it came: what is left is of a line that failed, and was told."""
        with contextlib.suppress(OSError):
            self._opened.close()

    def _write(self, name, step, values):
        with naming(self._folder / name):
            self._files[name].write(json.dumps({'step': step, **values}) + '\n')
            self._files[name].flush()
        self._events.numbers(step, values)


def cut_after(path: Path, step: int) -> None:
    """Keeps the whole lines of a JSON-lines file whose `step` is at most `step`. OSErrors of it name the file."""
    if not path.exists():
        return
    with naming(path):
        kept = [line for line, numbers in _whole_lines(path) if numbers['step'] <= step]
        with files.whole_file(path) as temporary:
            temporary.write_bytes(b''.join(kept))


def read_metrics(run: str | Path) -> list[dict[str, float]]:
    """What training wrote into a run's metrics.jsonl so far: {'step' and every name: number} of each whole line.

    Raises:
      UserError: there is no such file, it cannot be read, or it has no whole line yet.
    """
    path = Path(run) / METRICS
    try:
        found = [numbers for _, numbers in _whole_lines(path)]
    except OSError as error:
        raise UserError(f'Cannot read {path} ({error.strerror}): give the --workdir of a run that logs.') from error
    if not found:
        raise UserError(f'{path} has no line yet: wait for the first, after config.log.every steps.')
    return found


def _whole_lines(path: Path) -> Iterator[tuple[bytes, dict]]:
    """(line, its numbers), without the last if a kill, or a writer still at it, left it unfinished.

    A damaged line between others is passed over with a warning.
    """
    for place, line in enumerate(path.read_bytes().split(b'\n')[:-1], start=1):
        numbers = _numbers_of(line)
        if numbers is None:
            logging.warning('%s: line %d is damaged and was passed over; the others count.', path, place)
        else:
            yield line + b'\n', numbers


def _numbers_of(line: bytes) -> dict | None:
    """What a line says, None if that is not a step and numbers."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or type(found.get('step')) is not int:
        return None
    return found if all(type(value) in (int, float) for value in found.values()) else None


class Pace:
    """How fast training goes: images per second, time spent waiting for data, memory, time left."""

    def __init__(self, batch: int, steps: int, step: int):
        self._batch, self._steps, self._step = batch, steps, step
        self._since = time.perf_counter()
        self._waited = 0.0

    def waited(self, seconds: float) -> None:
        """Counts time that the step stood still for want of images."""
        self._waited += seconds

    def report(self, step: int) -> dict[str, float]:
        """The numbers since the last report."""
        now = time.perf_counter()
        elapsed, done = max(now - self._since, 1e-9), max(step - self._step, 1)
        rate = done * self._batch / elapsed
        numbers = {
            'images_per_second': rate,
            'seconds_per_1000_images': 1000 / rate,
            'data_wait_fraction': self._waited / elapsed,
            'memory_gib': peak_memory_gib(),
            'seconds_left': (self._steps - step) * elapsed / done,
        }
        self._since, self._step, self._waited = now, step, 0.0
        return numbers


def peak_memory_gib() -> float:
    """The most memory in use so far, in GiB: of the first device if it counts its own, else of this process."""
    import jax

    counted = jax.local_devices()[0].memory_stats() or {}
    if 'peak_bytes_in_use' in counted:
        return counted['peak_bytes_in_use'] / 2**30
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def progress_line(step: int, steps: int, metrics: Mapping[str, float], timing: Mapping[str, float]) -> str:
    """One line for people."""
    left = int(timing['seconds_left'])
    clock = f'{left // 3600}:{left // 60 % 60:02d}:{left % 60:02d}'
    losses = '  '.join(f'{name} {metrics[name]:.4g}' for name in ('gen/loss', 'disc/loss'))
    return (
        f'step {step}/{steps}  {losses}  {timing["images_per_second"]:.1f} images/s'
        f'  {timing["seconds_per_1000_images"]:.2f} s/1000'
        f'  data wait {100 * timing["data_wait_fraction"]:.1f} %'
        f'  memory {timing["memory_gib"]:.2f} GiB  left {clock}'
    )
