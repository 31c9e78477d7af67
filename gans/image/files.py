"""Files written whole or not at all: PNG, GIF, JSON, and whatever else a writer wants."""

import contextlib
import errno
import io
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gans.errors import cannot_write, check_local, naming
from gans.image.grids import as_rgb


def save_png(path: str | os.PathLike, array: np.ndarray, **options: int) -> None:
    """Writes an image as PNG, whole or not at all: a reader never sees half a file. Makes missing folders.

    array: uint8 [H, W, 3], or gray [H, W] or [H, W, 1]; options: of Pillow's writer. Raises UserError if the disk or
    the permissions say no, and ValueError for another type or shape.
    """
    from PIL import Image

    array = np.asarray(array)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3)):
        raise ValueError(f'a PNG needs uint8 [H, W, 3], [H, W, 1] or [H, W], got {array.dtype} {array.shape}')
    write_whole(path, lambda file: Image.fromarray(array).save(file, format='PNG', **options))


def png(image: np.ndarray) -> bytes:
    """uint8 [H, W, 3] or [H, W] as the content of a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, format='PNG')
    return file.getvalue()


def save_gif(path: str | os.PathLike, frames: np.ndarray, milliseconds: int = 120) -> None:
    """Writes an animation that begins again at its end as GIF, with 256 colours per frame, whole or not at all.

    frames: uint8 [N, H, W, 3]. Of frames that are equal and follow each other a GIF has one that stays longer. Raises
    as `save_png`.
    """
    from PIL import Image

    first, *others = (Image.fromarray(frame) for frame in as_rgb(frames))
    options = dict(format='GIF', save_all=True, append_images=others, duration=milliseconds, loop=0)
    write_whole(path, lambda file: first.save(file, **options))


def write_whole(path: str | os.PathLike, write: Callable[[BinaryIO], None]) -> None:
    """Lets `write` fill a file that has its name only when it is complete. Makes missing folders.

    Raises UserError if the disk or the permissions say no.
    """
    try:
        with naming(path), whole_file(path) as temporary, open(temporary, 'wb') as file:
            write(file)
    except OSError as error:
        raise cannot_write(path, error) from error


def check_folder(folder: str | os.PathLike) -> None:
    """Makes a folder, if need be; raises UserError unless files can be written there. For use before long work."""
    check_local(folder)
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise cannot_write(folder, error) from error


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Gives a path to write to, which becomes `path` when the block ends well, else is gone. Makes missing folders.

    Raises FileExistsError where a device, a FIFO or a socket would be replaced: /dev/null is wanted by others too; and
    UserError for an address such as gs://bucket/file.
    """
    check_local(path)
    path = Path(path)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # told by what follows, if it matters
        mode = os.lstat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path))
    # At random, since two writers of one path must not share a temporary file; short, since `path.name` may be as long
    # as names can be. `is_temporary` knows it.
    temporary = path.with_name(f'.{secrets.token_hex(6)}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):  # gone already if all went well, or the folder itself is missing
            temporary.unlink()


def is_temporary(name: str) -> bool:
    """Whether a file has the name of one that `whole_file` had not finished, left by a kill."""
    return bool(re.fullmatch(r'\.[0-9a-f]{12}\.tmp', name))


def write_json(path: Path, value: Any) -> None:
    """Writes JSON for people and programs, whole or not at all; raises UserError where it cannot be written."""
    write_whole(path, lambda file: file.write(f'{json.dumps(value, indent=2, allow_nan=False)}\n'.encode()))
