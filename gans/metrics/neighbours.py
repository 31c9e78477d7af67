"""The nearest picture of a pool, so that copying is seen: small versions are compared pixel by pixel."""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np

from gans.metrics.pixels import unit

SIDE = 16  # pixels: what a copy keeps even where details and noise differ

_AT_ONCE = 1024  # pictures whose distances to a chunk are in memory together


def nearest(pictures: jax.Array, pool: Iterable[jax.Array]) -> tuple[np.ndarray, np.ndarray]:
    """The nearest picture of a pool for each of `pictures`.

    The distance is the root mean square difference of both at `SIDE` x `SIDE` pixels (or their own size where that is
    smaller), all channels, in units of the [0, 1] scale: 0 for a copy.

    Args:
      pictures: float [N, H, W, C] in [-1, 1].
      pool: chunks of the pool, float [m, H, W, C] in [-1, 1].

    Returns:
      (numbers of the nearest in the pool, counted over all chunks: int64 [N]; distances: float64 [N]). Of equally near
      ones the first. Raises ValueError for an empty pool.
    """
    small = _shrink(pictures)
    which, squares, done = np.zeros(len(small), np.int64), np.full(len(small), np.inf), 0
    for chunk in pool:
        others = _shrink(chunk)
        for start in range(0, len(small), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            found, square = _nearest_of(small[rows], others)
            better = square < squares[rows]
            which[rows] = np.where(better, done + found, which[rows])
            squares[rows] = np.where(better, square, squares[rows])
        done += len(others)
    if not done:
        raise ValueError('there is no nearest picture in an empty pool')
    return which, np.sqrt(squares / small.shape[1])


def _nearest_of(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(which of b [m, D] is nearest, its squared distance) for every row of a [n, D]."""
    squares = (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)
    which = squares.argmin(axis=1)
    # Again by differences: the products lose the last digits, which are all that a copy has.
    return which, ((a - b[which]) ** 2).sum(axis=1)


def _shrink(pictures: jax.Array) -> np.ndarray:
    """[N, H, W, C] -> float64 [N, D], averaged down to `SIDE` pixels."""
    count, height, width, channels = pictures.shape
    shape = (count, min(height, SIDE), min(width, SIDE), channels)
    small = jax.image.resize(unit(jnp.asarray(pictures)), shape, 'linear', antialias=True)
    return np.asarray(small, np.float64).reshape(count, -1)
