"""A drawing of `--mode=explore`."""

from collections.abc import Sequence

import numpy as np

from gans.latent import explore as verb
from gans.reproduce.types import Drawn, Place


def draw(place: Place, draw: str, show: Sequence[str] = (), **flags: object) -> Drawn:
    """Draws what `--mode=explore --draw=...` draws of one run, into the figure's folder.

    Args:
      place: of one run.
      draw: 'samples', 'mean', 'walks', 'directions', 'manifold', 'arithmetic'.
      show: of several drawings those that belong to the figure: 'walk_linear', or 'walk_linear.gif', the animation; by
        default all images.
      flags: those of the verb, lists as its flags have them: seeds=('0', '1').

    Returns:
      the images. Of rows of images (walks, directions) the number `NAME: largest step`: how much two neighbours differ
      at most, as a multiple of the mean of its row, the largest of all rows; 1 where every step is as large.
    """
    words = {name: ','.join(value) if isinstance(value, (tuple, list)) else value for name, value in flags.items()}
    text = verb.explore(place.runs[0], place.folder, verb.Wishes(draw=(draw,), **flags))
    told = dict(_lines(text))
    shown = [place.folder / (name if '.' in name else f'{name}.png') for name in show or told]
    numbers = {}
    for stem in dict.fromkeys(path.stem for path in shown):  # an image and its animation have the same numbers
        images = np.load(place.folder / f'{stem}.npz')['images']
        if images.ndim == 5 and images.shape[1] > 2:
            numbers[f'{stem}: largest step'] = round(_largest_step(images), 2)
    return Drawn(
        images=[(path, told.get(path.stem, draw)) for path in shown],
        numbers=numbers,
        commands=[
            [
                '--mode=explore',
                f'--workdir={place.runs[0]}',
                f'--draw={draw}',
                *(f'--{name}={value}' for name, value in words.items()),
                f'--output={draw}',
            ]
        ],
    )


def _lines(text: str):
    """(drawing, what it shows) of what the verb tells: lines like 'mean.{png,npz}: the image of the mean latent.'"""
    for line in text.splitlines():
        files, colon, what = line.partition('}: ')
        if colon and '.{' in files:
            yield files.partition('.{')[0], what.rstrip('.')


def _largest_step(images: np.ndarray) -> float:
    """The largest distance of neighbours in uint8 [R, F, H, W, 3], as a multiple of the mean one of their row."""
    steps = np.abs(np.diff(images.astype(np.float32), axis=1)).mean(axis=(2, 3, 4))
    return float((steps.max(axis=1) / np.maximum(steps.mean(axis=1), 1e-6)).max())
