"""The nearest image of a pool, so that copying is seen: small versions are compared pixel by pixel."""

import functools
from collections.abc import Iterable

import jax
import numpy as np

SIDE = 16  # pixels: what a copy keeps even where details and noise differ

_AT_ONCE = 1024  # images whose distances to a chunk are in memory together
_ROUNDING = 1e-6  # distances below are those of equal images


def shrink(images: np.ndarray) -> np.ndarray:
    """Images averaged down to `SIDE` x `SIDE` pixels (or their own size where that is smaller), in [0, 1].

    uint8 [N, H, W, C], or float in [-1, 1] -> float32 [N, h, w, C]. The triangle filter of `jax.image.resize`, as one
    product per axis, so that equal images have equal small versions whatever they are shrunk together with.
    """
    unit = images.astype(np.float32) / 255 if images.dtype == np.uint8 else (np.float32(images) + 1) / 2
    count, height, width, channels = unit.shape
    down, across = _filter(height), _filter(width)
    rows = (down @ unit.reshape(count, height, -1)).reshape(count, len(down), width, channels)
    return across @ rows


def nearest(small: np.ndarray, pool: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The nearest image of a pool for each of some images: `nearest_small` of small versions that are made here.

    Args:
      small: N images as `shrink` makes them, float32 [N, h, w, C].
      pool: chunks of the pool, as `shrink` takes them, [m, H, W, C].
    """
    return nearest_small(small, map(shrink, pool))


def nearest_small(small: np.ndarray, pool: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The nearest image of a pool for each of some images, all of them small versions.

    The distance is the root mean square difference of the small versions, all channels, in units of the [0, 1] scale: 0
    for a copy. Which one is the nearest is found with float32 products of up to `_AT_ONCE` images by a chunk; its
    distance is then computed by differences, since the products lose the last digits, which are all that a copy has.
    Of images of a chunk that are equally near up to 0.0002 any may be taken.

    Args:
      small: N images as `shrink` makes them, float32 [N, h, w, C].
      pool: chunks of the pool, of the same kind, [m, h, w, C].

    Returns:
      (numbers of the nearest in the pool, counted over all chunks: int64 [N]; distances: float64 [N]). Of equally near
      ones the first. Raises ValueError for an empty pool.
    """
    wanted = small.reshape(len(small), -1) - np.float32(0.5)  # around 0 the products lose less
    which, squares, done = np.zeros(len(small), np.int64), np.full(len(small), np.inf), 0
    for chunk in pool:
        others = chunk.reshape(len(chunk), -1) - np.float32(0.5)
        lengths = (others**2).sum(axis=1)
        for start in range(0, len(wanted), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            products = wanted[rows] @ others.T
            products *= -2
            products += lengths
            found = products.argmin(axis=1)
            square = ((wanted[rows] - others[found]) ** 2).sum(axis=1)
            better = square < squares[rows]
            which[rows] = np.where(better, done + found, which[rows])
            squares[rows] = np.where(better, square, squares[rows])
        done += len(others)
    if not done:
        raise ValueError('there is no nearest image in an empty pool')
    distances = np.sqrt(squares / wanted.shape[1])
    return which, np.where(distances < _ROUNDING, 0, distances)


@functools.cache
def _filter(side: int) -> np.ndarray:
    """What resizing one axis does, float32 [min(side, SIDE), side]."""
    shape = (min(side, SIDE), side)
    return np.asarray(jax.image.resize(np.eye(side, dtype=np.float32), shape, 'linear', antialias=True))
