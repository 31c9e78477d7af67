"""Receptive fields: which pixels of its input a unit sees through the network's filters."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gans.image.batching import in_batches
from gans.progress import progress
from gans.visualization.deconvnet import reached
from gans.visualization.subject import Layer, Subject


class Fields(NamedTuple):
    """The receptive fields of a layer's units, cut at the image's borders.

    Attributes:
      rows: int [h, 2], by the unit's row: the first pixel row that it sees, and the first below that it does not.
      columns: int [w, 2], the same by its column. A layer without places counts as one of 1 x 1.
    """

    rows: np.ndarray
    columns: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the largest."""
        return tuple(int((x[:, 1] - x[:, 0]).max()) for x in self)

    def of(self, place: int) -> tuple[slice, slice]:
        """The pixels that the unit at `place`, row * width + column, sees: (rows, columns)."""
        row, column = divmod(int(place), len(self.columns))
        return tuple(slice(*map(int, side)) for side in (self.rows[row], self.columns[column]))


def receptive_fields(subject: Subject, layers: Sequence[Layer], batch: int) -> list[Fields]:
    """The receptive fields of each of some layers, found by lighting every row and every column of the input.

    They are those of the filters: statistics that a norm takes from the whole image count as constant.

    Args:
      subject: the network.
      layers: of it.
      batch: how many examples it is given at once.
    """
    shapes = subject.inputs()
    height, width = shapes[0].shape[:2]
    paths = [layer.path for layer in layers]
    lines = np.array([(row, -1) for row in range(height)] + [(-1, column) for column in range(width)], np.int32)

    @jax.jit
    def light(variables, lines):
        inputs = tuple(jnp.zeros(x.shape, x.dtype) for x in shapes)
        return jax.vmap(lambda line: _sides(reached(subject, paths, variables, inputs, *line)))(lines)

    parts = []
    with progress('receptive fields', len(lines), 'lines') as advance:
        for start in range(0, len(lines), batch):
            some = lines[start : start + batch]
            parts.append(in_batches(partial(light, subject.variables), some, batch))
            advance(len(some))
    found = jax.tree.map(lambda *chunks: np.concatenate(chunks), *parts)
    return [Fields(_ends(rows[:height]), _ends(columns[height:])) for rows, columns in found]


def _sides(maps):
    """bool [h, w] or [] of each layer -> ([h], [w]): which rows and which columns have a unit that is lit."""
    return [(x.any(axis=1), x.any(axis=0)) for x in (jnp.atleast_2d(x) for x in maps)]


def _ends(seen):
    """bool [pixels, units] -> int [units, 2]: the first pixel that is seen, and one more than the last."""
    ends = np.stack([seen.argmax(axis=0), len(seen) - seen[::-1].argmax(axis=0)], axis=1)
    ends[~seen.any(axis=0)] = 0, len(seen)  # a unit that no filter reaches: nothing smaller can be told of it
    return ends
