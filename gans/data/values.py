"""Gray values of more than 8 bits -> 8 bits: which value is black and which is white, by what the file says.

A file of 16 bits is white at 65535. Signed and 32-bit integers say nothing unless the TIFF tags SMinSampleValue and
SMaxSampleValue do; such files are refused. Floats run from 0 to 1, or from 0 to 255 where that is beyond doubt; others
are refused. The largest value of one image never becomes its white: images of one set would then disagree.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gans.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

# Tags of TIFF 6.0
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT, _SMIN, _SMAX = 258, 262, 339, 340, 341
_WHITE_IS_ZERO, _SIGNED = 0, 2
_BY_TYPE = ('PNG', 'PPM', 'TIFF', 'JPEG2000')  # formats whose 16 bits, as Pillow reads them, are known to be full range
_SLACK = 0.1  # how far, in ranges, rounding and resampling may overshoot; what does is clipped
_BRIGHT = 128.0  # floats up to less than this, and not whole numbers, may be anything
_TO_EIGHT = 'convert it to 8 bits (PNG, JPEG)'


class Range(NamedTuple):
    """Which values are black and white, and whether the file's type alone says so; then it holds for its neighbours."""

    black: float
    white: float
    by_type: bool


def is_deep(image: 'Image.Image') -> bool:
    """Whether the pixels are single numbers of more than 8 bits, to be scaled by `to_eight_bits`."""
    return image.mode in ('I', 'F') or image.mode.startswith('I;')


def check_header(image: 'Image.Image', name: str) -> None:
    """Raises UserError for an opened image whose values Pillow would misread: signed bytes, a colour's range."""
    tags = _tags(image)
    if is_deep(image) or not tags:
        return
    if _SIGNED in _tuple(tags.get(_SAMPLE_FORMAT, 1)):
        raise UserError(f"'{name}' has signed values, whose black and white nothing says: {_TO_EIGHT}.")
    bits = max(_tuple(tags.get(_BITS, 8)))
    if bits > 8 and max(_tuple(tags.get(_SMAX, 2**bits - 1))) != 2**bits - 1:
        raise UserError(f"'{name}' has colours of a range of their own, which Pillow does not apply: {_TO_EIGHT}.")


def range_of(image: 'Image.Image', name: str) -> Range | None:
    """The range of a deep image; None for floats that are all 0. Floats are decoded for it.

    Raises UserError where neither the type nor a tag tells the range, and for floats that are not finite.
    """
    tags = _tags(image)
    if image.mode == 'F':
        return _range_of_floats(np.asarray(image), _tagged(tags), name)
    signed = _SIGNED in _tuple(tags.get(_SAMPLE_FORMAT, 1))
    bits = max(_tuple(tags.get(_BITS, 16)))
    full = None
    if image.format in _BY_TYPE and not signed and bits <= 16:
        full = Range(0.0, 2.0**bits - 1, True)
    tagged = _tagged(tags)
    if tagged is not None and (full is None or tagged != full[:2]):
        return Range(*tagged, False)
    if full is None:
        kind = f'{"signed " if signed else ""}integers of {bits if tags else 32} bits'
        raise UserError(f"'{name}' has {kind}, whose black and white nothing says: {_TO_EIGHT} or 16 bits, unsigned.")
    return full


def to_eight_bits(image: 'Image.Image', name: str) -> 'Image.Image':
    """A deep image as Pillow's 'L'; values beyond black and white are clipped. Raises as `range_of`."""
    from PIL import Image

    found = range_of(image, name) or Range(0.0, 1.0, False)
    values = np.asarray(image)
    if image.mode == 'I' and _tags(image) and _SIGNED not in _tuple(_tags(image).get(_SAMPLE_FORMAT, 1)):
        values = values.view(np.uint32)  # Pillow knows 32 bits with a sign alone
    parts = np.clip((values.astype(np.float64) - found.black) / (found.white - found.black), 0, 1)
    if _tags(image).get(_PHOTOMETRIC, 1) == _WHITE_IS_ZERO:  # which Pillow applies to 8 bits alone
        parts = 1 - parts
    gray = np.round(parts * 255).astype(np.uint8)
    key = image.info.get('transparency')
    if isinstance(key, int):  # the one gray of a PNG that is transparent
        gray[values == key] = 255
    return Image.fromarray(gray)


def check_alike(ranges: dict[str, Range]) -> None:
    """Raises UserError unless the images, by name, whose range is not that of their type, have one range."""
    first: dict[tuple[float, float], str] = {}
    for name, found in ranges.items():
        if not found.by_type:
            first.setdefault(found[:2], name)
    if len(first) > 1:
        (one, a), (other, b) = list(first.items())[:2]
        raise UserError(
            f"'{a}' has values from {one[0]:g} to {one[1]:g} but '{b}' from {other[0]:g} to {other[1]:g}: convert all "
            'to one range, best to 8 bits (PNG, JPEG).'
        )


def _range_of_floats(values, tagged, name):
    broken = values.size - np.count_nonzero(np.isfinite(values))
    if broken:
        raise UserError(
            f"'{name}' has {broken} of {values.size} values that are no numbers (NaN or infinite): fill them, or "
            'remove it.'
        )
    low, high = float(values.min()), float(values.max())
    if tagged is not None:
        if _within(low, high, *tagged):
            return Range(*tagged, False)
        raise UserError(
            f"'{name}' says that its values run from {tagged[0]:g} to {tagged[1]:g}, but they run from {low:g} to "
            f'{high:g}: {_TO_EIGHT}.'
        )
    if low == high == 0:
        return None
    if _within(low, high, 0.0, 1.0):
        return Range(0.0, 1.0, False)
    bytes_once = high <= 255 and low >= 0 and np.array_equal(values, np.rint(values))
    bright = _within(low, high, 0.0, 255.0) and high >= _BRIGHT and np.median(values) > 1 + _SLACK
    if bytes_once or bright:
        return Range(0.0, 255.0, False)
    raise UserError(
        f"'{name}' has floats from {low:g} to {high:g}, neither from 0 to 1 nor clearly from 0 to 255: {_TO_EIGHT}, or "
        'divide by its white.'
    )


def _within(low, high, black, white):
    slack = _SLACK * (white - black)
    return black - slack <= low and high <= white + slack


def _tags(image):
    """The TIFF tags of an image; {} for other formats."""
    return getattr(image, 'tag_v2', {}) if image.format == 'TIFF' else {}


def _tagged(tags):
    """(black, white) as the tags give them, or None."""
    if _SMAX not in tags:
        return None
    black, white = float(min(_tuple(tags.get(_SMIN, 0)))), float(max(_tuple(tags[_SMAX])))
    return (black, white) if np.isfinite([black, white]).all() and white > black else None


def _tuple(value):
    return tuple(value) if isinstance(value, tuple | list) else (value,)
