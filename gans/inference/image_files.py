"""Files -> images with what a result has to keep (alpha, depth, profile, EXIF, resolution), results -> files."""

import contextlib
import io
import os
import struct
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from gans.data import decode, files, values
from gans.data.carries import depth
from gans.errors import UserError, cannot_write
from gans.image.files import whole_file
from gans.image.large_image import MODES, LargeImage, everything, windows

MOST_PIXELS = files.MAX_PIXELS  # of one image

# EXIF holds what describes a photograph, which is kept, and how one file is built, which would be wrong in another.
_ORIENTATION = 0x0112
_EXIF_PARTS = (0x8769, 0x8825)  # how it was taken; where
_BUILD = (*range(254, 270), *range(273, 297), *range(317, 348), *range(512, 533), 0xA002, 0xA003, 0xA005)
_TIFF_KEPT = (270, 271, 272, 305, 306, 315, 316, 33432)  # of the tags of a TIFF, which are its EXIF
_TIFF_KNOWN = (*_TIFF_KEPT, *_EXIF_PARTS, 34675)
_EXIF_MOST = 65_000  # bytes: what a JPEG can hold
_SRGB_GAMMA = 0.45455
_TEXTS = ('comment', 'xmp', 'XML:com.adobe.xmp', 'photoshop')  # Pillow's names for what people and programs wrote


class Format(NamedTuple):
    """How files with an ending are written.

    Attributes:
      name: Pillow's name.
      lossless: every value is kept.
      modes: the kinds of images in memory that it can hold.
      holds: what it takes beside pixels, by the names of Pillow's options.
      options: how it is written.
    """

    name: str
    lossless: bool
    modes: tuple[str, ...]
    holds: tuple[str, ...]
    options: Mapping = MappingProxyType({})


_ALL = ('icc_profile', 'exif', 'dpi')
_JPEG = Format('JPEG', False, ('L', 'RGB'), _ALL, {'quality': 95, 'subsampling': 0})
_TIFF = Format('TIFF', True, MODES, _ALL)
FORMATS = {
    '.png': Format('PNG', True, MODES, _ALL),
    '.jpg': _JPEG,
    '.jpeg': _JPEG,
    # Quality means effort where nothing is lost: 20 takes 12 bytes per pixel, 80 takes 26 for files 0.3 % smaller.
    '.webp': Format('WEBP', True, MODES[:4], ('icc_profile', 'exif'), {'lossless': True, 'exact': True, 'quality': 20}),
    '.tif': _TIFF,
    '.tiff': _TIFF,
    '.bmp': Format('BMP', True, ('L', 'RGB'), ('dpi',)),
    '.ppm': Format('PPM', True, ('L', 'RGB'), ()),
}
# What cameras and programs write that Pillow reads in part or not at all: images all the same, which are named.
_OTHERS = (
    '.gif',
    '.heic',
    '.heif',
    '.avif',
    '.jxl',
    '.dng',
    '.cr2',
    '.cr3',
    '.nef',
    '.arw',
    '.raf',
    '.orf',
    '.psd',
    '.svg',
)
_WHAT = {'icc_profile': 'ICC profile', 'exif': 'EXIF', 'dpi': 'resolution'}


class Carried(NamedTuple):
    """What a file carries beside the 8-bit RGB of one image.

    Attributes:
      bits: of each value in the file.
      mode: Pillow's name for the kind of pixel that the file has.
      frames: how many pages, frames or sizes are in it.
      options: what can be kept, as Pillow's options for saving the upright image: icc_profile, exif, dpi.
      others: what cannot, in words.
    """

    bits: int
    mode: str
    frames: int
    options: Mapping
    others: tuple[str, ...]

    @property
    def deep_colour(self) -> bool:
        """Whether its colours have values of more than 8 bits, which Pillow cuts to 8 as it reads."""
        return self.bits > 8 and not self.mode.startswith(('I', 'F'))


def carries(image) -> Carried:
    """What a file carries, of a Pillow image just opened. Decodes the image."""
    bits, frames = depth(image), _frames(image)  # what is only known before decoding
    turned = image.tag_v2.get(_ORIENTATION) if image.format == 'TIFF' else None  # which Pillow turns as it decodes
    image.load()
    options, others = {}, []
    exif, whole = _exif_of(image)
    if exif is not None:
        options['exif'] = exif
    if not whole:
        others.append('EXIF that is damaged or too long')
    if image.info.get('icc_profile'):
        options['icc_profile'] = image.info['icc_profile']
    with contextlib.suppress(Exception):  # formats say it in tuples, fractions and zeros
        dpi = tuple(float(n) for n in image.info['dpi'])
        if len(dpi) == 2 and all(0 < n < 65536 for n in dpi):
            on_its_side = (turned or image.getexif().get(_ORIENTATION)) in (5, 6, 7, 8)
            options['dpi'] = dpi[::-1] if on_its_side else dpi
    texts = not getattr(image, 'is_animated', False) and getattr(image, 'text', None)  # it would decode all frames
    if texts or any(image.info.get(name) for name in _TEXTS):
        others.append('texts or XMP')
    if image.format == 'TIFF' and image.tag_v2.get(277, 1) > len(image.getbands()):
        others.append('extra channels')
    if image.format == 'TIFF' and any(tag >= 32768 and tag not in _TIFF_KNOWN for tag in image.tag_v2):
        others.append('private TIFF tags')
    if image.mode.startswith('I;16') and 'transparency' in image.info:
        others.append('transparent gray')
    if not image.info.get('icc_profile') and 'srgb' not in image.info:
        if abs(image.info.get('gamma', _SRGB_GAMMA) / _SRGB_GAMMA - 1) > 0.05:
            others.append('gamma')
    return Carried(bits, image.mode, frames, options, tuple(others))


def read_image(path: Path) -> tuple[LargeImage, Carried]:
    """Reads an image of any kind, upright, decoding it once; raises UserError as `decode.load_image`."""
    from PIL import Image, ImageOps

    name = shown(path)
    with decode.explained(name), _open(path) as file, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of odd EXIF; and of many pixels, for which there is MOST_PIXELS
        try:
            opened = Image.open(file)
        except Image.DecompressionBombError as error:
            raise UserError(_too_large(name)) from error
        with opened as image:
            if image.width * image.height > MOST_PIXELS:
                raise UserError(_too_large(name))
            values.check_header(image, name)
            carried = carries(image)
            with contextlib.suppress(Exception):  # a damaged tag does not spoil the image
                ImageOps.exif_transpose(image, in_place=True)
            return _in_memory(image, name), carried


def save_image(image: LargeImage, path: Path, carried: Carried) -> list[str]:
    """Writes an image in the format that the path's ending says, whole or not at all; makes missing folders.

    Returns:
      what the file has lost of what the input carried, in words.

    Raises:
      UserError: the disk, the permissions or the format say no; OSError is its cause if the system did.
    """
    kind = FORMATS[path.suffix.lower()]
    options, lost = {}, list(carried.others)
    for name, value in carried.options.items():
        if name in kind.holds and (name != 'icc_profile' or _profile_fits(value, carried.mode, image.image.mode)):
            options[name] = value
        else:
            lost.append(_WHAT[name])
    if image.image.mode not in kind.modes:  # the file was not what its name says, or is a rare kind of BMP
        what = '16 bits' if image.image.mode == 'I;16' else 'transparency'
        raise UserError(
            f"Cannot write '{shown(path)}' (its format cannot hold {what}): give the input its true ending, or make it "
            'a PNG.'
        )
    try:
        with whole_file(path) as temporary, _Writer(temporary) as file:
            image.image.info = {}  # or Pillow writes what it holds in there too
            image.image.save(file, kind.name, **kind.options, **options)
    except OSError as error:
        raise cannot_write(shown(path), error) from error
    except (ValueError, struct.error) as error:  # more pixels than the format has numbers for
        raise UserError(f"Cannot write '{shown(path)}' ({error}): convert the input to PNG first.") from error
    return lost


def is_image(path: Path) -> bool:
    """Whether a regular file is an image, by its name or by its first bytes; a damaged image is one."""
    from PIL import Image, UnidentifiedImageError

    if path.suffix.lower() in (*FORMATS, *_OTHERS):
        return True
    try:
        with _open(path) as file, warnings.catch_warnings():
            warnings.simplefilter('ignore')
            with Image.open(file):
                return True
    except UnidentifiedImageError:
        return False
    except Exception:  # found to be one, and damaged or locked: reading it says how
        return True


def irregular(path: str | os.PathLike) -> str:
    """What a path is if it leads to no regular file: for example 'a socket', 'gone' or 'out of reach'; else ''."""
    try:
        return files.irregular(path)
    except FileNotFoundError:
        return 'gone'
    except OSError as error:
        return f'out of reach ({error.strerror})'


def shown(path: str | os.PathLike) -> str:
    """A path for messages: what would not print (line ends, terminal escapes, bytes that are no UTF-8) as escapes."""
    return files.printable(os.fspath(path))


class _Writer(io.BufferedWriter):
    """A file for Pillow's encoders that hides its number: given that, they write themselves and forget `errno`."""

    def __init__(self, path):
        super().__init__(io.FileIO(path, 'w'))

    def fileno(self):
        raise io.UnsupportedOperation('fileno')


def _open(path):
    # Pillow decodes from the open file: not its bytes take memory, but its pixels, for which there is MOST_PIXELS.
    return files.open_regular(path, sys.maxsize, shown(path))


def _too_large(name):
    return f"'{name}' has more than {MOST_PIXELS:,} pixels, the most that are read: make it smaller, or cut it."


def _in_memory(image, name):
    """A decoded, upright image of any mode as a `LargeImage`; `name` is for messages."""
    from PIL import Image

    if image.mode.startswith('I;16'):
        white = int(values.range_of(image, name).white)
        # White is zero, which Pillow minds in 8 bits alone.
        negative = image.format == 'TIFF' and image.tag_v2.get(262) == 0
        kept = Image.new('I;16', image.size)
        for rows, columns in windows(everything((image.height, image.width))):
            box = (columns.start, rows.start, columns.stop, rows.stop)
            deep = np.asarray(image.crop(box)).astype(np.uint16)
            kept.paste(Image.fromarray(white - deep if negative else deep), box[:2])
        return LargeImage(kept, white)
    if image.mode in ('I', 'F'):
        return LargeImage(values.to_eight_bits(image, name))
    if image.mode in ('RGBa', 'La'):  # colours multiplied by their opacity
        return LargeImage(image.convert(image.mode.upper()))
    clear = 'transparency' in image.info or image.mode in ('RGBA', 'LA', 'PA')
    gray = image.mode in ('1', 'L', 'LA')
    wanted = ('LA' if gray else 'RGBA') if clear else ('L' if gray else 'RGB')
    if image.format == 'WEBP':  # its decoder lives as long as the image, with copies of it
        return LargeImage(image.convert(wanted))
    return LargeImage(image if image.mode == wanted else image.convert(wanted))


def _profile_fits(profile, before, after):
    """Whether a profile is for colours of the file's mode and of the result's: one for inks says nothing about RGB."""
    if after.startswith('RGB'):
        return before.startswith(('RGB', 'P')) and profile[16:20] == b'RGB '
    return profile[16:20] == b'GRAY'


def _exif_of(image):
    """(what describes the photograph, as bytes, or None; whether it could be read and is short enough)."""
    from PIL import Image

    kept = Image.Exif()
    try:
        found = image.getexif()
        for tag, value in found.items():
            if tag in _TIFF_KEPT or not (image.format == 'TIFF' or tag in _BUILD or tag in _EXIF_PARTS):
                kept[tag] = value
        for part in _EXIF_PARTS:
            inside = {tag: value for tag, value in found.get_ifd(part).items() if tag not in _BUILD}
            if inside:
                kept[part] = inside
        content = kept.tobytes() if len(kept) else None
    except Exception:  # its tags hold anything
        return None, False
    return (content, True) if content is None or len(content) <= _EXIF_MOST else (None, False)


def _frames(image):
    with contextlib.suppress(Exception):  # a damaged second page does not spoil the first
        return max(getattr(image, 'n_frames', 1), len(image.info.get('sizes', ())))
    return 1
