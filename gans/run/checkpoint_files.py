"""The files of one checkpoint, written with Orbax, and read back without trusting them.

`state/` is an Orbax PyTree checkpoint (OCDBT, zarr), which `orbax.checkpoint` opens without this code. `about.json`
says what is in it:

    {"format": 1, "about": {...}, "arrays": {name: {"dtype": ..., "shape": [...], "digest": ...}}, "digest": ...}

Every digest is blake2b with 16 bytes: of an array's bytes in C order, and of the rest of `about.json`. So a turned bit
is found. Reading needs no more time or memory than the expected arrays have, whatever a stranger put in their place:
only regular files are opened, and their sizes, and the shapes, types and chunks that they declare, are compared before
any array is read (TensorStore unpacks no more than a chunk declares); no code is loaded.
"""

import contextlib
import errno
import hashlib
import json
import logging
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from flax import traverse_util

from gans.errors import UserError

FORMAT = 1
ABOUT, STATE = 'about.json', 'state'
_LARGEST_ABOUT = 64 * 2**20  # bytes
_ROOM = 2**20, 2**14  # bytes that `state/` may have beside the numbers: in all, and for each array

# Errors of the system that tell of another thing where a file should be. Others (a disk's, a permission) may pass.
_NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.EINVAL, None}

# Orbax looks for its files by patterns and TensorStore takes paths for URLs: other characters than these mislead them.
_PLAIN = re.compile(r'[\w/. +,:=@~-]*', re.ASCII)


class Damaged(Exception):
    """The files of a checkpoint are not as they were written; the message says what is wrong."""


def write(folder: Path, state: Any, about: Mapping) -> None:
    """Writes all files into an empty folder, down to the disk.

    Args:
      folder: where.
      state: a tree of numpy arrays.
      about: what goes beside them as JSON; its floats must be finite.

    Raises:
      OSError: it cannot be written (the disk is full, ...).
    """
    arrays = {name: np.asarray(array) for name, array in _by_name(state).items()}
    table = {name: {**_kind(array), 'digest': _digest(array)} for name, array in arrays.items()}
    whole = {'format': FORMAT, 'about': dict(about), 'arrays': table}
    text = json.dumps({**whole, 'digest': _digest_of_json(whole)}, allow_nan=False)
    _hush_late_answers()
    try:
        with _plain_path(folder) as plain, _errors_of_the_system():
            _orbax().save(plain / STATE, args=ocp.args.PyTreeSave(_nested(arrays)))
    except ValueError as error:  # of TensorStore, for example where somebody removed the folder
        raise OSError(_short(error)) from error
    (folder / ABOUT).write_text(text)
    for directory, _, names in os.walk(folder):
        for path in (directory, *(os.path.join(directory, name) for name in names)):
            sync(path)


def sync(path: str | os.PathLike) -> None:
    """Waits until a file's bytes, or the names in a folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
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
      Damaged: the files do not hold what `table` lists.
      OSError: they cannot be read now.
    """
    wanted = _by_name(like)
    _compare(folder, table, wanted)
    total, each = _ROOM
    _read_files(folder / STATE, sum(_bytes_of(x) for x in wanted.values()) + total + each * len(wanted))
    _hush_late_answers()
    with _plain_path(folder) as plain, _damage():
        found = _orbax().metadata(plain / STATE).item_metadata
        if found is None:
            raise Damaged(f'{STATE} has no readable index')
        _compare_stored(found, wanted)
        target = _nested({name: jax.ShapeDtypeStruct(x.shape, x.dtype) for name, x in wanted.items()})
        as_numpy = jax.tree.map(lambda x: ocp.RestoreArgs(restore_type=np.ndarray, dtype=x.dtype), target)
        restored = _orbax().restore(plain / STATE, args=ocp.args.PyTreeRestore(item=target, restore_args=as_numpy))
    arrays = {name: np.asarray(array) for name, array in _by_name(restored).items()}
    for name in wanted:
        if _digest(arrays[name]) != table[name].get('digest'):
            raise Damaged(f'{name} has another digest than it was written with')
    return jax.tree.unflatten(jax.tree.structure(like), [arrays[name] for name in wanted])


def _orbax():
    """Whoever opens a checkpoint works alone, however many processes train: Orbax would wait for all of them."""
    me = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(primary_host=me, active_processes={me}, barrier_sync_key_prefix=f'{me}')
    handler = ocp.PyTreeCheckpointHandler(use_ocdbt=True, use_zarr3=False, multiprocessing_options=alone)
    return ocp.Checkpointer(handler, multiprocessing_options=alone)


@contextlib.contextmanager
def _plain_path(folder: Path) -> Iterator[epath.Path]:
    """A path to the folder without characters that mislead Orbax: itself, or a link to it in the temporary folder."""
    if _PLAIN.fullmatch(str(folder)):
        yield epath.Path(folder)
        return
    with tempfile.TemporaryDirectory() as directory:
        link = Path(directory) / 'run'
        link.symlink_to(folder, target_is_directory=True)
        yield epath.Path(link)


def _hush_late_answers():
    """Silences two messages that Python prints after a failed read or write, and no others.

    TensorStore then completes futures that nobody awaits any more: those of Orbax's event loop, which is closed, and
    those of a task of it, which is collected at any time.
    """
    logging.getLogger('asyncio').addFilter(_is_no_late_answer)  # once: the same filter is not added again
    before = sys.unraisablehook
    if getattr(before, '__name__', '') == 'without_late_answers':
        return

    def without_late_answers(unraisable):
        if f'{unraisable.exc_value}' != 'Event loop is closed':
            before(unraisable)

    sys.unraisablehook = without_late_answers


def _is_no_late_answer(record):
    error = record.exc_info and record.exc_info[1]
    return not (record.getMessage().startswith('Task exception was never retrieved') and 'tensorstore' in f'{error}')


@contextlib.contextmanager
def _errors_of_the_system():
    """TensorStore tells errors of the system as a ValueError with the number in its text: makes it an OSError again."""
    try:
        yield
    except ValueError as error:
        number = re.search(r"os_error_code='(\d+)'", f'{error}')
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


@contextlib.contextmanager
def _damage():
    """Turns whatever goes wrong in here into `Damaged`, but for errors of the system that may pass."""
    try:
        with _errors_of_the_system():
            yield
    except Damaged:
        raise
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        raise Damaged(f'{STATE} cannot be read: {_short(error)}') from error
    except Exception as error:  # nearly any of Orbax, TensorStore and JSON, from bytes that are not theirs
        raise Damaged(f'{STATE} cannot be read: {_short(error)}') from error


def _read_files(folder, most):
    """Reads every file below a folder once, so that what a disk refuses to give is told as that and not as damage.

    Raises:
      Damaged: there is something else than folders and regular files, or more than `most` bytes.
      OSError: one cannot be read.
    """
    left = most

    def refuse(error):
        if error.errno in _NO_FILE:
            raise Damaged(f'{STATE} is no folder ({error.strerror})') from error
        raise error

    for directory, folders, names in os.walk(folder, onerror=refuse):
        for name in names:
            with _open(Path(directory) / name) as file:
                while part := file.read(2**20):
                    left -= len(part)
                    if left < 0:
                        raise Damaged(f'{STATE} has more than {most} bytes, where its arrays need less')
        left -= 4096 * len(folders)
        if left < 0 or any(os.path.islink(os.path.join(directory, name)) for name in folders):
            raise Damaged(f'{STATE} holds folders that are none of a checkpoint')


def _compare_stored(tree, wanted):
    """What the files declare of every array must be what is expected, before anything of it is read."""
    found = {'/'.join(path): entry for path, entry in traverse_util.flatten_dict(tree.tree).items()}
    for name in sorted(found.keys() ^ wanted.keys()):
        raise Damaged(f'{_short(name)} is {"in" if name in found else "not in"} {STATE}')
    for name, x in wanted.items():
        entry = found[name]
        if tuple(entry.shape) != x.shape or np.dtype(entry.dtype) != x.dtype:
            raise Damaged(f'{name} is {_short(entry.dtype)} {_short(entry.shape)} in {STATE}')
        if tuple(entry.storage.chunk_shape) != tuple(max(n, 1) for n in x.shape):
            raise Damaged(f'{name} has chunks of {_short(entry.storage.chunk_shape)} in {STATE}')


def _open(path: Path) -> BinaryIO:
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
        size = os.fstat(file.fileno()).st_size
        found = file.read(min(size, most) + 1)  # which takes as much memory as is asked for
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


def _nested(by_name):
    """{'gen/params/...': leaf} as dicts in dicts."""
    return traverse_util.unflatten_dict(by_name, sep='/')


def _kind(x):
    return {'dtype': np.dtype(x.dtype).name, 'shape': list(x.shape)}


def _bytes_of(x):
    return int(np.prod(x.shape, dtype=object)) * np.dtype(x.dtype).itemsize


def _digest(array):
    return hashlib.blake2b(np.ascontiguousarray(array).reshape(-1).view(np.uint8), digest_size=16).hexdigest()


def _digest_of_json(value):
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


def _refuse(constant):
    raise ValueError(f'{constant} is no number')


def _short(value):
    """A stranger's value or an error, in at most 100 printable characters."""
    if isinstance(value, KeyError):
        value = f'there is no {value}'
    return ascii(f'{value}'[:100])[1:-1]
