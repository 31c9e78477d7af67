"""Addresses of buckets and servers in the place of a path: refused in one sentence, before anything is opened."""

import os
from pathlib import Path

import numpy as np
import pytest
from command_line import ROOT, config, main
from runs_on_disk import refused

import gans
from gans import notebook
from gans.cli.verbs import VERBS
from gans.errors import UserError, check_local
from gans.image.files import check_folder, save_png

COLORIZE = config('colorize:tiny')
# What is given beside the flag with the address, so that nothing else is wrong before it is read.
GIVEN = {'workdir': 'RUN', 'runs': 'A,B', 'real': 'X', 'fake': 'X', 'labels': 'L', 'content': 'X', 'style': 'X'}
PLACES = [
    (verb, name)
    for verb, chosen in VERBS.items()
    for name, flag in chosen.flags.items()
    if flag.kind in ('path', 'file', 'paths')
]


def needed(verb, but):
    """The flags that a verb cannot do without, but for one."""
    flags = {name: GIVEN.get(name, 'somewhere') for name, flag in VERBS[verb].flags.items() if flag.needed}
    return [f'--{name}={value}' for name, value in flags.items() if name != but]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty working directory; afterwards it is empty still."""
    monkeypatch.chdir(tmp_path)
    yield
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(('verb', 'name'), PLACES)
def test_every_flag_for_a_path_refuses_an_address(verb, name):
    first = [COLORIZE] if verb == 'train' else [f'--mode={verb}']
    refused(main(*first, *needed(verb, name), f'--{name}=gs://bucket/x'), f'--{name}=gs://bucket/x is an', 'mount it')


@pytest.mark.parametrize('address', ['s3://bucket/run', 'memory://run', 'https://host/run', 'file:///tmp/run'])
def test_whatever_its_scheme(address):
    refused(main(COLORIZE, f'--workdir={address}'), f'--workdir={address} is an address')
    refused(main(COLORIZE, f'--workdir={address}', '--dry_run'), f'--workdir={address} is an address')


def test_one_among_several_runs_and_the_config_itself():
    refused(main('--mode=compare', '--runs=A,gs://bucket/B'), '--runs=gs://bucket/B is an address')
    refused(main('--config=gs://bucket/mine.py'), '--config=gs://bucket/mine.py is an address')


@pytest.mark.parametrize(
    'words',
    [
        (COLORIZE, '--config.data.source=folder', '--config.data.folder.path=gs://bucket/x'),
        (COLORIZE, '--config.data.source=folder', '--config.data.folder.path=gs://bucket/x', '--dry_run'),
        (config('mnist:tiny'), '--config.data.source=mnist', '--config.data.mnist.path=gs://bucket/x'),
        ('--mode=measure', '--real=gs://bucket/x', '--fake=X'),
        ('--mode=classify', '--good=gs://bucket/x', '--bad=X', '--output=O'),
    ],
)
def test_images_are_refused_where_they_are_opened(words):
    refused(main(*words), "'gs://bucket/x' is an address")


@pytest.mark.parametrize('name', ['classifier', 'inception', 'discriminator'])
def test_weights_of_feature_networks(name, tmp_path):
    with pytest.raises(UserError, match="'gs://bucket/x' is an address"):
        from gans.features.opening import open_features

        open_features(f'{name}:gs://bucket/x')


def test_in_python_nothing_is_made_beside_the_notebook(tiny):
    experiment = gans.open_experiment(tiny(config('colorize').removeprefix('--config=')))
    with pytest.raises(UserError, match='is an address'):
        gans.train(experiment, 'gs://bucket/run')
    with pytest.raises(UserError, match='is an address'):
        gans.load_run('gs://bucket/run')
    with pytest.raises(UserError, match='is an address'):
        gans.load_config('gs://bucket/mine.py')


@pytest.mark.parametrize('kind', [str, Path])
@pytest.mark.parametrize(
    'use',
    [
        notebook.upload,
        notebook.look,
        notebook.show,
        notebook.go_on,
        lambda place: notebook.show_pairs(place, ROOT / 'docs'),
        lambda place: notebook.with_holes(ROOT / 'docs' / 'study.png', place, (0, 0, 1, 0.5)),
        lambda place: gans.translate('run', place, 'out'),
        lambda place: gans.translate('run', ROOT / 'docs', place),
        lambda place: save_png(place, np.zeros((2, 2), np.uint8)),
        check_folder,
    ],
)
def test_what_notebooks_call_opens_and_makes_nothing(use, kind):
    with pytest.raises(UserError, match='is an address'):
        use(kind('gs://bucket/x'))


def test_the_folder_of_tensorflow_datasets_may_be_one():
    """TFDS reads buckets itself; here none answers, and that is what is told."""
    words = (
        '--config.data.source=tfds',
        '--config.data.tfds.dataset=no_such_set',
        '--config.data.tfds.data_dir=gs://b/x',
    )
    ended = main(COLORIZE, *words, '--dry_run')
    assert ended.code == 2 and 'is an address' not in ended.err and 'gs://b/x' in ended.err, ended


@pytest.mark.parametrize('place', ['runs/a:b', 'tfds:mnist:test', 'C:x', '~/x', './gs://x', 'a b://c', ''])
def test_what_is_no_address(place):
    check_local(place)
