"""Holes in images, drawn at random: boxes, or strokes of a brush as a person paints over what is to go."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

_POINTS = 5  # corners of a stroke
_WIDTHS = (0.15, 0.4)  # of a stroke, as fractions of the shorter side of the box that it is in
_LEAST_RADIUS = 0.75  # pixels: a thinner stroke would miss the centres of pixels


class Shape(NamedTuple):
    """A kind of hole.

    Attributes:
      numbers: how many numbers in [0, 1) one needs beside those of its box and its colour.
      inside: (rows [H, 1], columns [1, W], first [2], side [2], chance [numbers]) -> bool [H, W]: the pixels of a hole
        in the box that begins at `first` (row, column) and has `side` rows and columns.
    """

    numbers: int
    inside: Callable[..., jax.Array]


def cover(
    key: jax.Array, image: jax.Array, shape: str, count: int, min_side: float, max_side: float
) -> tuple[jax.Array, jax.Array]:
    """Covers parts of an image [H, W, 3] with holes of one random colour each.

    Every hole is in a box inside the image, whose sides are uniform in [min_side, max_side] of the image's. A box fills
    it. A stroke is a line of round ends and corners between points anywhere in it, as in Algorithm 1 of Yu et al. 2019,
    "Free-Form Image Inpainting with Gated Convolution", whose strokes may leave any box.

    Args:
      key: everything random follows from it.
      image: float [H, W, 3].
      shape: a key of `SHAPES`.
      count: how many holes; they may overlap.
      min_side, max_side: fractions of the image's height and width.

    Returns:
      (image [H, W, 3], mask [H, W, 1]: 1 in the holes).
    """
    height, width, _ = image.shape
    rows, columns = jnp.arange(height)[:, None], jnp.arange(width)[None, :]
    numbers, inside_of = SHAPES[shape]
    # One draw for everything: every call of the generator of random numbers is a piece of program to compile.
    chance = jax.random.uniform(key, (count, 7 + numbers))
    extent = jnp.array([height, width])
    sides = jnp.round(extent * (min_side + (max_side - min_side) * chance[:, 0:2]))
    firsts = jnp.floor(chance[:, 2:4] * (extent - sides + 1))
    mask = jnp.zeros((height, width, 1), image.dtype)
    for side, first, colour, own in zip(sides, firsts, 2 * chance[:, 4:7] - 1, chance[:, 7:], strict=True):
        inside = inside_of(rows, columns, first, side, own)
        image = jnp.where(inside[..., None], colour, image)
        mask = jnp.maximum(mask, inside[..., None].astype(mask.dtype))
    return image, mask


def _box(rows, columns, first, side, chance):
    del chance
    last = first + side
    return (rows >= first[0]) & (rows < last[0]) & (columns >= first[1]) & (columns < last[1])


def _stroke(rows, columns, first, side, chance):
    low, high = _WIDTHS
    radius = jnp.maximum((low + (high - low) * chance[0]) * jnp.min(side) / 2, _LEAST_RADIUS)
    points = first + radius + jnp.maximum(side - 2 * radius, 0) * chance[1:].reshape(_POINTS, 2)
    starts, ways = points[:-1, :, None, None], jnp.diff(points, axis=0)[:, :, None, None]
    # From every start to every pixel's centre; the nearest point of a segment is a share of the way along it.
    down, across = rows + 0.5 - starts[:, 0], columns + 0.5 - starts[:, 1]
    along = (down * ways[:, 0] + across * ways[:, 1]) / jnp.maximum(jnp.sum(ways**2, axis=1), 1e-6)
    share = jnp.clip(along, 0, 1)
    distance = (down - share * ways[:, 0]) ** 2 + (across - share * ways[:, 1]) ** 2
    return jnp.min(distance, axis=0) <= radius**2


SHAPES = {'boxes': Shape(0, _box), 'strokes': Shape(1 + 2 * _POINTS, _stroke)}
