"""Where the step runs: one program over a mesh of devices, or the same step under `pmap`.

Both give every device its share of each batch and a copy of the state, and both give the same numbers: what is random
about an example depends on its place in the global batch, and gradients are averaged over all of it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from gans.errors import UserError, closest
from gans.game import Game
from gans.train_step import train_step


class Layout(NamedTuple):
    """How state and batches lie on the devices, and the step compiled for that.

    Attributes:
      devices: how many devices share a batch.
      step: (key, state, batches) -> (state, metrics), all as placed; the state given is used up.
      place: a state on the host or one device -> the state as `step` wants it.
      feed: uint8 [turns, N, H, W, 3] on the host -> batches as `step` wants them.
      fetch: a placed state -> one plain copy that later steps leave alone.
    """

    devices: int
    step: Callable
    place: Callable[[Any], Any]
    feed: Callable[[np.ndarray], jax.Array]
    fetch: Callable[[Any], Any]


def lay_out(kind: str, game: Game, batch: int, devices: int = 0) -> Layout:
    """Prepares the step for several devices.

    Args:
      kind: 'jit' (one program over a mesh) or 'pmap'.
      game: what is played.
      batch: the global batch size.
      devices: how many of the local devices to use; 0 for all.

    Raises:
      UserError: an unknown kind, more devices than there are, or a batch that they cannot share.
    """
    layouts = {'jit': _mesh_layout, 'pmap': _pmap_layout}
    if kind not in layouts:
        raise UserError(f"config.parallel is {kind!r}: choose 'jit' or 'pmap'{closest(kind, layouts)}.")
    found = jax.devices()
    if devices > len(found):
        raise UserError(f'config.devices is {devices}, but this machine shows {len(found)}: give 0 for all of them.')
    chosen = found[: devices or len(found)]
    if batch % len(chosen):
        raise UserError(
            f'config.batch is {batch}, which {len(chosen)} devices cannot share evenly: '
            f'give a multiple of {len(chosen)}, or fewer devices with --config.devices.'
        )
    return layouts[kind](game, chosen)


def _mesh_layout(game: Game, devices) -> Layout:
    mesh = jax.make_mesh((len(devices),), ('data',), axis_types=(AxisType.Auto,), devices=devices)
    everywhere = NamedSharding(mesh, P())
    shared_out = NamedSharding(mesh, P(None, 'data'))
    step = jax.jit(
        partial(train_step, game),
        in_shardings=(everywhere, everywhere, shared_out),
        out_shardings=(everywhere, everywhere),
        donate_argnums=1,
    )
    return Layout(
        devices=len(devices),
        step=step,
        place=partial(jax.device_put, device=everywhere),
        feed=partial(jax.device_put, device=shared_out),
        # A copy: the placed buffers are donated to the next step, while a checkpoint may still be written from these.
        fetch=jax.jit(partial(jax.tree.map, jnp.copy)),
    )


def _pmap_layout(game: Game, devices) -> Layout:
    count = len(devices)
    by_device = NamedSharding(jax.sharding.Mesh(np.array(devices), ('data',)), P('data'))
    step = jax.pmap(
        partial(train_step, game, axis='data'),
        axis_name='data',
        in_axes=(None, 0, 0),
        devices=devices,
        donate_argnums=1,
    )

    def one_by_one(key, state, batches):
        state, metrics = step(key, state, batches)
        return state, jax.tree.map(lambda x: x[0], metrics)

    def place(state):
        copies = jax.tree.map(lambda x: np.stack([x] * count), jax.device_get(state))
        return jax.device_put(copies, by_device)

    def feed(batches):
        turns, n, *picture = batches.shape
        return jax.device_put(batches.reshape(turns, count, n // count, *picture).swapaxes(0, 1), by_device)

    def fetch(state):
        return jax.tree.map(lambda x: jnp.copy(x[0]), state)

    return Layout(devices=count, step=one_by_one, place=place, feed=feed, fetch=fetch)
