"""Figures about a classifier of acceptable and unacceptable images."""

from collections.abc import Mapping

import numpy as np

from gans.image import grids

_COLUMNS, _ROWS = 8, 4  # of a montage
_DPI = 100


def calibration(report: Mapping) -> np.ndarray:
    """The reliability diagram of a report with the number of images of each bin below: uint8 [H, W, 3]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bins = report['calibration']['bins']
    middles = [(one['low'] + one['high']) / 2 for one in bins]
    filled = [one for one in bins if one['count']]
    figure = Figure((6, 6.4), dpi=_DPI, facecolor='white', layout='constrained')
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot((0, 1), (0, 1), color='0.6', linestyle='--', label='perfectly calibrated')
    points = [(one['probability'], one['frequency']) for one in filled]
    above.plot(*zip(*points, strict=True), marker='o', color='tab:blue', label='held-out images')
    name = report['calibration']['of']
    above.set(ylabel=f'share that is {name}', xlim=(0, 1), ylim=(-0.02, 1.02))
    above.set_title(f'expected calibration error {report["calibration"]["error"]:.3f}')
    above.legend(loc='upper left')
    below.bar(middles, [one['count'] for one in bins], width=0.9 / len(bins), color='0.5')
    below.set(xlabel=f'probability of {name}', ylabel='images')
    below.yaxis.get_major_locator().set_params(integer=True)
    for axes in (above, below):
        axes.grid(alpha=0.3)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def chosen(probabilities: np.ndarray) -> np.ndarray:
    """Which images a montage shows: places in `probabilities` [n] from the highest to the lowest, int [up to 32].

    Where there are more they are taken at equal distances, both ends included.
    """
    ranked = np.argsort(-probabilities, kind='stable')
    most = _COLUMNS * _ROWS
    if len(ranked) <= most:
        return ranked
    return ranked[np.linspace(0, len(ranked) - 1, most).round().astype(int)]


def montage(images: np.ndarray) -> np.ndarray:
    """Images uint8 [N, H, W, 3] in rows of eight: uint8 [height, width, 3]."""
    return grids.grid(images, _COLUMNS)
