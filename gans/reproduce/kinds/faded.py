"""The same latents while a level of networks that grow is faded in."""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gans.core import schedules
from gans.core.inputs import draw_from_noise
from gans.core.sampling import sample
from gans.image import grids, ops
from gans.image.files import save_png
from gans.reproduce.types import Drawn, Place
from gans.run.checkpoint import Checkpoints
from gans.run.generate import held_out
from gans.run.trained import Trained, load_run

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_REAL, _SAMPLES = 2, 4  # rows


def draw(place: Place, level: int, shares: Sequence[float] = SHARES) -> Drawn:
    """Draws columns in which a level counts more and more: real images as the critic sees them, and samples.

    Source: Karras et al. 2018, "Progressive Growing of GANs", figure 2.

    Args:
      place: of one run.
      level: which one; that of the highest, where the networks have fewer.
      shares: how much it counts in each column, 0 to 1.

    Returns:
      the figure, and as 'growth' where the weights are from.
    """
    run, level = _while_fading(place.runs[0], level)
    reached = float(_growth(run)(run.step))
    held = held_out(run)
    real = ops.to_float(np.stack([held.source[int(i)] for i in held.ids[:_REAL]]))
    make = jax.jit(partial(_column, run.game))
    columns = [np.asarray(make(run.state, real, level - 1 + share)) for share in shares]
    path = place.folder / 'faded.png'
    titles = [f'growth {level - 1 + share:g}' for share in shares]
    save_png(path, grids.montage(columns, titles))
    side = min(run.game.size) // 2 ** (len(run.config.generator.widths) - 1 - level)
    alt = (
        f'{_REAL} rows of real images as the critic sees them, {_SAMPLES} rows of samples: {side // 2} to {side} pixels'
    )
    notes = [f'All columns have the weights of step {run.step}, where growth was {reached:g}; seed 0.']
    if not level - 1 < reached < level:
        notes.append(f'No checkpoint was kept while level {level} was faded in: this one is the nearest.')
    return Drawn([(path, alt)], None, {'growth': round(reached, 3)}, notes=notes)


def _while_fading(folder, level) -> tuple[Trained, int]:
    """The run at the kept checkpoint nearest to the middle of the level's fading; and the level, if it has so many."""
    run = load_run(folder)
    level = min(level, len(run.config.generator.widths) - 1)
    with Checkpoints(folder, read_only=True) as checkpoints:
        steps = checkpoints.steps()
    growth = _growth(run)
    return load_run(folder, min(steps, key=lambda step: abs(growth(step) - (level - 0.5)))), level


def _growth(run):
    return run.game.schedules['growth']


def _column(game, state, real, growth):
    """Real images and samples with that much of the networks in use, uint8 [N, H, W, 3]."""
    game = game._replace(schedules={**game.schedules, 'growth': lambda step: growth})
    seen = game.target(real, schedules.read(game.schedules, state.step))
    keys = jax.vmap(partial(jax.random.fold_in, jax.random.key(0)))(jnp.arange(_SAMPLES))
    made = sample(game, state, draw_from_noise(game, keys, game.size))
    return ops.to_uint8(jnp.concatenate([seen, made]))
