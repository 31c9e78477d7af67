"""The fields that configs share: gans/config/common.py, its place, and what a config may say differently."""

import inspect
from collections.abc import Mapping

import pytest
from command_line import ROOT, main, process

from gans.config.common import defaults, with_defaults
from gans.config.load import flatten, load, split_variant
from gans.data.opening import fields_of
from gans.errors import UserError
from gans.sweep.cells import read_sweep

OWN = """
from gans.config.common import with_defaults

def get_config():
    return with_defaults(name='own', seed=-1, log=dict(grids=3), data=dict(mine=dict(shade=3)))
"""


def test_a_config_names_only_what_differs(tmp_path):
    (tmp_path / 'own.py').write_text(OWN)
    config = load(str(tmp_path / 'own.py')).to_dict()
    expected = flatten(with_defaults().to_dict()) | {'name': 'own', 'seed': -1, 'log.grids': 3, 'data.mine.shade': 3}
    assert flatten(config) == expected


def test_placeholders_belong_to_one_config():
    one, other = with_defaults(), with_defaults()
    one.data.folder.path = '/photos'
    assert other.data.folder.path is None
    with pytest.raises(TypeError):
        other.data.folder.path = 3


@pytest.mark.parametrize(
    'fields, sentence',
    [
        (dict(log=dict(evry=1)), r"config.log.evry is not a field .did you mean 'every'"),
        (dict(checkpoint=dict(kept=1)), r"config.checkpoint.kept is not a field .did you mean 'keep'"),
        (dict(data=dict(thread=1)), r"config.data.thread is not a field .did you mean 'threads'"),
        (dict(data=dict(folder=dict(paht=''))), r"config.data.folder.paht is not a field .did you mean 'path'"),
    ],
)
def test_a_field_that_is_not_shared_is_refused_where_it_would_be_read_by_nothing(fields, sentence):
    with pytest.raises(UserError, match=sentence):
        with_defaults(**fields)


@pytest.mark.parametrize(
    'line, sentence',
    [
        ('config.ema_halflife = 2000.0', "config.ema_halflife is not a field (did you mean 'ema_half_life'?)"),
        ('config.log.evry = 3', "config.log.evry is not a field (did you mean 'every'?)"),
        ('config.data.thread = 1', "config.data.thread is not a field (did you mean 'threads'?)"),
        ('config.data.mine = dict(shade=3)', ''),
    ],
)
def test_nor_is_one_that_is_set_in_the_file_afterwards(line, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'own.py').write_text(
        'from gans.config.load import load\n\ndef get_config():\n'
        f"    config = load('{ROOT}/configs/dcgan.py:tiny').unlock()\n    {line}\n    return config\n"
    )
    done = main('--config=own.py', '--dry_run')
    assert (done.code, sentence in done.err) == (2 if sentence else 0, True), done.err


def test_sections_of_sources_have_the_fields_and_defaults_of_their_modules():
    for source, section in defaults()['data'].items():
        if isinstance(section, Mapping):
            shared = with_defaults().data[source].to_dict()
            known = {name: one.default for name, one in fields_of(source, '').items()}
            assert shared == {name: None if one is inspect.Parameter.empty else one for name, one in known.items()}


def test_a_config_in_any_folder_is_loaded_from_any_working_directory(tmp_path):
    """What it lacks is told, so it was read, and nothing had to be compiled."""
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'own.py').write_text(OWN)
    done = process('--config=mine/own.py', cwd=tmp_path)
    assert (done.code, done.out) == (2, '') and done.err.startswith('config.task.name is missing'), done.err


def test_a_config_and_a_sweep_in_a_folder_with_a_colon_in_its_name(tmp_path):
    """The variant begins behind the first `.py:`."""
    folder = tmp_path / 'a:b'
    folder.mkdir()
    loads = f"load('{ROOT}/configs/dcgan.py:tiny').unlock()"
    variants = 'dict(small=lambda c: c.update(batch=4), large=lambda c: c.update(size=32))'
    (folder / 'own.py').write_text(
        'from gans.config.load import choose_variant, load\n\n'
        f"def get_config(variant=''):\n    return choose_variant({loads}, variant, {variants})\n"
    )
    assert load(f'{folder}/own.py').batch == 8
    assert load(f'{folder}/own.py:small').batch == 4
    for text, variant in (('c.py:x=a:b/c', 'x=a:b/c'), ('c.py:', ''), ('c.py', ''), ('c.py:d.py', 'd.py')):
        assert split_variant(f'a:b/{text}') == ('a:b/c.py', variant)
    assert split_variant('configs/colorize:tiny') == ('configs/colorize', 'tiny')
    (folder / 'sweep.py').write_text(
        "def get_hyper(hyper):\n    return [{'config': 'own.py:large', 'ema': ema} for ema in (0.5, 0.6)]\n"
    )
    cells = read_sweep(f'{folder}/sweep.py:small', {}).cells
    assert [(c.config.batch, c.config.size, c.config.ema) for c in cells] == [(4, 32, 0.5), (4, 32, 0.6)]


def test_a_config_may_have_dataclasses_with_annotations_that_are_texts(tmp_path):
    text = (
        'from __future__ import annotations\nimport dataclasses\n\n'
        '@dataclasses.dataclass\nclass Mine:\n    shade: int = 3\n'
    )
    (tmp_path / 'own.py').write_text(text + OWN.replace('shade=3', 'shade=Mine().shade'))
    assert load(str(tmp_path / 'own.py')).data.mine.shade == 3


def test_a_module_beside_a_config_is_found_as_the_sentence_says(tmp_path):
    folder = tmp_path / 'my configs'
    folder.mkdir()
    (folder / 'shades.py').write_text('SHADE = 3\n')
    (folder / 'own.py').write_text(f'import shades\n{OWN}'.replace('shade=3', 'shade=shades.SHADE'))
    done = main(f'--config={folder}/own.py')
    told = "own.py, line 1 cannot be used (ModuleNotFoundError: No module named 'shades', which is found if PYTHONPATH"
    assert done.code == 2 and told in done.err and f"PYTHONPATH='{folder}'" in done.err, done
    done = process(f'--config={folder}/own.py', PYTHONPATH=str(folder))
    assert done.err.startswith('config.task.name is missing'), done.err  # so it was loaded


@pytest.mark.parametrize(
    'path, words', [('configs/common.py', 'no config file'), ('gans/config/common.py', 'get_config')]
)
def test_it_is_no_experiment_itself(path, words):
    done = main(f'--config={ROOT}/{path}')
    assert done.code == 2 and words in done.err and len(done.err.splitlines()) == 1


def test_shipped_configs_are_found_from_any_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dry = ['--dry_run', '--config.devices=1']
    done = main('--config=configs/colorize.py:tiny', *dry)
    assert done.code == 0 and not list(tmp_path.iterdir()), done.err
    done = main('--config=configs/colrize.py', *dry)
    assert (done.code, done.out) == (2, '') and "did you mean 'configs/colorize.py'?" in done.err
    done = main('--mode=sweep', '--config=configs/sweeps/noises.py', '--output=OUT')
    assert (done.code, done.out) == (2, '') and "did you mean 'configs/sweeps/noise.py'?" in done.err
    sweep = read_sweep('configs/sweeps/noise.py:tiny', {'devices': '1'})
    found = [cell.config_text.removeprefix(f'{ROOT}/') for cell in sweep.cells]
    assert found == ['configs/colorize.py:tiny', 'configs/colorize.py:tiny+no_noise']
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs/colorize.py').write_text('def get_config():\n    raise ValueError("mine")\n')
    done = main('--config=configs/colorize.py', *dry)
    assert done.code == 2 and 'configs/colorize.py, line 2' in done.err and 'mine' in done.err
