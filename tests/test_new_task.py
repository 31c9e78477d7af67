"""A new task is one file of one's own: it is trained, measured and used on images through the command line."""

import importlib
import json
import re
import sys

import numpy as np
import pytest
from command_line import ROOT, main
from PIL import Image
from saved_run import save_images, smooth_images

from gans.config.load import load
from gans.config.registry import arguments_of, find_module
from gans.core.overrides import override
from gans.data.opening import open_source
from gans.errors import UserError
from gans.image import grids, ops

TASK = re.search(
    r'^# gans/tasks/deblur.py\n(.*?)^```', (ROOT / 'docs' / 'extending.md').read_text(), re.DOTALL | re.MULTILINE
)[1]

CONFIG = f"""
from ml_collections import ConfigDict

from gans.config.load import load


def get_config():
    config = load('{ROOT}/configs/inpaint.py:tiny').unlock()
    config.name, config.steps = 'deblur', 2
    config.task = ConfigDict(dict(name='own.deblur', radius=1.5, flip=True))
    return config
"""


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A package of one's own that Python can import, as from PYTHONPATH: its folder, without modules so far."""
    monkeypatch.syspath_prepend(tmp_path)
    write(tmp_path / 'own' / '__init__.py', '')
    yield tmp_path / 'own'
    for name in [name for name in sys.modules if name.partition('.')[0] == 'own']:
        del sys.modules[name]


def test_a_task_of_ones_own_is_trained_measured_drawn_and_used_on_images(own, tmp_path):
    write(own / 'deblur.py', TASK)
    config = write(tmp_path / 'deblur.py', CONFIG)
    run = tmp_path / 'run'
    done = main(f'--config={config}', '--config.devices=1', f'--workdir={run}')
    assert done.code == 0, done.err
    grid = np.asarray(Image.open(run / 'samples' / 'step_000002.png'))
    seen, _, real = grids.tiles(grid, (32, 32)) / 127.5 - 1
    np.testing.assert_allclose(seen, ops.gaussian_blur(real, 1.5), atol=2 / 127.5)
    assert np.abs(seen - real).max() > 0.1

    done = main('--mode=evaluate', f'--workdir={run}')
    assert done.code == 0, done.err
    report = json.loads((run / 'evaluation.json').read_text())
    assert report['task'] == 'own.deblur' and list(report['rows']) == ['input', 'output']
    assert list(report['measures']) == ['L1', 'PSNR dB', 'SSIM'] and list(report['ratios']) == ['L1: output / input']
    assert 0 < report['rows']['input']['L1']['mean'] < report['rows']['output']['L1']['mean'], 'two steps are few'
    assert (run / 'evaluation' / 'montage_best.png').exists()

    images = save_images(tmp_path / 'in', [smooth_images(1, 100)[0][:45]])
    done = main('--mode=translate', f'--workdir={run}', f'--input={images}', f'--output={tmp_path / "out"}')
    assert done.code == 0, done.err
    before, after = (np.asarray(Image.open(folder / '00.png')) for folder in (images, tmp_path / 'out'))
    assert after.shape == before.shape == (45, 100, 3)
    assert (before != after).any(-1).mean() > 0.9, 'every tile was painted'

    done = main('--mode=history', f'--workdir={run}')
    assert done.code == 0 and (run / 'history' / 'progress.png').exists(), done.err
    done = main('--mode=explore', f'--workdir={run}', f'--output={tmp_path / "explored"}')
    assert done.code == 2 and "trained for 'own.deblur', whose generator is shown an image" in done.err


def test_networks_objectives_and_sources_are_found_by_their_path_too(own):
    write(own / 'net.py', 'class Generator:\n    pass\n')
    write(own / 'rules.py', 'def make():\n    pass\n')
    source = 'import numpy as np\n\n\ndef open_source(shape, seed, level: int):\n    return [np.full(shape, level)]\n'
    write(own / 'plain.py', source)
    assert find_module('networks', 'own.net', 'config.networks', 'Generator').Generator.__module__ == 'own.net'
    assert find_module('objectives', 'own.rules', 'config.objective.name', 'make').make() is None
    config = load(f'{ROOT}/configs/colorize.py:tiny').unlock()
    config.data.source, config.data.plain = 'own.plain', {'level': 7}
    assert (open_source(config)[0] == 7).all()
    del config.data['plain']
    with pytest.raises(UserError, match='config.data.plain.level is missing: give it with --config.data.plain.level='):
        open_source(config)


def test_only_what_was_written_for_it_is_imported(own, tmp_path):
    """The name may come from a stranger's checkpoint."""
    write(own / 'other.py', 'raise SystemExit\n')
    with pytest.raises(UserError, match=r"config.task.name is 'own.other', but .*other.py defines no make"):
        find_module('tasks', 'own.other', 'config.task.name', 'make')
    write(tmp_path / 'run' / 'task.py', 'def make():\n    pass\n')
    for name in ('run.task', 'own.nothing', 'own.other.deeper', 'os.path', '__main__.x', 'nowhere.task'):
        with pytest.raises(UserError, match=f"config.task.name is '{name}', which is not found"):
            find_module('tasks', name, 'config.task.name', 'make')
    for name in ('.own', 'own.', '../own', '..', ''):
        with pytest.raises(UserError, match='which is not in gans/tasks'):
            find_module('tasks', name, 'config.task.name', 'make')


def test_what_a_module_imports_of_this_project_or_its_own_package_is_found_in_it(own):
    write(own / 'net.py', 'class Generator:\n    pass\n')
    shipped = importlib.import_module('gans.networks.dcgan')
    for name, line, found in (
        ('again', 'from gans.networks.dcgan import Generator', shipped.Generator),
        ('other', 'from gans.networks.dcgan import Discriminator as Generator', shipped.Discriminator),
        ('beside', 'from .net import Generator', None),
        ('absolute', 'from own.net import Generator', None),
    ):
        write(own / f'{name}.py', f'{line}\n')
        module = find_module('networks', f'own.{name}', 'config.networks', 'Generator')
        assert module.Generator is (found or sys.modules['own.net'].Generator)
    for line in ('from typing import Generator', 'from gans.networks.dcgan import Generator as Mine', 'import gans'):
        write(own / 'none.py', f'{line}\nraise SystemExit\n')
        with pytest.raises(UserError, match=r'none.py defines no Generator'):
            find_module('networks', 'own.none', 'config.networks', 'Generator')


@pytest.mark.parametrize('line', ['import nothing_of_that_name', 'raise ValueError("no")', 'def f(:'])
def test_a_module_with_a_mistake_is_named_in_a_sentence(own, line):
    write(own / 'broken.py', f'{line}\n\n\ndef make():\n    pass\n')
    with pytest.raises(UserError, match=r"'own.broken', but .*broken.py cannot be imported \(\w+Error: "):
        find_module('tasks', 'own.broken', 'config.task.name', 'make')


ANNOTATED = """
{future}
from typing import TYPE_CHECKING, List, Optional, Sequence, Tuple, Union

import flax.linen as nn
{imports}

class Generator(nn.Module):
    count: Optional[int] = None
    share: {share} = 0.5
    widths: Sequence[int] = ()
    words: List[str] = ()
    pair: Tuple[float, ...] = ()
    other: {other} = None
    any: Tuple = ()


class Discriminator(Generator):
    more: {more} = True


def make(count: Optional[int] = None, share: {share} = 0.5, more: {more} = True, other: {other} = None):
    pass


def open_source(shape, seed, count: Optional[int] = None, share: {share} = 0.5, more: {more} = True):
    pass
"""
OWN_ANNOTATIONS = {
    'types': dict(future='', imports='', share='Union[float, str]', other='object', more='bool'),
    'texts': dict(
        future='from __future__ import annotations',
        imports='if TYPE_CHECKING:\n    from nowhere import Strange\n',
        share='float | str',
        other='Strange',
        more='bool',
    ),
}
WRONG = {
    'count': ('30', 'a whole number or None'),
    'widths': (('4',), 'a tuple of whole numbers'),
    'words': ((4,), 'a tuple of names'),
    'pair': (('4',), 'a tuple of numbers'),
    'share': ((0.5,), 'a number or a name'),
    'more': (1, 'True or False'),
}


@pytest.mark.parametrize('how', OWN_ANNOTATIONS)
def test_fields_are_checked_however_they_are_annotated(how, own):
    """Also with typing.Optional, in a module whose annotations are texts, and of a class that it inherits from."""
    write(own / f'{how}.py', ANNOTATED.format(**OWN_ANNOTATIONS[how]))
    for package, wanted, fields in (
        ('networks', 'Generator', ('count', 'widths', 'words', 'pair', 'share')),
        ('networks', 'Discriminator', ('count', 'widths', 'words', 'pair', 'share', 'more')),
        ('tasks', 'make', ('count', 'share', 'more')),
        ('data.sources', 'open_source', ('count', 'share', 'more')),
    ):
        function = getattr(find_module(package, f'own.{how}', 'config.x', wanted), wanted)
        right = dict(count=30, share='x', **(dict(widths=(4,), words=['a'], pair=[1, 0.5]) if 'pair' in fields else {}))
        given = ('shape', 'seed') if wanted == 'open_source' else ()
        assert arguments_of(function, right, 'config.x', given) == right
        assert arguments_of(function, dict(count=None, share=1), 'config.x', given) == dict(count=None, share=1)
        if wanted != 'open_source':
            assert arguments_of(function, dict(other='any'), 'config.x', given) == dict(other='any')
        for name in fields:
            value, said = WRONG[name]
            with pytest.raises(UserError, match=re.escape(f'config.x.{name} is {value!r}: give {said}.')):
                arguments_of(function, {name: value}, 'config.x', given)


def test_flags_of_fields_are_read_by_their_annotations(own, tmp_path):
    write(own / 'texts.py', ANNOTATED.format(**OWN_ANNOTATIONS['texts']))
    at = override(
        load(f'{ROOT}/configs/dcgan.py:tiny'),
        {
            'generator.name': 'own.texts',
            'generator.count': '30',
            'generator.words': 'a,b',
            'data.source': 'own.texts',
            'data.texts.count': '3',
            'data.texts.more': 'False',
        },
        'x',
    )
    assert (at.generator.count, at.generator.words) == (30, ('a', 'b'))
    assert (at.data.texts.count, at.data.texts.more) == (3, False)
    own_config = CONFIG.replace("'own.deblur', radius=1.5, flip=True", "'own.texts', count='30'")
    config = write(tmp_path / 'own.py', own_config)
    ended = main(f'--config={config}', '--dry_run')
    assert ended.code == 2 and "config.task.count is '30': give a whole number or None." in ended.err
