"""Quality against diversity: which generators no other one is better than in both, and a figure of all."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gans.evaluation.feature_measures import named
from gans.evaluation.set_measures import DISTANCE, DIVERSITY
from gans.evaluation.tables import shorten

_DPI = 100
_LONGEST = 20  # columns of a name beside its point
_WIDTH, _HEIGHT = 150, 14  # pixels that a name takes


class Axes(NamedTuple):
    """The two measures that generators are ranked by.

    Attributes:
      quality: a distance to real images: lower is better.
      diversity: recall, where higher is better; or MS-SSIM of pairs, where nearer to that of real images is better.
    """

    quality: str
    diversity: str


def axes_of(measures: Sequence[str], features: str) -> Axes:
    """The best that there is among `measures` over `features`: KID and recall, else SWD and MS-SSIM of pairs."""
    quality, diversity = (named(measure, features) for measure in ('kid', 'recall'))
    return Axes(
        quality if quality in measures else DISTANCE,
        diversity if diversity in measures else DIVERSITY,
    )


def front_of(axes: Axes, runs: Mapping[str, Mapping], floors: Mapping[str, Mapping]) -> list[str]:
    """The runs that are not dominated: no other one is at least as good in both measures and better in one.

    Means are compared, whatever their intervals.

    Args:
      axes: the measures.
      runs: {run: {measure: {'mean', ...}}}.
      floors: {run: the same of real images in their place}.
    """
    lost = {run: _lost(axes, numbers, floors[run]) for run, numbers in runs.items()}
    return [run for run, own in lost.items() if not any(_dominates(other, own) for other in lost.values())]


def _lost(axes, numbers, floor):
    """(how bad the quality is, how bad the diversity)."""
    quality, diversity = (numbers[name]['mean'] for name in axes)
    if axes.diversity == DIVERSITY:
        return quality, abs(diversity - floor[DIVERSITY]['mean'])
    return quality, -diversity


def _dominates(a, b):
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def draw(axes: Axes, runs: Mapping[str, Mapping], floors: Mapping[str, Mapping], front: Sequence[str]) -> np.ndarray:
    """A figure of runs as points with their intervals, those on the front filled, and of real images.

    Args:
      axes: the measures.
      runs: {name: {measure: {'mean', 'low', 'high'}}}.
      floors: the same of real images.
      front: the names on the front.

    Returns:
      uint8 [H, W, 3].
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((8, 6), dpi=_DPI, facecolor='white', layout='constrained')
    plot = figure.subplots()
    for name, numbers in runs.items():
        on_front = name in front
        _point(plot, axes, numbers, 'tab:blue' if on_front else '0.4', 'o', on_front)
    for numbers in floors.values():
        _point(plot, axes, numbers, 'tab:green', 'D', True)
        if axes.diversity == DIVERSITY:
            plot.axvline(numbers[DIVERSITY]['mean'], color='tab:green', linestyle='--', linewidth=1)
    _line(plot, axes, [runs[name] for name in front])
    wanted = 'as near as possible to real images (dashed)' if axes.diversity == DIVERSITY else 'more is better'
    plot.set(xlabel=f'{axes.diversity}: {wanted}', ylabel=f'{axes.quality}: less is better')
    plot.set_title('quality and diversity; filled: no other run is better in both')
    plot.margins(0.15)
    plot.grid(alpha=0.3)
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()  # so that places are known
    _name(plot, axes, [*runs.items(), *floors.items()])
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _point(plot, axes, numbers, colour, marker, filled):
    quality, diversity = (numbers[measure] for measure in axes)
    plot.errorbar(
        diversity['mean'],
        quality['mean'],
        xerr=_bars(diversity),
        yerr=_bars(quality),
        color=colour,
        marker=marker,
        markerfacecolor=colour if filled else 'white',
        markersize=8,
        elinewidth=1,
        capsize=3,
    )


def _name(plot, axes, points):
    """Writes the names beside their points, or further down where another one is in the way."""
    names, numbers = zip(*points, strict=True)
    places = plot.transData.transform([[one[measure]['mean'] for measure in axes[::-1]] for one in numbers])
    width = plot.figure.bbox.width
    written = []
    for i in np.argsort(-places[:, 1], kind='stable'):
        x, y = places[i]
        for other_x, other_y in written:
            if abs(x - other_x) < _WIDTH:
                y = min(y, other_y - _HEIGHT)
        written.append((x, y))
        text = shorten(names[i], _LONGEST).replace('$', r'\$')  # no formula
        left = x + _WIDTH > width
        plot.annotate(
            text, (x - 10 if left else x + 10, y + 6), xycoords='figure pixels', ha='right' if left else 'left'
        ).set_in_layout(False)


def _bars(number):
    if number['low'] is None or number['high'] is None:
        return None
    # Rounding may put a mean outside of its interval.
    return [[max(0.0, number['mean'] - number['low'])], [max(0.0, number['high'] - number['mean'])]]


def _line(plot, axes, front):
    """The front as a line behind the points."""
    points = sorted((numbers[axes.diversity]['mean'], numbers[axes.quality]['mean']) for numbers in front)
    plot.plot(*zip(*points, strict=True), color='tab:blue', linewidth=1, alpha=0.5, zorder=0)
