"""Images that were decoded once and are not decoded again: in memory, or on disk for the next start too."""

import contextlib
import errno
import hashlib
import logging
import os
import shutil
import stat
import threading
import zlib
from pathlib import Path

import numpy as np

from gans.data.eviction import make_room
from gans.data.source import Source
from gans.errors import cannot_write

_DISK = 32 * 2**30  # bytes that all sets on disk may take; the ones that were not opened for longest go first
_FORMAT = b'sums and images'  # what a file holds, as part of its name: another layout is another file
_ENDING = '.images'


class Memory:
    """A source that remembers the decoded images of another one. What it returns is read-only.

    Images are decoded when they are first asked for, so opening costs nothing. A memory that other processes share
    keeps with each image a checksum of it: an image that was not decoded in this process is used only if its
    checksum holds, so that no crash, damage or foreign file can make a wrong image.
    """

    def __init__(
        self,
        source: Source,
        images: np.ndarray,
        rows: np.ndarray,
        sums: np.ndarray | None = None,
        seeds: np.ndarray | None = None,
    ):
        """Remembers in `images` [M, H, W, 3]; image i is in row `rows[i]`.

        `sums` uint64 [M] are the checksums, 0 for none yet, and `seeds` uint32 [M] what they begin with, which ties a
        image to its key; None where nobody else writes to `images`.
        """
        self._source, self._images, self._rows = source, images, rows
        self._sums, self._seeds = sums, seeds
        self._known = np.zeros(len(images), bool)
        self.where, self.decoding, self.notes = source.where, source.decoding, source.notes

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, i: int) -> np.ndarray:
        """Returns image `i`, uint8 [H, W, 3], from memory if it was read before."""
        self._learn(i)
        image = self._images[self._rows[i]]
        image.flags.writeable = False
        return image

    def key(self, i: int) -> bytes:
        """Returns the key of image `i` of the source."""
        return self._source.key(i)

    def gather(self, ids: np.ndarray) -> np.ndarray:
        """Returns the images `ids` [N], uint8 [N, H, W, 3], in one copy."""
        rows = self._rows[ids]
        for i in ids[~self._known[rows]].tolist():
            self._learn(i)
        return self._images[rows]

    def _learn(self, i: int) -> None:
        # Two threads, or processes, may decode the same image: they write the same bytes. The flag goes up last.
        row = self._rows[i]
        if self._known[row]:
            return
        if self._sums is None or self._sums[row] != self._sum(row):
            self._images[row] = self._source[i]
            if self._sums is not None:
                self._sums[row] = self._sum(row)
        self._known[row] = True

    def _sum(self, row):
        """The checksum of what is in a row, never 0."""
        return np.uint64(1 << 32 | zlib.crc32(self._images[row], int(self._seeds[row])))


def gather(source: Source, ids: np.ndarray) -> np.ndarray:
    """Returns the images `ids` [N] of any source, N > 0, stacked: uint8 [N, H, W, 3]."""
    if isinstance(source, Memory):
        return source.gather(ids)
    return np.stack([source[i] for i in ids.tolist()])


def remember(source: Source, limit_bytes: int) -> Source:
    """A memory that lasts as long as the process; a set that needs more than `limit_bytes` passes through."""
    shape = source[0].shape if len(source) else (0, 0, 3)
    if len(source) * int(np.prod(shape)) > limit_bytes:
        return source
    # np.empty takes memory pages only as they are written to: an unread set costs no memory.
    return Memory(source, np.empty((len(source), *shape), np.uint8), np.arange(len(source)))


def keep(source: Source, folder: Path) -> Source | None:
    """A memory on disk, which the next start finds, shared by everyone who opens the same images.

    One file, named by a digest of `source.decoding` and of the images' keys, holds the checksums and the images,
    both sorted by key, so that renamed or moved files are found again. It is memory-mapped: what a process has decoded
    is there for others at once, and stays when the process is killed. A set that makes room for others is unlinked:
    who has it open goes on with it, and nothing of it reaches the file that is made under the same name later.

    Args:
      source: the images; equal keys and equal decoding must mean equal images.
      folder: where to keep them; made if need be.

    Returns:
      the source with its memory, or None where the disk has no room or cannot be written.
    """
    shape = source[0].shape
    keys = [source.key(i) for i in range(len(source))]
    row_of = {key: row for row, key in enumerate(sorted(set(keys)))}
    rows = np.array([row_of[key] for key in keys])
    digest = hashlib.blake2b(_FORMAT + source.decoding.encode() + b''.join(row_of), digest_size=16).digest()
    seeds = np.array([zlib.crc32(key, zlib.crc32(digest)) for key in row_of], np.uint32)
    sums_size = 8 * len(row_of)
    size = sums_size + len(row_of) * int(np.prod(shape))
    path = folder / f'{digest.hex()}{_ENDING}'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _open_sized(path, size)
        if file is None:
            logging.warning('Decoded images are not kept in %s: they would take half of the free space.', folder)
            return None
        with file:
            sums = np.memmap(file, np.uint64, 'r+', shape=(len(row_of),))
            images = np.memmap(file, np.uint8, 'r+', offset=sums_size, shape=(len(row_of), *shape))
    except OSError as error:
        logging.warning('Decoded images are not kept, but decoded again: %s', cannot_write(folder, error))
        return None
    return Memory(source, images, rows, sums, seeds)


def _open_sized(path, size):
    """Opens the file of a set, of `size` bytes that all have their room on disk; None if there is not enough of it.

    A file of another size is not the set's, or was cut off: a new one takes its place.
    """
    _use(path.parent, size, but=path)
    with contextlib.suppress(FileNotFoundError):
        file = _open_existing(path)
        if os.fstat(file.fileno()).st_size == size:
            _reserve(file.fileno(), size)
            return file
        file.close()
        path.unlink()
    return _make(path, size)


def _open_existing(path):
    """Opens a regular file for reading and writing, without waiting where a FIFO has its name."""
    file = os.open(path, os.O_RDWR | getattr(os, 'O_NONBLOCK', 0) | getattr(os, 'O_BINARY', 0))
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise FileExistsError(errno.EEXIST, 'something else has the name of the file')
    return os.fdopen(file, 'r+b')


def _make(path, size):
    """Makes the file of a set whole before it has its name, so that of two processes that do it both use one file."""
    if size > shutil.disk_usage(path.parent).free / 2:
        return None
    temporary = path.with_name(f'{path.stem}-{os.getpid()}-{threading.get_ident()}{_ENDING}')
    try:
        with open(temporary, 'wb') as file:
            _reserve(file.fileno(), size)
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass  # another process was faster
        except OSError:
            os.replace(temporary, path)  # a file system without hard links
    finally:
        temporary.unlink(missing_ok=True)
    return _open_existing(path)


def _reserve(file, size):
    """Gives a file its size and its room on disk; OSError, where a write to a hole would be the end of the process."""
    if hasattr(os, 'posix_fallocate'):
        os.posix_fallocate(file, 0, size)
    os.truncate(file, size)


def _use(folder, size, but):
    """Marks `but` as used now, and removes the sets that were not used for longest until there is room for `size`."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(but)
        return
    make_room(folder.glob(f'*{_ENDING}'), size, _DISK)
