"""Where the step runs: one program over a mesh of devices, or the same step under `pmap`.

Both give every device its share of each batch and a copy of the state, and both give the same numbers: what is random
about an example depends on its place in the global batch, and gradients are averaged over all of it. The mesh may span
several processes (`gans.run.multihost`), each of which reads and feeds its own part of every batch.
"""

import logging
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from gans import startup
from gans.core.programs import once
from gans.core.step import train_step
from gans.errors import UserError, closest
from gans.types import Game


class Layout(NamedTuple):
    """How state and images lie on the devices, and the step compiled for that.

    What a step is fed with are the images themselves, uint8 [turns, N, H, W, 3], or, where the whole training set was
    placed on the devices, the numbers of its images, int32 [turns, N].

    Attributes:
      devices: how many devices share a batch.
      step: (key, state, *fed, number=None) -> (state, metrics): as many steps as it is fed for, in one call; all as
        placed, metrics float32 [steps] by name. The state given is used up. `number`, of steps done, chooses the
        program (see `Game.program`), the same for all steps of the call; None plays the whole game.
      place: a state on the host or one device, the same in every process -> the state as `step` wants it.
      feed: this process's part of what a step is fed with, on the host -> the whole as `step` wants it.
      fetch: a placed state -> one copy on one device of this process, which later steps leave alone.
      needs: (key, state, *fed, number=None), as `step` takes them -> bytes that this call needs on each device beside
        them, counted by XLA; 0 where it does not count. The program is compiled for that, and not again for the call.
      lower: (key, state, fed), shapes do -> the program of one step of the whole game, lowered: what it needs can be
        asked of it.
      kept: what that program takes between state and images, as placed: the stored images and the variables of others.
    """

    devices: int
    step: Callable
    place: Callable[[Any], Any]
    feed: Callable[[np.ndarray], jax.Array]
    fetch: Callable[[Any], Any]
    needs: Callable
    lower: Callable
    kept: tuple


def lay_out(kind: str, game: Game, batch: int, devices: int = 0, stored: np.ndarray | None = None) -> Layout:
    """Prepares the step for several devices.

    Args:
      kind: 'jit' (one program over a mesh) or 'pmap'.
      game: what is played.
      batch: the global batch size.
      devices: how many of the devices to use; 0 for all. Several processes use all.
      stored: the whole training set, uint8 [n, H, W, 3], of which every device gets a copy; None feeds images.

    Raises:
      UserError: an unknown kind, more devices than there are, a batch that they cannot share, or a network of others
        that a term looks through and whose variables cannot be read.
    """
    layouts = {'jit': _mesh_layout, 'pmap': _pmap_layout}
    if kind not in layouts:
        raise UserError(f"config.parallel is {kind!r}: choose 'jit' or 'pmap'{closest(kind, layouts)}.")
    found = jax.devices()
    if jax.process_count() > 1 and (devices or kind == 'pmap'):
        raise UserError('Several processes need config.parallel=jit and config.devices=0.')
    if devices > len(found):
        raise UserError(f'config.devices is {devices}, but this machine shows {len(found)}: give 0 for all of them.')
    tell_of_idle_accelerator()
    chosen = found[: devices or len(found)]
    if batch % len(chosen):
        raise UserError(
            f'config.batch is {batch}, which {len(chosen)} devices cannot share evenly: '
            f'give a multiple of {len(chosen)}, or fewer devices with --config.devices.'
        )
    frozen = {name: read() for name, read in game.objective.frozen.items()}
    return layouts[kind](game, chosen, stored, frozen)


@cache
def tell_of_idle_accelerator() -> None:
    """Says, once in a process, that work is done on the CPU beside an accelerator, unless JAX_PLATFORMS chose it."""
    if jax.default_backend() == 'cpu' and not jax.config.jax_platforms:
        sentence = startup.idle_accelerator()
        if sentence:
            logging.warning(sentence)


def shares(batch: int) -> tuple[int, NamedSharding, NamedSharding]:
    """For verbs: how all devices share a batch along its first axis.

    Returns:
      (the batch, filled up to a multiple of the devices; the sharding of what they share; that of what each has whole).
    """
    tell_of_idle_accelerator()
    devices = jax.device_count()
    mesh = jax.make_mesh((devices,), ('data',), axis_types=(AxisType.Auto,))
    return -(-batch // devices) * devices, NamedSharding(mesh, P('data')), NamedSharding(mesh, P())


def _mesh_layout(game: Game, devices, stored, frozen) -> Layout:
    # In this order every process has one contiguous part of the batch, the one that it reads.
    devices = sorted(devices, key=lambda device: (device.process_index, device.id))
    mesh = jax.sharding.Mesh(np.array(devices), ('data',), axis_types=(AxisType.Auto,))
    everywhere = NamedSharding(mesh, P())
    shared_out = NamedSharding(mesh, P(None, 'data'))

    def compiled(stage, due):
        return jax.jit(
            partial(_play, game.at(stage, due), None),
            in_shardings=(everywhere, everywhere, everywhere, everywhere, shared_out),
            out_shardings=(everywhere, everywhere),
            donate_argnums=1,
        )

    def program(stage, due):
        return once(game, ('jit', everywhere, stage, due), lambda: compiled(stage, due))

    def place(tree):
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(everywhere, np.asarray(x), x.shape), tree)

    kept = place((stored, frozen))
    return Layout(
        devices=len(devices),
        step=lambda key, state, *fed, number=None: program(*game.program(number))(key, state, *kept, fed),
        needs=lambda key, state, *fed, number=None: _needs(program(*game.program(number)), key, state, *kept, fed),
        lower=lambda key, state, fed: program(*game.program(None)).lower(key, state, *kept, (fed,)),
        place=place,
        feed=partial(jax.make_array_from_process_local_data, shared_out),
        fetch=_fetch,
        kept=kept,
    )


def _pmap_layout(game: Game, devices, stored, frozen) -> Layout:
    count = len(devices)
    by_device = NamedSharding(jax.sharding.Mesh(np.array(devices), ('data',)), P('data'))

    def compiled(stage, due):
        return jax.pmap(
            partial(_play, game.at(stage, due), 'data'),
            axis_name='data',
            in_axes=(None, 0, 0, 0, 0),
            devices=devices,
            donate_argnums=1,
        )

    def program(stage, due):
        return once(game, ('pmap', by_device, stage, due), lambda: compiled(stage, due))

    def step(key, state, *fed, number=None):
        state, metrics = program(*game.program(number))(key, state, *kept, fed)
        return state, _first(metrics)

    def place(state):
        copies = jax.tree.map(lambda x: np.stack([x] * count), jax.device_get(state))
        return jax.device_put(copies, by_device)

    def feed(fed):
        turns, n, *image = fed.shape
        return jax.device_put(fed.reshape(turns, count, n // count, *image).swapaxes(0, 1), by_device)

    def lower(key, state, fed):
        turns, n, *image = fed.shape
        states = jax.tree.map(lambda x: jax.ShapeDtypeStruct((count, *x.shape), x.dtype), state)
        return program(*game.program(None)).lower(
            key, states, *kept, (jax.ShapeDtypeStruct((count, turns, n // count, *image), fed.dtype),)
        )

    kept = place((stored, frozen))

    def needs(key, state, *fed, number=None):
        return _needs(program(*game.program(number)), key, state, *kept, fed)

    return Layout(count, step, place, feed, fetch=_first, needs=needs, lower=lower, kept=kept)


def _needs(program, *arguments):
    counted = program.lower(*arguments).compile().memory_analysis()
    if counted is None:
        return 0
    return counted.temp_size_in_bytes + counted.output_size_in_bytes - counted.alias_size_in_bytes


@jax.jit
def _copy(tree):
    return jax.tree.map(jnp.copy, tree)


def _fetch(state):
    # A copy: the placed buffers are donated to the next step, while a checkpoint may still be written from these.
    return _copy(jax.tree.map(lambda x: x.addressable_data(0), state))


@jax.jit
def _copy_first(tree):
    return jax.tree.map(lambda x: jnp.copy(x[0]), tree)


def _first(tree):
    """The first device's copy of what `pmap` gave, on that device alone.

    `x[0]` of an array that lies on several devices is a program of all of them with an exchange in it. A CPU that is
    shown as several devices runs such programs and starts them on one pool of threads; a device takes 32 unfinished
    ones, and whoever starts the 33rd waits in a thread of the pool: dispatched far ahead of their execution, as one for
    every parameter is, they lack threads to meet in, wait for ever, and after 40 s XLA ends the process (jaxlib 0.10).
    """
    return _copy_first(jax.tree.map(lambda x: x.addressable_data(0), tree))


def _play(game, axis, key, state, stored, frozen, fed):
    """A step on each of what it was fed with, one after the other; `stored` is None where that is images."""

    def step(state, fed):
        images = fed if stored is None else jnp.take(stored, fed, axis=0, mode='clip')
        return train_step(game, key, state, images, axis, frozen)

    if len(fed) > 1:
        return jax.lax.scan(step, state, jnp.stack(fed))
    state, metrics = step(state, fed[0])
    return state, {name: value[None] for name, value in metrics.items()}
