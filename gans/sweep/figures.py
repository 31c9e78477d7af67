"""The figures of a sweep: the losses of all cells together, and the samples that each run ended with."""

from collections.abc import Sequence

import numpy as np

from gans.config.shapes import shape_of
from gans.core.build import make_task
from gans.data.files import printable
from gans.errors import UserError
from gans.image import grids
from gans.sweep.plan import Run
from gans.training.history import LOSSES, inset, read_sample_grid, render, sample_grid_paths, series
from gans.training.metrics_files import read_metrics

_SIZE = (12, 5)  # inches
_DPI = 128
_PARTS = 60  # of training: a curve is the mean over each of them
_GAP = 12  # pixels between the rows of two cells


def draw_curves(runs: Sequence[Run]) -> np.ndarray | None:
    """The losses of both players over training, a colour for each cell and a line for each run.

    Returns:
      uint8 [H, W, 3]; None where nothing was logged.
    """
    from matplotlib.figure import Figure

    logged = [(run, found) for run in runs if (found := _series_of(run))]
    if not logged:
        return None
    same = len({run.config.steps for run in runs}) == 1
    figure = Figure(_SIZE, dpi=_DPI, facecolor='white', layout='constrained')
    legend = {}  # {cell: a line of it}
    for axes, name in zip(figure.subplots(1, len(LOSSES)), LOSSES, strict=True):
        for run, found in logged:
            if name not in found:
                continue
            steps, values = _smooth(found[name])
            (line,) = axes.plot(
                steps if same else steps / run.config.steps,
                values,
                color=f'C{run.cell % 10}',
                linestyle=('-', '--', ':', '-.')[run.cell // 10 % 4],
                linewidth=1,
                alpha=0.85,
                marker='.' if len(steps) < 3 else '',
            )
            legend.setdefault(run.cell, (line, _named(run.label)))
        axes.set_title(name, fontsize=10)
        axes.set_xlabel('step' if same else 'part of training')
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    figure.legend(*zip(*legend.values(), strict=True), loc='outside lower center', ncols=3, fontsize=9)
    return render(figure)


def draw_samples(runs: Sequence[Run]) -> np.ndarray | None:
    """What each run made at its last sample grid: a row for each cell, a block of up to nine images for each seed.

    Returns:
      uint8 [H, W, 3]; None where there are no sample grids.
    """
    rows = []
    for number in sorted({run.cell for run in runs}):
        own = [(run, block) for run in runs if run.cell == number and (block := _block_of(run)) is not None]
        if own:
            titles = [printable(run.title) for run, _ in own]
            rows.append(grids.montage([block[None] for _, block in own], titles, _GAP))
    if not rows:
        return None
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, _GAP), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    return np.concatenate(padded)[:-_GAP]


def _named(label):
    """A label for matplotlib: without a formula in it, and shown although it may begin with _."""
    text = printable(label).replace('$', r'\$')
    return f' {text}' if text.startswith('_') else text


def _series_of(run):
    try:
        return series(read_metrics(run.folder))
    except UserError:  # it diverged before its first line
        return {}


def _smooth(curve):
    """The means over equal parts of a curve, (steps, values), so that many curves can be told apart."""
    parts = np.array_split(np.arange(len(curve.steps)), min(_PARTS, len(curve.steps)))
    return tuple(np.array([values[part].mean() for part in parts]) for values in curve)


def _block_of(run):
    """Some of what a run's generator made last, uint8 [H, W, 3]; None without a sample grid."""
    paths = sample_grid_paths(run.folder)
    if not paths:
        return None
    step, path = list(paths.items())[-1]
    from_noise = make_task(run.config.task).from_noise
    return inset(read_sample_grid(step, path, shape_of(run.config), from_noise), from_noise)
