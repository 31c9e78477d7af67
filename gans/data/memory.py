"""Pictures that were decoded once and are not decoded again: in memory, or on disk for the next start too."""

import hashlib
import logging
import os
import shutil
import weakref
from pathlib import Path

import numpy as np

from gans.data.source import Source

_DISK = 32 * 2**30  # bytes that all sets on disk may take; the ones that were not opened for longest go first


class Memory:
    """A source that remembers the decoded pictures of another one. What it returns is read-only.

    Pictures are decoded when they are first asked for, so opening costs nothing.
    """

    def __init__(self, source: Source, pictures: np.ndarray, known: np.ndarray, rows: np.ndarray):
        """`pictures` [M, H, W, 3] are the memory, `known` [M] says which are there; picture i lies in row `rows[i]`."""
        self._source, self._pictures, self._known, self._rows = source, pictures, known, rows
        self.where, self.decoding = source.where, source.decoding

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, i: int) -> np.ndarray:
        """Returns picture `i`, uint8 [H, W, 3], from memory if it was read before."""
        self._learn(i)
        picture = self._pictures[self._rows[i]]
        picture.flags.writeable = False
        return picture

    def key(self, i: int) -> bytes:
        """Returns the key of picture `i` of the source."""
        return self._source.key(i)

    def gather(self, ids: np.ndarray) -> np.ndarray:
        """Returns the pictures `ids` [N], uint8 [N, H, W, 3], in one copy."""
        rows = self._rows[ids]
        for i in ids[~self._known[rows]].tolist():
            self._learn(i)
        return self._pictures[rows]

    def _learn(self, i: int) -> None:
        # Two threads may decode the same picture: they write the same bytes. The flag goes up last.
        row = self._rows[i]
        if not self._known[row]:
            self._pictures[row] = self._source[i]
            self._known[row] = True


def gather(source: Source, ids: np.ndarray) -> np.ndarray:
    """Returns the pictures `ids` [N] of any source, N > 0, stacked: uint8 [N, H, W, 3]."""
    if isinstance(source, Memory):
        return source.gather(ids)
    return np.stack([source[i] for i in ids.tolist()])


def remember(source: Source, limit_bytes: int) -> Source:
    """A memory that lasts as long as the process; a set that needs more than `limit_bytes` passes through."""
    shape = source[0].shape if len(source) else (0, 0, 3)
    if len(source) * int(np.prod(shape)) > limit_bytes:
        return source
    # np.empty takes pages from the machine as they are written: an unread set costs no memory.
    pictures = np.empty((len(source), *shape), np.uint8)
    return Memory(source, pictures, np.zeros(len(source), bool), np.arange(len(source)))


def keep(source: Source, folder: Path) -> Source | None:
    """A memory on disk, which the next start finds, shared by everyone who opens the same pictures.

    Two files are named by a digest of `source.decoding` and of the pictures' keys: the pictures, memory-mapped and
    sorted by key, so that renamed or moved files are found again; and which of them are there, written only after the
    pictures are safe on disk, so that a crash costs no more than decoding again.

    Args:
      source: the pictures; equal keys and equal decoding must mean equal pictures.
      folder: where to keep them; made if need be.

    Returns:
      the source with its memory, or None where the disk has no room or cannot be written.
    """
    shape = source[0].shape
    keys = [source.key(i) for i in range(len(source))]
    row_of = {key: row for row, key in enumerate(sorted(set(keys)))}
    rows = np.array([row_of[key] for key in keys])
    digest = hashlib.blake2b(source.decoding.encode() + b''.join(row_of), digest_size=16).hexdigest()
    size = len(row_of) * int(np.prod(shape))
    path = folder / f'{digest}.pictures'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _make_room(folder, size, but=path)
        if not path.exists() and size > shutil.disk_usage(folder).free / 2:
            return None
        with open(path, 'ab') as file:
            _reserve(file.fileno(), size)
        pictures = np.memmap(path, np.uint8, 'r+', shape=(len(row_of), *shape))
        known = _read_flags(path, len(row_of))
    except OSError as error:
        logging.warning('Decoded pictures are not kept in %s (%s).', folder, error.strerror)
        return None
    memory = Memory(source, pictures, known, rows)
    weakref.finalize(memory, _write_flags, path, pictures, known, known.copy())
    return memory


def _reserve(file, size):
    """Gives a file its size and its room on disk; OSError, where a write to a hole would be the end of the process."""
    if hasattr(os, 'posix_fallocate'):
        os.posix_fallocate(file, 0, size)
    os.truncate(file, size)


def _read_flags(path, count):
    flags = path.with_suffix('.known')
    if not flags.exists() or flags.stat().st_size != count:
        return np.zeros(count, bool)
    return np.fromfile(flags, bool)


def _write_flags(path, pictures, known, before):
    """Says which pictures are there, after they are: a flag without its picture would be a wrong picture."""
    if np.array_equal(known, before):
        return
    temporary = path.with_suffix(f'.{os.getpid()}')
    try:
        pictures.flush()
        (known | _read_flags(path, len(known))).tofile(temporary)
        temporary.replace(path.with_suffix('.known'))
    except OSError as error:
        logging.warning('Decoded pictures are not kept in %s (%s).', path.parent, error.strerror)


def _make_room(folder, size, but):
    """Marks `but` as used now, and removes the sets that were not used for longest until there is room for `size`."""
    if but.exists():
        os.utime(but)
        return
    sets = sorted(folder.glob('*.pictures'), key=lambda path: path.stat().st_mtime)
    taken = sum(path.stat().st_size for path in sets)
    for path in sets:
        if taken + size <= _DISK:
            return
        taken -= path.stat().st_size
        path.with_suffix('.known').unlink(missing_ok=True)
        path.unlink()
