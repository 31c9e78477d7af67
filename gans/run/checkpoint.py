"""The checkpoints of a run: written whole or not at all, proved by reading back, the newest sound one found again."""

import copy
import logging
import os
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import jax

from gans.errors import Failure, UserError, cannot_write
from gans.run import checkpoint_files
from gans.run.checkpoint_files import Damaged

FOLDER = 'checkpoints'
_UNFINISHED = '.tmp'
_SET_ASIDE = '.damaged'


class Checkpoints:
    """The checkpoints of one run: `RUN/checkpoints/<step>`, each with arrays and a small JSON `about`.

    A save is written to a temporary folder and renamed, so that a process killed at any moment leaves the previous
    checkpoint as the newest. Saving goes on in the background; `wait`, `close` and the end of a `with` block wait for
    it. The first checkpoint that was written is read back at once, so that training does not go on for hours on a disk
    that does not keep what it is given.
    """

    def __init__(self, run: str | Path, keep: int = 2, keep_every: int = 0, read_only: bool = False):
        """Opens (and unless `read_only` makes) the folder.

        Args:
          run: the run folder.
          keep: how many of the newest checkpoints stay on disk.
          keep_every: steps; beside the newest, the first checkpoint in every span of so many steps stays too (steps 0
            to `keep_every` - 1 are the first span). 0: none.
          read_only: whether nothing is written: no folder is made then, and nothing unfinished is cleared away.

        Raises:
          UserError: there is no such folder, or it cannot be made.
        """
        self.folder = Path(run).expanduser().absolute() / FOLDER
        self._keep, self._keep_every, self._pending, self._proved = keep, keep_every, None, False
        try:
            if not read_only:
                self.folder.mkdir(parents=True, exist_ok=True)
                for unfinished in self.folder.glob(f'[0-9]*{_UNFINISHED}'):
                    if unfinished.is_dir() and not unfinished.is_symlink():
                        shutil.rmtree(unfinished)
            elif not self.folder.is_dir():
                raise UserError(f'{run} is not a run folder, as it has no {FOLDER}/ in it: give one.')
        except OSError as error:
            raise cannot_write(self.folder, error) if not read_only else _cannot_read(self.folder, error) from error
        self._writer = ThreadPoolExecutor(1, 'checkpoint')

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def steps(self) -> list[int]:
        """The steps of the checkpoints on disk, oldest first."""
        try:
            found = [path for path in self.folder.iterdir() if re.fullmatch('0|[1-9][0-9]{0,11}', path.name)]
            return sorted(int(path.name) for path in found if path.is_dir())
        except OSError as error:
            raise _cannot_read(self.folder, error) from error

    def save(self, step: int, state: Any, about: Mapping) -> None:
        """Begins to write a checkpoint, after the one before; nothing happens if that step is on disk already.

        Args:
          step: the number of steps done.
          state: a tree of arrays that stay untouched until the write ends.
          about: what goes beside them as JSON.

        Raises:
          UserError, Failure: as `wait` does, of the one before.
        """
        self.wait()
        if not os.path.lexists(self.folder / f'{step}'):
            # The caller may go on with its lists while this is written.
            self._pending = self._writer.submit(self._write, step, jax.device_get(state), copy.deepcopy(dict(about)))

    def wait(self) -> None:
        """Waits until what was saved is on disk.

        Raises:
          UserError: it cannot be written (no disk space, no permission).
          Failure: it was written, and what is read back is something else.
        """
        if self._pending is None:
            return
        wait([self._pending])  # which Ctrl-C may break off; then `close` waits again
        pending, self._pending = self._pending, None
        try:
            pending.result()
        except OSError as error:
            raise cannot_write(self.folder, error, self.kept()) from error
        except Damaged as error:
            raise Failure(
                f'A checkpoint that was just written to {self.folder} cannot be read back ({error}): training stopped. '
                'Look at the disk, or choose another --workdir.'
            ) from error

    def check(self) -> None:
        """Raises what `wait` would, without waiting."""
        if self._pending is not None and self._pending.done():
            self.wait()

    def writing(self) -> bool:
        """Is a save going on in the background?"""
        return self._pending is not None and not self._pending.done()

    def about(self, step: int) -> dict:
        """The JSON part of a checkpoint.

        Raises:
          Damaged: it is not as it was written.
          UserError: it cannot be read now, or has another format.
        """
        return self._read(step, checkpoint_files.read_about)[0]

    def shapes(self, step: int) -> dict[str, tuple[int, ...]]:
        """The shapes of a checkpoint's arrays by their names, 'gen/params/up_0/kernel'; no array is read.

        Raises:
          Damaged: they are not as they were written.
          UserError: they cannot be read now, or have another format.
        """
        table = self._read(step, checkpoint_files.read_about)[1]
        try:
            return {str(name): tuple(int(side) for side in kind['shape']) for name, kind in table.items()}
        except (TypeError, KeyError, ValueError) as error:
            raise Damaged('its table of arrays holds something else') from error

    def restore(self, step: int, like: Any) -> Any:
        """The arrays of a checkpoint as numpy, in the tree `like` (of arrays or shapes) and checked against it.

        Parts without arrays do not count.

        Raises:
          Damaged: they are not as they were written.
          UserError: they cannot be read now, or are others than those of `like`.
        """

        def read(folder):
            return checkpoint_files.read_arrays(folder, checkpoint_files.read_about(folder)[1], like)

        return self._read(step, read)

    def set_aside(self, step: int) -> Path:
        """Renames a checkpoint so that it counts no more; returns where it is now."""
        taken, count = self.folder / f'{step}{_SET_ASIDE}', 1
        try:
            while os.path.lexists(taken):
                count += 1
                taken = self.folder / f'{step}{_SET_ASIDE}-{count}'
            return (self.folder / f'{step}').rename(taken)
        except OSError as error:
            raise cannot_write(taken, error) from error

    def close(self) -> None:
        """Waits for the write in the background, and raises what `wait` does."""
        try:
            self.wait()
        finally:
            self._writer.shutdown()

    def _read(self, step, read):
        folder = self.folder / f'{step}'
        try:
            return read(folder)
        except OSError as error:
            raise UserError(
                f'Cannot read the checkpoint {folder} ({error.strerror or error}); nothing was changed. Try again, or '
                'move that folder away to use the checkpoint before it.'
            ) from error

    def _write(self, step, state, about):
        unfinished, final = self.folder / f'{step}{_UNFINISHED}', self.folder / f'{step}'
        try:
            unfinished.mkdir()
            checkpoint_files.write(unfinished, state, about)
            unfinished.rename(final)
        except OSError:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        checkpoint_files.sync(self.folder)
        if not self._proved:
            checkpoint_files.read_arrays(final, checkpoint_files.read_about(final)[1], state)
            self._proved = True
        for old in self._superfluous():
            removed = self.folder / f'{old}{_UNFINISHED}'  # renamed first: a kill leaves it whole or none
            (self.folder / f'{old}').rename(removed)
            shutil.rmtree(removed)

    def _superfluous(self):
        """The steps of the checkpoints that are neither among the newest nor the first in their span, oldest first."""
        steps = self.steps()
        spans = {step // self._keep_every: step for step in reversed(steps)} if self._keep_every else {}
        return [step for step in steps[: -self._keep] if step not in spans.values()]

    def kept(self) -> str:
        """What is safe when a write has failed, in a sentence for people."""
        steps = self.steps() if self.folder.is_dir() else []
        if not steps:
            return 'Training stopped, and no checkpoint is on disk.'
        return f'Training stopped; the same command goes on from the checkpoint of step {steps[-1]}, which is safe.'


def newest(checkpoints: Checkpoints, read: Callable[[int], Any]) -> tuple[int, Any] | None:
    """What `read` makes of the newest checkpoint that is not damaged: (step, found), or None if the run has none.

    A damaged one is passed over with a warning in the log; nothing on disk is changed.

    Args:
      checkpoints: where.
      read: step -> anything; it raises Damaged if that checkpoint is.

    Raises:
      UserError: there are checkpoints, and all are damaged; or what `read` raises.
    """
    reasons = {}
    while left := [step for step in checkpoints.steps() if step not in reasons]:
        step = left[-1]
        try:
            return step, read(step)
        except Damaged as error:
            if step not in checkpoints.steps():
                continue  # a training that goes on has removed it meanwhile: there is a newer one
            reasons[step] = f'{error}'
            older = '; an older one is taken' if left[1:] else ''
            logging.warning(
                'The checkpoint of step %d in %s is damaged (%s)%s.', step, checkpoints.folder, error, older
            )
    if reasons:
        why = '; '.join(f'step {step}: {reason}' for step, reason in list(reasons.items())[:3])
        raise UserError(
            f'None of the checkpoints in {checkpoints.folder} can be read ({why}): bring one back from a copy, or '
            'train again in another folder.'
        )
    return None


def of_step(checkpoints: Checkpoints, step: int, read: Callable[[int], Any]) -> Any:
    """What `read` makes of the checkpoint of a step; raises UserError if there is none, or a damaged one."""
    kept = checkpoints.steps()
    if step not in kept:
        has = f'it has {", ".join(map(str, kept))}' if kept else 'it has none yet'
        raise UserError(f'{checkpoints.folder} has no checkpoint of step {step}: {has}; give another step, or none.')
    try:
        return read(step)
    except Damaged as error:
        raise UserError(
            f'The checkpoint of step {step} in {checkpoints.folder} is damaged ({error}): give another step.'
        ) from error


def _cannot_read(path, error):
    return UserError(f'Cannot read {path} ({error.strerror or error}): give the folder of a run.')
