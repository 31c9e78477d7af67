"""Files as `torch.save` writes them, written without torch."""

import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Mapping

import numpy as np

SYSTEM = dict(protocol_version=1001, little_endian=True, type_sizes=dict(short=2, int=4, long=4))
MAGIC = 0x1950A86A20F9469CFC6C


class Storage:
    """What torch would pickle by reference."""

    def __init__(self, kind, key, count):
        self.saved = ('storage', kind, key, 'cpu', count)


class Rebuilt:
    """A tensor as torch pickles it."""

    def __init__(self, storage, offset, shape, strides):
        self.view = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce__(self):
        return sys.modules['torch._utils']._rebuild_tensor_v2, self.view


def pretend(monkeypatch):
    """Modules with torch's names, which the pickler looks up and writes down; returns `torch`."""
    modules = {'torch': types.ModuleType('torch'), 'torch._utils': types.ModuleType('torch._utils')}
    for name in ('FloatStorage', 'LongStorage', 'HalfStorage'):
        setattr(modules['torch'], name, type(name, (), {'__module__': 'torch'}))
    modules['torch']._utils = modules['torch._utils']

    def _rebuild_tensor_v2():
        raise AssertionError('the reader has its own')

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = 'torch._utils', '_rebuild_tensor_v2'
    modules['torch._utils']._rebuild_tensor_v2 = _rebuild_tensor_v2
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return modules['torch']


def pickled(value, view=()):
    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            return (*item.saved, *view) if isinstance(item, Storage) else None

    file = io.BytesIO()
    Pickler(file, protocol=2).dump(value)
    return file.getvalue()


def as_pickles(state, storages):
    """The format before torch 1.6."""
    parts = [pickled(MAGIC), pickled(1001), pickled(SYSTEM), pickled(state, view=(None,))]
    numbers = [array.size.to_bytes(8, 'little') + array.tobytes() for array in storages.values()]
    return b''.join([*parts, pickled(list(storages)), *numbers])


def as_zip(state, storages, way=zipfile.ZIP_STORED):
    """The format of torch 1.6 and newer."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w', way) as archive:
        archive.writestr('weights/data.pkl', pickled(state))
        archive.writestr('weights/byteorder', 'little')
        for key, array in storages.items():
            archive.writestr(f'weights/data/{key}', array.tobytes())
        archive.writestr('weights/version', '3\n')
    return file.getvalue()


def state_of(torch, shapes: Mapping[str, tuple[int, ...]], numbers: np.ndarray):
    """(state, storages) for `as_zip` and `as_pickles`: tensors of these shapes, all of the same numbers."""
    storage = Storage(torch.FloatStorage, '0', len(numbers))
    strides = {name: tuple(np.cumprod([1, *shape[:0:-1]])[::-1].tolist()) for name, shape in shapes.items()}
    return OrderedDict((name, Rebuilt(storage, 0, shape, strides[name])) for name, shape in shapes.items()), {
        '0': numbers
    }
