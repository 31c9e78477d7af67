"""Files of the user of a notebook: uploaded, on a mounted drive, with holes to be filled."""

import contextlib
import importlib
import os
import shutil
from pathlib import Path

from gans.data import decode
from gans.data.sources import folder as folders
from gans.errors import UserError, check_local
from gans.image import files
from gans.inference.image_folders import MASK_END
from gans.printing import say

_MOUNTED = '/content/drive'


def _colab(module):
    """A module of google.colab; None elsewhere."""
    try:
        return importlib.import_module(f'google.colab.{module}')
    except ImportError:
        return None


def mount_drive() -> str:
    """In Colab: mounts Google Drive, which outlives the runtime, and returns its folder. Elsewhere returns '.'."""
    drive = _colab('drive')
    if drive is None:
        return '.'
    drive.mount(_MOUNTED)
    return f'{_MOUNTED}/MyDrive'


def upload(folder: str | os.PathLike) -> str:
    """Images of the user: in Colab those that a dialog asks for, elsewhere those that the folder holds.

    Args:
      folder: where they are put, made if need be. In Colab a folder that has files already is taken as it is.

    Returns:
      the folder; of one single .zip in it that file's path.

    Raises:
      UserError: nothing is there, or it is an address.
    """
    check_local(folder)
    place = Path(folder).expanduser()
    files.check_folder(place)
    chooser = _colab('files')
    if chooser is not None and not _visible(place):
        with contextlib.chdir(place):  # the dialog writes into the working directory
            chooser.upload()
    found = _visible(place)
    if not found:
        raise UserError(f"There is no file in '{place.resolve()}': put images there, and run this cell again.")
    say(f'{len(found)} file{"s"[: len(found) > 1]} in {place}.')
    return str(found[0] if len(found) == 1 and found[0].suffix.lower() == '.zip' else place)


def with_holes(images: str | os.PathLike, output: str | os.PathLike, box: tuple[float, float, float, float]) -> None:
    """Copies images, and puts a mask beside each, white where an inpainter is to fill.

    Args:
      images: a folder of images.
      output: another folder, for the copies and the masks, `NAME_mask.png`.
      box: the hole: top, left, bottom, right as fractions of the height and the width, 0 to 1.

    Raises:
      UserError: a box without inside, no images, or an image that cannot be read.
    """
    import numpy as np

    top, left, bottom, right = box
    if not (0 <= top < bottom <= 1 and 0 <= left < right <= 1):
        raise UserError(f'The hole {box} has no inside: give top, left, bottom and right, growing, from 0 to 1.')
    source, target = Path(images).expanduser(), Path(output).expanduser()
    if source.resolve() == target.resolve():
        raise UserError(f"'{source}' is where the images are: give another folder for the copies and their masks.")
    for path in images_in(source):
        width, height = decode.load_image(path, str(path)).size
        mask = np.zeros((height, width), np.uint8)
        mask[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = 255
        copy = target / (path.relative_to(source) if source.is_dir() else path.name)
        files.save_png(copy.with_name(f'{copy.stem}{MASK_END}.png'), mask)
        shutil.copy(path, copy)


def images_in(place: str | os.PathLike) -> list[Path]:
    """The images in a folder, at any depth, in the order of their names; of a file itself.

    Raises:
      UserError: there is none, or it is an address.
    """
    check_local(place)
    place = Path(place).expanduser()
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise UserError(f"There is no '{place}': run the cells that make it first.")
    names, _ = folders.walk(place)
    found = sorted(place / name for name in names if Path(name).suffix.lower() not in folders.BESIDE)
    if not found:
        raise UserError(f"There is no image in '{place}': run the cells that make them first.")
    return found


def _visible(folder):
    return sorted(path for path in folder.iterdir() if not path.name.startswith('.'))
