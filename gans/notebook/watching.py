"""Training in a notebook: curves and the newest sample grid in one place of the output, drawn anew while it goes on.

What is shown is read from the run's folder, which training writes anyway (metrics.jsonl, timing.jsonl, samples/). So
the loop knows nothing of notebooks, and a run of another process can be looked at too.
"""

import contextlib
import json
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gans.data import decode
from gans.data.files import printable
from gans.errors import UserError, check_local
from gans.image import grids
from gans.notebook.rich import Place
from gans.printing import say
from gans.run.experiment import Experiment, open_experiment
from gans.run.trained import read_config
from gans.training import history, loop
from gans.training.metrics_files import METRICS, TIMING, read_metrics

_EVERY = 2.0  # seconds between two looks at the folder
_SHARE = 20.0
_HIGH = 600  # pixels: smaller sample grids are magnified by whole factors up to this, and to the width of the curves
_PROGRESS_LINE = re.compile(r'\s*step \d+/')  # what the view shows already


class Shown(NamedTuple):
    """What a view shows.

    Attributes:
      text: where training is.
      image: the curves above the newest sample grid, uint8 [H, W, 3]; None as long as there is no curve.
      alt: what the image shows, for those who do not see it.
    """

    text: str
    image: np.ndarray | None
    alt: str


def train(experiment: Experiment, folder: str | os.PathLike) -> None:
    """Trains as `gans.train` does, and shows curves and sample grids meanwhile.

    The lines of progress are not printed. The stop button of the notebook saves and ends; the same call goes on.

    Args:
      experiment: what to train, on what.
      folder: the run's folder.

    Raises:
      as `gans.train`.
    """
    with following(folder, in_place()), contextlib.redirect_stdout(_Quiet(sys.stdout)):
        done = loop.train(experiment, folder)
    if not done:
        say(f'Stopped, and all is saved: run this cell again to go on. The run is in {printable(os.fspath(folder))}.')


def go_on(folder: str | os.PathLike, steps: int | None = None) -> None:
    """Goes on with a run from its newest checkpoint, with its own config: nothing else of the session is needed.

    Args:
      folder: the run's folder.
      steps: how long to train in all; as long as the config says by default.

    Raises:
      as `train`, and UserError if there is no run.
    """
    config = read_config(folder).unlock()
    if steps is not None:
        config.steps = steps
    train(open_experiment(config), folder)


def look(folder: str | os.PathLike) -> None:
    """Shows once where a run is, also one that another process trains. Raises UserError for an address."""
    check_local(folder)
    in_place()(current(Path(folder).expanduser()))


@contextlib.contextmanager
def following(
    folder: str | os.PathLike, display: Callable[[Shown], None], every: float = _EVERY, share: float = _SHARE
) -> Iterator[None]:
    """Shows a run's folder as it grows, from a thread of its own, until the block ends; and once more then.

    Args:
      folder: the run's folder; it need not be there yet.
      display: shows something in the place of what it showed before.
      every: seconds between two looks.
      share: after drawing it waits at least so many times as long as that took, so that training has the processor.
    """
    folder, end = Path(folder).expanduser(), threading.Event()

    def follow():
        seen, wait = 'nothing', 0.0
        while not end.wait(wait):
            wait = every
            if (now := _state_of(folder)) != seen:
                seen, since = now, time.monotonic()
                _show(display, folder)
                wait = max(every, share * (time.monotonic() - since))

    thread = threading.Thread(target=follow, daemon=True, name='view')
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
        if (folder / METRICS).is_file():
            _show(display, folder)


def current(folder: Path) -> Shown:
    """What there is to show of a run's folder now."""
    try:
        lines = read_metrics(folder)
    except UserError:
        return Shown('The first step is compiled, which may take a minute.', None, '')
    curves = history.series(lines)
    chosen = {name: curve for name, curve in curves.items() if name in history.LOSSES or '/' not in name}
    drawn = [history.render(history.draw_curves(chosen))]
    alt = f'Curves of {", ".join(chosen)}'
    newest = max(folder.glob('samples/step_*.png'), default=None)
    if newest is not None:
        drawn.append(_large(newest, drawn[0].shape[1]))
        alt += f'; the sample grid of step {int(newest.stem.removeprefix("step_"))}'
    return Shown(_words(folder, lines[-1]), _stack(drawn), f'{alt}.')


def in_place() -> Callable[[Shown], None]:
    """Makes what shows something in the output of the cell that runs now, always in the same place of it."""
    text, image = Place(), Place()

    def display(shown: Shown) -> None:
        text.text(shown.text)
        if shown.image is not None:
            image.image(shown.image, shown.alt)

    return display


def _show(display, folder):
    """Shows what there is. Whatever goes wrong with the view, a disk that is full for example, training goes on."""
    try:
        display(current(folder))
    except Exception as error:
        logging.warning('The view of %s cannot be drawn (%s: %s).', folder, type(error).__name__, error)


class _Quiet:
    """A stream that passes over the lines of progress."""

    def __init__(self, stream):
        self._stream = stream

    def __getattr__(self, name: str):
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Writes a line, unless the view shows what it says."""
        return len(text) if _PROGRESS_LINE.match(text) else self._stream.write(text)


def _state_of(folder):
    """Changes whenever there is something new to show."""
    try:
        return (folder / METRICS).stat().st_size, sum(1 for _ in folder.glob('samples/step_*.png'))
    except OSError:
        return None


def _words(folder, last):
    """'step 340 of 620, 31.2 images per second, 0:02:10 left'."""
    text = f'step {last["step"]}'
    with contextlib.suppress(OSError, ValueError, KeyError, IndexError):  # being written, or not there yet
        text += f' of {json.loads((folder / "config.json").read_text())["steps"]}'
        timing = json.loads((folder / TIMING).read_text().splitlines()[-1])
        left = int(timing['seconds_left'])
        text += f', {timing["images_per_second"]:.1f} images per second'
        text += f', {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left' if left else ''
    return text


def _large(path, width):
    """A sample grid, every pixel of it a square of whole pixels, at most so wide if that can be."""
    grid = np.asarray(decode.load_image(path, str(path)))
    factor = max(1, min(_HIGH // grid.shape[0], width // grid.shape[1]))
    return grids.enlarge(grid, factor)


def _stack(images):
    """Images [H, W, 3] of any sizes, one below the other on white, in the middle."""
    width = max(image.shape[1] for image in images)
    free = [width - image.shape[1] for image in images]
    padded = [
        np.pad(image, ((0, 0), (n // 2, n - n // 2), (0, 0)), constant_values=255)
        for image, n in zip(images, free, strict=True)
    ]
    return np.concatenate(padded)
