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


def draw(place: Place, titles: Sequence[str]) -> Drawn:
    """Draws samples of two or more runs in columns of equal times, up to the time at which the first run ends.

    A run's column is its newest kept checkpoint of that time; where it has none yet, its first one. Latents are those
    of the seed 0 everywhere.

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
        chosen = [steps[max(0, np.searchsorted(minutes, time * 1.0001) - 1)] for time in times]
        made = {step: sample_images(load_run(run, step), count=_ROWS) for step in dict.fromkeys(chosen)}
        rows.append(np.stack([made[step] for step in chosen], axis=1))  # [rows, moments, H, W, 3]
        table.append([title, *(f'step {step}' for step in chosen)])
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
