"""Files -> pictures: whatever a camera, a scanner or a web site wrote becomes RGB of one size."""

import concurrent.futures
import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from gans.errors import UserError, closest

if TYPE_CHECKING:
    from PIL import Image

FITS = ('crop', 'resize')
_RULES = 1  # count up when a file becomes another picture than before: decoded pictures are kept on disk
_READERS = 8  # threads while opening: mostly waiting for the disk


class Pictures:
    """A Source (gans/data/source.py) over files that are read and decoded when they are asked for.

    `names[i]` is what the messages call file i, `read(i)` returns its bytes (from any thread; raises
    UserError), `kind` and `notes` are said in `where`. Every file is read once at opening, in threads: its
    hash is the key of the split, and its header tells whether it is a picture, and large enough. With
    `skip_bad` all are decoded at opening, and the bad ones left out and counted.
    """

    def __init__(
        self,
        kind: str,
        names: Sequence[str],
        read: Callable[[int], bytes],
        shape: tuple[int, int],
        fit: str,
        upscale: bool,
        skip_bad: bool = False,
        notes: Sequence[str] = (),
    ):
        check_fit(fit)
        self._read, self._shape, self._fit, self._upscale = read, shape, fit, upscale
        with concurrent.futures.ThreadPoolExecutor(_READERS) as pool:
            keys = list(pool.map(lambda i: self._inspect(i, names[i], skip_bad), range(len(names))))
        bad = [key for key in keys if isinstance(key, UserError)]
        if bad and (not skip_bad or len(bad) == len(keys)):
            more = f' ({len(bad)} of the {len(keys)} files have problems.)' if bad[1:] else ''
            raise UserError(f'{bad[0]}{more}')
        self._files = [i for i, key in enumerate(keys) if not isinstance(key, UserError)]
        self._keys = [keys[i] for i in self._files]
        self.names = [names[i] for i in self._files]
        noted = ', '.join([*([f'{len(bad)} bad ones skipped'] if bad else []), *notes])
        self.where = f'{kind}: {len(self._files)} pictures' + (f' ({noted})' if noted else '')
        self.decoding = f'{shape[0]}x{shape[1]} {fit}, Pillow {version("pillow")}, rules {_RULES}'

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, i: int) -> np.ndarray:
        """Returns picture `i`, uint8 [H, W, 3]; raises UserError if its file is damaged or gone."""
        return self._decode(self._read(self._files[i]), self.names[i])

    def key(self, i: int) -> bytes:
        """Returns the hash of the bytes of picture `i`'s file (blake2b, 16 bytes)."""
        return self._keys[i]

    def _inspect(self, i: int, name: str, whole: bool) -> bytes | UserError:
        """Returns the key of file `i`, or what is wrong with it."""
        try:
            content = self._read(i)
            size = header_size(content, name)
            if not self._upscale:
                check_size(size, self._shape, name)
            if whole:
                self._decode(content, name)
        except UserError as error:
            return error
        return hashlib.blake2b(content, digest_size=16).digest()

    def _decode(self, content: bytes, name: str) -> np.ndarray:
        image = load_picture(content, name, at_least=2 * max(self._shape))
        return fit(image, self._shape, self._fit, name, self._upscale)


def load_picture(file: str | os.PathLike | bytes | BinaryIO, name: str, at_least: int | None = None) -> 'Image.Image':
    """Returns the picture in a file (a path, its bytes, or an open binary file) as a PIL image in RGB.

    Gray is repeated, transparency composited on white, 16-bit gray scaled by its range, CMYK converted, the
    EXIF orientation applied; of an animation the first frame is taken. With `at_least` (pixels), a JPEG may
    be decoded at 1/2, 1/4 or 1/8 of its size as long as both sides stay at least that long (much faster for
    photographs). `name` is what the messages call the file. Raises UserError if there is no file, no
    permission, no picture in it, or only a part of one.
    """
    from PIL import Image, ImageOps

    with _explained(name), Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        image.load()
        with contextlib.suppress(Exception):  # a damaged orientation tag does not spoil the picture
            ImageOps.exif_transpose(image, in_place=True)
        return _rgb(image)


def header_size(content: bytes, name: str) -> tuple[int, int]:
    """Returns (height, width) of the picture in `content` without decoding it, turned as EXIF says.

    Raises UserError if there is no picture that Pillow can read.
    """
    from PIL import Image

    with _explained(name), Image.open(io.BytesIO(content)) as image:
        turned = False
        if 'exif' in image.info:  # getexif() alone would decode a whole PNG in search of it
            with contextlib.suppress(Exception):
                turned = image.getexif().get(0x0112) in (5, 6, 7, 8)
        return (image.width, image.height) if turned else (image.height, image.width)


def check_size(size: tuple[int, int], shape: tuple[int, int], name: str) -> None:
    """Raises UserError if a picture of `size` (height, width) would have to be enlarged to fill `shape`."""
    if size[0] < shape[0] or size[1] < shape[1]:
        raise UserError(
            f"'{name}' has {size[1]}x{size[0]} pixels (width x height), less than the "
            f'{shape[1]}x{shape[0]} asked for: choose a smaller --config.size, or set '
            'upscale=True to enlarge such pictures.'
        )


def check_fit(how: str) -> None:
    """Raises UserError unless `how` is one of FITS."""
    if how not in FITS:
        raise UserError(
            f"there is no fit '{how}'{closest(how, FITS)}: use 'crop' (scale the short side, cut "
            "the middle) or 'resize' (stretch)."
        )


def fit(
    image: 'Image.Image', shape: tuple[int, int], how: str, name: str = 'the picture', upscale: bool = False
) -> np.ndarray:
    """Returns an RGB image at `shape` (height, width): uint8 [H, W, 3], antialiased (Lanczos).

    'crop' keeps the proportions: the largest middle part with those of `shape` is scaled. 'resize' stretches
    the whole. A picture of that shape already comes back untouched. Raises UserError for an unknown `how`,
    and if the picture is smaller than the shape, unless `upscale`.
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
    # Rounding may put the box a hair outside the picture, which Pillow refuses.
    box = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], image.width), min(box[3], image.height))
    if (image.height, image.width) != (height, width):
        # The gap lets Pillow average whole blocks first when the picture is far larger: same look, faster.
        image = image.resize((width, height), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return np.array(image, np.uint8)


def _rgb(image: 'Image.Image') -> 'Image.Image':
    """Returns a decoded image of any mode as RGB."""
    from PIL import Image

    if image.mode in ('F', 'I') or image.mode.startswith('I;'):
        image = Image.fromarray(_eight_bits(np.asarray(image), image.mode, image.format))
    if 'transparency' in image.info or image.mode in ('RGBA', 'LA'):
        image = image.convert('RGBA')
        image = Image.alpha_composite(Image.new('RGBA', image.size, 'white'), image)
    return image if image.mode == 'RGB' else image.convert('RGB')


def _eight_bits(values: np.ndarray, mode: str, file_format: str | None) -> np.ndarray:
    """Returns gray values of more than 8 bits as uint8, scaled from their range, never cut off at the top.

    I;16 and 16-bit PGM say that white is 65535. Files of 32 bits do not say it: white is then the smallest
    usual one (1 for floats, 255, 65535, 2**31 - 1) that no value exceeds.
    """
    if mode.startswith('I;') or file_format == 'PPM':
        white = 65535
    else:
        whites = (1, 255, 65535, 2**31 - 1) if mode == 'F' else (255, 65535, 2**31 - 1)
        white = next((w for w in whites if np.max(values) <= w), whites[-1])
    scaled = np.clip(np.nan_to_num(values.astype(np.float64)) / white, 0, 1)
    return np.round(scaled * 255).astype(np.uint8)


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turns whatever goes wrong while a picture is read into a sentence that names the file."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"'{name}' does not exist.") from error
    except IsADirectoryError as error:
        raise UserError(f"'{name}' is a folder, not a picture.") from error
    except PermissionError as error:
        raise UserError(f"'{name}' may not be read: change its permissions.") from error
    except UnidentifiedImageError as error:
        raise UserError(
            f"'{name}' is not a picture that Pillow can read: convert it to PNG or JPEG, or remove it."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(
            f"'{name}' has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels, too many to "
            'decode safely: make it smaller first.'
        ) from error
    except Exception as error:  # decoders raise anything at damaged bytes: struct, zlib, index, syntax errors
        raise UserError(f"'{name}' is damaged or cut off ({error}): replace it or remove it.") from error
