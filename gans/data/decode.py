"""Files -> images: whatever a camera, a scanner or a web site wrote becomes RGB of one size."""

import collections
import concurrent.futures
import contextlib
import hashlib
import io
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from gans.data import files, profiles, values
from gans.data.carries import IN_TRAINING, carries
from gans.data.fitting import RESAMPLES, check_fit, check_resample, check_size, common_size, fit
from gans.errors import UserError
from gans.progress import progress

if TYPE_CHECKING:
    from PIL import Image

_RULES = 2  # count up when a file becomes another image than before: decoded images are kept on disk
_READERS = 8  # threads while opening: mostly waiting for the disk
_LARGE = 2**24  # pixels: of what is larger one thread at a time decodes an image
_REMEDY = 'replace it or remove it'
_BEGUN = f'{_REMEDY}, and begin anew'  # a run goes on with the very images that it began with

# Pillow warns of images that are still within the limit; what is beyond is refused here.
warnings.filterwarnings('ignore', message='Image size .* exceeds limit of .* pixels')


class Limits(NamedTuple):
    """The most that a file may have: bytes, unpacked, and pixels of its image, by its header."""

    max_bytes: int = files.MAX_BYTES
    max_pixels: int = files.MAX_PIXELS


class _Seen(NamedTuple):
    """What opening found out about a file: key of its content, upright size, what it carries, range of its values."""

    key: bytes
    size: tuple[int, int]
    carried: list[str]
    values: values.Range | None


class Images:
    """A Source (gans/data/source.py) over files that are read and decoded when they are asked for.

    `names[i]` is what the messages call file i, `read(i, most)` returns its bytes (from any thread; raises
    files.TooLarge for more than `most`, and other UserErrors), `kind` and `notes` are said in `where`. Every file
    is read once at opening, in threads: its hash is the key of the split, and its header tells whether it is a
    image, and large enough, and what it carries that is not used, which is counted in `where`. Only floats are
    decoded there, since nothing but their values tells their range. With `skip_bad` all are decoded at opening,
    and the bad ones left out and counted. `sizes[i]` is what (height, width) file i has, upright.

    Without a `shape` it is the size that all images have. `resample`, one of RESAMPLES, is for measures: the whole file
    is decoded, then scaled by exactly that filter; without it both take the shorter way of training.

    Memory: of files above 16 MiB, and of images above 16 million pixels, one at a time is held, however many threads
    read, so that beside them `limits` bound what is in memory.
    """

    def __init__(
        self,
        kind: str,
        names: Sequence[str],
        read: Callable[[int, int], bytes],
        shape: tuple[int, int] | None,
        fit: str,
        upscale: bool,
        skip_bad: bool = False,
        notes: Sequence[str] = (),
        limits: Limits | None = None,
        resample: str = '',
    ):
        check_fit(fit)
        check_resample(resample or RESAMPLES[0])
        self._read, self._shape, self._fit, self._upscale = read, shape, fit, upscale
        self._limits, self._resample = limits or Limits(), resample
        self._one_large = threading.RLock()
        with concurrent.futures.ThreadPoolExecutor(_READERS) as pool:
            inspected = pool.map(lambda i: self._inspect(i, names[i], skip_bad), range(len(names)))
            with progress('opening', len(names), 'files') as advance:
                found = []
                for seen in inspected:
                    found.append(seen)
                    advance(1)
        wrong = [i for i, seen in enumerate(found) if isinstance(seen, str)]
        bad = [found[i] for i in wrong]
        if bad and (not skip_bad or len(bad) == len(found)):
            more = f' ({len(bad)} of the {len(found)} files have problems.)' if bad[1:] else ''
            raise UserError(f'{bad[0]}{more}')
        self._files = [i for i, seen in enumerate(found) if not isinstance(seen, str)]
        good = [found[i] for i in self._files]
        self._keys = [seen.key for seen in good]
        self.sizes = [seen.size for seen in good]
        self._shape = shape or common_size(self.sizes, kind)
        self.names = [names[i] for i in self._files]
        values.check_alike({name: s.values for name, s in zip(self.names, good, strict=True) if s.values})
        skipped = [f"{len(bad)} bad ones skipped ('{names[wrong[0]]}')"] if bad else []
        self.notes = [*skipped, *notes, *_tell(self.names, good)]
        self.where = f'{kind}: {len(self._files)} images' + (f' ({", ".join(self.notes)})' if self.notes else '')
        self.decoding = (
            f'{self._shape[0]}x{self._shape[1]} {fit}{resample and f" {resample}"}, Pillow {version("pillow")}, '
            f'Little CMS {profiles.version()}, rules {_RULES}'
        )

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, i: int) -> np.ndarray:
        """Returns image `i`, uint8 [H, W, 3]; raises UserError if its file is damaged, gone, or another one now."""
        with self._content(self._files[i]) as content:
            if _key(content) != self._keys[i]:
                raise UserError(f"'{self.names[i]}' has changed since it was opened: leave it alone, and start again.")
            return self._decode(content, self.names[i], _BEGUN)

    def key(self, i: int) -> bytes:
        """Returns the hash of the bytes of image `i`'s file (blake2b, 16 bytes)."""
        return self._keys[i]

    def _inspect(self, i: int, name: str, whole: bool) -> _Seen | str:
        """Returns what is seen of file `i`, or a sentence on what is wrong with it.

        The error itself would keep the file's content in memory: its traceback has the variables of every function.
        """
        try:
            with self._content(i) as content:
                with _opened(content, name, self._limits.max_pixels) as image:
                    values.check_header(image, name)
                    size = _upright(image)
                    if self._shape and not self._upscale:
                        check_size(size, self._shape, name)
                    carried = carries(image)
                    with self._alone_if(image.width * image.height > _LARGE and image.mode == 'F'):
                        found = values.range_of(image, name) if values.is_deep(image) else None
                if whole:
                    self._decode(content, name, _REMEDY)
                return _Seen(_key(content), size, carried, found)
        except UserError as error:
            return str(error)

    @contextlib.contextmanager
    def _content(self, i: int) -> Iterator[bytes]:
        """The bytes of file `i`; of the large ones, one thread at a time has some."""
        try:
            content = self._read(i, min(files.SMALL, self._limits.max_bytes))
        except files.TooLarge:
            content = None
        with self._alone_if(content is None):
            yield self._read(i, self._limits.max_bytes) if content is None else content

    def _alone_if(self, large: bool) -> contextlib.AbstractContextManager:
        return self._one_large if large else contextlib.nullcontext()

    def _decode(self, content: bytes, name: str, remedy: str) -> np.ndarray:
        with _opened(content, name, self._limits.max_pixels, remedy) as image:
            if not self._resample:
                image.draft(None, (2 * max(self._shape),) * 2)
            with self._alone_if(image.width * image.height > _LARGE):
                return fit_srgb(_loaded(image, name), self._shape, self._fit, name, self._upscale, self._resample)


def load_image(
    file: str | os.PathLike | bytes | BinaryIO,
    name: str,
    at_least: int | None = None,
    limits: Limits | None = None,
) -> 'Image.Image':
    """Returns the image in a file (a path, its bytes, or an open binary file) as a PIL image in RGB.

    Gray is repeated, transparency composited on white, gray of more bits scaled by its range (gans/data/values.py),
    CMYK converted, the EXIF orientation applied; of an animation the first frame is taken. The colours stay those of
    the file's ICC profile, which `fit_srgb` applies, but for inks. With `at_least` (pixels), a JPEG may be decoded at
    1/2, 1/4 or 1/8 of its size as long as both sides stay at least that long (much faster for photographs). `name` is
    what the messages call the file. Raises UserError if there is no file, no regular one, no permission, no image in
    it, or only a part of one, and if it exceeds `limits`.
    """
    limits = limits or Limits()
    with contextlib.ExitStack() as stack:
        if isinstance(file, str | os.PathLike):
            with explained(name):
                file = stack.enter_context(files.open_regular(file, limits.max_bytes, name))
        image = stack.enter_context(_opened(file, name, limits.max_pixels))
        values.check_header(image, name)
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        return _loaded(image, name)


def _key(content):
    return hashlib.blake2b(content, digest_size=16).digest()


def _tell(names, good):
    """What becomes of what the files carry, each kind with a count and an example."""
    counts: collections.Counter[str] = collections.Counter()
    examples: dict[str, str] = {}
    for name, seen in zip(names, good, strict=True):
        for kind in seen.carried:
            counts[kind] += 1
            examples.setdefault(kind, name)
    return [f"{counts[kind]} {IN_TRAINING[kind]} ('{examples[kind]}')" for kind in IN_TRAINING if kind in counts]


@contextlib.contextmanager
def _opened(file, name, max_pixels, remedy=_REMEDY) -> Iterator['Image.Image']:
    """The image in an open file or in bytes, its header read; raises UserError if it has too many pixels."""
    from PIL import Image

    # Pillow's own limit, twice this, holds for images inside of images too, whose size no header tells beforehand.
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, max_pixels)
    with explained(name, remedy), Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
        check_pixels(image.width, image.height, max_pixels, name)
        yield image


def _loaded(image, name):
    """An opened image decoded, upright, in RGB; its profile stays in `info`."""
    from PIL import ImageOps

    image.load()
    with contextlib.suppress(Exception):  # a damaged orientation tag does not spoil the image
        ImageOps.exif_transpose(image, in_place=True)
    profile = profiles.of(image)
    rgb = _rgb(image, name)
    rgb.info['icc_profile'] = profile
    return rgb


def _upright(image):
    """(height, width) of an opened image, turned as EXIF says."""
    turned = False
    if 'exif' in image.info:  # getexif() alone would decode a whole PNG in search of it
        with contextlib.suppress(Exception):
            turned = image.getexif().get(0x0112) in (5, 6, 7, 8)
    return (image.width, image.height) if turned else (image.height, image.width)


def check_pixels(width: int, height: int, max_pixels: int, name: str) -> None:
    """Raises UserError if an image has more than `max_pixels`."""
    if width * height > max_pixels:
        raise UserError(
            f"'{name}' has {width}x{height} pixels (width x height), more than {max_pixels:,}: make it smaller, or, "
            'for training, raise --config.data.max_pixels.'
        )


def fit_srgb(
    image: 'Image.Image',
    shape: tuple[int, int],
    how: str,
    name: str = 'the image',
    upscale: bool = False,
    resample: str = '',
) -> np.ndarray:
    """As `fit`, of what `load_image` returned, with its colours in sRGB: its ICC profile is applied to the result."""
    profile = image.info.get('icc_profile')
    pixels = fit(image, shape, how, name, upscale, resample)
    return profiles.to_srgb(pixels, profile) if profile else pixels


def _rgb(image: 'Image.Image', name: str) -> 'Image.Image':
    """Returns a decoded image of any mode as RGB."""
    from PIL import Image

    if values.is_deep(image):
        image = values.to_eight_bits(image, name)
    if image.mode in ('La', 'RGBa'):  # colours multiplied by their opacity
        image = image.convert(image.mode.upper())
    if image.mode == 'CMYK' and profiles.of(image):
        image = profiles.inks_to_srgb(image, profiles.of(image))
    if 'transparency' in image.info or image.mode in ('RGBA', 'LA', 'PA'):
        image = image.convert('RGBA')
        image = Image.alpha_composite(Image.new('RGBA', image.size, 'white'), image)
    return image if image.mode == 'RGB' else image.convert('RGB')


@contextlib.contextmanager
def explained(name: str, remedy: str = _REMEDY) -> Iterator[None]:
    """Turns whatever goes wrong while an image is read into a sentence that names the file; `remedy` is its end."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"'{name}' does not exist.") from error
    except IsADirectoryError as error:
        raise UserError(f"'{name}' is a folder, not an image.") from error
    except PermissionError as error:
        raise UserError(f"'{name}' may not be read: change its permissions.") from error
    except UnidentifiedImageError as error:
        raise UserError(
            f"'{name}' is not an image that Pillow can read: convert it to PNG or JPEG, or remove it."
        ) from error
    except Image.DecompressionBombError as error:
        raise UserError(
            f"'{name}' has more than {Image.MAX_IMAGE_PIXELS:,} pixels: make it smaller, or, for training, raise "
            '--config.data.max_pixels.'
        ) from error
    except MemoryError as error:
        raise UserError(f"'{name}' does not fit into memory: make it smaller, or remove it.") from error
    except Exception as error:  # decoders raise anything at damaged bytes: struct, zlib, index, syntax errors
        raise UserError(f"'{name}' is damaged or cut off ({error}): {remedy}.") from error
