"""An image at the size that is wanted: what is cut or stretched, and by which filter."""

import collections
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gans.errors import UserError, closest

if TYPE_CHECKING:
    from PIL import Image

FITS = ('crop', 'resize')
RESAMPLES = ('nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos')  # Pillow's filters, by its names


def fit(
    image: 'Image.Image',
    shape: tuple[int, int],
    how: str,
    name: str = 'the image',
    upscale: bool = False,
    resample: str = '',
) -> np.ndarray:
    """Returns an RGB image at `shape` (height, width): uint8 [H, W, 3], antialiased by Lanczos or the given filter.

    'crop' keeps the proportions: the largest middle part with those of `shape` is scaled. 'resize' stretches
    the whole. An image of that shape already comes back untouched. Raises UserError for an unknown `how`,
    and if the image is smaller than the shape, unless `upscale`.
    """
    from PIL import Image

    check_fit(how)
    if not upscale:
        check_size((image.height, image.width), shape, name)
    height, width = shape
    box = (0.0, 0.0, float(image.width), float(image.height))
    if how == 'crop':
        scale = min(image.height / height, image.width / width)
        left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
        box = (left, top, left + width * scale, top + height * scale)
    # Rounding may put the box a hair outside the image, which Pillow refuses.
    box = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], image.width), min(box[3], image.height))
    if (image.height, image.width) != (height, width):
        # The gap lets Pillow average whole blocks first when the image is far larger: same look, faster.
        gap = None if resample else 3.0
        image = image.resize((width, height), Image.Resampling[(resample or 'lanczos').upper()], box, gap)
    return np.array(image, np.uint8)


def check_fit(how: str) -> None:
    """Raises UserError unless `how` is one of FITS."""
    if how not in FITS:
        raise UserError(
            f"there is no fit '{how}'{closest(how, FITS)}: use 'crop' (scale the short side, cut "
            "the middle) or 'resize' (stretch)."
        )


# What to do about an image that is too small; verbs that take no fields of configs say something else in its place.
ENLARGE = 'choose a smaller --config.size, or set upscale=True to enlarge such images.'


def check_resample(name: str) -> None:
    """Raises UserError unless `name` is one of RESAMPLES."""
    if name not in RESAMPLES:
        raise UserError(f'there is no filter {name!r}{closest(name, RESAMPLES)}: choose {", ".join(RESAMPLES)}.')


def check_size(size: tuple[int, int], shape: tuple[int, int], name: str) -> None:
    """Raises UserError if an image of `size` (height, width) would have to be enlarged to fill `shape`."""
    if size[0] < shape[0] or size[1] < shape[1]:
        raise UserError(
            f"'{name}' has {size[1]}x{size[0]} pixels (width x height), less than the "
            f'{shape[1]}x{shape[0]} asked for: {ENLARGE}'
        )


def common_size(sizes: Sequence[tuple[int, int]], where: str) -> tuple[int, int]:
    """The size that all of `sizes` (height, width) are; raises UserError if they differ."""
    counts = collections.Counter(sizes).most_common()
    if len(counts) > 1:
        some = ', '.join(f'{width}x{height} ({count})' for (height, width), count in counts[:4])
        more = f', and {len(counts) - 4} more' if counts[4:] else ''
        raise UserError(
            f'{where} has images of {len(counts)} sizes: {some}{more}. Give the one that all are to have as --size.'
        )
    return counts[0][0]
