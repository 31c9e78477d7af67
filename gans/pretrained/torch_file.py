"""The tensors of a file that `torch.save` wrote, without torch, and without running anything that the file names.

Such a file is a pickle, and a pickle may call any function of Python. Here it can name no more than the four things
that a dictionary of tensors is made of; with anything else it is refused.
"""

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gans.errors import UserError

_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a file that torch before 1.6 wrote
_TYPES = {'FloatStorage': np.dtype('<f4'), 'LongStorage': np.dtype('<i8')}


class _Storage(NamedTuple):
    """A block of numbers, which one or several tensors look into."""

    key: str
    dtype: np.dtype


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides count numbers, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(data: bytes, name: str) -> dict[str, np.ndarray]:
    """The tensors of a dictionary that `torch.save` wrote.

    Args:
      data: what the file holds, in the format of torch 1.6 and newer (a zip) or in the one before (five pickles, then
        the numbers).
      name: the file's, for messages.

    Returns:
      float32 and int64 arrays by name, each with its numbers in C order whatever the strides in the file.

    Raises:
      UserError: it is another file, it is damaged, or it names anything but tensors; nothing of it was run.
    """
    try:
        archive = data.startswith(b'PK')
        state, numbers = _from_zip(data) if archive else _from_pickles(data)
        if not isinstance(state, dict) or not all(isinstance(value, _Tensor) for value in state.values()):
            raise ValueError('it holds other things than tensors by name')
        return {str(key): _array(tensor, numbers(tensor.storage)) for key, tensor in state.items()}
    except Exception as error:  # whatever a damaged pickle makes of itself
        reason = f'{error or type(error).__name__}'.splitlines()[0]
        raise UserError(
            f"'{name}' cannot be used as a file of torch tensors ({reason}): nothing in it was run; get it again."
        ) from error


def _from_zip(data) -> tuple[Any, Callable[[_Storage], np.ndarray]]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    (top,) = {name.removesuffix('data.pkl') for name in archive.namelist() if name.endswith('/data.pkl')}
    for info in archive.infolist():
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f'{info.filename} is compressed')  # torch never does; a small file could become huge
    if f'{top}byteorder' in archive.namelist() and archive.read(f'{top}byteorder') != b'little':
        raise ValueError('its numbers are not little-endian')
    state = _unpickle(io.BytesIO(archive.read(f'{top}data.pkl')))
    return state, lambda storage: np.frombuffer(archive.read(f'{top}data/{storage.key}'), storage.dtype)


def _from_pickles(data) -> tuple[Any, Callable[[_Storage], np.ndarray]]:
    file = io.BytesIO(data)
    if _unpickle(file) != _MAGIC:
        raise ValueError('it does not begin as such a file does')
    _version, _system = _unpickle(file), _unpickle(file)
    types: dict[str, np.dtype] = {}
    state, keys = _unpickle(file, types), _unpickle(file)
    found = {}
    for key in keys:
        size = int.from_bytes(file.read(8), 'little') * types[key].itemsize
        some = file.read(size)
        if len(some) != size:
            raise ValueError('it is cut off')
        found[key] = np.frombuffer(some, types[key])
    return state, lambda storage: found[storage.key]


def _unpickle(file, types: dict[str, np.dtype] | None = None) -> Any:
    """The next pickle of a file, its tensors as `_Tensor`; the types of the storages are put into `types`."""

    def tensor(storage, offset, shape, strides, *_):
        return _Tensor(storage, offset, shape, strides)

    # The function is made anew, since a pickle may set attributes of what it names; the others cannot be changed.
    known = {
        ('collections', 'OrderedDict'): OrderedDict,
        ('torch._utils', '_rebuild_tensor_v2'): tensor,
        **{('torch', name): dtype for name, dtype in _TYPES.items()},
    }

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            if (module, name) not in known:
                raise ValueError(f'it names {module}.{name}, which no tensor needs')
            return known[module, name]

        def persistent_load(self, saved):
            kind, dtype, key, _device, _count, *_view = saved
            if kind != 'storage' or dtype not in _TYPES.values() or not isinstance(key, str) or any(_view):
                raise ValueError(f'it refers to {saved!r}')
            if types is not None:
                types[key] = dtype
            return _Storage(key, dtype)

    return Unpickler(file).load()


def _array(tensor: _Tensor, numbers: np.ndarray) -> np.ndarray:
    """A copy of a tensor in C order; raises ValueError for a view that is larger than its storage or leaves it."""
    storage, offset, shape, strides = tensor
    if len(shape) != len(strides) or any(type(n) is not int or n < 0 for n in (offset, *shape, *strides)):
        raise ValueError(f'a tensor has the shape {shape!r} and the strides {strides!r}')
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if math.prod(shape) > len(numbers) or (math.prod(shape) and last >= len(numbers)):
        raise ValueError('a tensor is larger than its numbers')
    bytes_apart = [stride * storage.dtype.itemsize for stride in strides]
    return np.array(np.lib.stride_tricks.as_strided(numbers[offset:], shape, bytes_apart), order='C')
