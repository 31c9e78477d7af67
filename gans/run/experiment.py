"""An experiment with its data opened."""

import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from gans import startup
from gans.config import ranges
from gans.config.load import to_json
from gans.config.plain import plain_config
from gans.core.build import build
from gans.core.schedules import counts_epochs
from gans.core.state import first_state
from gans.data.batches import read_whole
from gans.data.cache import Memory, keep, remember
from gans.data.opening import check_images, identity, open_source
from gans.data.source import Source, disjoint_parts, split
from gans.errors import UserError
from gans.run.kept import kept, once
from gans.run.memory import free_memory
from gans.types import Game, TrainState

_MEMORY = 4 * 2**30  # bytes of decoded images that are kept rather than decoded again


class Experiment(NamedTuple):
    """A config with its images opened and split, and the game that it describes."""

    config: ConfigDict
    source: Source
    train: np.ndarray  # int [n]: which images of the source are trained on
    parts: list[np.ndarray]  # places in `train`, for each of the disjoint parts that the task wants
    test: np.ndarray  # int [m]: which are held out
    game: Game


def open_experiment(config: ConfigDict) -> Experiment:
    """Opens the images of a config, splits them and builds its game.

    Within `gans.run.kept.kept_open` equal images, and the games of configs that differ in their seed alone, are the
    same objects: nothing of a game follows from the seed.

    Raises:
      UserError: anything in the config or the data that a user can mend.
    """
    config = plain_config(config)
    ranges.check(config)
    source = kept().images.get(identity(config), lambda: _open_images(config), _bytes_of)
    held_out = config.data.held_out
    train, test = once(source, ('split', held_out), lambda: split(source, held_out))
    game = open_game(config, len(train))
    parts = disjoint_parts(source, train, game.task.parts)
    return Experiment(config, source, train, parts, test, game)


def open_game(config: ConfigDict, images: int) -> Game:
    """The game of a config with so many training images; see `open_experiment`."""
    rest = {name: value for name, value in json.loads(to_json(config)).items() if name != 'seed'}
    follows_from = json.dumps(rest, sort_keys=True), counts_epochs(config.schedules.to_dict()) and images
    return kept().games.get(follows_from, lambda: build(config, images))


def _bytes_of(source):
    """What the images take where they are remembered; those that are not are decoded at every look."""
    return len(source) * source[0].nbytes if len(source) and isinstance(source, Memory) else 0


def _open_images(config):
    source = open_source(config)
    check_images(source, config)
    return _remembered(source)


def _remembered(source):
    folder = startup.decoded_folder()
    on_disk = keep(source, folder) if folder and source.decoding else None
    return remember(source, _MEMORY) if on_disk is None else on_disk


def held_out_images(experiment: Experiment, count: int) -> np.ndarray:
    """The first images that are not trained on, uint8 [n, H, W, 3]: `count`, or all where there are fewer."""
    return read_whole(experiment.source, experiment.test[:count], experiment.config.data.threads)


def start(experiment: Experiment) -> TrainState:
    """The state before the first step: everything random about it follows from `config.seed`."""
    return first_state(experiment.game, experiment.config.seed)


def stored_bytes(experiment: Experiment) -> int:
    """Bytes of training images that every device is to hold, as `config.data.placement` has it: 0 for 'host'.

    Raises:
      UserError: another placement than 'host' or 'device', or images that would fill more than half of what is free.
    """
    placement = experiment.config.data.placement
    if placement not in ('host', 'device'):
        raise UserError(f"config.data.placement is {placement!r}: choose 'host' or 'device'.")
    if placement == 'host':
        return 0
    needed, free = experiment.source[int(experiment.train[0])].nbytes * len(experiment.train), free_memory()
    if needed > free / 2:
        raise UserError(
            f'{len(experiment.train)} training images need {needed / 2**30:.1f} GiB on every device, which has '
            f'{free / 2**30:.1f} GiB free, and training needs room too: give --config.data.placement=host.'
        )
    return needed


def fingerprint(experiment: Experiment) -> str:
    """A digest of the training images: equal for equal sets, wherever they lie on disk."""
    return digest(sorted(experiment.source.key(int(i)) for i in experiment.train))


def digest(parts: Iterable[bytes]) -> str:
    """A digest of byte strings in this order."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(len(part).to_bytes(4, 'little') + part)
    return found.hexdigest()
