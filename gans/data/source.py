"""What a source of images is, what labels are, and which of its images are held out."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from gans.errors import UserError


class Source(Protocol):
    """Images by number: read from many threads at once, and always the same image for the same number.

    `where` is one line for people: what was opened, how many images it has, and `notes`: what was left out, and what
    of the files is not used. `decoding` says all that decides, beside an image's content, what it looks like (shape,
    fit, decoder), or '' where nothing is decoded.
    """

    where: str
    notes: Sequence[str]
    decoding: str

    def __len__(self) -> int: ...

    def __getitem__(self, i: int) -> np.ndarray:
        """Returns image `i`, uint8 [H, W, 3], RGB; raises UserError if it cannot be read."""
        ...

    def key(self, i: int) -> bytes:
        """Returns the identity of the content of image `i`: equal images have equal keys."""
        ...


class Labels(NamedTuple):
    """Which class the images of a source belong to: only measures look at it.

    A module of sources whose sets have labels gives them by `open_labels`, which takes what its `open_source` takes and
    returns None for a set without any.

    Attributes:
      of_source: int64 [N], the class of each image of the source, by its number.
      test: further images of the set, which are no part of the source, so that nothing is trained on them; or None.
      of_test: int64 [M], their classes.
    """

    of_source: np.ndarray
    test: Source | None = None
    of_test: np.ndarray | None = None


def split(source: Source, held_out: float = 0.1, purpose: bytes = b'gans-split') -> tuple[np.ndarray, np.ndarray]:
    """Returns (train_ids, test_ids): increasing int64 arrays that part the numbers of the source's images.

    The side of an image depends on its key alone, so copies of an image fall on one side and no image
    changes sides when others are added or renamed. About `held_out` (between 0 and 1) of the images are
    held out. Only where that leaves a side empty, as in very small folders, does the rest matter: the
    image with the smallest hash (and its copies) is then the test set. Another `purpose`, of up to 16
    bytes, parts them independently, for what is held out already. Raises UserError if that does not
    help either, because there are not two different images.
    """
    if not 0 < held_out < 1:
        raise UserError(f'the held-out part must lie between 0 and 1, not {held_out}.')
    hashes = np.array([_hash(source.key(i), purpose) for i in range(len(source))], np.float64)
    test = hashes < held_out
    if len(hashes) and (test.all() or not test.any()):
        test = hashes == hashes.min()
    train_ids, test_ids = np.flatnonzero(~test), np.flatnonzero(test)
    if not len(train_ids) or not len(test_ids):
        different = len(np.unique(hashes))
        raise UserError(
            f'{source.where}: {len(hashes)} images ({different} different) cannot be split into '
            'some to train on and some to test with: give at least 2 different images.'
        )
    return train_ids, test_ids


def disjoint_parts(source: Source, ids: np.ndarray, count: int) -> list[np.ndarray]:
    """Parts the images `ids` [n] into `count` sets: increasing arrays of places in `ids`, about equally long.

    As in `split`, the side of an image depends on its key alone: copies of an image fall into one part. Raises
    UserError if a part is empty.
    """
    sides = np.array([int(_hash(source.key(i), b'gans-parts') * count) for i in np.asarray(ids).tolist()], int)
    parts = [np.flatnonzero(sides == side) for side in range(count)]
    if not all(len(part) for part in parts):
        raise UserError(
            f'{source.where}: {len(sides)} training images cannot be parted into {count} disjoint sets: give more '
            'different images, or --config.task.unpaired=False.'
        )
    return parts


def _hash(key: bytes, purpose: bytes) -> float:
    """Returns a number in [0, 1) for a key, the same on every machine; 53 bits are what a float64 holds."""
    digest = hashlib.blake2b(key, digest_size=8, person=purpose).digest()
    return (int.from_bytes(digest, 'big') >> 11) / 2**53
