"""What several figures are drawn from: made once, and kept in the folder of the reproduction."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from gans.data.files import read_regular
from gans.errors import UserError
from gans.image.files import check_folder, write_json
from gans.reproduce.types import Place
from gans.run.experiment import digest

FOLDER = 'shared'  # of a reproduction
_FILE = 'made.json'  # written last: without it a folder is what a kill has left
_MOST_BYTES = 2**20  # of such a file


def shared(place: Place, name: str, follows_from: Sequence[bytes], make: Callable[[Path], None]) -> Path:
    """The folder of something that several figures need; it is made if it is not there, or follows from other things.

    Args:
      place: of the figure that asks for it first.
      name: of the folder, different for different things.
      follows_from: all that decides what is made.
      make: makes it in the folder that it is given.

    Raises:
      UserError: as `make`, or the folder cannot be written.
    """
    folder, key = (place.shared or place.folder) / name, digest(follows_from)
    try:
        whole = json.loads(read_regular(folder / _FILE, _MOST_BYTES)) == {'key': key}
    except (OSError, ValueError, UserError, RecursionError):
        whole = False
    if not whole:
        check_folder(folder)
        (folder / _FILE).unlink(missing_ok=True)
        make(folder)
        write_json(folder / _FILE, {'key': key})
    return folder
