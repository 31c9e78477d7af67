"""Sliced Wasserstein distance between two sets of pictures, scale by scale (Karras et al. 2018, PGGAN, section 5).

Every picture becomes a Laplacian pyramid; from each of its levels small patches are taken at random, their channels
brought to mean 0 and deviation 1 over the set, and the two clouds of patches are compared along random directions,
where the Wasserstein distance is the mean distance of sorted values. Small numbers at a level mean that the two sets
look alike at that scale. Everything here is NumPy on the host, float32, and nothing is changed in place.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

PATCH = 7  # pixels
PATCHES = 128  # of each picture and level
DIRECTIONS = 512
SMALLEST = 16  # pixels: the shorter side of the coarsest level has at least so many

_AT_ONCE = 64  # directions along which projections are in memory together
_PICTURES_AT_ONCE = 64
_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16  # Burt & Adelson 1983, with a = 3/8


def swd(a: ArrayLike, b: ArrayLike, seed: int = 0) -> dict[int, float]:
    """The distance of two sets of pictures at every scale.

    Since channels are brought to one mean and deviation, set by set, as in the authors' code, it says nothing about a
    cast or a contrast that all pictures of a set share.

    Args:
      a: float [N, H, W, C] in [-1, 1].
      b: the same shape.
      seed: of the places of the patches and the directions.

    Returns:
      {a level's shorter side in pixels: distance}, finest first. Karras et al. print them times 1000. Raises
      ValueError for sets of different shapes, or pictures smaller than a patch.
    """
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    if a.shape != b.shape or a.ndim != 4:
        raise ValueError(f'sets to compare must be pictures [N, H, W, C] of one shape, got {a.shape} and {b.shape}')
    rng = np.random.default_rng(seed)
    found = {}
    for size, cloud_a, cloud_b in zip(_sizes(a), _clouds(a, rng), _clouds(b, rng), strict=True):
        flat = [normalise(cloud).reshape(len(cloud), -1) for cloud in (cloud_a, cloud_b)]
        found[size] = float(sliced_wasserstein(*flat, DIRECTIONS, rng).mean())
    return found


def _sizes(pictures: np.ndarray) -> list[int]:
    return [min(level.shape[1:3]) for level in laplacian_pyramid(pictures[:1])]


def _clouds(pictures: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """The patches of every level; the pyramids of a few pictures at a time are in memory."""
    found = []
    for start in range(0, len(pictures), _PICTURES_AT_ONCE):
        levels = laplacian_pyramid(pictures[start : start + _PICTURES_AT_ONCE])
        found.append([take_patches(level, PATCHES, rng) for level in levels])
    return [np.concatenate(patches) for patches in zip(*found, strict=True)]


def laplacian_pyramid(pictures: np.ndarray) -> list[np.ndarray]:
    """What every scale adds to the next coarser one, finest first; the coarsest as it is (Burt & Adelson 1983).

    [N, H, W, C] -> arrays [N, ceil(H / 2^k), ceil(W / 2^k), C], as many as leave `SMALLEST` pixels. Enlarging the
    coarsest by `enlarge` and adding, level by level, gives the pictures back.
    """
    levels = []
    while min(pictures.shape[1:3]) >= 2 * SMALLEST:
        smaller = _smooth(pictures, _BINOMIAL)[:, ::2, ::2]
        levels.append(pictures - enlarge(smaller, pictures.shape))
        pictures = smaller
    return [*levels, pictures]


def enlarge(pictures: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Pictures twice as large, to `shape`: zeros between the pixels, smoothed. Constants stay constant."""
    spread = np.zeros(shape, pictures.dtype)
    spread[:, ::2, ::2] = pictures
    return _smooth(spread, 2 * _BINOMIAL)


def take_patches(pictures: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` patches from random places of each picture: [N, H, W, C] -> [N * count, C, PATCH, PATCH]."""
    number, height, width, _ = pictures.shape
    if min(height, width) < PATCH:
        raise ValueError(f'patches of {PATCH}x{PATCH} pixels do not fit into {height}x{width}')
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (PATCH, PATCH), axis=(1, 2))
    which = np.repeat(np.arange(number), count)
    return windows[
        which, rng.integers(0, height - PATCH + 1, which.size), rng.integers(0, width - PATCH + 1, which.size)
    ]


def normalise(patches: np.ndarray) -> np.ndarray:
    """Every channel with mean 0 and deviation 1 over all patches [M, C, h, w]; a constant channel becomes 0."""
    mean = patches.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64)
    deviation = patches.std(axis=(0, 2, 3), keepdims=True, dtype=np.float64)
    return ((patches - mean) / np.where(deviation > 0, deviation, 1)).astype(np.float32)


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, directions: int, rng: np.random.Generator) -> np.ndarray:
    """Wasserstein-1 distances of two clouds of points [M, D] along random directions: [directions].

    Along one direction the best transport of equally many points pairs them in their order (Rabin et al. 2011), so the
    distance is the mean of |sorted a - sorted b|. Raises ValueError for clouds of different shapes.
    """
    if a.shape != b.shape:
        raise ValueError(f'clouds to compare must have one shape, got {a.shape} and {b.shape}')
    axes = rng.standard_normal((a.shape[1], directions)).astype(np.float32)
    axes = axes / np.linalg.norm(axes, axis=0)
    found = []
    for start in range(0, directions, _AT_ONCE):
        some = axes[:, start : start + _AT_ONCE]
        # Sorted along rows: neighbours in memory.
        along_a, along_b = (np.sort((points @ some).T, axis=1) for points in (a, b))
        found.append(np.abs(along_a - along_b).mean(axis=1, dtype=np.float64))
    return np.concatenate(found)


def _smooth(pictures: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    for axis in (1, 2):
        pictures = ndimage.correlate1d(pictures, kernel, axis=axis, mode='mirror')
    return pictures
