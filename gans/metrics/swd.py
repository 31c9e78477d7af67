"""Sliced Wasserstein distance between two sets of images, scale by scale (Karras et al. 2018, PGGAN, section 5).

Every image becomes a Laplacian pyramid; from each of its levels small patches are taken at random, their channels
brought to mean 0 and deviation 1 over the set, and the two clouds of patches are compared along random directions,
where the Wasserstein distance is the mean distance of sorted values. Small numbers at a level mean that the two sets
look alike at that scale. Everything here is NumPy on the host, float32. Images are needed a few at a time, and of the
set only its patches stay in memory: at most `POINTS` of each level, 38 MB in colour.
"""

import concurrent.futures
import functools
import os
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage
from threadpoolctl import ThreadpoolController

PATCH = 7  # pixels
PATCHES = 128  # of each image and level, as the authors take; of more than 512 images fewer:
POINTS = 2**16  # patches of a set and level, at most
DIRECTIONS = 512
SMALLEST = 16  # pixels: the shorter side of the coarsest level has at least so many

_AT_ONCE = 32  # directions along which projections are in memory together, in each thread
_IMAGES_AT_ONCE = 64
_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16  # Burt & Adelson 1983, with a = 3/8
_ROUNDING = 1e-5  # of the [-1, 1] scale: smaller deviations are those of float32 arithmetic on constant images


def swd(a: ArrayLike, b: ArrayLike, seed: int = 0) -> dict[int, float]:
    """The distance of two sets of images at every scale: `distances` of their `clouds`.

    Args:
      a: float [N, H, W, C] in [-1, 1].
      b: the same shape.
      seed: of the places of the patches and the directions.

    Returns:
      {a level's shorter side in pixels: distance}, finest first. Raises ValueError for sets of different shapes, or
      images smaller than a patch.
    """
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    if a.shape != b.shape or a.ndim != 4:
        raise ValueError(f'sets to compare must be images [N, H, W, C] of one shape, got {a.shape} and {b.shape}')
    return distances(*(clouds([some], len(some), seed=2 * seed + i) for i, some in enumerate((a, b))), seed=seed)


def clouds(chunks: Iterable[np.ndarray], count: int, seed: int = 0) -> dict[int, np.ndarray]:
    """The patches of `count` images, given in chunks of float [n, H, W, C] in [-1, 1].

    Since channels are brought to one mean and deviation, set by set, as in the authors' code, they say nothing about a
    cast or a contrast that all images of a set share.

    Args:
      chunks: the images.
      count: how many they are.
      seed: of the places of the patches.

    Returns:
      {a level's shorter side in pixels: float32 [count * patches, C * PATCH * PATCH]}, finest first, with `PATCHES` of
      each image, or as many as `POINTS` allow. Raises ValueError for images smaller than a patch.
    """
    rng = np.random.default_rng(seed)
    each = max(1, min(PATCHES, POINTS // max(count, 1)))
    found: dict[int, np.ndarray] = {}
    done = 0
    for chunk in chunks:
        for start in range(0, len(chunk), _IMAGES_AT_ONCE):
            some = chunk[start : start + _IMAGES_AT_ONCE]
            rows = slice(done * each, (done + len(some)) * each)
            for level in laplacian_pyramid(some):
                patches = take_patches(level, each, rng)
                cloud = found.setdefault(
                    min(level.shape[1:3]), np.empty((count * each, *patches.shape[1:]), np.float32)
                )
                cloud[rows] = patches
            done += len(some)
    return {size: normalise(cloud).reshape(len(cloud), -1) for size, cloud in found.items()}


def distances(a: Mapping[int, np.ndarray], b: Mapping[int, np.ndarray], seed: int = 0) -> dict[int, float]:
    """The distance of two sets at every scale, by their `clouds`, which have the same sizes: {size: distance}.

    Karras et al. print them times 1000. `seed` is that of the directions.
    """
    rng = np.random.default_rng(seed)
    return {size: float(sliced_wasserstein(a[size], b[size], DIRECTIONS, rng).mean()) for size in a}


def laplacian_pyramid(images: np.ndarray) -> list[np.ndarray]:
    """What every scale adds to the next coarser one, finest first; the coarsest as it is (Burt & Adelson 1983).

    [N, H, W, C] -> arrays [N, ceil(H / 2^k), ceil(W / 2^k), C], as many as leave `SMALLEST` pixels. Enlarging the
    coarsest by `enlarge` and adding, level by level, gives the images back.
    """
    levels = []
    while min(images.shape[1:3]) >= 2 * SMALLEST:
        smaller = _smooth(images, _BINOMIAL)[:, ::2, ::2]
        levels.append(images - enlarge(smaller, images.shape))
        images = smaller
    return [*levels, images]


def enlarge(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Images twice as large, to `shape`: zeros between the pixels, smoothed. Constants stay constant."""
    spread = np.zeros(shape, images.dtype)
    spread[:, ::2, ::2] = images
    return _smooth(spread, 2 * _BINOMIAL)


def take_patches(images: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` patches from random places of each image: [N, H, W, C] -> [N * count, C, PATCH, PATCH]."""
    number, height, width, _ = images.shape
    if min(height, width) < PATCH:
        raise ValueError(f'patches of {PATCH}x{PATCH} pixels do not fit into {height}x{width}')
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(1, 2))
    which = np.repeat(np.arange(number), count)
    return windows[
        which, rng.integers(0, height - PATCH + 1, which.size), rng.integers(0, width - PATCH + 1, which.size)
    ]


def normalise(patches: np.ndarray) -> np.ndarray:
    """Brings every channel to mean 0 and deviation 1 over all patches, in place; a constant channel becomes 0.

    patches: float32 [M, C, h, w], which is what is returned.
    """
    for channel in range(patches.shape[1]):
        values = patches[:, channel]
        values -= np.float32(values.mean(dtype=np.float64))
        deviation = np.sqrt(np.square(values).mean(dtype=np.float64))
        values *= np.float32(1 / deviation if deviation > _ROUNDING else 0)
    return patches


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, directions: int, rng: np.random.Generator) -> np.ndarray:
    """Wasserstein-1 distances of two clouds of points [M, D] along random directions: [directions].

    Along one direction the best transport of equally many points pairs them in their order (Rabin et al. 2011), so the
    distance is the mean of |sorted a - sorted b|. Raises ValueError for clouds of different shapes.
    """
    if a.shape != b.shape:
        raise ValueError(f'clouds to compare must have one shape, got {a.shape} and {b.shape}')
    axes = rng.standard_normal((a.shape[1], directions)).astype(np.float32)
    axes = axes / np.linalg.norm(axes, axis=0)

    def along(start):
        some = np.ascontiguousarray(axes[:, start : start + _AT_ONCE].T)
        # Sorted along rows: neighbours in memory.
        along_a, along_b = (some @ points.T for points in (a, b))
        along_a.sort(axis=1)
        along_b.sort(axis=1)
        along_a -= along_b
        return np.abs(along_a, out=along_a).mean(axis=1, dtype=np.float64)

    # Each thread multiplies by itself: threads of BLAS's own wait for each other spinning, which takes up to fourteen
    # times as long where another process is busy.
    threads = min(4, os.cpu_count() or 1)
    with _libraries().limit(limits=1, user_api='blas'), concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(along, range(0, directions, _AT_ONCE))))


@functools.cache
def _libraries():
    return ThreadpoolController()  # to look for them takes 15 ms


def _smooth(images: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    for axis in (1, 2):
        images = ndimage.correlate1d(images, kernel, axis=axis, mode='mirror')
    return images
