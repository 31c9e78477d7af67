"""How near samples come to real images, level by level of the Laplacian pyramid, while runs are trained."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gans.evaluation import between_sets
from gans.evaluation.set_measures import DISTANCE, DIVERSITY
from gans.image.files import save_png
from gans.progress import progress
from gans.reproduce.types import Drawn, Place, Table
from gans.run.checkpoint import Checkpoints
from gans.run.trained import load_run
from gans.sets.opening import open_set
from gans.training.history import equally_spaced, render
from gans.training.metrics_files import read_minutes

MOMENTS = 10  # checkpoints of a run that are measured, at most
SAMPLES = 200  # of each, at most
_DPI = 128
_OVER = {'images': 'thousands of images shown', 'minutes': 'minutes of training'}
_COLOURS = ('tab:blue', 'tab:orange', 'tab:green', 'tab:purple')


class Course(NamedTuple):
    """A run as it was measured while it was trained.

    Attributes:
      steps: int [n], those of its checkpoints.
      minutes: float [n], of training until then.
      images: float [n], thousands of images shown until then.
      measured: {measure: float [n]}.
      floor: {measure: number} of real images against real ones.
      begun: ('minutes', 'images') to when a further level began, float [k], counted likewise.
    """

    steps: np.ndarray
    minutes: np.ndarray
    images: np.ndarray
    measured: dict[str, np.ndarray]
    floor: dict[str, float]
    begun: dict[str, np.ndarray]


def draw(place: Place, titles: Sequence[str]) -> Drawn:
    """Measures the kept checkpoints of runs on the same images and draws each measure over images and minutes.

    Source: Karras et al. 2018, "Progressive Growing of GANs", figure 4 a, b; sections 5 and 6.1.

    Args:
      place: of any number of runs; the first is the one that is asked whether it is sooner.
      titles: what each run is called: 'growing'.

    Returns:
      the figure, a table of the ends, and the numbers 'TITLE: SWD', 'TITLE: MS-SSIM of pairs', 'TITLE: minutes' and,
      of two runs, 'times sooner': the minutes of the second divided by those that the first needed to come as near.
    """
    courses = [_measure(run) for run in place.runs]
    path = place.folder / 'levels.png'
    save_png(path, render(_figure(courses, titles)))
    alt = f'SWD at each level and MS-SSIM over images and over minutes: {", ".join(titles)}, and real images'
    numbers = {}
    for title, own in zip(titles, courses, strict=True):
        numbers |= {f'{title}: {name}': round(float(own.measured[name][-1]), 4) for name in (DISTANCE, DIVERSITY)}
        numbers[f'{title}: minutes'] = round(float(own.minutes[-1]), 1)
    if len(courses) == 2:
        numbers['times sooner'] = _sooner(*courses)
    newest = [['--mode=measure', f'--real={run}', f'--fake={run}'] for run in place.runs]
    return Drawn([(path, alt)], _table(courses, titles), numbers, newest, _notes(courses))


def _measure(run: Path) -> Course:
    trained = load_run(run)
    real = open_set(f'{run}')
    count = min(SAMPLES, len(real))
    with Checkpoints(run, read_only=True) as checkpoints:
        steps = equally_spaced(checkpoints.steps(), MOMENTS)
    seen = between_sets.look_at_real(real, count, 0, None)
    rows = []
    with progress('measuring', len(steps), 'checkpoints') as advance:
        for step in steps:
            fake = open_set(f'{run}@{step}', count=count, role='fake')
            rows.append(between_sets.measure(real, fake, 0, None, '', seen)['rows'])
            advance(1)
    names = [*(name for name in rows[0][between_sets.FLOOR] if name.startswith(DISTANCE)), DIVERSITY]
    batch, stage = trained.config.batch, trained.game.stage
    played = [stage(step) or 0 for step in range(trained.step)]
    begun, clock = np.flatnonzero(np.diff(played) > 0) + 1, read_minutes(run, batch)
    return Course(
        np.array(steps),
        np.interp(steps, *clock),
        np.array(steps) * batch / 1000,
        {name: np.array([_mean(row, between_sets.FAKE, name) for row in rows]) for name in names},
        {name: _mean(rows[0], between_sets.FLOOR, name) for name in names},
        {'minutes': np.interp(begun, *clock), 'images': begun * batch / 1000},
    )


def _mean(rows, row, name):
    value = rows[row][name]['mean']
    return np.nan if value is None else value


def _sooner(first: Course, second: Course) -> float | str:
    there = np.flatnonzero(first.measured[DISTANCE] <= second.measured[DISTANCE][-1])
    if not len(there):
        return 'never as near'
    return round(float(second.minutes[-1] / max(first.minutes[there[0]], 1e-9)), 2)


def _figure(courses: Sequence[Course], titles: Sequence[str]):
    """A row for each measure, over images and over minutes."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    names = list(courses[0].measured)
    figure = Figure((10, 2.8 * len(names)), dpi=_DPI, facecolor='white', layout='constrained')
    panels = figure.subplots(len(names), len(_OVER), sharex='col', sharey='row', squeeze=False)
    for row, name in zip(panels, names, strict=True):
        for axes, over in zip(row, _OVER, strict=True):
            for own, title, colour in zip(courses, titles, itertools.cycle(_COLOURS)):
                axes.plot(getattr(own, over), own.measured[name], '.-', color=colour, label=title)
                for place in own.begun[over]:
                    axes.axvline(place, color=colour, alpha=0.4, linestyle=':', linewidth=1)
            axes.axhline(courses[0].floor[name], color='0.4', linestyle='--', label='real images')
            if name != DIVERSITY:
                axes.set_yscale('log')
                axes.yaxis.set_major_formatter('{x:g}')
                axes.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
                axes.yaxis.set_minor_formatter('{x:g}')
            axes.grid(alpha=0.3, which='both')
        row[0].set_ylabel(name)
    for axes, label in zip(panels[-1], _OVER.values(), strict=True):
        axes.set_xlabel(label)
    panels[0, 0].legend()
    return figure


def _table(courses: Sequence[Course], titles: Sequence[str]) -> Table:
    names = list(courses[0].measured)
    rows = [
        [title, f'{own.steps[-1]}', f'{own.minutes[-1]:.1f}', *(_text(own.measured[name][-1], name) for name in names)]
        for own, title in zip(courses, titles, strict=True)
    ]
    floor = ['real images', '', '', *(_text(courses[0].floor[name], name) for name in names)]
    return Table(['run', 'steps', 'minutes', *names], [*rows, floor])


def _text(value, name):
    return f'{value:.3f}' if name == DIVERSITY else f'{value:.1f}'


def _notes(courses: Sequence[Course]) -> list[str]:
    moments = ', '.join(f'{len(own.steps)} checkpoints' for own in courses)
    return [
        f'{moments}; of each at most {SAMPLES} samples, seed 0, against halves of the held-out images. SWD is times '
        '1000; real images: one half against the other. Samples of low levels are enlarged by repeating pixels.',
        'Minutes are those of training with compiling, on this machine. Dotted lines: a further level begins.',
        'One seed for each run.',
    ]
