"""Orbax behind one small wrapper: atomic saves, the newest sound one back, the config inside."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from gans.errors import UserError

FOLDER = 'checkpoints'


class Checkpoints:
    """The checkpoints of one run: `RUN/checkpoints/<step>`, each with arrays and a small JSON `about`.

    A save is written to a temporary folder and renamed, so that a process killed at any moment leaves the previous
    checkpoint as the newest. Saving goes on in the background; `close` (or leaving the `with` block) waits for it.
    """

    def __init__(self, run: str | Path, keep: int = 2, read_only: bool = False):
        """Opens (and unless `read_only` makes) the folder; `keep` is how many of the newest stay on disk."""
        self.folder = Path(run).absolute() / FOLDER
        if read_only and not self.folder.is_dir():
            raise UserError(f'{run} is not a run folder: it has no {FOLDER}/ in it.')
        if not read_only:
            self.folder.mkdir(parents=True, exist_ok=True)
        # Whoever opens the folder works alone, however many processes train: Orbax would wait for all of them.
        me = jax.process_index()
        alone = dict(primary_host=me, active_processes={me}, barrier_sync_key_prefix=f'{me}')
        options = ocp.CheckpointManagerOptions(
            max_to_keep=None if read_only else keep,
            create=False,
            multiprocessing_options=ocp.options.MultiprocessingOptions(**alone),
            read_only=read_only,
            cleanup_tmp_directories=not read_only,
            step_name_format=ocp.path.step.standard_name_format(),
        )
        self._manager = ocp.CheckpointManager(epath.Path(self.folder), options=options, item_names=('state', 'about'))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def steps(self) -> list[int]:
        """The steps of the checkpoints on disk, oldest first."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, state: Any, about: Mapping) -> None:
        """Begins to write a checkpoint; nothing happens if that step is on disk already.

        Args:
          step: the number of steps done.
          state: a tree of arrays that stay untouched until the write ends.
          about: what goes beside them as JSON.

        Raises:
          UserError: no disk space or no permission (also from an earlier save in the background).
        """
        if step in self._manager.all_steps():
            return
        # NumPy arrays: those of JAX Orbax would have every process write.
        host = jax.device_get(state)
        args = ocp.args.Composite(state=ocp.args.StandardSave(host), about=ocp.args.JsonSave(dict(about)))
        try:
            self._manager.check_for_errors()
            self._manager.save(step, args=args)
        except OSError as error:
            raise UserError(_no_room(self.folder, error)) from error

    def writing(self) -> bool:
        """Is a save going on in the background?"""
        return self._manager.is_saving_in_progress()

    def about(self, step: int) -> dict:
        """The JSON part of a checkpoint."""
        return self._manager.restore(step, args=ocp.args.Composite(about=ocp.args.JsonRestore()))['about']

    def restore(self, step: int, like: Any) -> Any:
        """The arrays of a checkpoint as numpy, in the tree `like` (of arrays or shapes) and checked against it.

        Parts without arrays do not count: a run from before there was such a part is still read.
        """
        # In the shape that it has on disk: Orbax takes a tree for another one where an empty part is missing.
        stored = ocp.StandardCheckpointHandler().metadata(epath.Path(self.folder) / str(step) / 'state').tree
        target = jax.tree.map(lambda x: np.empty(x.shape, x.dtype), stored)
        args = ocp.args.Composite(state=ocp.args.StandardRestore(target))
        return _arrange(self._manager.restore(step, args=args)['state'], like)

    def drop(self, step: int) -> None:
        """Deletes a checkpoint."""
        self._manager.delete(step)

    def close(self) -> None:
        """Waits for the write in the background."""
        try:
            self._manager.wait_until_finished()
            self._manager.check_for_errors()
        except OSError as error:
            raise UserError(_no_room(self.folder, error)) from error
        finally:
            self._manager.close()


def newest_about(checkpoints: Checkpoints) -> tuple[int, dict] | None:
    """The newest checkpoint whose `about` can be read: (step, about), or None if the run has none at all.

    Raises:
      UserError: there are checkpoints, and none is readable.
    """
    return _newest(checkpoints, lambda step: checkpoints.about(step))


def newest_sound(checkpoints: Checkpoints, like: Any) -> tuple[int, dict, Any] | None:
    """The newest checkpoint that can be read whole: (step, about, state), or None if the run has none at all.

    A damaged one is passed over with a warning in the log.

    Raises:
      UserError: there are checkpoints, and none is readable.
    """
    found = _newest(checkpoints, lambda step: (checkpoints.about(step), checkpoints.restore(step, like)))
    return None if found is None else (found[0], *found[1])


def _newest(checkpoints, read):
    steps = checkpoints.steps()
    for step in reversed(steps):
        try:
            return step, read(step)
        except Exception as error:  # a damaged file can surface as nearly any exception of tensorstore, zarr or json
            reason = str(error).strip().splitlines()
            logging.warning(
                'The checkpoint of step %d in %s is damaged (%s: %.200s); trying the one before.',
                step,
                checkpoints.folder,
                type(error).__name__,
                reason[0] if reason else '',
            )
    if steps:
        raise UserError(f'None of the checkpoints in {checkpoints.folder} can be read (steps {steps}).')
    return None


def _arrange(found, like):
    """The arrays of one tree in the structure of another, by their names; ValueError unless they are the same."""
    arrays = {_name(path): array for path, array in jax.tree_util.tree_leaves_with_path(found)}
    wanted, structure = jax.tree_util.tree_flatten_with_path(like)
    names = [_name(path) for path, _ in wanted]
    for name in sorted(arrays.keys() ^ set(names)):
        raise ValueError(f'{name} is {"not on disk" if name in names else "on disk, but no part of this state"}')
    for name, (_, x) in zip(names, wanted, strict=True):
        if arrays[name].shape != x.shape or arrays[name].dtype != x.dtype:
            raise ValueError(f'{name} is {arrays[name].dtype} {arrays[name].shape}, not {x.dtype} {x.shape}')
    return jax.tree.unflatten(structure, [arrays[name] for name in names])


def _name(path):
    return jax.tree_util.keystr(path, simple=True, separator='/')


def _no_room(folder, error):
    return f'Could not write a checkpoint in {folder} ({error.strerror or error}): free some space or choose --workdir.'
