"""One step of the two-player game, for every experiment: a pure function of (key, state, batches).

A step is: early discriminator turns, each with a batch of its own; then one shared turn, in which the discriminator's
last and the generator's first move see one batch and one generator forward pass; then late generator turns. A turn
moves only the player whose turn it is.
"""

from functools import partial
from types import MappingProxyType

import jax
import jax.numpy as jnp
import optax
from flax.traverse_util import flatten_dict

from gans.core import schedules
from gans.core.inputs import as_shown, training_inputs
from gans.errors import UserError, closest
from gans.nn import conv, noise
from gans.types import Game, Pair, Player, TrainState, Tree, Turn

_NONE = MappingProxyType({})


def train_step(
    game: Game, key: jax.Array, state: TrainState, batches: jax.Array, axis: str | None = None, frozen: Tree = _NONE
):
    """Plays one step.

    Args:
      game: what is played in this step (see `Game.program`).
      key: the run's key; the step's own is derived from it and `state.step`, never stored.
      state: before the step.
      batches: uint8 [turns, N, H, W, 3], one batch for each of `disc + gen - 1` turns; [turns, N, parts, H, W, 3] for a
        task of several parts.
      axis: the name of the mapped axis under `pmap`, where N is one device's share; None under `jit`.
      frozen: the variables of the networks in `game.objective.frozen`, by name.

    Returns:
      (state after the step, metrics: float32 scalars by name).
    """
    with noise.shared_along(axis, batches.shape[1]):
        return _play(game, key, state, batches, axis, frozen)


def _play(game, key, state, batches, axis, frozen):
    hyper = schedules.read(game.schedules, state.step)
    keys = jax.random.split(jax.random.fold_in(key, state.step), len(batches))

    def mean_over_devices(tree):
        return tree if axis is None else jax.lax.pmean(tree, axis)

    def generate(gen, inputs, key):
        """One forward pass: ((images, the same blurred), their pull-back to the parameters, new statistics)."""

        def forward(params):
            variables = {'params': params, 'hyper': hyper, **gen.stats}
            rngs = _rngs(_noise_key(key))
            made, stats = game.gen.apply(variables, **inputs.gen, train=True, rngs=rngs, mutable=list(gen.stats))
            # What the task sets in comes from inputs that went through the view: it must not go through it twice.
            return tuple(game.task.finish(inputs.gen, x) for x in (made, game.view(made, hyper))), stats

        return jax.vjp(forward, gen.params, has_aux=True)

    def discriminate(state, disc_params, inputs, output, fake, key, gradients=()):
        """The discriminator on real and on generated images: (what the losses may look at, new statistics).

        `gradients` names the images by which its gradient is taken too, of 'real' and 'fake'.
        """

        seen, fake_seen = as_shown(game, key, hyper, inputs, fake)

        def judge(stats, images, place):
            variables = {'params': disc_params, 'hyper': hyper, **stats}
            rngs = _rngs(jax.random.fold_in(_noise_key(key), place))
            return _apply_watched(game.disc, game.objective.layers, variables, stats, rngs, images, seen.cond)

        def judge_for(name, stats, images, place):
            if name not in gradients:
                return *judge(stats, images, place), None
            return _with_gradient(lambda images: judge(stats, images, place), images)

        real_out, stats, real_layers, real_gradient = judge_for('real', state.disc.stats, seen.real, 0)
        fake_out, stats, fake_layers, fake_gradient = judge_for('fake', stats, fake_seen, 1)
        turn = Turn(
            real=inputs.real,
            fake=fake,
            output=output,
            cond=inputs.cond,
            real_seen=seen.real,
            fake_seen=fake_seen,
            mask_seen=seen.mask,
            real_out=real_out,
            fake_out=fake_out,
            real_layers=real_layers,
            fake_layers=fake_layers,
            real_gradient=real_gradient,
            fake_gradient=fake_gradient,
            params=(),
            mean_params=(),
            disc=lambda images: judge(stats, images, 2)[0],
            carry=state.carry,
            hyper=hyper,
            rng=key,
            mask=inputs.mask,
            frozen=frozen,
        )
        return turn, stats

    def move(tx, player, grads, learning_rate) -> Player:
        updates, opt_state = tx.update(mean_over_devices(grads), player.opt_state, player.params)
        updates = jax.tree.map(lambda u: -learning_rate * u, updates)
        return player.replace(params=optax.apply_updates(player.params, updates), opt_state=opt_state)

    def disc_turn(state, inputs, key, generated):
        (output, fake), _, _ = generated

        def loss(params):
            turn, stats = discriminate(state, params, inputs, output, fake, key, game.objective.gradients)
            value, metrics, carry = game.objective.disc(turn._replace(params=params, mean_params=state.disc.mean))
            return value, (metrics | {'loss': value}, carry, stats)

        grads, (metrics, carry, stats) = jax.grad(loss, has_aux=True)(state.disc.params)
        disc = move(game.tx.disc, state.disc, grads, hyper['learning_rate_disc'])
        return state.replace(disc=disc.replace(stats=stats), carry=carry), metrics

    def gen_turn(state, inputs, key, generated):
        images, pull_back, stats = generated

        def loss(images, params):
            turn, _ = discriminate(state, state.disc.params, inputs, *images, key)
            value, metrics, carry = game.objective.gen(turn._replace(params=params, mean_params=state.gen.mean))
            return value, (metrics | {'loss': value}, carry)

        # The gradient by the images first: the discriminator's own parameters get none in this turn.
        by_loss, (metrics, carry) = jax.grad(loss, argnums=(0, 1), has_aux=True)(images, state.gen.params)
        by_images, by_params = by_loss  # by_params: zeros except for terms on parameters
        grads = jax.tree.map(jnp.add, *pull_back(by_images), by_params)
        gen = move(game.tx.gen, state.gen, grads, hyper['learning_rate_gen'])
        return state.replace(gen=gen.replace(stats=stats), carry=carry), metrics

    def alone(turn, state, key_and_batch):
        """A turn with a batch and a generator forward pass of its own, in the form that scan wants."""
        key, batch = key_and_batch
        keys = jax.random.split(key, 2)
        inputs = training_inputs(game, keys[0], state.carry, batch, hyper)
        return turn(state, inputs, keys[1], generate(state.gen, inputs, keys[0]))

    early = game.turns.disc - 1
    if early:
        state = _each(partial(alone, disc_turn), state, (keys[:early], batches[:early]))

    shared = jax.random.split(keys[early], 3)
    inputs = training_inputs(game, shared[0], state.carry, batches[early], hyper)
    generated = generate(state.gen, inputs, shared[0])
    state, disc_metrics = disc_turn(state, inputs, shared[1], generated)
    state, gen_metrics = gen_turn(state, inputs, shared[2], generated)

    if game.turns.gen > 1:
        state = _each(partial(alone, gen_turn), state, (keys[early + 1 :], batches[early + 1 :]))

    ema = game.average.update(state.gen.ema, state.gen.variables, state.step)
    means = Pair(*(h.update(p.mean, p.params, state.step) for h, p in zip(game.history, state.players, strict=True)))
    gen, disc = state.gen.replace(ema=ema, mean=means.gen), state.disc.replace(mean=means.disc)
    metrics = {f'disc/{name}': value for name, value in disc_metrics.items()}
    metrics |= {f'gen/{name}': value for name, value in gen_metrics.items()}
    metrics |= {f'schedule/{name}': value for name, value in hyper.items()}
    return state.replace(step=state.step + 1, gen=gen, disc=disc), mean_over_devices(metrics)


def _each(move, state, fed):
    """One turn after the other: a loop, where that is as fast."""
    if conv.loop_well():
        return jax.lax.scan(move, state, fed)[0]
    for i in range(len(fed[0])):
        state, _ = move(state, jax.tree.map(lambda x, i=i: x[i], fed))
    return state


def _apply_watched(network, paths, variables, stats, rngs, *inputs):
    """Applies a network in training: (its output, its new statistics, what the layers at `paths` gave by path)."""

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


def _with_gradient(judge, images):
    """What `judge` gives for images [N, ...], scores first, and the gradient of every image's score by that image.

    It is pulled back through the same forward pass, and can be differentiated as that can.
    """

    def scores_first(images):
        scores, *rest = judge(images)
        return scores, rest

    scores, pull_back, rest = jax.vjp(scores_first, images, has_aux=True)
    (gradient,) = pull_back(jax.tree.map(lambda x: jnp.full_like(x, len(x) / x.size), scores))
    return scores, *rest, gradient


_DROPOUT = 2**31 - 1  # folded into the key of a network's noise; small numbers are the places of images


def _rngs(key):
    """A network's streams of random numbers: `noise`, which ours draw from, and `dropout`, that of `nn.Dropout`."""
    return {'noise': key, 'dropout': jax.random.fold_in(key, _DROPOUT)}


def _noise_key(key):
    """The key of the noise that networks add themselves."""
    return jax.random.fold_in(key, 1)
