"""Features of images that were computed once and are not computed again: on disk, by what the images show.

A network has a folder of its own, named by its digest, with files of up to `IN_FILE` features each. A file is written
whole, is never changed, and its name is a digest of its content: a kill leaves no half file under a valid name, a
damaged one is left out, and processes that write at the same time do not meet. What was computed twice is there twice.
"""

import contextlib
import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from gans.data.eviction import make_room
from gans.errors import cannot_write
from gans.features.opening import Features
from gans.image.files import whole_file
from gans.run.experiment import digest
from gans.startup import features_folder

IN_FILE = 1024  # features: what a kill loses, at most
KEY = 16  # bytes
_DISK = 2 * 2**30  # bytes that all networks' features may take; the ones that were not used for longest go first
_ENDING = '.features'


class CachedFeatures:
    """A function of images that remembers.

    Attributes:
      found: how many of the features that were asked for were on disk.
    """

    def __init__(self, extract: Callable[[np.ndarray], np.ndarray], size: int, digest: str, folder: Path | None):
        """Looks which features are there.

        Args:
          extract: uint8 [N, H, W, 3], N at least 1 -> float32 [N, size]; a row follows from its image alone.
          size: numbers of a feature.
          digest: of all that decides them.
          folder: of the features of all networks; None to keep nothing on disk.
        """
        self._extract, self._size, self.found = extract, size, 0
        self._top, self._folder = folder, folder and folder / digest[:32]
        self._places: dict[bytes, tuple[Path, int]] = {}
        self._files: dict[Path, np.ndarray | None] = {}  # those that were used: [n, size], None for a damaged one
        self._waiting: dict[bytes, np.ndarray] = {}
        for path in sorted(self._folder.glob(f'*{_ENDING}')) if self._folder else []:
            self._list(path)

    def __call__(self, images: np.ndarray, keys: list[bytes]) -> np.ndarray:
        """float32 [N, size] of images uint8 [N, H, W, 3]; `keys` are those of `keys_of`."""
        rows = [self._remembered(key) for key in keys]
        new = [i for i, row in enumerate(rows) if row is None]
        made = self._extract(images[new]) if new else []
        for i, row in zip(new, made, strict=True):
            rows[i] = row
        if self._folder:
            self._waiting |= {keys[i]: rows[i] for i in new}
            if len(self._waiting) >= IN_FILE:
                self.save()
        return np.stack(rows)

    def save(self) -> None:
        """Writes what is not on disk yet. Where that fails, a warning says so, and nothing is kept from then on."""
        if not self._waiting:
            return
        keys, rows = list(self._waiting), np.stack(list(self._waiting.values()))
        body = b''.join(keys) + rows.astype('<f4').tobytes()
        path = self._folder / f'{_digest(body)}{_ENDING}'
        try:
            make_room(self._top.glob(f'*/*{_ENDING}'), len(body), _DISK)
            with whole_file(path) as temporary:
                temporary.write_bytes(body)
        except OSError as error:
            logging.warning('Features of images are not kept, but computed again: %s', cannot_write(path, error))
            self._folder, self._waiting = None, {}
            return
        self._list(path)
        self._waiting = {}

    def _remembered(self, key) -> np.ndarray | None:
        if key in self._waiting:
            return self._waiting[key]
        path, row = self._places.get(key, (None, 0))
        rows = None if path is None else self._read(path)
        if rows is None:
            return None
        self.found += 1
        return rows[row]

    def _list(self, path: Path) -> None:
        """Notes which features a file has."""
        with contextlib.suppress(OSError):  # gone meanwhile
            count = path.stat().st_size // (KEY + 4 * self._size)
            if count and path.is_file():
                with open(path, 'rb') as file:
                    keys = file.read(count * KEY)
                self._places |= {keys[i * KEY : (i + 1) * KEY]: (path, i) for i in range(count)}

    def _read(self, path: Path) -> np.ndarray | None:
        """The features of a file; None if it is not what its name says."""
        if path not in self._files:
            self._files[path] = None
            with contextlib.suppress(OSError, ValueError):  # gone meanwhile, or of another length
                body = np.memmap(path, np.uint8, 'r')
                count = len(body) // (KEY + 4 * self._size)
                rows = body[count * KEY :].view('<f4').reshape(count, self._size)
                if f'{_digest(body)}{_ENDING}' == path.name:
                    os.utime(path)  # it was used
                    self._files[path] = rows
        return self._files[path]


def cached(features: Features) -> CachedFeatures:
    """The network, with what it made of images before: by the same version of JAX on the same kind of device."""
    about = digest(text.encode() for text in (features.digest, jax.__version__, jax.default_backend()))
    return CachedFeatures(features.extract, features.size, about, features_folder())


def keys_of(images: np.ndarray) -> list[bytes]:
    """What identifies each image, uint8 [N, H, W, 3]: a digest of its size and pixels. Equal images have equal keys."""
    about = repr(images.shape[1:]).encode()
    return [hashlib.blake2b(about + image.tobytes(), digest_size=KEY).digest() for image in images]


def _digest(body):
    return hashlib.blake2b(body, digest_size=16).hexdigest()
