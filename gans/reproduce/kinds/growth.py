"""What runs of different cost make of the same latents after the same minutes of training."""

from collections.abc import Sequence

import numpy as np

from gans.image import grids
from gans.image.files import save_png
from gans.reproduce.types import Drawn, Place, Table
from gans.run.checkpoint import Checkpoints
from gans.run.generate import sample_images
from gans.run.trained import load_run, read_config
from gans.training.metrics_files import read_minutes

MOMENTS = 5
_ROWS = 3  # samples of each run
_ROUNDING = 1e-6  # of a time


def draw(place: Place, titles: Sequence[str]) -> Drawn:
    """Draws samples of two or more runs in columns of equal times, up to the time at which the first run ends.

    Shown is the newest checkpoint that a run had at that time; where it had none yet, nothing. Latents are those of
    the seed 0 everywhere.

    Args:
      place: of the runs.
      titles: what each is called: 'growing'.

    Returns:
      the figure, the steps in a table, and the numbers 'TITLE: images per second' over all its training.
    """
    clocks = [_clock(run) for run in place.runs]
    times = np.linspace(0, clocks[0][1][-1], MOMENTS + 1)[1:]
    rows, table, numbers = [], [], {}
    for run, title, (steps, minutes) in zip(place.runs, titles, clocks, strict=True):
        places = np.searchsorted(minutes, times * (1 + _ROUNDING)) - 1
        made = {i: sample_images(load_run(run, steps[i]), count=_ROWS) for i in {0, *places} - {-1}}
        made[-1] = np.full_like(made[0], 255)
        rows.append(np.stack([made[i] for i in places], axis=1))  # [rows, moments, H, W, 3]
        table.append([title, *('-' if i < 0 else f'step {steps[i]}' for i in places)])
        numbers[f'{title}: images per second'] = round(float(steps[-1] * read_config(run).batch / minutes[-1] / 60), 1)
    columns = np.concatenate(rows).swapaxes(0, 1)
    path = place.folder / 'growth.png'
    names = [f'{time:.1f} min' for time in times]
    save_png(path, grids.montage(list(columns), names))
    shown = '; '.join(f'rows of {title}' for title in titles)
    alt = f'Samples after equal minutes of training, from left to right; from above {_ROWS} {shown}'
    notes = ['Minutes are those of training with compiling, on this machine; each run begins at 0.']
    return Drawn([(path, alt)], Table(['run', *names], table), numbers, notes=notes)


def _clock(run):
    """(the steps of the kept checkpoints, minutes of training until them)."""
    with Checkpoints(run, read_only=True) as checkpoints:
        steps = checkpoints.steps()
    return steps, np.interp(steps, *read_minutes(run, read_config(run).batch))
