"""Images in one array in memory: sets of small gray images, for example digits."""

import hashlib
from collections.abc import Callable

import numpy as np


class Arrays:
    """A Source (gans/data/source.py) over stored arrays, each made an image when it is asked for.

    `stored` [N, h, w] is what was read, `show` makes an image uint8 [H, W, 3] of one of them (from any thread).
    Nothing is kept on disk: reading and showing cost no more than finding it there.
    """

    decoding, notes = '', ()

    def __init__(self, where: str, stored: np.ndarray, show: Callable[[np.ndarray], np.ndarray]):
        self.where, self._stored, self._show = where, stored, show

    def __len__(self) -> int:
        return len(self._stored)

    def __getitem__(self, i: int) -> np.ndarray:
        """Returns image `i`, uint8 [H, W, 3]."""
        return self._show(self._stored[i])

    def key(self, i: int) -> bytes:
        """Returns the hash of what is stored of image `i` (blake2b, 16 bytes)."""
        return hashlib.blake2b(self._stored[i].tobytes(), digest_size=16).digest()


def as_rgb(gray: np.ndarray) -> np.ndarray:
    """uint8 [H, W] -> uint8 [H, W, 3] with three equal channels."""
    return np.repeat(gray[..., None], 3, axis=-1)
