"""What can go wrong and is said in one sentence; `main.py` prints it and exits with `code`."""

import contextlib
import difflib
import errno
import os
import re
from collections.abc import Iterable, Iterator


class Told(Exception):
    """What is told in its sentence alone; `code` is the exit code."""

    code: int

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: IPython asks for this, and would else show every line that was called."""
        return [f'{type(self).__name__}: {self}']


class UserError(Told):
    """A mistake that the user can mend: the message says what, where and what to do."""

    code = 2


class Failure(Told):
    """Something that is no mistake of the user's, for example divergence. The message says what was kept."""

    code = 3


_WHY_NOT_WRITTEN = {
    errno.ENOSPC: 'the disk is full: free some space',
    errno.EDQUOT: 'the disk quota is used up: free some space',
    errno.EROFS: 'the file system is read-only: choose another place',
    errno.EACCES: 'permission denied: choose another place, or change its permissions',
    errno.EPERM: 'permission denied: choose another place, or change its permissions',
    errno.ENAMETOOLONG: 'the name is too long for this file system: choose a shorter one',
    errno.ENOTDIR: 'a part of its path is a file, not a folder: choose another place',
    errno.EEXIST: 'a file is in its way: choose another place',
    errno.EISDIR: 'a folder is in its way: choose another place',
    errno.EFBIG: 'the file would be larger than allowed: choose another place',
}


_ONLY_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


def cannot_write(path: str | os.PathLike, error: OSError, kept: str = '') -> UserError:
    """The error for a failed write: `path`, the reason that the system gave, what to do; `kept` says what is safe.

    The reason follows from `error.errno` alone, so that no cause is guessed: an unknown number is told in the system's
    words.
    """
    reasons = _WHY_NOT_WRITTEN | {errno.ENOENT: 'its folder is gone or cannot be made: choose another place'}
    why = reasons.get(error.errno, error.strerror or str(error) or type(error).__name__)
    return UserError(f"Cannot write '{os.fspath(path)}' ({why}).{f' {kept}' if kept else ''}")


def refused(error: OSError) -> UserError:
    """The error for a failed call to the system, from whatever reading or writing it came."""
    if error.errno in _ONLY_WRITING:
        return cannot_write(error.filename or 'the output', error)
    why = _WHY_NOT_WRITTEN.get(error.errno, error.strerror or str(error) or type(error).__name__)
    return UserError(f"Cannot read or write '{error.filename}' ({why})." if error.filename else f'The system: {why}.')


@contextlib.contextmanager
def naming(path: str | os.PathLike) -> Iterator[None]:
    """Gives the errors of the block the name of the file that it is about: those of an open file have none."""
    try:
        yield
    except OSError as error:
        error.filename = os.fspath(path)
        raise


@contextlib.contextmanager
def placed(where: str) -> Iterator[None]:
    """Gives the mistakes of the block that name no place in the config this one: 'config.generator' for example."""
    try:
        yield
    except UserError as error:
        if 'config.' in str(error):
            raise
        raise UserError(f'{where}: {error}') from error


def closest(word: str, options: Iterable[str]) -> str:
    """Returns " (did you mean 'x'?)" for the option nearest to `word`, or "" if none is near."""
    near = difflib.get_close_matches(word, list(options), n=1, cutoff=0.5)
    return f" (did you mean '{near[0]}'?)" if near else ''


# 'gs://bucket/run' as text. pathlib makes one slash of two, and would write into a folder called 'gs:'.
_ADDRESS, _COLLAPSED = re.compile(r'[A-Za-z][A-Za-z0-9+.-]+://'), re.compile(r'[A-Za-z][A-Za-z0-9+.-]+:/')


def check_local(place: str | os.PathLike, where: str = '') -> None:
    """Refuses an address in the place of a file or a folder: gs://, s3://, memory://, https:// and all others.

    Args:
      place: a path as a user gave it, as text or as a `Path`.
      where: from where it is, for the message: '--workdir'.

    Raises:
      UserError: it is an address.
    """
    text = os.fspath(place)
    found = (_ADDRESS if isinstance(place, str) else _COLLAPSED).match(text)
    if found:
        given = f'{where}={text:.1000}' if where else f"'{text:.1000}'"
        raise UserError(
            f'{given} is an address, and only files and folders of this machine can be used: copy what is there, or '
            'mount it (a bucket for example with gcsfuse, Google Drive in Colab), and give its path.'
        )
