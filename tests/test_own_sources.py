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
    monkeypatch.delitem(sys.modules, 'gans.data.sources.mine', raising=False)
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
