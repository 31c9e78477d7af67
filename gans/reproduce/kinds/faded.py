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
from gans.run.trained import load_run

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_REAL, _SAMPLES = 2, 4  # rows


def draw(place: Place, level: int, shares: Sequence[float] = SHARES) -> Drawn:
    """Draws columns in which a level counts more and more: real images as the critic sees them, and samples.

    Each column is of the kept checkpoint whose level comes nearest to the share; those that are equal are one. Networks
    adapt while a level is faded in: with weights of another moment the colours of a share would be wrong.

    Source: Karras et al. 2018, "Progressive Growing of GANs", figure 2.

    Args:
      place: of one run.
      level: which one; the highest, where the networks have fewer.
      shares: how much it counts in each column, 0 to 1, rising.

    Returns:
      the figure, and as 'shares' those that were found.
    """
    folder = place.runs[0]
    run = load_run(folder)
    level = min(level, len(run.config.generator.widths) - 1)
    steps = _steps(folder, run.game.schedules['growth'], level, shares)
    growths = [float(run.game.schedules['growth'](step)) for step in steps]
    held = held_out(run)
    real = ops.to_float(np.stack([held.source[int(i)] for i in held.ids[:_REAL]]))
    make = jax.jit(partial(_column, run.game))
    columns = [
        np.asarray(make(load_run(folder, step).state, real, growth))
        for step, growth in zip(steps, growths, strict=True)
    ]
    path = place.folder / 'faded.png'
    save_png(path, grids.montage(columns, [f'growth {growth:g}' for growth in growths]))
    side = min(run.game.size) // 2 ** (len(run.config.generator.widths) - 1 - level)
    alt = (
        f'{_REAL} rows of real images as the critic sees them, {_SAMPLES} rows of samples: {side // 2} to {side} pixels'
    )
    told = ', '.join(f'{growth - level + 1:.3g}' for growth in growths)
    notes = [f'The columns are of the steps {", ".join(map(str, steps))}; latents of seed 0.']
    if not any(level - 1 < growth < level for growth in growths):
        notes.append(f'No checkpoint was kept while level {level} was faded in: these are the nearest.')
    return Drawn([(path, alt)], None, {'shares': told}, notes=notes)


def _steps(folder, growth, level, shares) -> list[int]:
    """The kept checkpoints that come nearest to each share, ascending; of equal ones that nearest to the others."""
    with Checkpoints(folder, read_only=True) as checkpoints:
        steps = checkpoints.steps()
    grown = np.array([float(growth(step)) for step in steps])
    middle = steps[int(np.abs(grown - (level - 0.5)).argmin())]
    wanted = [level - 1 + share for share in shares]
    order = np.abs(np.array(steps) - middle)
    return sorted({steps[np.lexsort((order, np.abs(grown - one)))[0]] for one in wanted})


def _column(game, state, real, growth):
    """Real images and samples with that much of the networks in use, uint8 [N, H, W, 3]."""
    game = game._replace(schedules={**game.schedules, 'growth': lambda step: growth})
    seen = game.target(real, schedules.read(game.schedules, state.step))
    keys = jax.vmap(partial(jax.random.fold_in, jax.random.key(0)))(jnp.arange(_SAMPLES))
    made = sample(game, state, draw_from_noise(game, keys, game.size))
    return ops.to_uint8(jnp.concatenate([seen, made]))
