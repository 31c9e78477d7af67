"""Projections beside the patches that caused them, laid out for people: uint8 arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gans.image import compose, grids

_SIDE = (48, 128)  # pixels: a tile is magnified by a whole factor to the first, and made smaller down to the second
_COLUMNS = 4  # channels side by side
_ROW = 3  # activations side by side, and rows of them
_GRAY = 127.5


class Shown(NamedTuple):
    """One strong activation: what is drawn of it, each within its receptive field.

    Attributes:
      patches: of each of the network's inputs, float [h, w, C] in [-1, 1].
      projections: onto each of them, float [h, w, C].
    """

    patches: tuple[np.ndarray, ...]
    projections: tuple[np.ndarray, ...]


def panels(shown: Shown, size: tuple[int, int], field: tuple[slice, slice], shape: tuple[int, int]) -> np.ndarray:
    """The tiles of an activation: projection and patch for each input of the network.

    The scale of a projection is its own: gray is 0, and its largest number, of all inputs and colours and of either
    sign, is black or white. What would be outside the image is white.

    Args:
      shown: what is drawn.
      size: (height, width) of the layer's largest receptive field, and of a tile before it is resized.
      field: the receptive field of this one.
      shape: (height, width) of the image.

    Returns:
      uint8 [2 inputs, h, w, 3].
    """
    largest = max(float(np.abs(x).max()) for x in shown.projections) or 1.0
    tiles = []
    for patch, projection in zip(shown.patches, shown.projections, strict=True):
        tiles += [np.rint(_GRAY + _GRAY * _colours(projection) / largest), compose.quantise(_colours(patch))]
    whole = np.full((len(tiles), *size, 3), 255, np.uint8)
    starts = [_start(*args) for args in zip(field, size, shape, strict=True)]
    rows, columns = (slice(start, start + x.stop - x.start) for start, x in zip(starts, field, strict=True))
    whole[:, rows, columns] = tiles
    return np.stack([_resized(tile) for tile in whole])


def layer_montage(blocks: Sequence[np.ndarray], titles: Sequence[str]) -> np.ndarray:
    """The montage of a layer.

    Args:
      blocks: for each channel the tiles of its activations, uint8 [n, tiles, h, w, 3], strongest first.
      titles: of each channel.

    Returns:
      uint8 [height, width, 3]: for each channel a column of squares of 3 x 3 activations, one for each kind of tile;
      the next row of channels begins after four.
    """
    columns = [np.stack([_square(tiles) for tiles in block.swapaxes(0, 1)]) for block in blocks]
    strips = [
        grids.montage(columns[i : i + _COLUMNS], titles[i : i + _COLUMNS], gap=12)
        for i in range(0, len(columns), _COLUMNS)
    ]
    widest = max(strip.shape[1] for strip in strips)
    padded = [np.pad(x, ((0, 0), (0, widest - x.shape[1]), (0, 0)), constant_values=255) for x in strips]
    return np.concatenate(padded)


def _square(tiles):
    """Tiles three by three; white where there are fewer."""
    missing = np.full((_ROW**2 - len(tiles), *tiles.shape[1:]), 255, np.uint8)
    return grids.grid(np.concatenate([tiles, missing]), _ROW)


def _start(field, size, side):
    """Where along a tile a field begins: a tile is as a unit away from the borders would see it."""
    missing = size - (field.stop - field.start)
    if field.start == 0 and field.stop < side:
        return missing
    return 0 if field.start > 0 else missing // 2


def _colours(x):
    """[h, w, C] -> [h, w, 3]: the first three channels if there are so many, else their mean."""
    return x[..., :3] if x.shape[-1] >= 3 else np.repeat(x.mean(axis=-1, keepdims=True), 3, axis=-1)


def _resized(tile):
    from PIL import Image

    least, most = _SIDE
    if (longest := max(tile.shape[:2])) <= most:
        factor = max(1, -(-least // longest))
        return grids.enlarge(tile, factor)
    height, width = (max(1, round(side * most / longest)) for side in tile.shape[:2])
    return np.asarray(Image.fromarray(tile).resize((width, height), Image.Resampling.BOX))
