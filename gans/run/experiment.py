"""An experiment with its data opened, and a trained run read back from its folder."""

import hashlib
import json
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np
from ml_collections import ConfigDict

from gans import startup
from gans.config import ranges, stored
from gans.core.build import build, fed_shape, open_source
from gans.core.step import init
from gans.data.cache import keep, remember
from gans.data.source import Source, disjoint_parts, split
from gans.errors import UserError
from gans.image import ops
from gans.run import checkpoint
from gans.run.parallel import free_memory
from gans.types import Game, TrainState

_MEMORY = 4 * 2**30  # bytes of decoded pictures that are kept rather than decoded again


class Experiment(NamedTuple):
    """A config with its pictures opened and split, and the game that it describes."""

    config: ConfigDict
    source: Source
    train: np.ndarray  # int [n]: which pictures of the source are trained on
    parts: list[np.ndarray]  # places in `train`, for each of the disjoint parts that the task wants
    test: np.ndarray  # int [m]: which are held out
    game: Game


class Trained(NamedTuple):
    """A run read back: everything that its networks need, from the checkpoint folder alone."""

    folder: Path
    config: ConfigDict
    step: int
    game: Game
    state: TrainState


def open_experiment(config: ConfigDict) -> Experiment:
    """Opens the pictures of a config, splits them and builds its game.

    Raises:
      UserError: anything in the config or the data that a user can mend.
    """
    ranges.check(config)
    source = _remembered(open_source(config))
    train, test = split(source, config.data.held_out)
    game = build(config, len(train))
    return Experiment(config, source, train, disjoint_parts(source, train, game.task.parts), test, game)


def _remembered(source):
    folder = startup.decoded_folder()
    kept = keep(source, folder) if folder and source.decoding else None
    return remember(source, _MEMORY) if kept is None else kept


def run_folder(folder: str | Path) -> Path:
    """The path of a run's folder; raises UserError if there is none."""
    folder = Path(folder).expanduser()
    try:
        found = folder.is_dir()
    except OSError as error:
        raise UserError(f'Cannot look into {folder} ({error.strerror}): give a run folder.') from error
    if not found:
        raise UserError(f'There is no run folder {folder}: give one that training made, runs/00000-... say.')
    return folder


def load_run(folder: str | Path) -> Trained:
    """Reads the newest sound checkpoint of a run.

    Args:
      folder: the run's folder.

    Raises:
      UserError: it is not a run, its config is not one of this version of the code, or none of its checkpoints can be
        read.
    """
    folder = run_folder(folder)
    with checkpoint.Checkpoints(folder, read_only=True) as checkpoints:

        def read(step):
            about = checkpoints.about(step)
            config, game, shapes = _described(about, folder)
            return config, game, checkpoints.restore(step, shapes)

        found = checkpoint.newest(checkpoints, read)
    if found is None:
        raise UserError(f'{folder} holds no checkpoint yet: train it first.')
    step, (config, game, state) = found
    return Trained(folder, config, step, game, jax.device_put(state))


def read_config(folder: str | Path) -> ConfigDict:
    """The config of a run's newest sound checkpoint, without its arrays.

    Raises:
      UserError: as `load_run` does.
    """
    folder = run_folder(folder)
    with checkpoint.Checkpoints(folder, read_only=True) as checkpoints:
        found = checkpoint.newest(checkpoints, lambda step: _described(checkpoints.about(step), folder)[0])
    if found is None:
        raise UserError(f'{folder} holds no checkpoint yet: give its --config to start again.')
    return found[1]


def _described(about, folder):
    """The config of a checkpoint with its game and the state's shapes, before anything of it is believed."""
    config, pictures = stored.read_config(about.get('config'), folder), about.get('train_pictures')
    if not isinstance(pictures, int) or not 0 < pictures < 2**31:
        raise stored.unusable(folder, f'train_pictures is {pictures!r}')
    try:
        game = build(config, pictures)
        return config, game, state_shapes(game, config)
    except Exception as error:  # of any kind: what is no config of this code can fail anywhere in it
        raise stored.unusable(folder, error) from error


def state_shapes(game: Game, config: ConfigDict) -> Any:
    """The state's shapes and types, without computing anything.

    Raises:
      UserError: networks, pictures, rules and devices that do not fit together.
    """
    pictures = jax.ShapeDtypeStruct((1, *fed_shape(config)[2:]), np.uint8)
    found = {'gen': set(), 'disc': set()}
    with nn.intercept_methods(partial(_note_batchwise, game, found)):
        state = jax.eval_shape(lambda pictures: init(game, jax.random.key(0), pictures), pictures)
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
    """What looks at a whole batch must have it whole; and where pictures are judged alone, nothing may look at it."""
    if game.objective.picture_by_picture and found['disc']:
        raise UserError(
            f'config.objective.name is {config.objective.name!r}, whose penalty wants every picture judged by itself, '
            f'but the discriminator has {" and ".join(sorted(found["disc"]))}: take that out in config.discriminator.'
        )
    what = sorted(found['gen'] | found['disc'])
    what += ['rules with a memory'] if jax.tree.leaves(state.carry) else []
    what += ['terms that compare the layers of batches'] if game.objective.layers else []
    if what and config.parallel == 'pmap':
        raise UserError(
            'config.parallel=pmap shows every device its own part of a batch, and this experiment has '
            f'{" and ".join(what)}, for which it takes all of it: give --config.parallel=jit.'
        )


def start(experiment: Experiment) -> TrainState:
    """The state before the first step: everything random about it follows from `config.seed`."""
    first = np.zeros((1, *fed_shape(experiment.config)[2:]), np.uint8)
    return startup.jit_seldom(partial(init, experiment.game))(jax.random.key(experiment.config.seed), first)


def stored_bytes(experiment: Experiment) -> int:
    """Bytes of training pictures that every device is to hold, as `config.data.placement` has it: 0 for 'host'.

    Raises:
      UserError: another placement than 'host' or 'device', or pictures that would fill more than half of what is free.
    """
    placement = experiment.config.data.placement
    if placement not in ('host', 'device'):
        raise UserError(f"config.data.placement is {placement!r}: choose 'host' or 'device'.")
    if placement == 'host':
        return 0
    needed, free = experiment.source[int(experiment.train[0])].nbytes * len(experiment.train), free_memory()
    if needed > free / 2:
        raise UserError(
            f'{len(experiment.train)} training pictures need {needed / 2**30:.1f} GiB on every device, which has '
            f'{free / 2**30:.1f} GiB free, and training needs room too: give --config.data.placement=host.'
        )
    return needed


def fingerprint(experiment: Experiment) -> str:
    """A digest of the training pictures: equal for equal sets, wherever they lie on disk."""
    return digest(sorted(experiment.source.key(int(i)) for i in experiment.train))


def digest(parts: Iterable[bytes]) -> str:
    """A digest of byte strings in this order."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(len(part).to_bytes(4, 'little') + part)
    return found.hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Writes JSON for people and programs, whole or not at all; raises UserError where it cannot be written."""
    ops.write_whole(path, lambda file: file.write(f'{json.dumps(value, indent=2, allow_nan=False)}\n'.encode()))
