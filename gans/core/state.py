"""The state that is trained: its first value, its shapes, and whether its networks fit the way it is trained."""

import re
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gans.core import schedules
from gans.core.inputs import training_inputs
from gans.errors import UserError
from gans.types import Game, Player, TrainState


def init(game: Game, key: jax.Array, images: jax.Array) -> TrainState:
    """Makes the state before the first step.

    Args:
      game: what is played.
      key: everything random about the start follows from it.
      images: uint8 [N, H, W, 3]; only their shape matters.
    """
    keys = jax.random.split(key, 3)
    carry = game.objective.init()
    inputs = training_inputs(game, keys[0], carry, images, schedules.read(game.schedules, jnp.int32(0)))
    gen = _new_player(game.tx.gen, game.history.gen, game.gen.init(keys[1], **inputs.gen, train=False))
    disc = game.disc.init(keys[2], inputs.real, inputs.cond, train=False)
    return TrainState(
        step=jnp.int32(0),
        gen=gen.replace(ema=game.average.init(gen.variables)),
        disc=_new_player(game.tx.disc, game.history.disc, disc),
        carry=carry,
    )


def _new_player(tx, history, variables) -> Player:
    stats = {name: value for name, value in variables.items() if name != 'params'}
    params = variables['params']
    return Player(params=params, stats=stats, opt_state=tx.init(params), mean=history.init(params))


def state_shapes(game: Game, config: ConfigDict) -> Any:
    """The state's shapes and types, without computing anything.

    Raises:
      UserError: networks, images, objective and devices that do not fit together.
    """
    images = jax.ShapeDtypeStruct((1, *game.batch_shape[2:]), np.uint8)
    found = {'gen': set(), 'disc': set()}
    with nn.intercept_methods(partial(_note_batchwise, game, found)):
        state = jax.eval_shape(lambda images: init(game, jax.random.key(0), images), images)
    _check_batchwise(game, config, state, found)
    return state


def _note_batchwise(game, found, call, arguments, keywords, context):
    """Notes a layer that is about to be called, if its output for an example depends on the others of the batch."""
    module = root = context.module
    if getattr(module, 'batchwise', False) or isinstance(module, nn.BatchNorm):
        while isinstance(root.parent, nn.Module):
            root = root.parent
        kind = re.sub('(?<=[a-z])(?=[A-Z])', ' ', type(module).__name__).lower()
        found['disc' if isinstance(root, type(game.disc)) else 'gen'].add(kind)
    return call(*arguments, **keywords)


def _check_batchwise(game, config, state, found):
    """What looks at a whole batch must have it whole; and where images are judged alone, nothing may look at it."""
    if game.objective.per_image and found['disc']:
        raise UserError(
            f'config.objective.name is {config.objective.name!r}, whose penalty wants every image judged by itself, '
            f'but the discriminator has {" and ".join(sorted(found["disc"]))}: take that out in config.discriminator.'
        )
    what = sorted(found['gen'] | found['disc'])
    what += ['an objective with a memory'] if jax.tree.leaves(state.carry) else []
    what += ['terms that compare the layers of batches'] if game.objective.batchwise else []
    if what and config.parallel == 'pmap':
        raise UserError(
            'config.parallel=pmap shows every device its own part of a batch, and this experiment has '
            f'{" and ".join(what)}, for which it takes all of it: give --config.parallel=jit.'
        )
