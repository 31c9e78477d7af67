"""Blocks of what the generators of runs make, side by side, with what each run is and measures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gans.evaluation.stored import read_evaluation
from gans.evaluation.tables import cell
from gans.image import files, grids
from gans.report.curves import read_curves
from gans.reproduce.detail import detail
from gans.reproduce.types import Drawn, Place, Table
from gans.run.generate import Sampler
from gans.run.trained import Trained, load_run

_POINTS = 1000  # of the record of the speed: its median is wanted
_MEASURES = ('SWD', 'MS-SSIM of pairs')


def draw(place: Place, count: int = 16, columns: int = 4, titles: Sequence[str] = ()) -> Drawn:
    """Draws a block of samples, seed 0, for each run.

    A generator that is shown an image gets held-out ones of its run, as `--mode=sample` gives them.

    Args:
      place: of one run or more.
      count: samples of each; fewer where a run has fewer different ones.
      columns: in a row of a block.
      titles: what the runs are called; by default the names of their folders.

    Returns:
      one image; for each run its numbers, with its title before them if there are several: `side` and `detail`, how
      much neighbouring pixels of its samples differ (mean absolute, 0 to 255), the median `seconds per 1000 images` of
      its training, and the `SWD` of its evaluation.
    """
    titles = list(titles) or [folder.name for folder in place.runs]
    blocks, rows, numbers, commands = [], [], {}, []
    for folder, title in zip(place.runs, titles, strict=True):
        run = load_run(folder)
        sampler = Sampler(run, 0)
        images = np.concatenate(list(sampler(np.arange(min(count, sampler.most or count)))))
        blocks.append(images)
        own, cells = _numbers(run, images)
        prefix = f'{title}: ' if len(place.runs) > 1 else ''
        numbers |= {f'{prefix}{name}': value for name, value in own.items()}
        rows.append([title, *cells])
        commands.append(
            ['--mode=sample', f'--workdir={folder}', f'--count={len(images)}', f'--output=samples_{folder.name}']
        )
    path = place.folder / 'samples.png'
    files.save_png(path, _beside(blocks, columns, titles if len(blocks) > 1 else None))
    notes = ['Detail: the mean absolute difference of neighbouring pixels of the samples, 0 to 255.']
    if len({images.shape[1:3] for images in blocks}) > 1:
        notes.append('The runs differ in size: SWD and detail cannot be compared, and smaller samples are magnified.')
    heads = ['run', 'side', 'batch', 'steps', 'detail', 's per 1000 images', *_MEASURES]
    return Drawn(
        images=[(path, f'{len(blocks[0])} samples of each of {", ".join(titles)}')],
        table=Table(heads, rows),
        numbers=numbers,
        commands=commands,
        notes=notes,
    )


def _numbers(run: Trained, images: np.ndarray) -> tuple[dict[str, float], list[str]]:
    """(a run's numbers by name, its cells in the table)."""
    speed = _seconds(run.folder)
    found = read_evaluation(run.folder)[0]
    measured = {name: found.rows.get('samples', {}).get(name) for name in _MEASURES} if found else {}
    numbers = {'side': min(run.game.size), 'detail': round(detail(images), 2)}
    numbers |= {'seconds per 1000 images': round(speed, 2)} if speed is not None else {}
    swd = measured.get('SWD')
    numbers |= {'SWD': round(swd['mean'], 1)} if swd and swd['mean'] is not None else {}
    cells = [f'{numbers["side"]}', f'{run.config.batch}', f'{run.step}', f'{numbers["detail"]}']
    cells.append('' if speed is None else f'{speed:.3g}')
    digits = {name: found.measures[name]['digits'] for name in measured if name in found.measures} if found else {}
    return numbers, [*cells, *(cell(measured.get(name), digits.get(name, 2)) for name in _MEASURES)]


def _seconds(folder: Path) -> float | None:
    """The median of what 1000 images took in training; None where that is not in the record."""
    values = read_curves(folder / 'timing.jsonl', _POINTS).values.get('seconds_per_1000_images', [])
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _beside(blocks: Sequence[np.ndarray], columns: int, titles: Sequence[str] | None) -> np.ndarray:
    """Blocks of images [N, H, W, 3] side by side, small images magnified by whole factors; uint8 [h, w, 3]."""
    largest = max(min(images.shape[1:3]) for images in blocks)
    drawn = []
    for images in blocks:
        factor = max(1, largest // min(images.shape[1:3]))
        drawn.append(grids.grid(grids.enlarge(images, factor), columns))
    height, width = (max(block.shape[axis] for block in drawn) for axis in (0, 1))
    canvases = np.full((len(drawn), height, width, 3), 255, np.uint8)
    for canvas, block in zip(canvases, drawn, strict=True):
        canvas[: block.shape[0], : block.shape[1]] = block
    return grids.montage(list(canvases[:, None]), titles, gap=16)
