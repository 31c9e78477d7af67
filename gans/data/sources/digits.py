"""Real handwriting without a download: scikit-learn's digits, enlarged to look like MNIST's.

1797 digits that 13 people wrote, the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak
1998, UCI). They come as 8 x 8 counts, from 0 to 16, of the ink in the 4 x 4 blocks of a bitmap of 32 x 32 pixels, which
they fill from top to bottom.
"""

import functools
import math

import numpy as np

from gans.data.arrays import Arrays, as_rgb
from gans.data.source import Labels
from gans.errors import UserError

SIDE = 8  # cells of a digit
_FULL = 16  # a cell full of ink
_MARGIN = 28 / 20  # MNIST's digits are 20 pixels high in images of 28
_REACH = 3  # cells that a Lanczos window sees to each side
SEEDED = False  # the seed decides nothing here
INSTALL = 'pip install "scikit-learn>=1.6,<2"'


def open_source(shape: tuple[int, int], seed: int) -> Arrays:
    """Opens the digits at `shape` (height, width), white on black, with three equal channels.

    Nothing is drawn at random, so `seed` is not used. Raises UserError if scikit-learn is not there.
    """
    del seed
    cells = _load().images.astype(np.uint8)
    where = f'{len(cells)} handwritten digits that come with scikit-learn'
    return Arrays(where, cells, functools.partial(enlarge, tuple(shape)))


def open_labels(shape: tuple[int, int], seed: int) -> Labels:
    """Which digit each image of the source is; there is no part for testing. All else as `open_source`."""
    del shape, seed
    return Labels(_load().target.astype(np.int64))


def enlarge(shape: tuple[int, int], cells: np.ndarray) -> np.ndarray:
    """Counts of ink [8, 8] -> an image uint8 [H, W, 3]: the digit in the middle, over 20/28 of the shorter side.

    How full the cells are is interpolated (Lanczos); outside of them there is no ink. That alone would be blurred. What
    was counted had edges, and they lay where cells are half full: twice the contrast around one half brings them back.
    By eye, and by how many pixels are black, gray and white, this came nearest to MNIST.
    """
    from PIL import Image

    # What the image shows, in cells; the digit alone is SIDE x SIDE of them.
    height, width = (SIDE * _MARGIN * side / min(shape) for side in shape)
    rim = math.ceil((max(height, width) - SIDE) / 2) + _REACH
    padded = np.pad(cells.astype(np.float32) / _FULL, rim)
    middle = rim + SIDE / 2
    box = (middle - width / 2, middle - height / 2, middle + width / 2, middle + height / 2)
    ink = Image.fromarray(padded).resize(shape[::-1], Image.Resampling.LANCZOS, box)
    return as_rgb(np.rint(255 * np.clip(2 * np.asarray(ink) - 0.5, 0, 1)).astype(np.uint8))


def _load():
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UserError(f'the digits come with scikit-learn, which cannot be imported ({error}): {INSTALL}.') from error
    return load_digits()
