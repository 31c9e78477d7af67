"""Images of files in the output of a cell."""

import os

import numpy as np

from gans.data import decode
from gans.errors import UserError
from gans.image import grids
from gans.notebook.rich import put
from gans.notebook.user_files import images_in

MOST = 12  # images that one call shows
_COLUMNS = 8  # of images side by side
_SIDE = 640  # pixels: smaller images are magnified by whole factors up to this,
_EACH = 160  # or, side by side, each of them up to this
_LONGEST = 1600  # pixels: larger ones are scaled down


def show(*places: str | os.PathLike | np.ndarray) -> None:
    """Shows images and animations.

    Args:
      places: files; folders of them, of which at most 12 are shown, in the order of their names; or images side by
        side, uint8 [N, H, W, 3].

    Raises:
      UserError: there is nothing to show, or a file is no image.
    """
    for place in places:
        if isinstance(place, np.ndarray):
            columns = min(len(place), _COLUMNS)
            put(_sized(grids.grid(place, columns), max(_SIDE, _EACH * columns)), f'{len(place)} images')
        else:
            _show_files(place)


def _show_files(place):
    for path in images_in(place)[:MOST]:
        if path.suffix.lower() == '.gif':
            put(path.read_bytes(), path.name, 'gif')
        else:
            put(_sized(np.asarray(decode.load_image(path, str(path)))), path.name)


def show_pairs(before: str | os.PathLike, after: str | os.PathLike) -> None:
    """Shows images of one folder beside those of the same name in another, whatever their format.

    Raises:
      UserError: no name is in both.
    """
    results = {path.stem: path for path in images_in(after)}
    pairs = [(path, results[path.stem]) for path in images_in(before) if path.stem in results]
    if not pairs:
        raise UserError(
            f"No image of '{before}' has the name of one in '{after}': give the folder of the inputs first."
        )
    for pair in pairs[:MOST]:
        images = [_fitted(decode.load_image(path, str(path))) for path in pair]
        put(grids.montage([image[None] for image in images], ['before', 'after']), f'{pair[0].name}, before and after')


def _sized(image, side=_SIDE):
    """An image as large as an output should be."""
    factor = max(1, side // max(image.shape[:2]))
    if factor > 1:
        return grids.enlarge(image, factor)
    return image if max(image.shape[:2]) <= _LONGEST else np.asarray(_within(image, _LONGEST))


def _fitted(image):
    """The same width and height for both of a pair: at most 400 pixels, in the image's proportions."""
    return np.asarray(_within(np.asarray(image), 400))


def _within(image, most):
    from PIL import Image

    height, width = image.shape[:2]
    scale = min(1, most / max(height, width))
    return Image.fromarray(image).resize((max(1, round(scale * width)), max(1, round(scale * height))))
