"""A trained run, read back from its folder."""

from pathlib import Path
from typing import NamedTuple

import jax
from ml_collections import ConfigDict

from gans.config import stored
from gans.core.build import build
from gans.core.state import state_shapes
from gans.errors import UserError
from gans.run import checkpoint
from gans.types import Game, TrainState


class Trained(NamedTuple):
    """A run read back: everything that its networks need, from the checkpoint folder alone."""

    folder: Path
    config: ConfigDict
    step: int
    game: Game
    state: TrainState


def run_folder(folder: str | Path) -> Path:
    """The path of a run's folder; raises UserError if there is none."""
    folder = Path(folder).expanduser()
    try:
        found = folder.is_dir()
    except OSError as error:
        raise UserError(f'Cannot look into {folder} ({error.strerror}): give a run folder.') from error
    if not found:
        raise UserError(f'There is no run folder {folder}: give one that training made (runs/00000-...).')
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
    config, images = stored.read_config(about.get('config'), folder), about.get('train_images')
    if not isinstance(images, int) or not 0 < images < 2**31:
        raise stored.unusable(folder, f'train_images is {images!r}')
    try:
        game = build(config, images)
        return config, game, state_shapes(game, config)
    except Exception as error:  # of any kind: what is no config of this code can fail anywhere in it
        raise stored.unusable(folder, error) from error
