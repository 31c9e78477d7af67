"""One step of the two-player game, for every family: pure functions that know the records and nothing else.

A step is: early discriminator turns, each with pictures of its own; then one shared turn, in which the
discriminator's last and the generator's first move look at one batch and one generator forward pass; then late
generator turns. A turn moves only the player whose turn it is.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax.traverse_util import flatten_dict

from gans.errors import UserError, closest
from gans.image import ops
from gans.nn import conv, noise
from gans.types import Game, Inputs, Pair, Player, TrainState, Tree, Turn


def init(game: Game, key: jax.Array, pictures: jax.Array) -> TrainState:
    """Makes the state before the first step.

    Args:
      game: what is played.
      key: everything random about the start follows from it.
      pictures: uint8 [N, H, W, 3]; only their shape matters.
    """
    keys = jax.random.split(key, 3)
    carry = game.objective.init()
    inputs = _look(game, keys[0], carry, pictures, _read_schedules(game, jnp.int32(0)))
    gen = _new_player(game.tx.gen, game.history.gen, game.gen.init(keys[1], **inputs.gen, train=False))
    disc = game.disc.init(keys[2], inputs.real, inputs.cond, train=False)
    return TrainState(
        step=jnp.int32(0),
        gen=gen.replace(ema=game.average.init(_variables(gen))),
        disc=_new_player(game.tx.disc, game.history.disc, disc),
        carry=carry,
    )


def train_step(game: Game, key: jax.Array, state: TrainState, batches: jax.Array, axis: str | None = None):
    """Plays one step.

    Args:
      game: what is played.
      key: the run's key; the step's own is derived from it and `state.step`, never stored.
      state: before the step.
      batches: uint8 [turns, N, H, W, 3], one batch for each of `disc + gen - 1` turns; [turns, N, parts, H, W, 3] for a
        task of several parts.
      axis: the name of the mapped axis under `pmap`, where N is one device's share; None under `jit`.

    Returns:
      (state after the step, metrics: float32 scalars by name).
    """
    with noise.shared_along(axis, batches.shape[1]):
        return _play(game, key, state, batches, axis)


def _play(game, key, state, batches, axis):
    hyper = _read_schedules(game, state.step)
    keys = jax.random.split(jax.random.fold_in(key, state.step), len(batches))
    early = game.turns.disc - 1

    if early:
        move = partial(_alone, _disc_turn, game, hyper, axis)
        state = _each(move, state, (keys[:early], batches[:early]))
    state, metrics = _shared_turn(game, hyper, axis, state, keys[early], batches[early])
    if game.turns.gen > 1:
        move = partial(_alone, _gen_turn, game, hyper, axis)
        state = _each(move, state, (keys[early + 1 :], batches[early + 1 :]))

    ema = game.average.update(state.gen.ema, _variables(state.gen), state.step)
    gen, disc = (_remember(game, state, name) for name in Pair._fields)
    state = state.replace(step=state.step + 1, gen=gen.replace(ema=ema), disc=disc)
    metrics.update({f'schedule/{name}': value for name, value in hyper.items()})
    return state, _mean_over_devices(metrics, axis)


def sample(game: Game, state: TrainState, gen_inputs: dict) -> jax.Array:
    """The pictures [N, H, W, 3] in [-1, 1] of the finished generator, the averaged one if there is one.

    `gen_inputs` are a task's `Inputs.gen`.
    """
    return paint(game, state, describe(game, state.carry, gen_inputs))


def describe(game: Game, carry: Tree, gen_inputs: dict) -> dict:
    """`Inputs.gen` with the latent that the rules of the game, as far as they have come, make of the task's."""
    to_descriptor = partial(game.objective.descriptor, carry)
    return {name: to_descriptor(x) if name == 'latent' else x for name, x in gen_inputs.items()}


def paint(game: Game, state: TrainState, gen_inputs: dict) -> jax.Array:
    """`sample` for a latent that is a descriptor already, one found by a search say: `describe` is left out."""
    variables = {**(state.gen.ema or _variables(state.gen)), 'hyper': _read_schedules(game, state.step)}
    return game.gen.apply(variables, **gen_inputs, train=False)


def judge(game: Game, state: TrainState, pictures: jax.Array):
    """The finished discriminator's output on pictures [N, H, W, 3] in [-1, 1] without a condition, as it sees them."""
    hyper = _read_schedules(game, state.step)
    variables = {**_variables(state.disc), 'hyper': hyper}
    return game.disc.apply(variables, game.view(pictures, hyper), None, train=False)


def draw(game: Game, key: jax.Array, pictures: jax.Array) -> Inputs:
    """What the task makes of uint8 pictures [N, H, W, 3], without augmentation and without a view."""
    keys = _example_keys(key, len(pictures))
    return jax.vmap(game.task.draw)(keys, ops.to_float(pictures))


def draw_from_noise(game: Game, keys: jax.Array, shape: tuple[int, int]) -> dict:
    """`Inputs.gen` for each key [N], of a task that shows the generator no picture; `shape` is its pictures' (H, W)."""
    nothing = jnp.zeros((*shape, 3))  # the task draws a descriptor, whatever the picture
    return jax.vmap(game.task.draw, (0, None))(keys, nothing).gen


def seen_by_generator(game: Game, gen_inputs: dict, step: jax.Array) -> dict:
    """`Inputs.gen` as the generator sees it at a step: its picture through the view."""
    return _view_image(game, gen_inputs, _read_schedules(game, step))


def seen_by_discriminator(game: Game, pictures: jax.Array, step: jax.Array) -> jax.Array:
    """Real pictures [N, H, W, 3] in [-1, 1] as the discriminator sees them at a step: of their detail what is to be
    imitated by then, through the view."""
    hyper = _read_schedules(game, step)
    return game.view(game.target(pictures, hyper), hyper)


def _each(move, state, fed):
    """One turn after the other: a loop, where that is as fast."""
    if conv.loop_well():
        return jax.lax.scan(move, state, fed)[0]
    for i in range(len(fed[0])):
        state, _ = move(state, jax.tree.map(lambda x, i=i: x[i], fed))
    return state


def _shared_turn(game, hyper, axis, state, key, pictures):
    keys = jax.random.split(key, 3)
    inputs = _look(game, keys[0], state.carry, pictures, hyper)
    generated = _generate(game, hyper, state.gen, inputs, _noise_key(keys[0]))
    state, disc_metrics = _disc_turn(game, hyper, axis, state, inputs, keys[1], generated)
    state, gen_metrics = _gen_turn(game, hyper, axis, state, inputs, keys[2], generated)
    named = {f'disc/{name}': value for name, value in disc_metrics.items()}
    return state, named | {f'gen/{name}': value for name, value in gen_metrics.items()}


def _alone(turn, game, hyper, axis, state, key_and_pictures):
    """A turn with pictures and a generator forward pass of its own, in the form that scan wants."""
    key, pictures = key_and_pictures
    keys = jax.random.split(key, 2)
    inputs = _look(game, keys[0], state.carry, pictures, hyper)
    generated = _generate(game, hyper, state.gen, inputs, _noise_key(keys[0]))
    return turn(game, hyper, axis, state, inputs, keys[1], generated)


def _disc_turn(game, hyper, axis, state, inputs, key, generated):
    (output, fake), _, _ = generated

    def loss(params):
        turn, stats = _hold_turn(game, hyper, state, params, inputs, output, fake, key)
        value, metrics, carry = game.objective.disc(turn._replace(params=params, mean_params=state.disc.mean))
        return value, (metrics | {'loss': value}, carry, stats)

    grads, (metrics, carry, stats) = jax.grad(loss, has_aux=True)(state.disc.params)
    disc = _move(game.tx.disc, state.disc, grads, hyper['learning_rate_disc'], axis)
    return state.replace(disc=disc.replace(stats=stats), carry=carry), metrics


def _gen_turn(game, hyper, axis, state, inputs, key, generated):
    made, pull_back, stats = generated

    def loss(made, params):
        output, fake = made
        turn, _ = _hold_turn(game, hyper, state, state.disc.params, inputs, output, fake, key)
        value, metrics, carry = game.objective.gen(turn._replace(params=params, mean_params=state.gen.mean))
        return value, (metrics | {'loss': value}, carry)

    # The gradient by the pictures first: the discriminator's own parameters get none in this turn.
    by_loss, (metrics, carry) = jax.grad(loss, argnums=(0, 1), has_aux=True)(made, state.gen.params)
    by_pictures, by_params = by_loss
    grads = jax.tree.map(jnp.add, *pull_back(by_pictures), by_params)  # by_params: zeros but for terms on parameters
    gen = _move(game.tx.gen, state.gen, grads, hyper['learning_rate_gen'], axis)
    return state.replace(gen=gen.replace(stats=stats), carry=carry), metrics


def _hold_turn(game, hyper, state, params, inputs, output, fake, key):
    """What the losses look at, with the discriminator at `params`; and its statistics afterwards."""
    noise_key = _noise_key(key)

    def judge(stats, picture, place):
        variables = {'params': params, 'hyper': hyper, **stats}
        rngs = {'noise': jax.random.fold_in(noise_key, place)}
        return _apply_watched(game.disc, game.objective.layers, variables, stats, rngs, picture, inputs.cond)

    real_out, stats, real_layers = judge(state.disc.stats, inputs.real, 0)
    fake_out, stats, fake_layers = judge(stats, fake, 1)
    turn = Turn(
        real=inputs.real,
        fake=fake,
        output=output,
        cond=inputs.cond,
        real_out=real_out,
        fake_out=fake_out,
        real_layers=real_layers,
        fake_layers=fake_layers,
        params=(),
        mean_params=(),
        disc=lambda picture: judge(stats, picture, 2)[0],
        carry=state.carry,
        hyper=hyper,
        rng=key,
    )
    return turn, stats


def _apply_watched(network, paths, variables, stats, rngs, *inputs):
    """Applies a network in training; gives its output, its new statistics, and what the layers at `paths` gave."""

    def is_watched(module, method):
        return method == '__call__' and '/'.join(module.path) in paths

    output, kept = network.apply(
        variables, *inputs, train=True, rngs=rngs, mutable=[*stats, 'intermediates'], capture_intermediates=is_watched
    )
    layers = flatten_dict(kept.get('intermediates', {}), sep='/')
    for path in paths:
        if f'{path}/__call__' not in layers:
            places = flatten_dict(variables['params'])
            known = {'/'.join(place[:depth]) for place in places for depth in range(1, len(place))}
            raise UserError(
                f'config.objective has a term that looks at the layer {path!r}, which the discriminator does not have'
                f'{closest(path, known)}: it has {", ".join(sorted(known))}.'
            )
    return output, {name: kept[name] for name in stats}, {path: layers[f'{path}/__call__'][0] for path in paths}


def _generate(game, hyper, gen, inputs, noise_key):
    """One forward pass: ((pictures, the same through the view), their pull-back to the parameters, the statistics)."""

    def forward(params):
        variables = {'params': params, 'hyper': hyper, **gen.stats}
        output, stats = game.gen.apply(
            variables, **inputs.gen, train=True, rngs={'noise': noise_key}, mutable=list(gen.stats)
        )
        return (output, game.view(output, hyper)), stats

    return jax.vjp(forward, gen.params, has_aux=True)


def _look(game, key, carry, pictures, hyper) -> Inputs:
    """uint8 pictures to what the players see: augmented, degraded by the task, described by the rules, blurred."""
    flips, draws = (_example_keys(part, len(pictures)) for part in jax.random.split(key))

    def draw_from(picture):
        varied = jax.vmap(game.task.augment)(flips, ops.to_float(picture))
        return jax.vmap(game.task.draw)(draws, varied)

    inputs = draw_from(pictures if game.task.parts == 1 else pictures[:, 0])
    if game.task.parts > 1:
        inputs = inputs._replace(real=draw_from(pictures[:, -1]).real)
    gen = _view_image(game, describe(game, carry, inputs.gen), hyper)
    cond = None if inputs.cond is None else game.view(inputs.cond, hyper)
    real = game.view(game.target(inputs.real, hyper), hyper)
    return inputs._replace(gen=gen, real=real, cond=cond)


def _view_image(game, gen_inputs, hyper):
    return {name: game.view(x, hyper) if name == 'image' else x for name, x in gen_inputs.items()}


def _example_keys(key, n):
    """A key for each example by its place in the global batch, whatever the number of devices."""
    return noise.by_place(partial(jax.random.split, key), (n,))


def _noise_key(key):
    """The key of the noise that networks add themselves."""
    return jax.random.fold_in(key, 1)


def _remember(game, state, name):
    """A player after a step, its parameters in their mean over the steps."""
    player = getattr(state, name)
    return player.replace(mean=getattr(game.history, name).update(player.mean, player.params, state.step))


def _move(tx, player: Player, grads, learning_rate, axis) -> Player:
    updates, opt_state = tx.update(_mean_over_devices(grads, axis), player.opt_state, player.params)
    updates = jax.tree.map(lambda u: -learning_rate * u, updates)
    return player.replace(params=optax.apply_updates(player.params, updates), opt_state=opt_state)


def _read_schedules(game, step):
    return {name: jnp.float32(schedule(step)) for name, schedule in game.schedules.items()}


def _new_player(tx, history, variables) -> Player:
    stats = {name: value for name, value in variables.items() if name != 'params'}
    params = variables['params']
    return Player(params=params, stats=stats, opt_state=tx.init(params), mean=history.init(params))


def _variables(player: Player):
    return {'params': player.params, **player.stats}


def _mean_over_devices(tree, axis):
    return tree if axis is None else jax.lax.pmean(tree, axis)
