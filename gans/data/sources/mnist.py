"""MNIST from the disk: an .npz with Keras's names, or the idx files of LeCun, Cortes and Burges, packed or not.

Whatever comes in either form is read alike: Fashion-MNIST, KMNIST. A set has two parts. The source is the one for
training, and nothing else is ever trained on; of it the project holds out its tenth, by content, as of any source. The
set's own part for testing is shown to no generator: only the classifier that measures digits is tested with it.
"""

import gzip
import io
import math
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from gans.data import decode, files, fitting
from gans.data.arrays import Arrays, as_rgb
from gans.data.source import Labels
from gans.errors import UserError, check_local

PLACE = 'path'  # the argument that says where the images lie
SEEDED = False  # the seed decides nothing here

IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = 'x_train', 'y_train', 'x_test', 'y_test'  # Keras's names
IDX = 'train-images-idx3-ubyte'  # the authors' name of the training images; the others' names follow from it
_IDX_NAMES = (IDX, 'train-images.idx3-ubyte')  # some programs that unpack put a dot there
_BYTES = 0x08  # idx: the type of the numbers


def open_source(
    shape: tuple[int, int],
    seed: int,
    path: str,
    fit: str = 'crop',
    upscale: bool = False,
    max_bytes: int = files.MAX_BYTES,
    max_pixels: int = files.MAX_PIXELS,
) -> Arrays:
    """Opens the training part of a set of gray images, as RGB at `shape` (height, width).

    `path` is an .npz with x_train uint8 [N, h, w] (y_train, x_test and y_test are read where they are there); a folder
    with train-images-idx3-ubyte (and train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte), each
    also as .gz; or that one file. `~` is expanded. Images of another size than `shape` are fitted to it as in
    `gans.data.sources.folder`: `fit` is 'crop' or 'resize', smaller ones are refused unless `upscale`. Arrays of more
    than `max_bytes` each, unpacked, and images of more than `max_pixels` are refused. Nothing is drawn at
    random, so `seed` is not used. Raises UserError for a missing path or permission, other files, damaged ones, and
    images that are too small or too large.
    """
    del seed
    check_local(path)
    place = Path(path).expanduser()
    found = _read(place, max_bytes, max_pixels)
    noted = '' if LABELS in found else ', without labels'
    where = f"training part of '{place}': {len(found[IMAGES])} images{noted}"
    return Arrays(where, found[IMAGES], _shower(found[IMAGES], shape, fit, upscale, f'{IMAGES} of {place}'))


def open_labels(
    shape: tuple[int, int],
    seed: int,
    path: str,
    fit: str = 'crop',
    upscale: bool = False,
    max_bytes: int = files.MAX_BYTES,
    max_pixels: int = files.MAX_PIXELS,
) -> Labels | None:
    """The labels of the same images, and the part for testing if it is there with its own; None without labels.

    Arguments and errors are those of `open_source`.
    """
    del seed
    check_local(path)
    place = Path(path).expanduser()
    found = _read(place, max_bytes, max_pixels)
    if LABELS not in found:
        return None
    if TEST_IMAGES not in found or TEST_LABELS not in found:
        return Labels(found[LABELS])
    show = _shower(found[TEST_IMAGES], shape, fit, upscale, f'{TEST_IMAGES} of {place}')
    where = f"test part of '{place}': {len(found[TEST_IMAGES])} images"
    test = Arrays(where, found[TEST_IMAGES], show)
    return Labels(found[LABELS], test, found[TEST_LABELS])


def _shower(images, shape, fit, upscale, name) -> Callable[[np.ndarray], np.ndarray]:
    """What makes one of `images` [N, h, w] an image of `shape`."""
    fitting.check_fit(fit)
    if images.shape[1:] == tuple(shape):
        return as_rgb
    if not upscale:
        fitting.check_size(images.shape[1:], shape, name)
    return partial(_fitted, shape, fit, name)


def _fitted(shape, fit, name, gray):
    from PIL import Image

    return fitting.fit(Image.fromarray(gray).convert('RGB'), shape, fit, name, upscale=True)


def _read(place: Path, max_bytes: int, max_pixels: int) -> dict[str, np.ndarray]:
    """The arrays of a set by Keras's names: the training images, and of the others those that are there."""
    try:
        if not place.exists():
            raise UserError(f"there is no '{place}': give an MNIST .npz, or a folder with {IDX}, as path.")
        read = _read_npz if place.suffix.lower() == '.npz' and not place.is_dir() else _read_idx_set
        found = read(place, max_bytes)
    except PermissionError as error:
        raise UserError(f"'{error.filename or place}' may not be read: change its permissions.") from error
    except OSError as error:
        raise UserError(f"'{error.filename or place}' cannot be read ({error.strerror or error}).") from error
    for images, labels in ((IMAGES, LABELS), (TEST_IMAGES, TEST_LABELS)):
        _check(found, images, labels, place, max_pixels)
    return {name: array.astype(np.int64) if name in (LABELS, TEST_LABELS) else array for name, array in found.items()}


def _read_npz(path: Path, max_bytes: int) -> dict[str, np.ndarray]:
    try:
        with files.open_regular(path, sys.maxsize) as file, zipfile.ZipFile(file) as archive:
            has = [name.removesuffix('.npy') for name in archive.namelist()]
            if IMAGES not in has:
                raise UserError(
                    f"'{path}' has no {IMAGES} (it has: {', '.join(has) or 'nothing'}): give an .npz with Keras's "
                    'names.'
                )
            names = [name for name in (IMAGES, LABELS, TEST_IMAGES, TEST_LABELS) if name in has]
            return {name: _read_npy(archive, f'{name}.npy', max_bytes, f'{path}/{name}') for name in names}
    except (UserError, PermissionError):
        raise
    except Exception as error:  # damaged archives raise anything: BadZipFile, zlib.error, ValueError, EOFError
        raise UserError(f"'{path}' is no .npz, or damaged or cut off ({error}): fetch it again.") from error


def _read_npy(archive: zipfile.ZipFile, member: str, max_bytes: int, name: str) -> np.ndarray:
    """An array of an .npz. Numpy would make room for whatever the array says of its size, before reading it."""
    content = io.BytesIO(files.read_member(archive, member, max_bytes, name))
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(content)]
    shape, _, dtype = read_header(content)
    if math.prod(shape) * dtype.itemsize != len(content.getbuffer()) - content.tell():
        raise ValueError('its length is not what it says')
    content.seek(0)
    return npy.read_array(content, allow_pickle=False)


def _read_idx_set(place: Path, max_bytes: int) -> dict[str, np.ndarray]:
    """The arrays of a folder of idx files, or of one such file and those beside it."""
    first = _with_or_without_gz(place, _IDX_NAMES) if place.is_dir() else place
    if first is None:
        raise UserError(f"there is no {IDX} (or {IDX}.gz) in '{place}': give the folder that has it as path.")
    name = first.name.removesuffix('.gz')
    labels = name.replace('images', 'labels').replace('idx3', 'idx1')
    test_images, test_labels = (other.replace('train', 't10k') for other in (name, labels))
    names = {LABELS: labels, TEST_IMAGES: test_images, TEST_LABELS: test_labels}
    # A file of another name has nothing beside it, least of all itself.
    beside = {key: _with_or_without_gz(first.parent, (other,)) for key, other in names.items() if other != name}
    found = {IMAGES: _read_idx(first, 3, max_bytes)}
    return found | {key: _read_idx(path, 3 if 'x_' in key else 1, max_bytes) for key, path in beside.items() if path}


def _with_or_without_gz(folder: Path, names) -> Path | None:
    paths = (folder / f'{name}{ending}' for name in names for ending in ('', '.gz'))
    return next((path for path in paths if path.is_file()), None)


def _read_idx(path: Path, dimensions: int, max_bytes: int) -> np.ndarray:
    """The bytes [n, ...] of an idx file: two zeros, a type, how many dimensions, their sizes (big-endian), bytes."""
    try:
        content = files.read_regular(path, max_bytes)
        if content[:2] == b'\x1f\x8b':  # packed, whatever it is called
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                content = files.read_limited(file, max_bytes, str(path))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"'{path}' is damaged or cut off ({error}): fetch it again.") from error
    start = 4 + 4 * dimensions
    if content[:4] != bytes((0, 0, _BYTES, dimensions)):
        raise UserError(
            f"'{path}' is no idx file of bytes in {dimensions} dimensions: give an MNIST .npz, or a folder with {IDX}."
        )
    if len(content) >= start:
        shape = struct.unpack(f'>{dimensions}I', content[4:start])
        if math.prod(shape) == len(content) - start:
            return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
    raise UserError(f"'{path}' is cut off or damaged: its length is not what it says; fetch it again.")


def _check(found: Mapping[str, np.ndarray], images: str, labels: str, place: Path, max_pixels: int) -> None:
    """Raises UserError unless a part's images are bytes [N, h, w] and its labels, if any, one for each of them."""
    if images not in found:
        return
    array = found[images]
    if array.dtype != np.uint8 or array.ndim != 3 or not array.size:
        raise UserError(
            f"{images} of '{place}' is {array.dtype} {list(array.shape)}: it must be gray images, uint8 [N, H, W]."
        )
    decode.check_pixels(array.shape[2], array.shape[1], max_pixels, f'{images} of {place}')
    if labels in found:
        given = found[labels]
        if not np.issubdtype(given.dtype, np.integer) or given.shape != array.shape[:1]:
            raise UserError(
                f"{labels} of '{place}' is {given.dtype} {list(given.shape)}: it must be whole numbers, one for each "
                f'of the {len(array)} images.'
            )
