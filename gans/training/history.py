"""What a run's own record says, drawn: its losses and other numbers over the steps, and its images beside them.

Reads config.json, metrics.jsonl and samples/step_*.png of a run's folder and no checkpoint: they are there from the
first log line on, so that a run can be looked at while it is training.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gans.config import ranges
from gans.config.load import from_json
from gans.config.shapes import shape_of
from gans.core.build import make_task
from gans.data import decode
from gans.errors import UserError
from gans.image import files, grids
from gans.metrics.curves import is_tall
from gans.run.trained import run_folder
from gans.training.metrics_files import read_metrics

LOSSES = ('gen/loss', 'disc/loss')
CONVERGENCE = 'disc/convergence'
TIMES = 5  # as many as figure 4 of the post on gradually increasing resolution has

_COLOURS = {'disc': 'tab:red', 'gen': 'tab:blue', 'schedule': 'tab:green'}
_DPI = 128  # a power of two: with it inches are whole pixels again, without rounding
_WIDTH = 1536  # pixels of a figure, unless its images need more
_COLUMNS = 4  # small panels side by side
_SHORT = 40  # points: a shorter curve is drawn with them
_EXAMPLES = 2  # samples, and real images, for every time in `progress`
_SIDE = 160  # pixels: smaller images are magnified by whole factors, so that every pixel of theirs stays one
_INSET = 256  # pixels: so wide insets become, unless one image is wider
_GAP = 20


class Series(NamedTuple):
    """A metric over the steps at which it was logged."""

    steps: np.ndarray  # int [n]
    values: np.ndarray  # float [n]


class SampleGrid(NamedTuple):
    """An image that the loop drew (`gans.training.sample_grid`), cut into its tiles."""

    step: int
    tiles: np.ndarray  # uint8 [rows, columns, H, W, 3]


def history(folder: str | Path, output: str | Path | None = None) -> Iterator[Path]:
    """Draws a run's history, of any task.

    Writes `curves.png` (see `draw_curves`), `progress.png` (`draw_progress`), and `draw_insets` as `convergence.png` if
    the run logs the BEGAN measure, else as `losses.png`. Each is yielded when it is written, the first also for a run
    that has too few images for the others.

    Args:
      folder: the run's folder.
      output: the folder for the figures; by default `history` in the run's.

    Raises:
      UserError: not a run, nothing logged yet, too few images, or nowhere to write.
    """
    folder = run_folder(folder)
    target = Path(folder / 'history' if output is None else output).expanduser()
    curves = series(read_metrics(folder))
    yield _save(target / 'curves.png', draw_curves(curves))
    shape, from_noise = _read_config(folder)
    sample_grids = sample_grids_of(folder, shape, from_noise)
    yield _save(target / 'progress.png', draw_progress(sample_grids, from_noise))
    name, shown = ('convergence', (CONVERGENCE,)) if CONVERGENCE in curves else ('losses', LOSSES)
    logged = curves[shown[0]].steps
    insets = insets_of(sample_grids, logged, from_noise)
    if not insets:
        drawn = ', '.join(str(sample_grid.step) for sample_grid in sample_grids)
        raise UserError(
            f'{folder}/samples has sample grids of steps {drawn}, but the log lines are of {logged[0]} to '
            f'{logged[-1]}, so that {name}.png would be empty: wait for the next.'
        )
    yield _save(target / f'{name}.png', draw_insets({name: curves[name] for name in shown}, insets))


def series(lines: Iterable[Mapping[str, float]]) -> dict[str, Series]:
    """The lines of metrics.jsonl by metric; one that is logged now and then has the steps at which it was."""
    found = {}
    for line in lines:
        for name, value in line.items():
            if name != 'step':
                found.setdefault(name, []).append((line['step'], value))
    return {name: Series(*map(np.array, zip(*points, strict=True))) for name, points in found.items()}


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """Metrics by the panels' rows: the players' losses, then by prefix, then those without one; each once."""
    groups = {'losses': [], 'disc': [], 'gen': [], 'schedule': []}
    for name in sorted(names):
        prefix, slash, _ = name.partition('/')
        groups.setdefault('losses' if name in LOSSES else prefix if slash else 'others', []).append(name)
    return {group: members for group, members in groups.items() if members}


def equally_spaced(steps: Sequence[int], count: int = TIMES) -> list[int]:
    """At most `count` of the (sorted) steps, those nearest to equal distances, the first and the last among them."""
    wanted = np.linspace(steps[0], steps[-1], count)
    return sorted({min(steps, key=lambda step: abs(step - time)) for time in wanted})


def draw_curves(curves: Mapping[str, Series]):
    """A panel for each metric over the steps: the losses of both players large, below them the others by prefix.

    Source: "Gradually Increasing Image Resolution During GAN Training" (2018), figure 2: the losses.

    Returns:
      a matplotlib Figure.
    """
    groups = grouped(curves)
    rows = {group: -(-len(members) // _COLUMNS) for group, members in groups.items()}
    heights = [380 if group == 'losses' else 40 + 240 * count for group, count in rows.items()]
    figure = _figure(_WIDTH, sum(heights), layout='constrained')
    parts = figure.subfigures(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, (group, members) in zip(parts, groups.items(), strict=True):
        part.suptitle(group, x=0.01, ha='left', weight='bold')
        columns = len(members) if group == 'losses' else _COLUMNS
        cells = part.add_gridspec(rows[group], columns)
        for i, name in enumerate(members):
            axes = part.add_subplot(cells[i // columns, i % columns])
            axes.set_title(name if group in ('losses', 'others') else name.partition('/')[2], fontsize=10)
            _plot(axes, {name: curves[name]})
    return figure


def draw_progress(sample_grids: Sequence[SampleGrid], from_noise: bool):
    """The same images at several times, in columns from left to right.

    Of a generator from noise: real images as the discriminator saw them at that step, below them samples. Else: what
    the generator saw, what it made, and what it should have made of one held-out image.

    Source: "Gradually Increasing Image Resolution During GAN Training" (2018), figure 4.

    Returns:
      a matplotlib Figure with every pixel of the tiles as a square of a whole number of pixels.
    """
    columns = [_progress_rows(sample_grid, from_noise) for sample_grid in sample_grids]
    labels = [label for label, _ in columns[0]]
    height, width, _ = columns[0][0][1].shape
    factor = -(-_SIDE // min(height, width))
    height, width = factor * height, factor * width
    left, top = 160, 48
    across, down = width + _GAP // 2, height + _GAP // 2
    figure = _figure(left + len(columns) * across, top + len(labels) * down)
    for row, label in enumerate(labels):
        _write(figure, left - 10, top + row * down + height // 2, label, ha='right', va='center')
        for column, cells in enumerate(columns):
            _place(figure, left + column * across, top + row * down, cells[row][1], factor)
    for column, sample_grid in enumerate(sample_grids):
        _write(
            figure, left + column * across + width // 2, top - 8, f'step {sample_grid.step}', ha='center', va='bottom'
        )
    return figure


def draw_insets(curves: Mapping[str, Series], insets: Mapping[int, np.ndarray]):
    """Curves over the steps, above them images of some steps, each tied to its place on the first curve.

    Source: "Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs" (2018), figure 5: the BEGAN measure.

    Args:
      curves: by name; the first has points before and after every inset, or at it.
      insets: uint8 [H, W, 3] by step.

    Returns:
      a matplotlib Figure with every pixel of the insets as a square of a whole number of pixels.
    """
    from matplotlib.patches import ConnectionPatch

    height, width, _ = next(iter(insets.values())).shape
    factor = max(1, _INSET // width)
    height, width = factor * height, factor * width
    left, right, top, between, plot, bottom = 104, 24, 48, 64, 460, 76
    total = max(_WIDTH, left + right + TIMES * (width + _GAP))
    figure = _figure(total, top + height + between + plot + bottom)
    axes = _axes(figure, left, top + height + between, total - left - right, plot)
    _plot(axes, curves)
    axes.set_xlabel('step')
    axes.set_ylabel(', '.join(curves))
    first = next(iter(curves.values()))
    steps = sorted(insets)
    start, end = axes.get_xlim()
    above = [left + (total - left - right) * (step - start) / (end - start) - width / 2 for step in steps]
    for step, at in zip(steps, _side_by_side(above, width + _GAP, total - right - width), strict=True):
        _place(figure, at, top, insets[step], factor)
        _write(figure, at + width // 2, top - 8, f'step {step}', ha='center', va='bottom')
        # A sample grid may fall between two log lines: then its place is on the straight line between them.
        point = (step, np.interp(step, *first))
        axes.plot(*point, 'o', color='black', markersize=6, label='_')
        below = (at + width / 2, between + plot + bottom - 4)
        figure.add_artist(ConnectionPatch(below, point, 'figure pixels', axes.transData, color='gray'))
    return figure


def render(figure) -> np.ndarray:
    """A matplotlib Figure as uint8 [H, W, 3]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def _save(path, figure):
    files.save_png(path, render(figure))
    return path


def _read_config(folder):
    """The (height, width) of a run's images, and whether its generator is from noise alone."""
    path = folder / 'config.json'
    try:
        config = from_json(path.read_text())
        ranges.check(config)
        return shape_of(config), make_task(config.task).from_noise
    except (OSError, ValueError, UserError) as error:
        reason = f'{getattr(error, "strerror", None) or error}'.rstrip('.')
        raise UserError(f'Cannot read {path} ({reason}): start the training again, which writes it.') from error


def sample_grids_of(folder: Path, shape: tuple[int, int], from_noise: bool, times: int = TIMES) -> list[SampleGrid]:
    """A run's sample grids at up to so many equal distances; raises UserError if it has fewer than two."""
    paths = sample_grid_paths(folder)
    if len(paths) < 2:
        raise UserError(
            f'{folder}/samples has too few sample grids ({len(paths)}) for more than curves.png, which is drawn: wait '
            'until there are two, or train with --config.log.grids above 0.'
        )
    return [read_sample_grid(step, paths[step], shape, from_noise) for step in equally_spaced(sorted(paths), times)]


def sample_grid_paths(folder: Path) -> dict[int, Path]:
    """{step: file} of a run's sample grids, in the order of the steps."""
    paths = {}
    for path in (folder / 'samples').glob('step_*.png'):
        if match := re.fullmatch(r'step_(\d{1,12})\.png', path.name):
            paths[int(match[1])] = path
    return dict(sorted(paths.items()))


def read_sample_grid(step: int, path: Path, shape: tuple[int, int], from_noise: bool) -> SampleGrid:
    """Reads a sample grid of images of `shape`; raises UserError if it is none of such a run."""
    sample_grid = np.asarray(decode.load_image(path, f'{path}'))
    try:
        tiles = grids.tiles(sample_grid, shape)
    except ValueError as error:
        raise UserError(f'{path} is no sample grid of this run ({error}): take it out of the folder.') from error
    if len(tiles) < 2 if from_noise else len(tiles) != 3:
        raise UserError(
            f'{path} is no sample grid of this run (rows of images: {len(tiles)}): take it out of the folder.'
        )
    return SampleGrid(step, tiles)


def _progress_rows(sample_grid, from_noise):
    """[(label, image)] from the top."""
    if from_noise:
        seen, made = sample_grid.tiles[-1][:_EXAMPLES], sample_grid.tiles[0][:_EXAMPLES]
        return [('D sees', image) for image in seen] + [('G makes', image) for image in made]
    return [
        (label, row[0]) for label, row in zip(('G sees', 'G makes', 'G should make'), sample_grid.tiles, strict=True)
    ]


def insets_of(sample_grids: Iterable[SampleGrid], logged: Sequence[int], from_noise: bool) -> dict[int, np.ndarray]:
    """{step: what `inset` takes} of the sample grids between the first and the last logged step."""
    # The loop draws before the first step and logs from `log.every` on: the first grid has no place on the curve.
    return {s.step: inset(s, from_noise) for s in sample_grids if logged[0] <= s.step <= logged[-1]}


def inset(sample_grid: SampleGrid, from_noise: bool) -> np.ndarray:
    """Some of what the generator made, as many as fit: at most three by three. uint8 [H, W, 3]."""
    # The last row of samples may be partly free.
    made = sample_grid.tiles[: max(1, len(sample_grid.tiles) - 2)] if from_noise else sample_grid.tiles[1:2]
    fit = int(np.clip(_INSET // (sample_grid.tiles.shape[3] + 2), 1, 3))
    block = made[:fit, :fit]
    return grids.grid(block.reshape(-1, *block.shape[2:]), block.shape[1])


def _figure(width, height, **options):
    """An empty figure of so many pixels that no display needs to know of."""
    from matplotlib.figure import Figure

    return Figure((width / _DPI, height / _DPI), dpi=_DPI, facecolor='white', **options)


def _axes(figure, left, top, width, height):
    """Axes in a place counted in pixels from the left and the top."""
    total_width, total_height = figure.bbox.size
    bottom = total_height - top - height
    return figure.add_axes((left / total_width, bottom / total_height, width / total_width, height / total_height))


def _place(figure, left, top, image, factor):
    """An image, uint8 [H, W, 3], so many times as large: pixel by pixel, which axes would resample."""
    large = grids.enlarge(image, factor)
    figure.figimage(large, left, round(figure.bbox.height) - top - len(large), origin='upper')


def _side_by_side(wanted: Sequence[float], pitch: int, last: int) -> list[int]:
    """Places from left to right near the wanted ones, none nearer to the next than `pitch`, none beyond `last`."""
    places = []
    for at in wanted:
        places.append(max(at, places[-1] + pitch) if places else at)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], last - pitch * (len(places) - 1 - i))
    return [int(at) for at in places]


def _write(figure, left, top, text, **alignment):
    width, height = figure.bbox.size
    figure.text(left / width, 1 - top / height, text, **alignment)


def _plot(axes, curves: Mapping[str, Series]) -> None:
    """Draws curves into one panel, with a logarithmic axis where a straight one would hide most of them."""
    for name, (steps, values) in curves.items():
        axes.plot(
            steps,
            values,
            color=_COLOURS.get(name.partition('/')[0], 'black'),
            marker='.' if len(steps) < _SHORT else '',
            linewidth=1.2,
            label=name,
        )
    axes.ticklabel_format(useOffset=False)
    if is_tall([values for _, values in curves.values()]):
        axes.set_yscale('log')
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        axes.legend()
