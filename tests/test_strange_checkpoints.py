"""Checkpoints from a stranger: whatever stands in them, every verb ends soon, in one sentence, and runs none of it."""

import json
import os
import pickle
import resource
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import tensorstore
from command_line import main
from runs_on_disk import contents, data_of, refused, rewrite, rewrite_config, train, use

HUGE = 10**18


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A run with one checkpoint, of step 1."""
    folder = tmp_path_factory.mktemp('trained') / 'run'
    assert train(folder, '--config.steps=1').code == 0
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / 'run'))


@pytest.fixture
def planted(run):
    """The checkpoint in it; afterwards, every verb that loads a run must have refused it, changing nothing in it."""
    yield run / 'checkpoints' / '1'
    before = contents(run / 'checkpoints')
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for ended in (use(run), main(f'--workdir={run}'), main('--mode=evaluate', f'--workdir={run}')):
        refused(ended, str(run))
        assert len(ended.err) < 1500 and all(line.isprintable() for line in ended.err.splitlines()), ended
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown < 400 * 2**10  # KiB
    assert contents(run / 'checkpoints') == before
    assert not (run.parent / 'was run').exists()


def fifo(path):
    os.mkfifo(path)


def listener(path):
    here = os.getcwd()
    os.chdir(path.parent)  # its name may be short only
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(path.name)
    finally:
        os.chdir(here)


def sparse(path):
    with open(path, 'wb') as file:
        file.truncate(2**40)


INSTEAD = {
    'nothing': lambda path: None,
    'folder': lambda path: path.mkdir(),
    'fifo': fifo,
    'socket': listener,
    'link to itself': lambda path: path.symlink_to(path.name),
    'link to nothing': lambda path: path.symlink_to('nowhere'),
    'endless device': lambda path: path.symlink_to('/dev/zero'),
    'memory of the kernel': lambda path: path.symlink_to('/proc/kcore'),
    'empty': lambda path: path.write_bytes(b''),
    'zeros': lambda path: path.write_bytes(bytes(1000)),
    'a terabyte of nothing': sparse,
}


FILES = {
    'about': lambda planted: planted / 'about.json',
    'data': data_of,
    'index': lambda planted: planted / 'state' / 'manifest.ocdbt',
    'metadata': lambda planted: planted / 'state' / '_METADATA',
}


@pytest.mark.parametrize('file', ['about', 'data'])
@pytest.mark.parametrize('what', INSTEAD)
def test_another_thing_in_place_of_a_file(file, what, planted):
    path = FILES[file](planted)
    path.unlink()
    INSTEAD[what](path)


@pytest.mark.parametrize('file', FILES)
def test_truncated_files(file, planted):
    path = FILES[file](planted)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


TEXTS = {
    'list': b'[]',
    'null': b'null',
    'number': b'3',
    'nan': b'NaN',
    'text': b'"x"',
    'empty object': b'{}',
    'lists in lists': b'[' * 200_000,
    'objects in objects': b'{"a":' * 200_000,
    'long number': b'1' * 10**6,
    'no UTF-8': b'\xff\xfe\xfd',
    'escapes for a terminal': b'{"digest": 1, "\x1b[31mred": 2}',
}


@pytest.mark.parametrize('text', TEXTS)
def test_a_description_that_is_none(text, planted):
    (planted / 'about.json').write_bytes(TEXTS[text])


def first_array(whole):
    return whole['arrays']['gen/params/bottom/conv/kernel']


WHOLES = {
    'about is a list': lambda whole: whole.update(about=[]),
    'arrays are a list': lambda whole: whole.update(arrays=[]),
    'no arrays': lambda whole: whole.update(arrays={}),
    'no about': lambda whole: whole.pop('about'),
    'no format': lambda whole: whole.pop('format'),
    'format is a text': lambda whole: whole.update(format='1'),
    'format is of tomorrow': lambda whole: whole.update(format=HUGE),
    'a number for an array': lambda whole: whole['arrays'].update(step=5),
    'huge shape': lambda whole: first_array(whole).update(shape=[HUGE] * 4),
    'many axes': lambda whole: first_array(whole).update(shape=[1] * 10**5),
    'negative shape': lambda whole: first_array(whole).update(shape=[-1]),
    'shape is a text': lambda whole: first_array(whole).update(shape='(3, 3)'),
    'other type': lambda whole: first_array(whole).update(dtype='float64'),
    'type of objects': lambda whole: first_array(whole).update(dtype='object'),
    'no digest': lambda whole: first_array(whole).pop('digest'),
    'other digest': lambda whole: first_array(whole).update(digest=['0']),
    'array too many': lambda whole: whole['arrays'].update({'\x1b[31mred' * 99: first_array(whole)}),
    'no config': lambda whole: whole['about'].pop('config'),
    'config is no text': lambda whole: whole['about'].update(config={'steps': 1}),
    'config is no JSON': lambda whole: whole['about'].update(config='steps: 1'),
    'config without end': lambda whole: whole['about'].update(config='[' * 10**5),
    'no number of images': lambda whole: whole['about'].pop('train_images'),
    'no images': lambda whole: whole['about'].update(train_images=0),
    'images without number': lambda whole: whole['about'].update(train_images=HUGE),
    'images by name': lambda whole: whole['about'].update(train_images='many'),
}


@pytest.mark.parametrize('change', WHOLES)
def test_a_description_with_a_right_digest_and_strange_values(change, planted):
    rewrite(planted, WHOLES[change])


def nested(depth):
    return {} if depth == 0 else {'a': nested(depth - 1)}


CONFIGS = {
    'list': lambda c: [],
    'nothing': lambda c: {},
    'nested': lambda c: nested(500),
    'field of the class': lambda c: c.update(items=3),
    'field with a dot': lambda c: c.update({'a.b': 3}),
    'long text': lambda c: c.update(name='x' * 10**6),
    'many layers': lambda c: c['generator'].update(widths=[4] * 10**5),
    'unknown networks': lambda c: c.update(networks='vit'),
    'networks of elsewhere': lambda c: c.update(networks='../../tmp/evil'),
    'a module of elsewhere': lambda c: c.update(networks='os'),
    'networks are a number': lambda c: c.update(networks=5),
    'unknown task': lambda c: c['task'].update(name='jax'),
    'hidden task': lambda c: c['task'].update(name='__dict__'),
    'unknown objective': lambda c: c['objective'].update(name='os'),
    'unknown term': lambda c: c['objective'].update(terms=['jnp']),
    'terms are a number': lambda c: c['objective'].update(terms=7),
    'unknown field': lambda c: c['generator'].update(heads=8),
    'field is missing': lambda c: c['generator'].pop('widths'),
    'widths are a text': lambda c: c['generator'].update(widths='many'),
    'no widths': lambda c: c['generator'].update(widths=[]),
    'widths below 0': lambda c: c['generator'].update(widths=[-4] * 3),
    'widths are texts': lambda c: c['generator'].update(widths=['NaN'] * 3),
    'huge widths': lambda c: c['generator'].update(widths=[HUGE] * 3),
    'another width': lambda c: c['generator'].update(widths=[4, 4, 2]),
    'size is a text': lambda c: c.update(size='big'),
    'size below 0': lambda c: c.update(size=-32),
    'size of three': lambda c: c.update(size=[32, 32, 32]),
    'size of texts': lambda c: c.update(size=['32', '32']),
    'huge size': lambda c: c.update(size=2**40),
    'size is odd': lambda c: c.update(size=33),
    'steps are a text': lambda c: c.update(steps='NaN'),
    'steps are true': lambda c: c.update(steps=True),
    'steps below 0': lambda c: c.update(steps=-1),
    'batch of 0': lambda c: c.update(batch=0),
    'batch is a list': lambda c: c.update(batch=[8]),
    'unknown type': lambda c: c.update(dtype='float128'),
    'nan': lambda c: c['generator'].update(slope=float('nan')),
    'nan as text': lambda c: c['schedules']['l1'].update(value=['NaN', 'NaN']),
    'no schedules': lambda c: c.update(schedules={}),
    'schedules are a list': lambda c: c.update(schedules=[]),
    'schedule is a text': lambda c: c['schedules'].update(l1='5'),
    'schedule without values': lambda c: c['schedules'].update(l1={}),
    'turns of 0': lambda c: c['turns'].update(gen=0),
    'no turns': lambda c: c.update(turns=None),
    'optimizer unknown': lambda c: c['optimizer']['gen'].update(name='lion'),
    'optimizer is a text': lambda c: c['optimizer'].update(gen='adam'),
    'optimizer with text': lambda c: c['optimizer']['gen'].update(b1='x'),
    'data is a number': lambda c: c.update(data=5),
    'source is a number': lambda c: c['data'].update(source=5),
    'held out is a text': lambda c: c['data'].update(held_out='all'),
    'seed is a text': lambda c: c.update(seed='zero'),
    'log is missing': lambda c: c.update(log=None),
}


@pytest.mark.parametrize('change', CONFIGS)
def test_a_strange_config(change, planted):
    rewrite_config(planted, CONFIGS[change])


def test_a_folder_that_leads_elsewhere(planted, tmp_path):
    (planted / 'state').rename(tmp_path / 'elsewhere')
    (planted / 'state').symlink_to(tmp_path / 'elsewhere')
    (planted / 'state' / 'd').rename(tmp_path / 'data')
    (planted / 'state' / 'd').symlink_to(tmp_path / 'data')


def plant_array(planted, name, shape, chunks, dtype):
    """Puts an array of zeros, packed into little, in place of one of Orbax's."""
    base = f'file://{planted}/state/'
    store = tensorstore.KvStore.open({'driver': 'ocdbt', 'base': base}).result()
    for key in store.list().result():
        if key.startswith(f'{name}/'.encode()):
            store.delete_range(tensorstore.KvStore.KeyRange(key, key + b'\0')).result()
    metadata = {'chunks': chunks, 'compressor': {'id': 'zstd', 'level': 1}}
    spec = {'driver': 'zarr', 'kvstore': {'driver': 'ocdbt', 'base': base, 'path': f'{name}/'}, 'metadata': metadata}
    spec['store_data_equal_to_fill_value'] = True
    array = tensorstore.open(spec, dtype=tensorstore.dtype(dtype), shape=shape, create=True).result()
    array[(slice(0, 1),) * len(shape)].write(np.zeros((), dtype)).result()


@pytest.mark.parametrize('shape, chunks', [((2**29,), (2**29,)), ((HUGE // 2,), (2**20,))], ids=['zeros', 'huge'])
def test_an_array_larger_than_it_should_be(shape, chunks, planted):
    plant_array(planted, 'step', shape, chunks, 'uint8')


def test_a_chunk_larger_than_its_array(planted):
    shape = json.loads((planted / 'about.json').read_text())['arrays']['gen/params/bottom/conv/bias']['shape']
    plant_array(planted, 'gen.params.bottom.conv.bias', shape, [2**27], 'float32')


def test_no_code_is_run(planted, tmp_path):
    (planted / 'config.py').write_text(f'open({str(tmp_path / "was run")!r}, "w")')
    (planted / 'state' / '_METADATA').write_bytes(pickle.dumps(Evil(str(tmp_path / 'was run'))))


class Evil:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self._path = path

    def __reduce__(self):
        return open, (self._path, 'w')


WINDOWS = {
    'number': 5,
    'numbers': [5],
    'texts': [{'gen/loss': 'x'}],
    'other names': [{'a': 1.0}, {'b': 2.0}],
    'missing': None,
}
# Of the data nothing but their own verbs can tell whether they are right.
DATA = {
    'path is a number': dict(source='folder', folder=dict(path=5)),
    'path is a list': dict(source='folder', folder=dict(path=['a'])),
    'path is long': dict(source='folder', folder=dict(path='x' * 4000)),
    'section is a number': dict(embedded=5),
    'fit is a number': dict(source='folder', folder=dict(path='.', fit=5)),
    'source of elsewhere': dict(source='../os'),
    'source is a module': dict(source='source'),
    'count is a text': dict(source='embedded', embedded=dict(count='x')),
    'unknown field': dict(source='embedded', embedded=dict(number=3)),
    'placement is unknown': dict(placement='moon'),
    'dataset is a number': dict(source='tfds', tfds=dict(dataset=5)),
}


@pytest.mark.parametrize('data', DATA)
def test_strange_data(data, run):
    rewrite_config(run / 'checkpoints' / '1', lambda c: c['data'].update(DATA[data]))
    refused(main(f'--workdir={run}'))
    ended = main('--mode=evaluate', f'--workdir={run}')
    assert ended.code == 2 or data == 'placement is unknown', ended


@pytest.mark.parametrize('window', WINDOWS)
def test_strange_metrics_of_the_last_steps(window, run):
    rewrite(run / 'checkpoints' / '1', lambda whole: whole['about'].update(window=WINDOWS[window]))
    refused(train(run, '--config.steps=1'), str(run))
    assert use(run).code == 0  # which needs none


def test_strange_folders_beside_the_steps(run):
    """Names that are no steps count for nothing, and are left where they are."""
    folder = run / 'checkpoints'
    for name in ('01', '-1', '1e3', '९', 'x', '99999999999999999999', '7.tmp.old'):
        (folder / name).mkdir()
    (folder / '8').write_text('no folder')
    (folder / '9.tmp').symlink_to(run)
    before = contents(folder)
    assert use(run).code == 0
    assert train(run, '--config.steps=1').code == 0
    assert contents(folder) == before


def test_json_of_a_stranger_is_the_only_thing_that_is_read(trained):
    """What stands in about.json: nothing that could name code."""
    whole = json.loads((trained / 'checkpoints' / '1' / 'about.json').read_text())
    assert sorted(whole) == ['about', 'arrays', 'digest', 'format'] and whole['format'] == 1
    assert sorted(whole['about']) == ['config', 'data', 'train_images', 'window']
