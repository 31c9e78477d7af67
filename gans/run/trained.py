"""A trained run, read back from its folder."""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from gans.config import stored
from gans.core.state import state_shapes
from gans.errors import UserError, check_local
from gans.run import checkpoint
from gans.run.checkpoint_files import Damaged
from gans.run.experiment import Experiment, digest, fingerprint, open_experiment, open_game
from gans.types import Game, TrainState, Tree


class Trained(NamedTuple):
    """A run read back: everything that its networks need, from the checkpoint folder alone."""

    folder: Path
    config: ConfigDict
    step: int
    game: Game
    state: TrainState

    @property
    def name(self) -> str:
        """What the run folder is called, wherever it is looked at from: also of '.'."""
        return self.folder.resolve().name


def run_folder(folder: str | Path) -> Path:
    """The path of a run's folder; raises UserError if there is none."""
    check_local(folder)
    folder = Path(folder).expanduser()
    try:
        found = folder.is_dir()
    except OSError as error:
        raise UserError(f'Cannot look into {folder} ({error.strerror}): give a run folder.') from error
    if not found:
        raise UserError(f'There is no run folder {folder}: give one that training made (runs/00000-...).')
    return folder


def load_run(folder: str | Path, step: int | None = None) -> Trained:
    """Reads the newest sound checkpoint of a run, or that of one step.

    Args:
      folder: the run's folder.
      step: of which checkpoint; None for the newest.

    Raises:
      UserError: it is not a run, its config is not one of this version of the code, none of its checkpoints can be
        read, or there is none of `step`.
    """
    folder = run_folder(folder)
    with checkpoint.Checkpoints(folder, read_only=True) as checkpoints:

        def read(step):
            about = checkpoints.about(step)
            config, game, shapes = _described(about, folder)
            return config, game, checkpoints.restore(step, shapes)

        found = (
            checkpoint.newest(checkpoints, read)
            if step is None
            else (step, checkpoint.of_step(checkpoints, step, read))
        )
    if found is None:
        raise UserError(f'{folder} holds no checkpoint yet: train it first.')
    step, (config, game, state) = found
    return Trained(folder, config, step, game, jax.device_put(state))


def open_images(trained: Trained) -> Experiment:
    """Opens the images that a run was trained with.

    Raises:
      UserError: they cannot be opened, or are other ones by now; or the checkpoint is gone since it was read.
    """
    try:
        with checkpoint.Checkpoints(trained.folder, read_only=True) as checkpoints:
            trained_on = checkpoints.about(trained.step)['data']
    except Damaged as error:  # training goes on, and keeps the newest ones only
        message = f'The checkpoint of step {trained.step} of {trained.folder} is gone by now: try again.'
        raise UserError(message) from error
    try:
        experiment = open_experiment(trained.config)
    except UserError as error:
        raise UserError(
            f'The images of {trained.folder} cannot be opened: {error} (If they have moved, some verbs take '
            'their new place as --input.)'
        ) from error
    if trained_on != fingerprint(experiment):
        raise UserError(
            f'{trained.folder} was trained on other images than these are now ({experiment.source.where}), so that '
            'what is held out may be known to it: give those images back, or evaluate with --input=PLACE where they '
            'are now.'
        )
    return experiment


def weights_digest(trained: Trained) -> str:
    """A digest of the arrays that the images of a run's generator are made with."""
    return digest_of_arrays((trained.state.gen.replace(opt_state=()), trained.state.carry))


def digest_of_arrays(tree: Tree) -> str:
    """A digest of the numbers of all arrays of a tree, in its order."""
    return digest(np.asarray(x).tobytes() for x in jax.tree.leaves(jax.device_get(tree)))


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
        game = open_game(config, images)
        return config, game, state_shapes(game, config)
    except Exception as error:  # of any kind: what is no config of this code can fail anywhere in it
        raise stored.unusable(folder, error) from error
