"""Real images to the latents that a generator makes them of: by an encoder where there is one, or by a search."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gans.core.sampling import judge, paint
from gans.image import ops
from gans.metrics import pixels
from gans.types import Game, TrainState

STEPS = 400  # of a search
_TOLD = 10  # steps that are done before they are told of
_START = 0.5  # how far from the mean, in the same measure; at it a DCGAN's first map was off, and gave no gradient
_RATE = 0.1  # Adam's at the beginning, in root mean variances of the latents; it falls to 0 along a cosine


def encodes(game: Game, state: TrainState, shape: tuple[int, int], size: int) -> bool:
    """Whether the discriminator gives codes of `size` numbers for images of `shape`, as a BEGAN's does."""
    out = jax.eval_shape(partial(judge, game), state, jax.ShapeDtypeStruct((1, *shape, 3), jnp.float32))
    return isinstance(out, dict) and 'code' in out and out['code'].shape == (1, size)


def encode(game: Game, state: TrainState, images: jax.Array) -> jax.Array:
    """The discriminator's codes [N, Z] of images [N, H, W, 3] in [-1, 1]: the space that a BEGAN's latents have.

    The generator was never trained to give back the image of a code, so that this is near, and a search is nearer.
    """
    return judge(game, state, images)['code']


def searcher(
    game: Game, mean: jax.Array, scale: float, advance: Callable[[int], None] = lambda steps: None
) -> Callable[[TrainState, jax.Array], jax.Array]:
    """What finds latents [N, Z] whose images are near images [N, H, W, 3] in [-1, 1], by gradient descent.

    `STEPS` steps of Adam on each image's mean squared error, from beside the mean latent. As in Berthelot et al.
    2017 ("Space continuity"), where it is the mean absolute error. Pixels that a generator clips do not pull.

    Args:
      game: what was trained.
      mean: [Z], near which to begin.
      scale: how far latents lie apart: the root of their mean variance. It makes steps of one length for all games.
      advance: is called with a number of steps when they are done.

    Returns:
      (state, images) -> latents; each image is searched for by itself, whatever the others are.
    """
    adam = optax.adam(optax.cosine_decay_schedule(_RATE, STEPS))

    def error(moves, state, images):
        painted = paint(game, state, {'latent': mean + scale * moves})
        return jnp.sum(jnp.mean(jnp.square(painted - images), axis=(1, 2, 3)))

    @jax.jit
    def step(moves, memory, state, images):
        updates, memory = adam.update(jax.grad(error)(moves, state, images), memory)
        return optax.apply_updates(moves, updates), memory

    def search(state, images):
        moves = jnp.tile(_START * jax.random.normal(jax.random.key(0), (len(mean),)), (len(images), 1))
        memory = adam.init(moves)
        for _ in range(0, STEPS, _TOLD):
            for _ in range(_TOLD):  # not one program: on the CPU, convolutions in a loop are 20 times slower
                moves, memory = step(moves, memory, state, images)
            jax.block_until_ready(moves)
            advance(_TOLD)
        return mean + scale * moves

    return search


def distances(originals: np.ndarray, found: np.ndarray) -> dict[str, np.ndarray]:
    """{'l1', 'rmse'} of stored images, uint8 [N, H, W, 3] both, in 8-bit levels (0 to 255): float32 [N] each."""
    a, b = (ops.to_float(images) for images in (originals, found))
    # pixels.psnr is -20 log10(RMSE / 255)
    return {'l1': 255 * np.asarray(pixels.l1(a, b)), 'rmse': 255 * 10 ** (-np.asarray(pixels.psnr(a, b)) / 20)}
