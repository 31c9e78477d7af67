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
from gans.core.programs import once
from gans.errors import UserError, placed
from gans.startup import jit_seldom
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
    with placed('config.generator'):
        made, variables = game.gen.init_with_output(keys[1], **inputs.gen, train=False)
    _check_made(made, inputs.real)
    gen = _new_player(game.tx.gen, game.history.gen, variables)
    with placed('config.discriminator'):
        disc = game.disc.init(keys[2], inputs.real, inputs.cond, train=False)
    return TrainState(
        step=jnp.int32(0),
        gen=gen.replace(ema=game.average.init(gen.variables)),
        disc=_new_player(game.tx.disc, game.history.disc, disc),
        carry=carry,
    )


def _check_made(made, real):
    """Raises UserError if what the generator makes, [N, H, W, 3], has another shape than the images."""
    if getattr(made, 'shape', None) == real.shape:
        return
    wanted = ' x '.join(map(str, real.shape[1:]))
    if not hasattr(made, 'shape'):
        found = f'an object of type {type(made).__name__}'
    else:
        found = ' x '.join(map(str, made.shape[1:])) if len(made) == len(real) else f'{made.shape[0]} for one image'
    raise UserError(
        f'The generator gives {found}, and the images are {wanted}: choose a config.size that it can make, or another '
        'generator (config.networks, config.generator).'
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
    state, found = once(game, 'shapes', partial(_trace, game))
    _check_batchwise(game, config, state, found)
    return state


def first_state(game: Game, seed: int) -> TrainState:
    """The state before the first step, which follows from the seed: `init` as one program."""
    once(game, 'shapes', partial(_trace, game))  # notes layers, which only the first trace of the program shows
    return _program(game)(jax.random.key(seed), np.zeros(**_one_image(game)))


def _program(game):
    return once(game, 'init', lambda: jit_seldom(partial(init, game)))


def _one_image(game):
    return dict(shape=(1, *game.batch_shape[2:]), dtype=np.uint8)


def _trace(game):
    """(The state's shapes, layers that look at a whole batch by player); `first_state` is traced with that."""
    found = {'gen': set(), 'disc': set(), 'shared': set()}
    with nn.intercept_methods(partial(_note_batchwise, game, found)):
        key = jax.eval_shape(lambda: jax.random.key(0))
        return _program(game).eval_shape(key, jax.ShapeDtypeStruct(**_one_image(game))), found


def check_stages(game: Game, state: TrainState, steps: int) -> None:
    """Checks of every stage of a generator that grows what `init` checks of the whole: stages begin during training.

    It traces every stage, so that it is for what is going to be trained, and not for runs that were.

    Args:
      game: what is played.
      state: or its shapes.
      steps: of training.

    Raises:
      UserError: a stage whose images have another shape.
    """
    if game.stage(0) is not None:
        once(game, 'stages', partial(_trace_stages, game, state, steps))


def _trace_stages(game, state, steps):
    first, last = game.stage(0), game.stage(steps - 1)

    def check(played, key, state, images):
        hyper = schedules.read(game.schedules, state.step)
        inputs = training_inputs(played, key, state.carry, images, hyper)
        made = played.gen.apply({**state.gen.variables, 'hyper': hyper}, **inputs.gen, train=False)
        _check_made(made, inputs.real)

    key = jax.eval_shape(lambda: jax.random.key(0))
    for stage in range(min(first, last), max(first, last) + 1):
        jax.eval_shape(partial(check, game.at(stage)), key, state, jax.ShapeDtypeStruct(**_one_image(game)))


def _note_batchwise(game, found, call, arguments, keywords, context):
    """Notes a layer that is about to be called, if what an example gets depends on the others, or on their number."""
    module = root = context.module
    if getattr(module, 'batchwise', False) or isinstance(module, nn.BatchNorm):
        while isinstance(root.parent, nn.Module):
            root = root.parent
        kind = re.sub('(?<=[a-z])(?=[A-Z])', ' ', type(module).__name__).lower()
        found['disc' if isinstance(root, type(game.disc)) else 'gen'].add(kind)
    if isinstance(module, nn.Dropout):  # not that of gans.nn.noise
        found['shared'].add("Flax's dropout (that of gans.nn.noise can be shared)")
    return call(*arguments, **keywords)


def _check_batchwise(game, config, state, found):
    """What looks at a whole batch must have it whole; and where images are judged alone, nothing may look at it."""
    if game.objective.per_image and found['disc']:
        raise UserError(
            f'config.objective.name is {config.objective.name!r}, whose penalty wants every image judged by itself, '
            f'but the discriminator has {" and ".join(sorted(found["disc"]))}: take that out in config.discriminator.'
        )
    what = sorted(found['gen'] | found['disc'] | found['shared'])
    what += ['an objective with a memory'] if jax.tree.leaves(state.carry) else []
    what += ['terms that compare the layers of batches'] if game.objective.batchwise else []
    if what and config.parallel == 'pmap':
        raise UserError(
            'config.parallel=pmap shows every device its own part of a batch, and this experiment has '
            f'{" and ".join(what)}, for which it takes all of it: give --config.parallel=jit.'
        )
