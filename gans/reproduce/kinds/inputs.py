"""What runs are trained on, and what their tasks make of it: a row per image, originals first."""

from collections.abc import Sequence

import jax
import numpy as np

from gans.core.inputs import draw as draw_inputs
from gans.image import compose, files, grids
from gans.reproduce.types import Drawn, Place
from gans.run.experiment import held_out_images, open_experiment

TRAINED = False
_COUNT = 4


def draw(place: Place, titles: Sequence[str], count: int = _COUNT) -> Drawn:
    """Draws `inputs.png`.

    Args:
      place: its runs are of one size, on the same images.
      titles: a heading for the originals, and one for what each run's generator is shown.
      count: how many images.
    """
    columns, hidden, images = [], {}, None
    for i, (config, _) in enumerate(place.loaded):
        experiment = open_experiment(config)
        if images is None:
            images = held_out_images(experiment, count)
            columns.append(images)
        inputs = draw_inputs(experiment.game, jax.random.key(config.seed), images)
        columns.append(compose.quantise(inputs.gen['image']))
        if inputs.mask is not None:
            hidden[titles[i + 1]] = 100 * float(np.mean(inputs.mask))
    path = place.folder / 'inputs.png'
    files.save_png(path, grids.montage(columns, titles))
    return Drawn(
        images=[(path, f'{len(images)} images in rows; columns: {", ".join(titles)}')],
        numbers={f'{title}: hidden %': value for title, value in hidden.items()},
        notes=[f'{title}: {value:.0f} % of the pixels of these images are hidden.' for title, value in hidden.items()],
    )
