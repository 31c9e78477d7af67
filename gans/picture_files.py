"""Files -> pictures with all that a result has to keep (alpha, depth, profile), and results -> files."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from gans.data import decode
from gans.errors import UserError
from gans.images import whole_file


class Picture(NamedTuple):
    """A picture as read, upright.

    Attributes:
      rgb: uint8 [H, W, 3], the colours in the file.
      seen: uint8 [H, W, 3], the same on white where it is transparent: what a network is shown.
      alpha: uint8 [H, W], or None.
      deep: uint16 [H, W] if the file has gray values of 16 bits, or None.
      mode: Pillow's name for the file's kind of pixel.
      profile: the ICC profile, or None.
    """

    rgb: np.ndarray
    seen: np.ndarray
    alpha: np.ndarray | None
    deep: np.ndarray | None
    mode: str
    profile: bytes | None


class Format(NamedTuple):
    """How files with an ending are written: Pillow's name and options, and whether every value is kept."""

    name: str
    lossless: bool
    options: Mapping = MappingProxyType({})


_JPEG = Format('JPEG', False, {'quality': 95, 'subsampling': 0})
FORMATS = {
    '.png': Format('PNG', True),
    '.jpg': _JPEG,
    '.jpeg': _JPEG,
    '.webp': Format('WEBP', True, {'lossless': True, 'exact': True}),
    '.tif': Format('TIFF', True),
    '.tiff': Format('TIFF', True),
    '.bmp': Format('BMP', True),
    '.ppm': Format('PPM', True),
}


def read_picture(path: Path) -> Picture:
    """Reads a picture of any mode, upright; raises UserError as `decode.load_picture`."""
    from PIL import Image, ImageOps

    seen = decode.load_picture(path, str(path))  # explains what is wrong, so that nothing is below
    with Image.open(path) as image:
        image.load()
        with contextlib.suppress(Exception):  # as decode does: a damaged tag does not spoil the picture
            ImageOps.exif_transpose(image, in_place=True)
        mode = image.mode
        # A profile for inks or for grays says nothing about RGB.
        profile = image.info.get('icc_profile') if mode in ('RGB', 'RGBA', 'RGBa', 'P', 'PA') else None
        deep = np.asarray(image).astype(np.uint16) if mode.startswith('I;16') else None
        rgb, alpha = seen, None
        if mode in ('RGBa', 'La'):  # colours multiplied by their opacity
            image = image.convert(mode.upper())
        if deep is None and ('transparency' in image.info or image.mode in ('RGBA', 'LA', 'PA')):
            whole = image.convert('RGBA')
            rgb, alpha = whole.convert('RGB'), np.asarray(whole.getchannel('A'))
    return Picture(np.asarray(rgb), np.asarray(seen), alpha, deep, mode, profile)


def is_picture(path: Path) -> bool:
    """Whether a file is a picture, by its name or by its first bytes; a damaged picture is one."""
    from PIL import Image, UnidentifiedImageError

    if path.suffix.lower() in (*FORMATS, '.gif'):
        return True
    try:
        with Image.open(path):
            return True
    except UnidentifiedImageError:
        return False
    except Exception:  # found to be one, and damaged or locked: reading it says how
        return True


def save_picture(image, path: Path, profile: bytes | None) -> None:
    """Writes a Pillow image in the format that the path's ending says, whole or not at all; makes missing folders.

    Raises UserError if the disk, the permissions or the format say no.
    """
    kind = FORMATS[path.suffix.lower()]
    try:
        with whole_file(path) as temporary:
            image.save(temporary, kind.name, icc_profile=profile, **kind.options)
    except OSError as error:
        raise UserError(f"Cannot write '{path}' ({error.strerror or error}): give another --output.") from error
