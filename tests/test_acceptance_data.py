"""Every documented source of images through the command line: TFDS sets of the real names, folders, zips, digits.

Sets are small, but have the real names, features, labels and splits (see prepared_sets). Nothing here names a config or
a variant that should be opened: they are walked.
"""

import json
import shutil
import zipfile

import numpy as np
import pytest
from command_line import config, main
from PIL import Image
from prepared_sets import prepare
from variants import CONFIGS, everything, fields, flag

ALL = everything()
DATASETS = {full: fields(full)['data.tfds.dataset'] for full in ALL if fields(full)['data.source'] == 'tfds'}


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
    """A folder, with a space in its name, with every set that a variant reads."""
    folder = tmp_path_factory.mktemp('data') / 'prepared sets'
    for dataset in sorted({*DATASETS.values(), 'oxford_flowers102'}):
        prepare(dataset, folder)
    return folder


@pytest.fixture(autouse=True)
def a_persons_machine(sets, tmp_path, monkeypatch):
    """The sets lie where the environment says, and another folder is the working directory."""
    monkeypatch.setenv('TFDS_DATA_DIR', str(sets))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def no_compiling(monkeypatch):
    """Dry runs tell everything but the step's memory, for which it would have to be compiled: a minute for some."""
    from gans import dry_run

    monkeypatch.setattr(dry_run, 'memory_needed', lambda experiment, state: 0)


def opened(*words):
    """The line of a dry run that tells the source, or the sentence that refuses it."""
    done = main('--dry_run', *words)
    assert (done.code, done.out == '') in ((0, False), (2, True)), done
    return done.err.strip() or done.out.partition('\nData: ')[2].splitlines()[0]


def without_memory(told):
    return [line for line in told.splitlines() if not line.startswith('Memory: ')]


@pytest.mark.parametrize('full', ALL)
def test_every_variant_is_opened_by_its_own_source_and_takes_all_its_fields_by_flag(full, no_compiling):
    bare = main(config(full), '--dry_run', '--workdir=run')
    assert bare.code == 0, bare.err
    told = bare.out.partition('\nData: ')[2]
    assert told.startswith(f"TFDS '{DATASETS[full]}/" if full in DATASETS else ('4000', '64', '1797'))
    train, held_out = np.array(told.splitlines()[1].split())[[0, -3]].astype(int)
    assert train > 0 and held_out > 0
    given = {field: value for field, value in fields(full).items() if value is not None}
    done = main(config(full), '--dry_run', '--workdir=run', *(flag(*field) for field in given.items()))
    assert without_memory(done.out) == without_memory(bare.out), done.err


def small(name):
    """Flags that give `:paper` the sizes, widths and times of `:tiny`, but not its images, losses and rates.

    What differs between the bare config and `:tiny` is what makes it small. One `:paper` has networks of its own.
    """
    bare, tiny, paper = (fields(name + variant) for variant in ('', ':tiny', ':paper'))
    smaller = {field: value for field, value in tiny.items() if value != bare[field] and field in paper}
    if name == 'mnist':
        layers = ('head/hidden_0', 'head/hidden_1')
        smaller |= {'discriminator.widths': (6, 5), 'objective.terms.moments.layers': layers}
        smaller |= {'objective.terms.style.layers': layers}
    smaller |= {'devices': 1, 'log.pictures': 1, 'checkpoint.every': 1}
    return [flag(*field) for field in smaller.items() if not field[0].startswith('data.')]


@pytest.mark.parametrize('name', CONFIGS)
def test_every_paper_trains(name, tmp_path):
    done = main(config(f'{name}:paper'), *small(name), '--workdir=run')
    assert done.code == 0, done.err
    lines = [json.loads(line) for line in (tmp_path / 'run/metrics.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines] == list(range(1, fields(f'{name}:tiny')['steps'] + 1))


# What may be said of a set by flag, and what a dry run answers.
SAID = [
    (['dataset=mnist:3.0.1'], "TFDS 'mnist/3.0.1' (all) in '{sets}': 24 pictures"),
    (['dataset=mnist:3.*.*', 'split=train[:50%]'], "TFDS 'mnist/3.0.1' (train[:50%]) in '{sets}': 6 pictures"),
    (['dataset=celeb_a_hq'], "TFDS 'celeb_a_hq/1024/2.0.0' (all) in '{sets}': 8 pictures"),
    (['dataset=places365_small', 'label=airfield'], "(all, airfield) in '{sets}': 12 pictures"),
    (['dataset=oxford_flowers102', 'label=fire lily'], "(all, fire lily) in '{sets}': 1 pictures"),
    (['dataset=mnist', 'data_dir=~/prepared sets'], "TFDS 'mnist/3.0.1' (all) in '{sets}': 24 pictures"),
    (['dataset=mnist', 'label='], "TFDS 'mnist/3.0.1' (all) in '{sets}': 24 pictures"),
    (['dataset=minst'], "TFDS knows no data set 'minst' (did you mean 'mnist'?)"),
    (['dataset=mnist/3.0.1'], "TFDS's 'mnist' has no configs: give 'mnist', or 'mnist:3.0.1' if"),
    (['dataset=celeb_a_hq/1042'], "'celeb_a_hq' has no config '1042' (did you mean '1024'?): it has 1024, 512, "),
    (
        ['dataset=mnist:2.0.0'],
        "cannot give 'mnist:2.0.0': Dataset mnist cannot be loaded at version 2.0.0, only: 3.0.1.",
    ),
    (['dataset='], "'' cannot be the name of a TFDS data set: names are like 'mnist', "),
    (['dataset=my birds'], "'my birds' cannot be the name of a TFDS data set"),
    (['dataset=fashion_mnist'], "'fashion_mnist' is not prepared in '{sets}', and preparing it needs TensorFlow"),
    (['dataset=imdb_reviews'], "'imdb_reviews' has no pictures under 'image' (it has: label, text)"),
    (['dataset=mnist', 'split=tset'], "has no split 'tset' (did you mean 'test'?): it has train, test, and 'all'."),
    (['dataset=mnist', 'split=train[:1]'], 'give at least 2 different pictures'),
    (['dataset=places365_small', 'label=building facade'], "(did you mean 'building_facade'?)"),
    (['dataset=celeb_a', 'label=Smiling'], "has no classes under 'label': give an empty label, label=, to take all."),
    (['dataset=mnist', 'data_dir={sets}/mnist/3.0.1'], "it is prepared in '{sets}': give that folder as data_dir."),
    (['dataset=mnist', 'data_dir=/dev/null'], "'/dev/null' is no folder: give the one"),
]


@pytest.mark.parametrize('words, sentence', SAID, ids=lambda value: ' '.join(value) if isinstance(value, list) else '')
def test_what_may_be_said_of_a_set(words, sentence, sets, no_compiling, monkeypatch):
    monkeypatch.setenv('HOME', str(sets.parent))
    words = [word.format(sets=sets) for word in ('split=all', 'label=', *words)]
    last = {word.partition('=')[0]: word for word in words}.values()
    given = [f'--config.data.tfds.{word}' for word in last]
    told = opened(config('places'), '--config.size=28', '--config.data.source=tfds', *given)
    assert sentence.format(sets=sets) in told and '\n' not in told
