"""The two files of one checkpoint, written, and read back without trusting them.

`arrays.npz` holds the arrays as `numpy.savez` would, one uncompressed member for each; `numpy.load` opens it.
`about.json` says what they are:

    {"format": 1,
     "about": {...},
     "arrays": {name: {"dtype": "float32", "shape": [...], "digest": "..."}},
     "digest": "..."}

Every digest is blake2b with 16 bytes: of an array's bytes in C order, and of the rest of `about.json`. So a turned bit
is found. Reading takes no more time or memory than the expected arrays do, whatever a stranger put in their place: only
regular files are opened, sizes are compared before anything is read, nothing is unpacked, and no code is loaded.
"""

import errno
import hashlib
import json
import os
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import jax
import numpy as np

from gans.errors import UserError

FORMAT = 1
ABOUT, ARRAYS = 'about.json', 'arrays.npz'
_LARGEST_ABOUT = 64 * 2**20  # bytes
_HEADER = 4096  # bytes: more than an array takes in the archive beside its numbers

# Errors of the system that tell of another thing where a file should be. Others (a disk's, a permission) may pass.
_NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.EINVAL, None}


class Damaged(Exception):
    """The files of a checkpoint are not as they were written; the message says what is wrong."""


def write(folder: Path, state: Any, about: Mapping) -> None:
    """Writes both files into an empty folder, down to the disk.

    Args:
      folder: where.
      state: a tree of numpy arrays.
      about: what goes beside them as JSON; its floats must be finite.

    Raises:
      OSError: the disk is full, say.
    """
    arrays = {
        name: np.ascontiguousarray(array).reshape(np.shape(array))  # the first alone would make scalars vectors
        for name, array in _by_name(state).items()
    }
    table = {name: {**_kind(array), 'digest': _digest(array)} for name, array in arrays.items()}
    whole = {'format': FORMAT, 'about': dict(about), 'arrays': table}
    text = json.dumps({**whole, 'digest': _digest_of_json(whole)}, allow_nan=False)
    _write_down(folder / ARRAYS, lambda file: _pack(file, arrays))
    _write_down(folder / ABOUT, lambda file: file.write(text.encode()))
    sync(folder)


def sync(folder: Path) -> None:
    """Waits until the names in a folder are on the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def read_about(folder: Path) -> tuple[dict, dict]:
    """Reads `about.json`: (what was saved beside the arrays, the table of arrays).

    Raises:
      Damaged: it is not as it was written.
      UserError: it was written in another format.
      OSError: it cannot be read now.
    """
    text = _read(folder / ABOUT, _LARGEST_ABOUT)
    try:
        whole = json.loads(text, parse_constant=_refuse)
        digest = whole.pop('digest')
        sound = digest == _digest_of_json(whole)
        version, about, table = whole['format'], whole['about'], whole['arrays']
    except Exception as error:  # nearly any, from what is no JSON or JSON of another shape
        raise Damaged(f'{ABOUT} cannot be read: {_short(error)}') from error
    if version != FORMAT and sound:
        raise UserError(
            f'{folder} has the format {_short(version)}, and this version of the code reads format {FORMAT}: use the '
            'version that wrote it.'
        )
    if not sound:
        other = '' if version == FORMAT else f', and its format is {_short(version)}, not {FORMAT}'
        raise Damaged(f'{ABOUT} has another digest than it was written with{other}')
    if not isinstance(about, dict) or not isinstance(table, dict):
        raise Damaged(f'{ABOUT} holds no description')
    return about, table


def read_arrays(folder: Path, table: Mapping, like: Any) -> Any:
    """Reads the arrays as numpy, in the tree `like` (of arrays or shapes), with the digests of `table`.

    Parts of `like` without arrays do not count.

    Raises:
      UserError: `table` lists other arrays than those of `like`; nothing was read then.
      Damaged: the file does not hold what `table` lists.
      OSError: it cannot be read now.
    """
    wanted = _by_name(like)
    _compare(folder, table, wanted)
    with _open(folder / ARRAYS) as file:
        size, least = os.fstat(file.fileno()).st_size, sum(_bytes_of(x) for x in wanted.values())
        if not least <= size <= least + _HEADER * (len(wanted) + 1):
            raise Damaged(f'{ARRAYS} has {size} bytes, where its arrays take {least}')
        with _damage(ARRAYS):
            archive = zipfile.ZipFile(file)
        arrays = {}
        for name, x in wanted.items():
            with _damage(name):
                arrays[name] = _read_array(archive, name, x)
            if _digest(arrays[name]) != table[name].get('digest'):
                raise Damaged(f'{name} has another digest than it was written with')
    return jax.tree.unflatten(jax.tree.structure(like), [arrays[name] for name in wanted])


class _damage:
    """Turns whatever goes wrong in here into `Damaged`, but for errors of the system that may pass."""

    def __init__(self, what):
        self._what = what

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, OSError) and error.errno not in _NO_FILE:
            return False
        if isinstance(error, Exception):  # nearly any of zipfile and numpy, from bytes that are not theirs
            raise Damaged(f'{self._what} cannot be read: {_short(error)}') from error
        return False


def _pack(file: BinaryIO, arrays):
    # As numpy.savez, which asks the clock for a date and fails if that lies before 1980.
    with zipfile.ZipFile(file, 'w') as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f'{name}.npy'), 'w', force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _read_array(archive, name, like):
    """One array, of which nothing but the expected shape and type decides how much is read."""
    info = archive.getinfo(f'{name}.npy')
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > _bytes_of(like) + _HEADER:
        raise Damaged('it is packed, or larger than it should be')
    with archive.open(info) as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise Damaged('it has another header')
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(member, max_header_size=_HEADER)
        if shape != like.shape or dtype != like.dtype or by_columns:
            raise Damaged(f'it is {dtype} {shape} in {ARRAYS}')
        array = np.empty(_bytes_of(like), np.uint8)
        if member.readinto(array) != array.size or member.read(1):
            raise Damaged('it has another length')
    return array.view(like.dtype).reshape(like.shape)


def _write_down(path: Path, write: Callable[[BinaryIO], Any]):
    with open(path, 'wb') as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _open(path):
    """Opens a regular file, without waiting for whatever else may be in its place."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _NO_FILE:
            raise Damaged(f'{path.name} is no file ({error.strerror})') from error
        raise
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise Damaged(f'{path.name} is no regular file')
    return open(opened, 'rb')


def _read(path, most):
    with _open(path) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise Damaged(f'{path.name} has more than {most} bytes')
    return found


def _compare(folder, table, wanted):
    """UserError unless the table lists just these arrays: they are intact, but another code's."""
    for name in sorted(wanted.keys() ^ table.keys()):
        _refuse_arrays(folder, f'{name:.200} is {"not in it" if name in wanted else "no part of this state"}')
    for name, x in wanted.items():
        entry = table[name] if isinstance(table[name], dict) else {}
        if {**entry, 'digest': ''} != {**_kind(x), 'digest': ''}:
            found = f'{_short(entry.get("dtype"))} {_short(entry.get("shape"))}'
            _refuse_arrays(folder, f'{name} is {found}, not {x.dtype} {list(x.shape)}')


def _refuse_arrays(folder, why):
    raise UserError(
        f'{folder} holds other arrays than its config describes ({why}): it was made by another version of the code, '
        'or changed by hand.'
    )


def _by_name(tree):
    """{'gen/params/...': leaf} in the order of the tree's leaves."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator='/'): leaf for path, leaf in leaves}


def _kind(x):
    return {'dtype': np.dtype(x.dtype).name, 'shape': list(x.shape)}


def _bytes_of(x):
    return int(np.prod(x.shape, dtype=object)) * np.dtype(x.dtype).itemsize


def _digest(array):
    return hashlib.blake2b(array.reshape(-1).view(np.uint8), digest_size=16).hexdigest()


def _digest_of_json(value):
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


def _refuse(constant):
    raise ValueError(f'{constant} is no number')


def _short(value):
    """A stranger's value or an error, in at most 100 printable characters."""
    if isinstance(value, KeyError):
        value = f'there is no {value}'
    return ascii(f'{value}'[:100])[1:-1]
