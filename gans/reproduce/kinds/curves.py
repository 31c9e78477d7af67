"""Metrics of runs over their steps."""

from collections.abc import Sequence

import numpy as np

from gans.errors import UserError, closest
from gans.image import files
from gans.metrics.jumps import MEANING, jumps
from gans.reproduce.types import Drawn, Place, Table
from gans.training.history import draw_curves, render, series
from gans.training.metrics_files import read_metrics


def draw(place: Place, names: Sequence[str]) -> Drawn:
    """Draws a chart `curves_RUN.png` for each run, a panel for each metric.

    Args:
      place: one run or more.
      names: of metrics: 'gen/loss'.
    """
    images, rows, numbers = [], [], {}
    for folder in place.runs:
        logged = series(read_metrics(folder))
        for name in names:
            if name not in logged:
                raise UserError(f'{folder} logs no {name}{closest(name, logged)}: it logs {", ".join(sorted(logged))}.')
        path = place.folder / f'curves_{folder.name}.png'
        files.save_png(path, render(draw_curves({name: logged[name] for name in names})))
        images.append((path, f'{folder.name}: {", ".join(names)} over {logged[names[0]].steps[-1]:,} steps'))
        for name in names:
            numbers |= {f'{folder.name}: {name} {key}': value for key, value in _numbers(logged[name].values).items()}
            rows.append([f'{folder.name}: {name}', *(f'{v:.4g}' for v in _numbers(logged[name].values).values())])
    return Drawn(
        images=images,
        table=Table(['', 'first', 'last', 'lowest', 'median', 'highest', 'jumps'], rows),
        numbers=numbers,
        commands=[
            ['--mode=history', f'--workdir={folder}', f'--output={place.folder / folder.name}'] for folder in place.runs
        ],
        notes=[MEANING],
    )


def _numbers(values):
    found = {'first': values[0], 'last': values[-1], 'lowest': values.min(), 'median': np.median(values)}
    return {key: float(value) for key, value in (found | {'highest': values.max()}).items()} | {'jumps': jumps(values)}
