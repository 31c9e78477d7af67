"""A .zip of samples. It has its name only when it is whole: until then its images lie in a folder beside it."""

import contextlib
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gans.data.files import irregular, printable, read_member
from gans.errors import UserError
from gans.image.files import is_temporary, write_whole
from gans.progress import progress
from gans.sets.sample_folder import ABOUT, KEPT, MOST_BYTES, check_alike, is_sample, name_of, read_about

# The first that a zip can hold, for all files in it: equal samples are to be equal bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


def folder_beside(target: Path) -> Path:
    """Where the images of a .zip are collected; a command that was broken off goes on with them."""
    return target.with_name(f'{target.name}.partial')


def check_zip(target: Path, about: Mapping[str, Any], count: int) -> dict | None:
    """What a .zip says of its samples, if it is there and holds the `count` that are wanted; None if there is none.

    Raises:
      UserError: it is no .zip, or one of something else or of another number of images.
    """
    if not os.path.lexists(target):
        return None
    shown = printable(str(target))
    kind = irregular(target)
    if kind or not zipfile.is_zipfile(target):
        raise UserError(f"'{shown}' is {kind or 'a file but no .zip, or a damaged one'}: give another --output.")
    try:
        with zipfile.ZipFile(target) as archive:
            names = set(archive.namelist())
            content = read_member(archive, ABOUT, MOST_BYTES, shown) if ABOUT in names else None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"'{shown}' is damaged ({error}): give another --output.") from error
    if content is None:
        raise UserError(f"'{shown}' holds something else than samples of a run: give another --output.")
    found = read_about(content, shown)
    check_alike(found, about, shown)
    images = sum(map(is_sample, names))
    if images != count:
        raise UserError(f"'{shown}' holds {images} samples, not {count}: remove it, or give another --output.")
    return found


def pack(folder: Path, target: Path, count: int) -> None:
    """Writes the first `count` samples of a folder and what belongs to them into a .zip, then removes the folder.

    Raises:
      UserError: the disk or the permissions say no; the folder is as it was. Or another process has taken files away.
    """

    def write(file):
        # Stored: PNG files are packed already.
        with zipfile.ZipFile(file, 'w') as archive, progress('packing', count + 2, 'files') as advance:
            for name in (ABOUT, KEPT, *map(name_of, range(count))):
                if name != KEPT or (folder / name).exists():
                    archive.writestr(_member(name), _content(folder / name))
                advance(1)

    write_whole(target, write)
    remove(folder)


def remove(folder: Path) -> None:
    """Removes a folder of samples, if it is there: the files that are known to be its own, then itself if it is empty.

    What cannot be removed stays.
    """
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if is_sample(name) or is_temporary(name) or name in (ABOUT, KEPT):
                os.unlink(folder / name)
        folder.rmdir()


def _content(path):
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(
            f"'{printable(str(path))}' is gone, which was to be packed: if another command writes the same --output, "
            'let it end, then run this one again.'
        ) from error


def _member(name):
    info = zipfile.ZipInfo(name, _DATE)
    info.create_system, info.external_attr = 3, 0o644 << 16  # as on Linux, whatever the system
    return info
