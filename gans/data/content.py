"""Orders and seeds that follow from what images show, never from what their files are called or in which order they
lie: whatever is cut, paired or drawn by them is the same after renaming."""

import hashlib
from collections import Counter

import numpy as np

from gans.data.source import Source


def by_content(source: Source, ids: np.ndarray) -> np.ndarray:
    """The numbers `ids` [n] of images in a random order that their keys alone decide: int64 [n].

    Every beginning of it is a random sample of the whole, so that a set is cut by taking the first ones. Copies of a
    image have places of their own, as other images have; which copy comes first makes no difference.
    """
    found, copies = [], Counter()
    for i in np.asarray(ids).tolist():
        key = source.key(i)
        found.append((_digest(key, b'gans-order', copies[key]), i))
        copies[key] += 1
    return np.array([i for _, i in sorted(found)], np.int64)


def seeds(source: Source, ids: np.ndarray) -> np.ndarray:
    """A seed for each of the images `ids` [n] that its key alone decides, as two words: uint32 [n, 2]."""
    digests = [_digest(source.key(i), b'gans-seed')[:8] for i in np.asarray(ids).tolist()]
    return np.frombuffer(b''.join(digests), '<u4').astype(np.uint32).reshape(-1, 2)


def _digest(key: bytes, purpose: bytes, copy: int = 0) -> bytes:
    return hashlib.blake2b(key, digest_size=16, person=purpose, salt=copy.to_bytes(8, 'little')).digest()
