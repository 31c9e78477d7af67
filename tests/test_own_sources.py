"""A new source of images is one file: every config takes it by flags, and a run that was trained on it goes on."""

import json
import sys
from pathlib import Path

import pytest
from command_line import config, main
from variants import CONFIGS, path_of

import gans.data.sources
from gans.config import ranges
from gans.config.load import load
from gans.core.overrides import override
from gans.data.opening import move_data, open_source

MINE = """
import numpy as np
from gans.data.arrays import Arrays

PLACE = 'path'

def open_source(
    shape: tuple[int, int],
    seed: int,
    path: str,
    shade: int = 3,
    bright: float | None = None,
    names: tuple[str, ...] = (),
    loud: bool = False,
):
    counts = np.random.default_rng(seed).integers(0, 200, (24, *shape, 3), np.uint8) + np.uint8(shade)
    return Arrays(f'{len(counts)} of mine in {path}: {bright} {names} {loud}', counts, lambda image: image)
"""


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    """A module that stands beside those in gans/data/sources; the working directory is the test's."""
    (tmp_path / 'more').mkdir()
    (tmp_path / 'more' / 'mine.py').write_text(MINE)
    monkeypatch.setattr(gans.data.sources, '__path__', [*gans.data.sources.__path__, str(tmp_path / 'more')])
    for name in ('mine', 'odd'):
        monkeypatch.delitem(sys.modules, f'gans.data.sources.{name}', raising=False)
    monkeypatch.chdir(tmp_path)


def given(name, *words):
    fields = dict(word.split('=', 1) for word in words)
    found = override(load(path_of(f'{name}:tiny')), fields, f'configs/{name}.py')
    ranges.check(found)
    return found


@pytest.mark.parametrize('name', CONFIGS)
def test_every_config_takes_it_by_flags(name):
    fields = ['shade=7', 'bright=0.5', "names='a','b'", 'loud=true']
    found = given(name, 'data.source=mine', 'data.mine.path=~/x', *(f'data.mine.{field}' for field in fields))
    section = dict(path='~/x', shade=7, bright=0.5, names=('a', 'b'), loud=True)
    assert found.data.mine.to_dict() == section
    source = open_source(found)
    assert source.where == "24 of mine in ~/x: 0.5 ('a', 'b') True" and source[3].shape[2] == 3


@pytest.mark.parametrize('name', CONFIGS)
@pytest.mark.parametrize('source', ['folder', 'mnist'])
def test_every_config_takes_the_sources_that_there_are(name, source):
    found = given(name, f'data.source={source}', f'data.{source}.path=x')
    assert (found.data.source, found.data[source].path, found.data[source].fit) == (source, 'x', 'crop')
    assert given(name, 'data.source=tfds', 'data.tfds.label=rose').data.tfds.label == 'rose'


SENTENCES = [
    (['source=mine'], 'config.data.mine.path is missing: give it with --config.data.mine.path=...'),
    (['source=mine', 'mine.path='], 'config.data.mine.path is empty: give a path.'),
    (['mine.pathh=x'], "config.data.mine.pathh is not a field of CONFIG (did you mean 'path'?)."),
    (['mine.shade=dark'], "config.data.mine.shade is 'dark': give a whole number."),
    (['mien.path=x'], "The source in config.data.mien.path is 'mien', which is not in gans/data/sources (did you mean"),
    (['flowers.path=x'], "The source in config.data.flowers.path is 'flowers', which defines no open_source: "),
    (['threads.path=x'], 'config.data.threads.path is not a field of CONFIG'),
]


@pytest.mark.parametrize('words, sentence', SENTENCES, ids=[' '.join(words) for words, _ in SENTENCES])
def test_what_is_wrong_is_one_sentence(words, sentence):
    done = main(config('colorize:tiny'), *(f'--config.data.{word}' for word in words), '--dry_run')
    told = done.err.replace(config('colorize:tiny').removeprefix('--config='), 'CONFIG')
    assert done.code == 2 and told.startswith(sentence) and len(told.splitlines()) == 1


ODD = """
import numpy as np

class Odd:
    where, notes, decoding = 'forty odd images', (), ''
    def __init__(self, shape, image, key):
        self.image = eval(image, {'np': np, 'x': np.zeros((*shape, 3), np.uint8)})
        self.as_key = eval(key)
    def __len__(self):
        return 40
    def __getitem__(self, i):
        return self.image
    def key(self, i):
        return self.as_key(i)

def open_source(shape: tuple[int, int], seed: int, image: str = 'x', key: str = 'lambda i: bytes([i])'):
    return Odd(shape, image, key)
"""
NO_IMAGES = [
    ('image=(x / 255).astype(np.float32)', 'float32 [16, 16, 3] for image 0'),
    ('image=x.astype(int)', 'int64 [16, 16, 3] for image 0'),
    ('image=x[..., 0]', 'uint8 [16, 16] for image 0'),
    ('image=x[..., :1]', 'uint8 [16, 16, 1] for image 0'),
    ('image=np.concatenate([x, x[..., :1]], -1)', 'uint8 [16, 16, 4] for image 0'),
    ('image=np.repeat(x, 2, 0)', 'uint8 [32, 16, 3] for image 0'),
    ('image=x.tolist()', 'an object of type list for image 0'),
    ('key=str', 'a key of type str for image 0: a key must be bytes'),
    ('key=int', 'a key of type int for image 0: a key must be bytes'),
]


@pytest.mark.parametrize('field, returned', NO_IMAGES, ids=[field for field, _ in NO_IMAGES])
def test_what_is_no_image_of_the_size_is_told_before_anything_is_written(field, returned, tmp_path):
    (tmp_path / 'more' / 'odd.py').write_text(ODD)
    words = ['--config.data.source=odd', f'--config.data.odd.{field}', '--workdir=run']
    done = main(config('dcgan:tiny'), *words)
    assert done.code == 2 and len(done.err.splitlines()) == 1, done.err
    assert done.err.startswith(f"The source 'odd' of config.data.source returns {returned}")
    assert not Path('run').exists()


def test_a_run_on_it_is_stored_resumed_moved_and_evaluated():
    words = ['--config.data.source=mine', '--config.devices=1', '--workdir=run']
    trained = main(config('colorize:tiny'), *words, '--config.data.mine.path=here', '--config.steps=1')
    assert trained.code == 0, trained.err
    assert json.loads(Path('run/config.json').read_text())['data']['mine']['shade'] == 3

    again = main('--workdir=run', '--config.steps=2', '--config.data.mine.path=there')
    assert again.code == 0 and 'Going on from step 1' in again.out, again
    other = main('--workdir=run', '--config.steps=3', '--config.data.mine.shade=4')
    assert other.code == 2 and 'config.data.mine.shade: 3 -> 4' in other.err

    measured = main('--mode=evaluate', '--workdir=run', '--input=elsewhere')
    assert measured.code == 0 and '24 of mine in' in measured.out and 'elsewhere' in measured.out


def test_images_that_moved_are_found_also_where_the_config_has_no_section():
    found = given('colorize', 'data.source=mine').unlock()
    move_data(found, 'elsewhere')
    assert open_source(found).where.startswith('24 of mine in elsewhere')
