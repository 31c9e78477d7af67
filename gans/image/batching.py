"""A function of many rows, a fixed number at a time: it sees arrays of one shape, so that it is compiled once."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np


def fill(rows: np.ndarray, size: int) -> np.ndarray:
    """The first `size` rows; where there are fewer, they come round again. rows: array [n, ...] with n at least 1."""
    return rows[np.arange(size) % len(rows)]


def filled_up(function: Callable, size: int, *arrays: np.ndarray | None) -> np.ndarray:
    """`function` of arrays [n, ...] (or None) filled up to `size` rows, and of its rows those of the n real ones."""
    return np.asarray(function(*(None if x is None else fill(x, size) for x in arrays)))[: len(arrays[0])]


def in_batches(function: Callable[[Any], Any], rows: Any, size: int) -> Any:
    """`function` of all rows, `size` at a time; the last batch is filled up, and what comes of the filling is dropped.

    Args:
      function: array [size, ...] -> array [size, ...], or the same with trees of arrays; each row by itself.
      rows: array [N, ...] or a tree of them, N at least 1.
      size: of a batch.

    Returns:
      what `function` gives for [N, ...], as NumPy arrays.
    """
    count, made = len(jax.tree.leaves(rows)[0]), []
    for start in range(0, count, size):
        end = min(start + size, count)
        some = jax.tree.map(lambda x, part=slice(start, end): fill(x[part], size), rows)
        made.append(jax.tree.map(lambda x, kept=end - start: np.asarray(x)[:kept], function(some)))
    return jax.tree.map(lambda *parts: np.concatenate(parts), *made)
