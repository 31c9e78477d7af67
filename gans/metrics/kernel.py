"""Kernel distance between two sets of features, "KID" (Binkowski et al. 2018, "Demystifying MMD GANs", section 4).

The squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, without bias: two sets of one distribution have 0
on average, however few they are, so that a number may come out below 0.
"""

import numpy as np
from numpy.typing import ArrayLike

BLOCK = 1000  # features, about: the authors' number is that of torch-fidelity's and clean-fid's subsets, too


def kernel_distances(a: ArrayLike, b: ArrayLike, block: int = BLOCK) -> np.ndarray:
    """The kernel distance block by block: their mean is the estimate, their deviation says how sure it is.

    Both sets are cut into equally many disjoint blocks of about `block` features, in their order, which has to be a
    random one. Every feature is in one block, so that the numbers are independent of each other. Memory and time grow
    with the number of features, not with its square.

    Args:
      a: features [N, D], N at least 2.
      b: features [M, D], M at least 2.
      block: how many features a block has, about.

    Returns:
      float64 [blocks], as many as the smaller set has blocks, at least one. Raises ValueError for other shapes.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(f'sets to compare must be two or more features [N, D] of one length, got {a.shape}, {b.shape}')
    blocks = max(1, round(min(len(a), len(b)) / max(2, block)))
    return np.array(
        [unbiased(*pair) for pair in zip(np.array_split(a, blocks), np.array_split(b, blocks), strict=True)]
    )


def unbiased(a: np.ndarray, b: np.ndarray) -> float:
    """The unbiased squared discrepancy of features [N, D] and [M, D] (Gretton et al. 2012, lemma 6, equation 3).

    A feature is not compared with itself. In float64; three matrices of N x N, M x M and N x M are in memory in turn.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return _within(a) + _within(b) - 2 * float(_kernel(a, b).mean())


def _within(x):
    values = _kernel(x, x)
    return float((values.sum() - np.trace(values)) / (len(x) * (len(x) - 1)))


def _kernel(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3
