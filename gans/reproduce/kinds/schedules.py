"""Schedules over training: as a run logged them, and as the document's own sizes and length have them."""

from collections.abc import Mapping, Sequence

import jax
import numpy as np

from gans.core import schedules
from gans.image import files
from gans.reproduce.types import Drawn, Place, Table
from gans.training.history import render, series
from gans.training.metrics_files import read_metrics

_POINTS = 401  # at which the document's own schedules are computed
_WIDTH, _HEIGHT, _DPI = 760, 420, 100  # pixels of a panel


def draw(place: Place, names: Sequence[str], units: Mapping[str, str] | None = None, images: int = 1) -> Drawn:
    """Draws `schedules.png`, a panel for each schedule.

    Args:
      place: one run.
      names: of schedules of its config: 'blur'.
      units: {name: what its values are}: 'blur radius in pixels'; by default its name.
      images: how many training images the document has, for schedules that count epochs.
    """
    (folder,), ((config, own_config),) = place.runs, place.loaded
    logged = series(read_metrics(folder))
    panels, rows, numbers = {}, [], {}
    for name in names:
        found = logged[f'schedule/{name}']
        trained = 100 * found.steps / config.steps, found.values
        own = _over_training(own_config, name, images)
        panels[(units or {}).get(name, name)] = (trained, own)
        corners = _corners(*own)
        numbers |= {f'{name}: {key}': value for key, value in corners.items()}
        rows += [[name, 'document', *map(_text, corners.values())]]
        rows += [[name, 'here', *map(_text, _corners(*_over_training(config, name, images)).values())]]
    path = place.folder / 'schedules.png'
    files.save_png(path, render(_figure(panels)))
    return Drawn(
        images=[(path, f'Over training: {", ".join(panels)}, as trained here and at the sizes of the document')],
        table=Table(['schedule', 'of', 'first', 'last', 'changes from (%)', 'to (%)'], rows),
        numbers=numbers,
        commands=[['--mode=history', f'--workdir={folder}', f'--output={place.folder / "history"}']],
        notes=[f'As trained: what was logged in {len(found.steps)} lines of the run.'],
    )


def _over_training(config, name, images):
    """(% of training, values) of a schedule of a config, float [n] each."""
    clock = schedules.clock_of(config, images)
    schedule = schedules.make({name: config.schedules.to_dict()[name]}, clock)[name]
    steps = np.unique(np.linspace(0, config.steps, _POINTS).round().astype(int))
    return 100 * steps / config.steps, np.asarray(jax.vmap(schedule)(steps)) * np.ones(len(steps))


def _corners(percent, values) -> dict[str, float]:
    """The first and the last value of a schedule, and in % of training where it begins and ends to change."""
    changes = np.flatnonzero(np.abs(np.diff(values)) > 1e-6 * max(np.abs(values).max(), 1e-12))
    begins, ends = (percent[changes[0]], percent[changes[-1] + 1]) if len(changes) else (0.0, 0.0)
    found = {'first': values[0], 'last': values[-1], 'from %': begins, 'to %': ends}
    return {key: float(f'{value:.6g}') for key, value in found.items()}


def _text(value):
    return f'{value:.4g}'


def _figure(panels):
    from matplotlib.figure import Figure

    size = (_WIDTH / _DPI, len(panels) * _HEIGHT / _DPI)
    figure = Figure(size, dpi=_DPI, facecolor='white', layout='constrained')
    for axes, (title, (trained, own)) in zip(
        figure.subplots(len(panels), squeeze=False)[:, 0], panels.items(), strict=True
    ):
        axes.plot(*own, color='tab:gray', linewidth=4, alpha=0.5, label="the document's sizes")
        axes.plot(*trained, color='tab:blue', marker='.' if len(trained[0]) < 60 else '', label='as trained here')
        axes.set_xlabel('% of training')
        axes.set_ylabel(title)
        axes.set_xlim(0, 100)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
