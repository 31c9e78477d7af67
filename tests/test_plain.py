"""What a config may hold: whatever training accepts, the reader of its checkpoints accepts too, and nothing else is.

Values of NumPy and pathlib are those that a person writes; what JSON cannot hold is refused by its field.
"""

import json

import numpy as np
import pytest
from command_line import ROOT, main
from ml_collections import ConfigDict
from runs_on_disk import refused, rewrite_config

import gans
from gans.config import ranges
from gans.config.load import load, to_json
from gans.config.stored import read_config
from gans.core.overrides import override
from gans.errors import UserError

HEAD = f"""
import pathlib
import numpy as np
from ml_collections import ConfigDict
from gans.config.load import load

def get_config():
    c = load('{ROOT}/configs/dcgan.py:tiny').unlock()
    c.name, c.devices, c.steps, own = 'own', 1, 1, ConfigDict()
    with c.ignore_type():
"""

# Code in a config -> what is refused with these words; None: it is trained, and read again.
CASES = {
    'del c.schedules.blur; c.schedules.blur = dict(at=tuple(i / 200 for i in range(200)), value=(0.0,) * 200)': None,
    'del c.schedules.blur; c.schedules.blur = dict(at=np.arange(200) / 200, value=[np.float32(0)] * 200)': None,
    'del c.schedules.blur; c.schedules.blur = dict(at=np.arange(2000) / 2000, value=(0.0,) * 2000)': (
        'config.schedules.blur.at has 2000 entries: give at most 1024'
    ),
    "own['values'] = 3": "config.data.own has a field 'values', which is a method",
    "own['items'] = 3": "config.data.own has a field 'items', which is a method",
    "own['update'] = ()": "config.data.own has a field 'update', which is a method",
    "c.data.own = ConfigDict({'a.b': 3}, allow_dotted_keys=True)": "config.data.own has a field 'a.b'",
    "own['a b'] = 3": "config.data.own has a field 'a b'",
    "own.words = ('a',) * 128": None,
    "own.words = ('a',) * 129": 'config.data.own.words has 129 entries: give at most 128',
    "own.text = 'x' * 4096": None,
    "own.text = 'x' * 4097": 'config.data.own.text has 4097 characters',
    'own.a = dict(b=dict(c=dict(d=dict(e=3))))': None,
    'own.a = dict(b=dict(c=dict(d=dict(e=dict(f=dict(g=3))))))': 'nested too deep',
    "c.data.folder.path = pathlib.Path('a b')": None,
    'c.batch, c.ema = np.int64(8), np.float64(0.5)': None,
    'c.generator.widths = c.discriminator.widths = np.array([4, 4])': None,
    'c.generator.widths = c.discriminator.widths = [4, 4]': None,
    'c.task.flip = np.bool_(True)': None,
    'own.value = 10**300': None,
    'own.value = 10**400': 'config.data.own.value is a number of 1329 bits',
    'del c.schedules.adversarial; c.schedules.adversarial = 10**400': 'config.schedules.adversarial is a number of',
    'own.value = 1j': 'config.data.own.value is of the type complex',
    'own.value = {3}': 'config.data.own.value is of the type set',
    'own.value = (3, {3})': 'config.data.own.value.1 is of the type set',
    'own.value = np.array(1j)': 'config.data.own.value is of the type complex',
    "own.value = b'3'": 'config.data.own.value is of the type bytes',
    'own.value = lambda step: 3': 'config.data.own.value is of the type function',
    'c.dtype = np.float32': 'config.dtype is of the type type',
    'own.value = [dict(a=np.int8(3))]': None,
}


@pytest.fixture
def written(request, tmp_path):
    """The path of a config with the case's code in it."""
    path = tmp_path / 'own.py'
    path.write_text(f'{HEAD}        {request.param}\n    c.data.own = c.data.get("own", own)\n    return c\n')
    return path


@pytest.mark.parametrize('written, said', CASES.items(), indirect=['written'])
def test_what_is_loaded_for_training_can_be_read_again(written, said):
    """As `--config`, in `gans.load_config`, and with the reader of checkpoints."""
    if said is None:
        config = gans.load_config(str(written))
        ranges.check(config)
        again = read_config(to_json(config), 'run')
        assert json.loads(to_json(again)) == json.loads(to_json(config))
        assert override(config, {'ema': '0.25', 'batch': '4'}, 'own').batch == 4
        return
    with pytest.raises(UserError, match=said.replace('.', r'\.')):
        gans.load_config(str(written))
    ended = main(f'--config={written}', '--dry_run')
    refused(ended, said)
    assert len(ended.err.splitlines()) == 1 and 'another version' not in ended.err


def test_a_run_of_many_corners_and_numpy_numbers_is_evaluated_and_goes_on(tmp_path):
    code = '; '.join([list(CASES)[1], 'c.batch, c.task.flip = np.int64(8), np.bool_(True)'])
    (tmp_path / 'own.py').write_text(f'{HEAD}        {code}\n    return c\n')
    run = tmp_path / 'run'
    for words in (
        (f'--config={tmp_path}/own.py', f'--workdir={run}'),
        ('--mode=evaluate', f'--workdir={run}'),
        (f'--workdir={run}', '--config.steps=2'),
    ):
        ended = main(*words)
        assert ended.code == 0, ended
    rewrite_config(run / 'checkpoints' / '2', lambda c: c['generator'].update(widths=[4] * 1025))
    refused(main('--mode=evaluate', f'--workdir={run}'), 'has 1025 entries', 'made by another version of the code')


def test_a_config_that_was_changed_in_a_notebook_is_held_against_the_same_rules(tiny, tmp_path):
    config = tiny(f'{ROOT}/configs/dcgan.py')
    with config.ignore_type():
        config.batch, config.data.folder.path = np.int64(4), tmp_path / 'images'
    opened = gans.open_experiment(config).config
    assert type(opened.batch) is int and opened.data.folder.path == str(tmp_path / 'images')
    config.data.own = ConfigDict({'items': 3})
    with pytest.raises(UserError, match="config.data.own has a field 'items'"):
        gans.open_experiment(config)


def test_by_flags_too():
    ended = main(
        f'--config={ROOT}/configs/dcgan.py:tiny',
        '--dry_run',
        f"--config.schedules.blur={{'at': {tuple(range(2000))}, 'value': {(0,) * 2000}, 'unit': 'step'}}",
    )
    refused(ended, 'config.schedules.blur.at has 2000 entries')


def test_a_config_that_is_plain_is_itself_with_its_references(tmp_path):
    """One field that follows another one does so in a config that loads it, too."""
    (tmp_path / 'own.py').write_text(f"{HEAD}        c.log.every = c.get_ref('steps')\n    return c\n")
    config = load(str(tmp_path / 'own.py')).unlock()
    config.steps = 7
    assert config.log.every == 7
