"""Frechet distance between two sets of features, as if both were Gaussian (Heusel et al. 2017, equation 6)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

_AT_ONCE = 4096  # features that are in memory as float64 together


class Gaussian(NamedTuple):
    """The Gaussian of a set of features: its mean [D], and a factor R [r, D] with R^T R its covariance."""

    mean: np.ndarray
    factor: np.ndarray


def gaussian(features: ArrayLike) -> Gaussian:
    """The Gaussian with the mean and the (unbiased) covariance of features [N, D], in float64.

    For many long features: R is found without the covariance, by QR of a chunk and what came before it, or is the
    centred features themselves where these are few. Raises ValueError for another shape, or fewer than two features.
    """
    features = np.asarray(features)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f'two or more features [N, D] are needed, got {features.shape}')
    mean = features.mean(axis=0, dtype=np.float64)
    factor = np.zeros((0, features.shape[1]))
    for start in range(0, len(features), _AT_ONCE):
        factor = np.concatenate([factor, features[start : start + _AT_ONCE] - mean])
        if len(factor) > features.shape[1]:
            factor = np.linalg.qr(factor, mode='r')
    return Gaussian(mean, factor / np.sqrt(len(features) - 1))


def distance(a: Gaussian, b: Gaussian) -> float:
    """As `frechet`, of two sets whose Gaussians are there: one singular value decomposition."""
    gap = a.mean - b.mean
    cross = np.linalg.svd(a.factor @ b.factor.T, compute_uv=False).sum()
    return max(0.0, float(gap @ gap + (a.factor**2).sum() + (b.factor**2).sum() - 2 * cross))


def frechet(a: ArrayLike, b: ArrayLike) -> float:
    """The distance of the Gaussians with the means and the (unbiased) covariances of two sets of features.

    Even two sets of one distribution have a distance above 0, the larger the fewer they are: only sets of equal numbers
    can be compared. a: [N, D]; b: [M, D]. Raises ValueError for other shapes, or fewer than two features.
    """
    a, b = (np.asarray(features, np.float64) for features in (a, b))
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(f'sets to compare must be two or more features [N, D] of one length, got {a.shape}, {b.shape}')
    return between_gaussians(*_moments(a), *_moments(b))


def between_gaussians(mean_a: np.ndarray, cov_a: np.ndarray, mean_b: np.ndarray, cov_b: np.ndarray) -> float:
    """|m_a - m_b|^2 + tr(C_a) + tr(C_b) - 2 tr((C_a C_b)^(1/2)): the squared Wasserstein-2 distance.

    Means [D], covariances [D, D], also of less than full rank (Dowson and Landau 1982). With C_a = A^T A, C_b = B^T B
    the last trace is the sum of the singular values of A B^T. That needs no root of the product, which is neither
    symmetric nor, for covariances of few examples, well conditioned.
    """
    gap = np.asarray(mean_a, np.float64) - mean_b
    cross = np.linalg.svd(_factor(cov_a) @ _factor(cov_b).T, compute_uv=False).sum()
    # Of equal sets, rounding may leave a little less than nothing.
    return max(0.0, float(gap @ gap + np.trace(cov_a) + np.trace(cov_b) - 2 * cross))


def _moments(features):
    centred = features - features.mean(axis=0)
    return features.mean(axis=0), centred.T @ centred / (len(features) - 1)


def _factor(cov):
    """R [D, D] with R^T R = cov [D, D]."""
    values, columns = np.linalg.eigh(np.asarray(cov, np.float64))
    return np.sqrt(np.maximum(values, 0))[:, None] * columns.T
