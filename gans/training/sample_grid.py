"""The image that the loop draws at equal times: the same inputs throughout a run, and what became of them.

Where the generator is shown an image: rows of what it sees, makes, and should make. Where it makes images from noise
alone, as the task says: a block of samples from fixed latents, below it a row of real images as the discriminator sees
them at that step (figure 4 of the post on gradually increasing resolution, 2018, which has them above).
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gans.core.inputs import draw, seen_by_discriminator, seen_by_generator
from gans.core.programs import once
from gans.core.sampling import sample
from gans.data.batches import read_whole
from gans.image import grids, ops
from gans.image.batching import fill
from gans.nn.layers import to_rgb
from gans.run.experiment import Experiment
from gans.startup import jit_seldom
from gans.types import Game, TrainState


class SampleGrids:
    """Draws the sample grids of one run: `sample_grids(state, step)`."""

    def __init__(self, experiment: Experiment):
        """Reads the held-out images of all sample grids, `config.log.grid_images` of them if there are so many.

        They come from all over the set, since neighbours in a folder are often of one kind.
        """
        config, game = experiment.config, experiment.game
        wanted = config.log.grid_images
        images = read_whole(experiment.source, experiment.test[_spread(wanted, len(experiment.test))])
        key = jax.random.fold_in(jax.random.key(config.seed), 2**31 - 1)
        if game.task.from_noise:
            # Samples need no image of their own: where few are held out, they come round again.
            images = fill(images, wanted)
            rows_of, self._columns = _generated, _side(wanted)
        else:
            rows_of, self._columns = _translated, len(images)
        self._inputs = once(game, 'draw', lambda: jit_seldom(partial(draw, game)))(key, images)
        self._make = once(game, rows_of, lambda: jit_seldom(partial(rows_of, game)))

    def __call__(self, state: TrainState, step: int) -> np.ndarray:
        """The sample grid of a step, uint8 [H, W, 3]; `state` is what `Layout.fetch` gives."""
        images = self._make(state, self._inputs, jnp.int32(step))
        return grids.grid(np.concatenate([np.asarray(row) for row in images]), self._columns)


def _side(count: int) -> int:
    """How many columns a block of so many samples has."""
    return math.ceil(math.sqrt(count))


def _spread(wanted: int, count: int) -> np.ndarray:
    """`wanted` of the numbers below `count` (all, if there are no more), at equal distances from 0."""
    wanted = min(wanted, count)
    return np.arange(wanted) * count // max(wanted, 1)


def _translated(game: Game, state, inputs, step):
    """[what the generator sees, what it makes, what it should make], uint8 [N, H, W, 3] each."""
    seen = seen_by_generator(game, inputs.gen, step)
    rows = [seen['image'][..., :3], sample(game, state, seen), inputs.real]
    return [to_rgb(ops.to_uint8(row)) for row in rows]


def _generated(game: Game, state, inputs, step):
    """[samples, what is left free of their last row, a row of real images as the discriminator sees them], uint8."""
    columns = _side(len(inputs.real))
    samples = ops.to_uint8(sample(game, state, inputs.gen))
    free = jnp.full((-len(samples) % columns, *samples.shape[1:]), 255, jnp.uint8)
    real = inputs.real[_spread(columns, len(samples))]
    return [samples, free, ops.to_uint8(seen_by_discriminator(game, real, step))]
