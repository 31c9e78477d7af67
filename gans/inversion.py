"""Real pictures to the descriptors that a generator makes them of: by an encoder where there is one, or by a search."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gans import images
from gans.game import Game, TrainState
from gans.metrics import pixels
from gans.train_step import paint, seen_by_discriminator

STEPS = 400  # of a search
_RATE = 0.1  # Adam's at the beginning, in root mean variances of the descriptors; it falls to 0 along a cosine


def encodes(game: Game, state: TrainState, shape: tuple[int, int], size: int) -> bool:
    """Whether the discriminator gives codes of `size` numbers for pictures of `shape`, as a BEGAN's does."""
    out = jax.eval_shape(partial(_judge, game), state, jax.ShapeDtypeStruct((1, *shape, 3), jnp.float32))
    return isinstance(out, dict) and 'code' in out and out['code'].shape == (1, size)


def encode(game: Game, state: TrainState, pictures: jax.Array) -> jax.Array:
    """The discriminator's codes [N, Z] of pictures [N, H, W, 3] in [-1, 1]: the space that a BEGAN's descriptors have.

    The generator was never trained to give back the picture of a code, so that this is near, and a search is nearer.
    """
    return _judge(game, state, pictures)['code']


def search(game: Game, state: TrainState, pictures: jax.Array, mean: jax.Array, scale: jax.Array) -> jax.Array:
    """Descriptors [N, Z] whose pictures are near `pictures` [N, H, W, 3] in [-1, 1], by gradient descent.

    `STEPS` steps of Adam on each picture's mean squared error, from the mean descriptor. As in Berthelot et al. 2017
    ("Space continuity"), where it is the mean absolute error. Pixels that a generator clips do not pull.

    Args:
      game: what was trained.
      state: how far.
      pictures: each is searched for by itself, whatever the others are.
      mean: [Z], where to begin.
      scale: how far descriptors lie apart: the root of their mean variance. It makes steps of one length for all games.
    """
    adam = optax.adam(optax.cosine_decay_schedule(_RATE, STEPS))

    def error(moves):
        painted = paint(game, state, {'latent': mean + scale * moves})
        return jnp.sum(jnp.mean(jnp.square(painted - pictures), axis=(1, 2, 3)))

    def step(_, carried):
        moves, memory = carried
        updates, memory = adam.update(jax.grad(error)(moves), memory)
        return optax.apply_updates(moves, updates), memory

    start = jnp.zeros((len(pictures), len(mean)))
    moves, _ = jax.lax.fori_loop(0, STEPS, step, (start, adam.init(start)))
    return mean + scale * moves


def distances(originals: np.ndarray, found: np.ndarray) -> dict[str, np.ndarray]:
    """{'l1', 'rmse'} of stored pictures, uint8 [N, H, W, 3] both, in 8-bit levels (0 to 255): float32 [N] each."""
    a, b = (images.to_float(pictures) for pictures in (originals, found))
    # pixels.psnr is -20 log10(RMSE / 255)
    return {'l1': 255 * np.asarray(pixels.l1(a, b)), 'rmse': 255 * 10 ** (-np.asarray(pixels.psnr(a, b)) / 20)}


def _judge(game, state, pictures):
    """The finished discriminator's output, with the scheduled numbers of the last step."""
    hyper = {name: jnp.float32(schedule(state.step)) for name, schedule in game.schedules.items()}
    variables = {'params': state.disc.params, **state.disc.stats, 'hyper': hyper}
    return game.disc.apply(variables, seen_by_discriminator(game, pictures, state.step), None, train=False)
