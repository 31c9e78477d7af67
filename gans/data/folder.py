"""A folder or a .zip of pictures, with all the other files that lie in such places."""

import os
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from gans.data import decode
from gans.errors import UserError

PLACE = 'path'  # the argument that says where the pictures lie

# Files that people keep beside pictures: passed over, and said so in `where`. Whatever is in neither list is
# opened: a picture without an extension is a picture, anything else is an error that names it.
BESIDE = frozenset(
    '.cfg .csv .htm .html .ini .json .jsonl .log .mat .md .npy .npz .pdf .pkl .py .rst .sh '
    '.toml .tsv .txt .url .xml .yaml .yml'.split()
)
NAMES_BESIDE = frozenset(('thumbs.db', 'desktop.ini', 'license', 'licence', 'readme', 'copying', 'notice'))


def open_source(
    shape: tuple[int, int], seed: int, path: str, fit: str = 'crop', upscale: bool = False, skip_bad: bool = False
) -> decode.Pictures:
    """Opens the pictures under a folder, or in a .zip, at `shape` (height, width).

    Folders are searched to any depth, in the order of the relative paths; hidden files, __MACOSX, Thumbs.db
    and texts, tables and the like (BESIDE) are passed over. `~` is expanded. `fit` is 'crop' (scale the short
    side, cut the middle) or 'resize' (stretch); pictures smaller than the shape are refused unless `upscale`.
    Nothing is drawn at random, so `seed` is not used.

    Opening reads every file once, in threads: its hash (`key`) and, from its header, its size, so that what
    cannot be used is found now and not in hour three. With `skip_bad` every picture is also decoded once
    (about as long as one epoch), and whatever cannot be used is left out and counted in `where`. Raises
    UserError for a missing path, a missing permission, no pictures, files that are no pictures, and pictures
    that are too small.
    """
    del seed
    decode.check_fit(fit)
    root = Path(path).expanduser()
    found = _open_path(root)
    if not found.names:
        beside = f' (only other files, such as {found.beside[0]})' if found.beside else ''
        raise UserError(f"there are no pictures in '{root}'{beside}: give a folder or .zip that has some.")

    def read(i: int) -> bytes:
        return _bytes_of(found.read, found.names[i], f'{root}/{found.shown[i]}')

    notes = [f'{len(found.beside)} other files passed over'] if found.beside else []
    return decode.Pictures(
        f"{found.kind} '{root}'", [f'{root}/{name}' for name in found.shown], read, shape, fit, upscale, skip_bad, notes
    )


class _Found:
    """Names of files (relative, '/' between the parts) and how to read one: from a folder or from a zip."""

    def __init__(self, names: Iterable[str], read: Callable[[str], bytes], kind: str):
        # One order on every machine: some file systems list decomposed accents (NFD), Windows has '\\'.
        shown = {name: unicodedata.normalize('NFC', name.replace('\\', '/')) for name in names}
        shown = {name: clean for name, clean in shown.items() if not _hidden(clean)}
        self.beside = sorted(clean for clean in shown.values() if _beside(clean))
        self.names = sorted((name for name, clean in shown.items() if not _beside(clean)), key=shown.get)
        self.shown = [shown[name] for name in self.names]
        self.read = read
        self.kind = kind


def _open_path(root: Path) -> _Found:
    """Returns what lies at a path; raises UserError unless it is a folder or a zip that may be read."""
    try:
        if root.is_dir():
            return _Found(_walk(root), lambda name: (root / name).read_bytes(), 'folder')
        if not root.exists():
            raise UserError(f"there is no '{root}': give a folder or a .zip of pictures as path.")
        with open(root, 'rb'):
            pass  # is_zipfile() calls a file that may not be read no zip
        if zipfile.is_zipfile(root):
            return _open_zip(root)
    except PermissionError as error:
        raise UserError(f"'{error.filename or root}' may not be read: change its permissions.") from error
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"'{root}' cannot be read ({error}).") from error
    raise UserError(f"'{root}' is neither a folder nor a .zip: give a folder or a .zip of pictures as path.")


def _walk(root: Path) -> list[str]:
    """Returns the relative paths of all files under `root`; links are followed, no folder is seen twice."""

    def stop(error: OSError) -> None:
        raise error  # os.walk would pass over what it may not read

    names, seen = [], set()
    for folder, subfolders, files in os.walk(root, onerror=stop, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = sorted(name for name in subfolders if not _hidden(name))
        names += [(Path(folder) / name).relative_to(root).as_posix() for name in files]
    return names


def _open_zip(root: Path) -> _Found:
    """Returns the files of a zip. Threads may share the archive: it locks itself (right since Python 3.11)."""
    archive = zipfile.ZipFile(root)  # https://github.com/python/cpython/issues/86535
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    return _Found(dict.fromkeys(names), archive.read, 'zip')


def _bytes_of(read: Callable[[str], bytes], name: str, full: str) -> bytes:
    """Returns the bytes of one file; raises UserError with its full name if it is gone, locked or damaged."""
    try:
        return read(name)
    except FileNotFoundError as error:
        raise UserError(f"'{full}' is gone: bring it back, or remove the link that leads to it.") from error
    except PermissionError as error:
        raise UserError(f"'{full}' may not be read: change its permissions.") from error
    except RuntimeError as error:  # what zipfile raises for a password, and for unknown compression
        raise UserError(f"'{full}' cannot be unpacked ({error}): unpack the .zip, give the folder.") from error
    except Exception as error:  # a damaged zip raises anything: BadZipFile, zlib.error, struct.error
        raise UserError(f"'{full}' cannot be read ({error}): replace it or remove it.") from error


def _hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part.startswith('.') or part == '__MACOSX' for part in parts)


def _beside(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in BESIDE or path.name.lower() in NAMES_BESIDE
