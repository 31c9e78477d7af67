"""Images of a trained run's generator, from arrays and to arrays."""

from functools import partial

import jax
import numpy as np

from gans.core.inputs import draw
from gans.core.sampling import sample
from gans.errors import UserError
from gans.image import ops
from gans.image.batching import in_batches
from gans.run.trained import Trained

_AT_ONCE = 16  # images: memory, not speed


def sample_images(run: Trained, images: np.ndarray | None = None, count: int = 16, seed: int = 0) -> np.ndarray:
    """What the generator of a trained run makes: the averaged generator, if there is one.

    Args:
      run: as `load_run` returns it.
      images: uint8 [N, H, W, 3] of the run's size, for a generator that is shown an image. It sees what the run's task
        makes of them: for example gray versions, or images with boxes cut out.
      count: how many images, for a generator that makes them from noise alone.
      seed: latents and boxes follow from it and from an image's place among the N.

    Returns:
      uint8 [N, H, W, 3].

    Raises:
      UserError: a generator that is shown an image and no images, or images of another shape or dtype.
    """
    size = run.game.size
    given = np.zeros((count, *size, 3), np.uint8) if images is None else np.asarray(images)
    if given.shape[1:] != (*size, 3) or given.dtype != np.uint8 or not len(given):
        raise UserError(
            f'{run.folder} takes images uint8 [N, {size[0]}, {size[1]}, 3], not {given.dtype} {list(given.shape)}.'
        )
    seen = jax.jit(partial(draw, run.game))(jax.random.key(seed), given).gen
    if images is None and 'image' in seen:
        raise UserError(f'The generator of {run.folder} is shown an image: give sample_images(run, images).')
    make = jax.jit(lambda state, inputs: ops.to_uint8(sample(run.game, state, inputs)))
    return in_batches(partial(make, run.state), jax.device_get(seen), _AT_ONCE)
