"""Files of torch without torch: both formats, strides, and pickles that would rather run something."""

import io
import os
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from torch_files import MAGIC, SYSTEM, Rebuilt, Storage, as_pickles, as_zip, pickled, pretend

from gans.errors import UserError
from gans.pretrained.torch_file import read_tensors

NUMBERS = np.arange(24, dtype=np.float32)
# Name -> (offset, shape, strides) of a view of NUMBERS, counted in numbers.
VIEWS = {
    'rows': (0, (4, 6), (6, 1)),
    'columns': (0, (6, 4), (1, 6)),
    'some': (7, (2, 2, 3), (2, 5, 1)),
    'one': (5, (), ()),
    'none': (0, (0, 3), (3, 1)),
}


class Running:
    """A pickle of it calls a function when it is read."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.fixture
def torch(monkeypatch):
    return pretend(monkeypatch)


def a_state(torch, views=None):
    """(state, storages): several views of one storage, and a number in another."""
    floats, longs = Storage(torch.FloatStorage, '17', 24), Storage(torch.LongStorage, '4', 1)
    state = OrderedDict({name: Rebuilt(floats, *view) for name, view in (VIEWS if views is None else views).items()})
    state['steps'] = Rebuilt(longs, 0, (), ())
    state._metadata = OrderedDict(version=2)  # torch puts it there
    return state, {'4': np.array([2**40]), '17': NUMBERS}


@pytest.mark.parametrize('write', [as_pickles, as_zip])
def test_tensors_are_read_with_their_strides(torch, write):
    found = read_tensors(write(*a_state(torch)), 'weights.pth')
    assert list(found) == [*VIEWS, 'steps'] and found['steps'] == 2**40 and found['steps'].shape == ()
    for name, (offset, shape, strides) in VIEWS.items():
        wanted = np.zeros(shape, np.float32)
        for place in np.ndindex(shape):
            wanted[place] = NUMBERS[offset + sum(i * stride for i, stride in zip(place, strides, strict=True))]
        np.testing.assert_array_equal(found[name], wanted)
        assert found[name].shape == shape and found[name].dtype == np.float32 and found[name].flags.c_contiguous


@pytest.mark.parametrize('write', [as_pickles, as_zip])
@pytest.mark.parametrize('name', ['os.system', '__builtin__.eval', '__builtin__.getattr', 'torch.HalfStorage'])
def test_a_pickle_that_names_anything_else_is_refused_and_nothing_runs(torch, write, name, tmp_path):
    mark = tmp_path / 'it ran'
    evil = {
        'os.system': lambda: Running(os.system, f"touch '{mark}'"),
        '__builtin__.eval': lambda: Running(eval, f'open({str(mark)!r}, "w")'),
        '__builtin__.getattr': lambda: Running(getattr, 'a string', 'upper'),
        'torch.HalfStorage': lambda: Rebuilt(Storage(torch.HalfStorage, '17', 24), 0, (), ()),
    }[name]()
    state, storages = a_state(torch)
    state['evil'] = evil
    with pytest.raises(UserError) as told:
        read_tensors(write(state, storages), 'weights.pth')
    named = name.replace('os.', f'{os.name}.')
    assert str(told.value) == (
        f"'weights.pth' cannot be used as a file of torch tensors (it names {named}, which no tensor needs): "
        'nothing in it was run; get it again.'
    )
    assert not mark.exists()


@pytest.mark.parametrize('place', range(5))
def test_each_pickle_of_an_old_file_is_read_so(torch, place, tmp_path):
    state, storages = a_state(torch)
    parts = [pickled(MAGIC), pickled(1001), pickled(SYSTEM), pickled(state), pickled(['4', '17'])]
    parts[place] = pickled(Running(os.system, f"touch '{tmp_path / 'it ran'}'"))
    with pytest.raises(UserError, match='it names'):
        read_tensors(b''.join(parts), 'weights.pth')
    assert not list(tmp_path.iterdir())


WRONG_VIEWS = {
    'beyond its end': (1, (4, 6), (6, 1)),
    'before its beginning': (5, (3,), (-1,)),
    'before its beginning with its offset': (-1, (3,), (1,)),
    'larger by repeating': (0, (2**40, 24), (0, 1)),
    'with strides missing': (0, (4, 6), (6,)),
    'of no whole numbers': (0, (4.0, 6), (6, 1)),
    'of no numbers at all': (0, 24, 1),
}


@pytest.mark.parametrize('name', WRONG_VIEWS)
def test_a_tensor_that_leaves_its_storage_is_refused(torch, name):
    data = as_zip(*a_state(torch, {name: WRONG_VIEWS[name]}))
    with pytest.raises(UserError, match='cannot be used as a file of torch tensors'):
        read_tensors(data, 'weights.pth')


def test_other_files_are_refused(torch):
    state, storages = a_state(torch)
    whole, archive = as_pickles(state, storages), as_zip(state, storages)
    nothing = io.BytesIO()
    zipfile.ZipFile(nothing, 'w').close()
    others = [
        b'',
        b'PK',
        b'an HTML answer',
        b'\x80\x02K\x01.',
        whole[:-1],
        whole[:200],
        archive[:-9],
        nothing.getvalue(),
    ]
    others += [as_zip(state, storages, zipfile.ZIP_DEFLATED), as_zip({'model': {}}, {}), as_pickles([1], {})]
    others += [archive.replace(b'little', b'biggie'), as_zip(state, {'17': NUMBERS})]
    for data in others:
        with pytest.raises(UserError, match="'weights.pth' cannot be used") as told:
            read_tensors(data, 'weights.pth')
        assert '\n' not in str(told.value)


def test_what_a_pickle_does_to_what_it_names_is_forgotten(torch):
    """BUILD sets attributes: here of the function that makes tensors."""
    spoiled = b'\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x0c\x00\x00\x00__defaults__K\x01\x85s\x86b.'
    with pytest.raises(UserError):
        read_tensors(pickled(MAGIC) + spoiled, 'weights.pth')
    assert list(read_tensors(as_pickles(*a_state(torch)), 'weights.pth')) == [*VIEWS, 'steps']
