"""Images that a run was trained on, as they are or as its task varies them."""

from functools import partial

import jax
import numpy as np

from gans.data.batches import read_whole
from gans.image import files, grids, ops
from gans.reproduce.types import Drawn, Place
from gans.run.trained import load_run, open_images
from gans.types import Task

_NAMES = {'hue': 'of the circle of hues', 'saturation': 'of the saturation', 'value': 'of the value'}


def draw(place: Place, count: int = 32, columns: int = 8, varied: int = 0) -> Drawn:
    """Draws training images of the run, from all over the set.

    Args:
      place: of one run.
      count: how many images; fewer where there are fewer.
      columns: how many in a row.
      varied: how many variations of each image follow it in its row, drawn as in training; `columns` is then 1 + this.

    Returns:
      one image, and the number of training `images` and the `side` of each.
    """
    run = load_run(place.runs[0])
    experiment = open_images(run)
    ids = experiment.train[np.linspace(0, len(experiment.train) - 1, min(count, len(experiment.train))).astype(int)]
    images = read_whole(experiment.source, ids)
    if varied:
        images = np.stack([images, *_variations(run.game.task, images, varied)], axis=1)
        images, columns = images.reshape(-1, *images.shape[2:]), 1 + varied
    path = place.folder / 'training_images.png'
    files.save_png(path, grids.grid(images, columns))
    text = f'{len(ids)} training images' + (f', each followed by {varied} variations of it' if varied else '')
    return Drawn(
        images=[(path, text)],
        numbers={'images': len(experiment.train), 'side': min(run.game.size)},
        notes=[f'Images: {experiment.source.where}.', *([_told(run.config.task)] if varied else [])],
    )


def _variations(task: Task, images: np.ndarray, count: int) -> list[np.ndarray]:
    """`count` arrays like `images`, uint8 [N, H, W, 3], each varied by the task with keys of its own."""
    vary = jax.jit(lambda keys: ops.to_uint8(jax.vmap(task.vary)(keys, ops.to_float(images))))
    split = partial(jax.random.split, num=len(images))
    return [np.asarray(vary(split(jax.random.key(i)))) for i in range(count)]


def _told(task) -> str:
    """The variations of a config's task in words."""
    ways = [word for name, word in (('flip', 'mirrored'), ('rotate', 'turned by 90 degrees')) if task.get(name)]
    ways += [f'changed by at most {task[name]:g} {of}' for name, of in _NAMES.items() if task.get(name)]
    return f'Images are at random {", ".join(ways)}.' if ways else 'The task varies no images.'
