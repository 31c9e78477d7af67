"""The folder of an export: new, empty, or one that `export` wrote before; files of others are never replaced."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from gans.data.files import check_no_file, irregular, printable, read_regular
from gans.errors import UserError
from gans.image.files import check_folder, is_temporary, write_json, write_whole

ABOUT = 'about.json'
KIND = 'gans export'  # what an about.json of this verb says of itself
NAMES = (
    ABOUT,
    'MODEL_CARD.md',
    'README.md',
    'example.npz',
    'model.onnx',
    'model.stablehlo',
    'use.py',
    'weights.npz',
)
_OF_USE = 'output.ppm'  # use.py writes it where it is run, perhaps here: it is left alone
_MOST_BYTES = 2**24  # of an about.json that is read


def check(folder: Path) -> None:
    """Makes the folder if need be.

    Raises:
      UserError: it is a file, holds anything that `export` did not write, or files cannot be written there.
    """
    shown = printable(str(folder))
    check_no_file(folder)
    found = (
        {name for name in os.listdir(folder) if not is_temporary(name) and name != _OF_USE}
        if folder.is_dir()
        else set()
    )
    others = sorted(found - set(NAMES)) or (sorted(found) if found and not _is_own(folder) else [])
    if others:
        raise UserError(
            f"'{shown}' holds other files ('{printable(others[0])}'): give a new or an empty folder as --output."
        )
    for name in found:
        if irregular(folder / name):
            raise UserError(f"'{shown}/{name}' is {irregular(folder / name)}: give another --output.")
    check_folder(folder)


def write(folder: Path, files: Mapping[str, bytes], about: Mapping) -> None:
    """Writes the files, each whole or not at all, and about.json before and after them: `complete` says which.

    What an earlier export left and this one has not is removed.

    Raises:
      UserError: the disk or the permissions say no.
    """
    write_json(folder / ABOUT, {'kind': KIND, 'complete': False})
    for name in NAMES:
        if name in files:
            content = files[name]
            write_whole(folder / name, lambda file, content=content: file.write(content))
        elif name != ABOUT:
            (folder / name).unlink(missing_ok=True)
    write_json(folder / ABOUT, {'kind': KIND, 'complete': True, **about})


def _is_own(folder):
    try:
        found = json.loads(read_regular(folder / ABOUT, _MOST_BYTES))
    except (OSError, ValueError, RecursionError, UserError):
        return False
    return isinstance(found, dict) and found.get('kind') == KIND
