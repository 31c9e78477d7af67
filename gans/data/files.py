"""Reading of files that anybody may have put there: regular files alone, and never more bytes than a limit."""

import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from gans.errors import UserError

MAX_BYTES = 256 * 2**20  # of one file, the default of config.data.max_bytes
MAX_PIXELS = 178_956_970  # of one image, the default of config.data.max_pixels: where Pillow itself refuses
SMALL = 16 * 2**20  # bytes: of what is larger one thread at a time holds the content
_CHUNK = 2**20
_PACKED_CHUNK = 2**12  # bz2 and lzma unpack all that they are given at once: 4 KiB of bz2 are at most 100 MiB

_KINDS = (
    (stat.S_ISDIR, 'a folder'),
    (stat.S_ISFIFO, 'a named pipe (FIFO)'),
    (stat.S_ISCHR, 'a device'),
    (stat.S_ISBLK, 'a device'),
    (stat.S_ISSOCK, 'a socket'),
)


class TooLarge(UserError):
    """A file has more bytes than the limit."""


def irregular(path: str | os.PathLike) -> str:
    """What a path is if it is no regular file after following links ('a socket', 'a broken link'), else ''.

    Raises OSError where the file system does not say.
    """
    try:
        return _kind(os.stat(path).st_mode)
    except OSError:
        if not os.path.islink(path):
            raise
        return 'a link that leads nowhere or to itself'


def check_no_file(folder: str | os.PathLike) -> None:
    """Raises UserError if something else than a folder has the name of an --output folder. For use before long work."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        shown = printable(os.fspath(folder))
        raise UserError(f"'{shown}' is {irregular(folder) or 'a file'}, no folder: give a folder as --output.")


def check_replaceable(path: str | os.PathLike, what: str, ours: Callable[[Path], bool]) -> None:
    """Raises UserError if something else than an earlier result is where a file is to go: it would be lost.

    Args:
      path: of the file.
      what: which results may be replaced, as in 'numbers of --mode=measure'.
      ours: whether a regular file is such a result. May raise UserError or ValueError if it is not.
    """
    if not os.path.lexists(path):
        return
    shown = printable(os.fspath(path))
    if os.path.isdir(path):
        raise UserError(f"'{shown}' is a folder: give a file as --output.")
    try:
        found = not irregular(path) and ours(Path(path))
    except (OSError, ValueError, RecursionError, UserError):
        found = False
    if not found:
        raise UserError(f"'{shown}' is there and holds no {what}: give a new file as --output.")


def open_regular(path: str | os.PathLike, max_bytes: int = MAX_BYTES, name: str = '', buffering: int = -1) -> BinaryIO:
    """Opens a regular file of at most `max_bytes` for reading.

    What was opened is examined, not what was there before, and opening waits for nothing: neither a FIFO nor a device
    that takes the file's place meanwhile can hang the caller. Messages call the file `name`, by default its path.

    Raises:
      TooLarge: it has more bytes.
      UserError: it is a folder, FIFO, device or socket, or a link that leads nowhere.
      OSError: it is not there, or may not be read.
    """
    name = name or os.fspath(path)
    kind = irregular(path)  # before opening: for some devices that alone has effects, for a socket it is an error
    if kind:
        raise UserError(_not_regular(name, kind))
    flags = os.O_RDONLY | getattr(os, 'O_NONBLOCK', 0) | getattr(os, 'O_NOCTTY', 0) | getattr(os, 'O_BINARY', 0)
    file = os.open(path, flags)
    try:
        found = os.fstat(file)
        if _kind(found.st_mode):
            raise UserError(_not_regular(name, _kind(found.st_mode)))
        check_bytes(found.st_size, max_bytes, name)
        return os.fdopen(file, 'rb', buffering)
    except BaseException:
        os.close(file)
        raise


def read_regular(path: str | os.PathLike, max_bytes: int = MAX_BYTES, name: str = '') -> bytes:
    """Returns the content of a regular file; raises as `open_regular`."""
    with open_regular(path, max_bytes, name, buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        return read_limited(file, max_bytes, name or os.fspath(path), min(size + 1, _CHUNK))


def read_member(archive: zipfile.ZipFile, member: str, max_bytes: int, name: str) -> bytes:
    """Returns the content of a file in a zip, unpacked at most as far as `max_bytes`, whatever the zip declares.

    Raises:
      TooLarge: it has more bytes, as declared or really.
      Exception: zipfile raises anything at damaged archives.
    """
    info = archive.getinfo(member)
    check_bytes(info.file_size, max_bytes, name)
    plain = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    with archive.open(info) as file:
        return read_limited(file, max_bytes, name, _CHUNK if plain else _PACKED_CHUNK)


def read_limited(file: BinaryIO, max_bytes: int, name: str, chunk: int = _CHUNK) -> bytes:
    """Returns the rest of an open file, `chunk` bytes at a time; raises TooLarge if it is more than `max_bytes`."""
    first = file.read(chunk)
    check_bytes(len(first), max_bytes, name)
    got = file.read(chunk) if first else b''
    if not got:
        return first  # most files are one chunk
    content = io.BytesIO()  # grows in place, and gives what it holds away without a copy
    content.write(first)
    del first
    while got:
        content.write(got)
        check_bytes(content.tell(), max_bytes, name)
        got = file.read(chunk)
    return content.getvalue()


def check_bytes(size: int, max_bytes: int, name: str) -> None:
    """Raises TooLarge if a file of `size` bytes has more than `max_bytes`."""
    if size > max_bytes:
        raise TooLarge(
            f"'{name}' has more than {max_bytes:,} bytes (unpacked): remove it, or, for training, raise "
            '--config.data.max_bytes.'
        )


def printable(name: str) -> str:
    """A name for messages: what would not print (line ends, terminal escapes, bytes that are no UTF-8) as escapes."""
    return name if name.isprintable() else ''.join(c if c.isprintable() else _escaped(c) for c in name)


def _escaped(character):
    return character.encode('unicode_escape', 'surrogatepass').decode('ascii')


def _kind(mode):
    if stat.S_ISREG(mode):
        return ''
    return next((kind for is_kind, kind in _KINDS if is_kind(mode)), 'no regular file')


def _not_regular(name, kind):
    return f"'{name}' is {kind}, not a regular file: remove it, or put a file there."
