"""A folder or a .zip of images, with all the other files that lie in such places."""

import collections
import os
import stat
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from gans.data import decode, files
from gans.data.fitting import check_fit
from gans.errors import UserError, check_local

PLACE = 'path'  # the argument that says where the images lie
SEEDED = False  # the seed decides nothing here

# Files that people keep beside images: passed over, and said so in `where`. Whatever is in neither list is
# opened: an image without an extension is an image, anything else is an error that names it.
BESIDE = frozenset(
    '.cfg .csv .htm .html .ini .json .jsonl .log .mat .md .npy .npz .pdf .pkl .py .rst .sh '
    '.toml .tsv .txt .url .xml .yaml .yml'.split()
)
_NAMED = 5  # so many that are no regular files are named
NAMES_BESIDE = frozenset(('thumbs.db', 'desktop.ini', 'license', 'licence', 'readme', 'copying', 'notice'))


def open_source(
    shape: tuple[int, int] | None,
    seed: int,
    path: str,
    fit: str = 'crop',
    upscale: bool = False,
    skip_bad: bool = False,
    max_bytes: int = files.MAX_BYTES,
    max_pixels: int = files.MAX_PIXELS,
    resample: str = '',
) -> decode.Images:
    """Opens the images under a folder, or in a .zip, at `shape` (height, width).

    Folders are searched to any depth, in the order of the relative paths; hidden files, __MACOSX, Thumbs.db
    and texts, tables and the like (BESIDE) are passed over. So is what is no regular file (FIFOs, sockets, devices,
    links that lead nowhere, or up to a folder around this one), and named. A zip is only read, never unpacked to
    disk, so that any path in it is harmless. `~` is expanded. `fit` is 'crop' (scale the short side, cut the middle)
    or 'resize' (stretch); images smaller than the shape are refused unless `upscale`. Files of more than `max_bytes`
    (in a zip: unpacked), and images of more than `max_pixels`, are refused. Nothing is drawn at random, so `seed`
    is not used. A shape of None, and `resample`: as `decode.Images` has them.

    Opening reads every file once, in threads: its hash (`key`) and, from its header, its size, so that what
    cannot be used is found now and not in hour three. With `skip_bad` every image is also decoded once
    (about as long as one epoch), and whatever cannot be used is left out and counted in `where`. Raises
    UserError for a missing path, a missing permission, no images, files that are no images, and images
    that are too small.
    """
    del seed
    check_fit(fit)
    check_local(path)
    root = Path(path).expanduser()
    place = files.printable(str(root))
    found = _open_path(root, place)
    if not found.names:
        other = found.beside or found.irregular
        beside = f' (only other files, such as {other[0]})' if other else ''
        raise UserError(f"there are no images in '{place}'{beside}: give a folder or .zip that has some.")
    names = [f'{place}/{name}' for name in found.shown]

    def read(i: int, most: int) -> bytes:
        return _bytes_of(found.read, found.names[i], names[i], most)

    kind = f"{found.kind} '{place}'"
    limits = decode.Limits(max_bytes, max_pixels)
    return decode.Images(kind, names, read, shape, fit, upscale, skip_bad, found.notes(), limits, resample)


def relative_names(images: decode.Images, path: str) -> list[str]:
    """The names of the images that were opened at `path`, relative to it and printable, '/' between their parts."""
    return [name.removeprefix(f'{files.printable(str(Path(path).expanduser()))}/') for name in images.names]


class _Found:
    """What lies at a place: names of files (relative, '/' between the parts), and how to read one.

    `irregular` says by name what is no file that can be read. `read` takes a name, what messages call the file,
    and the most bytes that it may have.
    """

    def __init__(
        self,
        names: Iterable[str],
        read: Callable[[str, str, int], bytes],
        kind: str,
        irregular: Mapping[str, str] = MappingProxyType({}),
        repeated: Iterable[str] = (),
    ):
        # One order on every machine: some file systems list decomposed accents (NFD), Windows has '\\'.
        shown = {name: unicodedata.normalize('NFC', name.replace('\\', '/')) for name in names}
        shown = {name: clean for name, clean in shown.items() if not _hidden(clean)}
        beside = {clean for clean in shown.values() if _beside(clean)}
        self.beside = [files.printable(clean) for clean in sorted(beside)]
        self.names = sorted((name for name, clean in shown.items() if clean not in beside), key=shown.get)
        self.shown = [files.printable(shown[name]) for name in self.names]
        self.irregular = [f"'{files.printable(name)}' ({kind})" for name, kind in sorted(irregular.items())]
        self.repeated = [files.printable(name) for name in sorted(repeated)]
        self.read = read
        self.kind = kind

    def notes(self) -> list[str]:
        """What was not taken."""
        notes = [f'{len(self.beside)} other files passed over'] if self.beside else []
        if self.irregular:
            more = [f'and {len(self.irregular) - _NAMED} more'] if self.irregular[_NAMED:] else []
            notes.append(f'no regular files: {", ".join([*self.irregular[:_NAMED], *more])}')
        if self.repeated:
            notes.append(f"{len(self.repeated)} names more than once, of which the last is used ('{self.repeated[0]}')")
        return notes


def _open_path(root: Path, place: str) -> _Found:
    """Returns what lies at a path; raises UserError unless it is a folder or a zip that may be read."""
    try:
        if root.is_dir():
            names, irregular = walk(root)
            return _Found(names, partial(_read_file, root), 'folder', irregular)
        if not root.exists():
            raise UserError(f"there is no '{place}': give a folder or a .zip of images.")
        # is_zipfile() calls a file that may not be read no zip, and waits for a FIFO.
        with files.open_regular(root, sys.maxsize, place) as file:
            begins = file.read(4)
        if zipfile.is_zipfile(root):
            return _open_zip(root)
    except PermissionError as error:
        where = files.printable(str(error.filename or root))
        raise UserError(f"'{where}' may not be read: change its permissions.") from error
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"'{place}' cannot be read ({error}).") from error
    if begins == b'PK\3\4':
        raise UserError(f"'{place}' is a .zip without its end, which lists the files: fetch it again.")
    raise UserError(f"'{place}' is neither a folder nor a .zip: give a folder or a .zip of images.")


def walk(root: Path) -> tuple[list[str], dict[str, str]]:
    """Finds what lies under a folder and is not hidden, through links too, but not to a folder around it.

    Returns:
      (the relative paths of all regular files, each folder once; {relative path: what it is} of what else is there).
    """
    names, irregular, seen = [], {}, set()
    top = os.path.realpath(root)
    folders = ['']
    while folders:
        folder = folders.pop()
        real = os.path.realpath(os.path.join(root, folder))
        if real in seen:
            continue
        seen.add(real)
        inside = []
        with os.scandir(os.path.join(root, folder)) as entries:
            for entry in entries:
                name = f'{folder}/{entry.name}' if folder else entry.name
                if entry.name.startswith('.') or entry.name == '__MACOSX':
                    continue
                if not _answer(entry.is_dir):
                    kind = '' if _answer(entry.is_file) else files.irregular(entry.path)
                    names += [] if kind else [name]
                    irregular |= {name: kind} if kind else {}
                elif entry.is_symlink() and _around(os.path.realpath(entry.path), top):
                    irregular[name] = 'a link to a folder around this one'
                else:
                    inside.append(name)
        folders += sorted(inside, reverse=True)
    return names, irregular


def _answer(question):
    try:
        return question()
    except OSError:  # a link to itself
        return False


def _around(folder, top):
    """Whether `folder` has `top` somewhere in it, and is not `top` itself, which was seen already."""
    return folder != top and os.path.commonpath((folder, top)) == folder


def _open_zip(root: Path) -> _Found:
    """Returns the files of a zip. Threads may share the archive: it locks itself (right since Python 3.11)."""
    archive = zipfile.ZipFile(root)  # https://github.com/python/cpython/issues/86535
    members = [info for info in archive.infolist() if not info.is_dir()]
    counts = collections.Counter(info.filename for info in members)
    links = [info.filename for info in members if stat.S_ISLNK(info.external_attr >> 16)]
    irregular = {name: 'a link' for name in links if not _hidden(name)}
    repeated = [name for name, count in counts.items() if count > 1]
    return _Found(counts.keys() - set(links), partial(_read_member, archive), 'zip', irregular, repeated)


def _read_file(root, name, shown, most):
    return files.read_regular(os.path.join(root, name), most, shown)


def _read_member(archive, name, shown, most):
    return files.read_member(archive, name, most, shown)


def _bytes_of(read: Callable[[str, str, int], bytes], name: str, full: str, most: int) -> bytes:
    """Returns the bytes of one file; raises UserError with its full name if it is gone, locked or damaged."""
    try:
        return read(name, full, most)
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"'{full}' is gone: bring it back, or remove the link that leads to it.") from error
    except PermissionError as error:
        raise UserError(f"'{full}' may not be read: change its permissions.") from error
    except (RuntimeError, NotImplementedError) as error:  # zipfile's for a password, and for unknown compression
        raise UserError(f"'{full}' cannot be unpacked ({error}): unpack the .zip, give the folder.") from error
    except Exception as error:  # a damaged zip raises anything: BadZipFile, zlib.error, struct.error
        reason = getattr(error, 'strerror', None) or error
        raise UserError(f"'{full}' cannot be read ({reason}): replace it or remove it.") from error


def _hidden(name: str) -> bool:
    return any(part == '__MACOSX' or (part.startswith('.') and part not in ('.', '..')) for part in name.split('/'))


def _beside(name: str) -> bool:
    name = name.rpartition('/')[2].lower()
    return os.path.splitext(name)[1] in BESIDE or name in NAMES_BESIDE
