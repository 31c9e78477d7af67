"""The folder of a run for whoever trains in it: numbered, made or recognised, and locked against a second training."""

import errno
import fcntl
import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path

from gans.errors import UserError, cannot_write, check_local
from gans.run import checkpoint

LOCK = 'run.lock'  # stays in the folder for good: it also says that the folder is a run's

# A file system that knows no locks; nothing is lost but this protection.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}


class Lock:
    """Holds a run's folder until `close`, or until the process ends in whatever way: the system then frees it."""

    def __init__(self, folder: Path, name: str = LOCK, flag: str = '--workdir'):
        """Takes the lock.

        Args:
          folder: of a run, or of whatever else one process at a time may write.
          name: of the lock's file.
          flag: what names the folder on the command line, for the message.

        Raises:
          UserError: another training holds it, or the folder cannot be written.
        """
        path = folder / name
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise UserError(
                f'Another training is going on in {folder}: wait until it has ended, or choose another {flag}.'
            ) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                self.close()
                raise cannot_write(path, error) from error
            logging.warning('%s is on a file system without locks: let no second training write there.', folder)

    def close(self) -> None:
        """Gives the folder free."""
        os.close(self._file)


def repeated(runs: Sequence[str | Path]) -> str | Path | None:
    """The first of some run folders that is given more than once, by whatever paths; None if all are different."""
    places = [Path(run).expanduser().resolve() for run in runs]
    return next((run for run, place in zip(runs, places, strict=True) if places.count(place) > 1), None)


def claim(folder: Path) -> Path:
    """Makes the folder, or makes sure that it is a run's; returns it.

    Raises:
      UserError: it is somebody else's, no folder, or cannot be made or looked into; nothing was written then.
    """
    check_local(folder)
    try:
        if folder.exists() and not folder.is_dir():
            raise UserError(f'{folder} is a file, not a folder: choose another --workdir.')
        folder.mkdir(parents=True, exist_ok=True)
        holds = {path.name for path in folder.iterdir()}
    except (OSError, ValueError) as error:
        why = getattr(error, 'strerror', None) or error
        raise UserError(f'Cannot use {folder} as a run folder ({why}): choose another --workdir.') from error
    if holds and LOCK not in holds and not _has_checkpoints(folder):
        raise UserError(f'{folder} holds files but is not a run folder: choose an empty or a new --workdir.')
    return folder


def _has_checkpoints(folder):
    """Whether it is a run from which the lock's file was left behind, for example copied in part."""
    found = folder / checkpoint.FOLDER
    if not found.is_dir():
        return False
    with checkpoint.Checkpoints(folder, read_only=True) as checkpoints:
        return bool(checkpoints.steps())


def new_run_folder(parent: str | Path, name: str) -> Path:
    """Makes the next numbered folder, `parent/00007-name`, safe against a run that starts at the same time."""
    parent = Path(parent)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in range(_next_number(parent), 100_000):
            folder = parent / f'{number:05d}-{name}'
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                continue
    except OSError as error:
        message = f'Cannot make a run folder in {parent} ({error.strerror}): choose another --workdir.'
        raise UserError(message) from error
    raise UserError(f'{parent} has no run numbers left.')


def next_run_name(parent: str | Path, name: str) -> str:
    """What `new_run_folder` would make, without making it."""
    return str(Path(parent) / f'{_next_number(Path(parent)):05d}-{name}')


def _next_number(parent):
    taken = [int(m[1]) for p in parent.glob('*') if (m := re.match(r'(\d{5})-', p.name))]
    return max(taken, default=-1) + 1
