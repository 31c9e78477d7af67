"""Every documented source of images through the command line: TFDS sets of the real names, folders, zips, digits.

Sets are small, but have the real names, features, labels and splits (see prepared_sets). Nothing here names a config or
a variant that should be opened: they are walked.
"""

import gzip
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command_line import config, main
from PIL import Image
from prepared_sets import prepare
from saved_run import break_after
from variants import CONFIGS, everything, fields, flag

from gans.run.trained import load_run

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
    from gans.training import dry_run

    monkeypatch.setattr(dry_run, 'memory_needed', lambda experiment, state: 0)


def opened(*words):
    """The line of a dry run that tells the source, or the sentence that refuses it."""
    done = main('--dry_run', *words)
    assert (done.code, done.out == '') in ((0, False), (2, True)), done
    return done.err.strip() or done.out.partition('\nData: ')[2].splitlines()[0]


def without_memory(told):
    return [line for line in told.splitlines() if not line.startswith('Memory: ')]


@pytest.mark.parametrize('full', ALL)
def test_every_variant_is_opened_by_its_own_source_and_can_be_had_by_flags(full, no_compiling):
    """All fields are then given by flag: a variant's to the bare config, unless the variant has fields of its own."""
    told = main(config(full), '--dry_run', '--workdir=run')
    assert told.code == 0, told.err
    data = told.out.partition('\nData: ')[2]
    assert data.startswith(f"TFDS '{DATASETS[full]}/" if full in DATASETS else ('4000', '64', '1797'))
    train, held_out = np.array(data.splitlines()[1].split())[[0, -3]].astype(int)
    assert train > 0 and held_out > 0
    bare, wanted = fields(full.partition(':')[0]), fields(full)
    start = full.partition(':')[0] if bare.keys() == wanted.keys() else full
    given = [flag(field, value) for field, value in wanted.items() if value is not None]
    done = main(config(start), '--dry_run', '--workdir=run', *given)
    assert without_memory(done.out) == without_memory(told.out), done.err


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
    smaller |= {'devices': 1, 'log.grids': 1, 'checkpoint.every': 1}
    if isinstance(paper['size'], tuple):
        smaller['size'] = (tiny['size'], 12)
    return [flag(*field) for field in smaller.items() if not field[0].startswith('data.') and field[0] != 'steps']


def trained(name, *words, steps, said=''):
    """Trains a small `:paper` in the folder 'run', or goes on with it, and says so; returns the steps logged."""
    done = main(config(f'{name}:paper'), *small(name), '--workdir=run', f'--config.steps={steps}', *words)
    assert done.code == 0 and said in done.out, done
    run, lines = load_run('run'), [json.loads(line) for line in Path('run/metrics.jsonl').read_text().splitlines()]
    assert (run.step, run.config.name) == (steps, name)
    for metric in ('gen/loss', 'disc/loss', *(f'schedule/{schedule}' for schedule in run.config.schedules)):
        assert all(np.isfinite(line[metric]) for line in lines)
    assert {'step_000000.png', f'step_{steps:06d}.png'} <= {path.name for path in Path('run/samples').glob('*.png')}
    assert list(Path('run/tensorboard').glob('*tfevents*'))
    return [line['step'] for line in lines]


# The first config of every task goes all the way; the others train.
FIRST = {fields(name)['task.name']: name for name in reversed(CONFIGS)}


@pytest.mark.parametrize('name', sorted(set(CONFIGS) - set(FIRST.values())))
def test_every_paper_trains(name):
    assert trained(name, steps=1) == [1]


@pytest.mark.parametrize('task', FIRST)
def test_a_paper_of_every_task_is_trained_resumed_evaluated_and_used(task, sets, tmp_path, monkeypatch):
    with break_after(2):
        trained(FIRST[task], steps=3)
    assert trained(FIRST[task], steps=3, said='Going on from step 2.') == [1, 2, 3]
    by_config = main('--mode=evaluate', '--workdir=run')
    assert by_config.code == 0, by_config.err
    measured = json.loads(Path('run/evaluation.json').read_text())
    assert measured['step'] == 3 and f"in '{sets}'" in measured['data']

    monkeypatch.delenv('TFDS_DATA_DIR')
    monkeypatch.setenv('HOME', str(tmp_path))
    lost = main('--mode=evaluate', '--workdir=run')
    assert lost.code == 2 and f"is not prepared in '{tmp_path}/tensorflow_datasets'" in lost.err
    Path('moved').symlink_to(sets)
    assert main('--mode=evaluate', '--workdir=run', '--input=~/moved').code == 0
    again = json.loads(Path('run/evaluation.json').read_text())
    assert again.pop('data') != measured.pop('data') and again == measured

    Image.new('RGB', (40, 30), 'teal').save('image.png')
    Image.fromarray(255 * np.eye(30, 40, dtype=np.uint8)).save('image_mask.png')
    used = main('--mode=translate', '--workdir=run', '--input=image.png', '--output=used')
    if task == 'generate':
        assert used.code == 2 and 'generate' in used.err
    else:
        assert used.code == 0, used.err
        assert [Image.open(path).size for path in Path('used').rglob('*.png')] == [(40, 30)]


# What may be said of a set by flag, and what a dry run answers.
SAID = [
    (['dataset=mnist:3.0.1'], "TFDS 'mnist/3.0.1' (all) in '{sets}': 24 images"),
    (['dataset=mnist:3.*.*', 'split=train[:50%]'], "TFDS 'mnist/3.0.1' (train[:50%]) in '{sets}': 6 images"),
    (['dataset=celeb_a_hq'], "TFDS 'celeb_a_hq/1024/2.0.0' (all) in '{sets}': 8 images"),
    (['dataset=places365_small', 'label=airfield'], "(all, airfield) in '{sets}': 12 images"),
    (['dataset=oxford_flowers102', 'label=fire lily'], "(all, fire lily) in '{sets}': 1 images"),
    (['dataset=mnist', 'data_dir=~/prepared sets'], "TFDS 'mnist/3.0.1' (all) in '{sets}': 24 images"),
    (['dataset=mnist', 'label='], "TFDS 'mnist/3.0.1' (all) in '{sets}': 24 images"),
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
    (['dataset=imdb_reviews'], "'imdb_reviews' has no images under 'image' (it has: label, text)"),
    (['dataset=mnist', 'split=tset'], "has no split 'tset' (did you mean 'test'?): it has train, test, and 'all'."),
    (['dataset=mnist', 'split=train[:1]'], 'give at least 2 different images'),
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


IDX = 'train-images-idx3-ubyte'


@pytest.fixture(scope='module')
def places(tmp_path_factory):
    """The same 40 colour images as a folder and as a zip; the same 60 digits as .npz, idx and packed idx."""
    root = tmp_path_factory.mktemp('places')
    random = np.random.default_rng(0)
    for i in range(40):
        folder = root / 'my photos' / f'of year {i % 2}'
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (40, 50, 3), np.uint8)).save(folder / f'{i}.{("jpg", "png")[i % 2]}')
    with zipfile.ZipFile(root / 'photos.zip', 'w') as archive:
        for path in sorted((root / 'my photos').rglob('*.*')):
            archive.write(path, path.relative_to(root))
    images, labels = random.integers(0, 256, (60, 28, 28), np.uint8), np.arange(60, dtype=np.uint8) % 10
    np.savez(root / 'mnist.npz', x_train=images, y_train=labels, x_test=images[:20], y_test=labels[:20])
    for folder, opens in (('idx', open), ('packed', gzip.open)):
        (root / folder).mkdir()
        ending = '.gz' if opens is gzip.open else ''
        for name, array in ((IDX, images), (IDX.replace('images-idx3', 'labels-idx1'), labels)):
            with opens(root / folder / f'{name}{ending}', 'wb') as file:
                sizes = struct.pack(f'>{array.ndim}I', *array.shape)
                file.write(bytes((0, 0, 8, array.ndim)) + sizes + array.tobytes())
    return root


def test_a_folder_and_a_zip_are_trained_on_and_found_again(places, monkeypatch):
    """The README's own images, with `~` and spaces: an evaluation finds the same ones in the other form."""
    monkeypatch.setenv('HOME', str(places))
    for place, kind, other in (('my photos', 'folder', 'photos.zip'), ('photos.zip', 'zip', 'my photos')):
        words = ['--config.data.source=folder', f'--config.data.folder.path=~/{place}', f'--workdir={kind}']
        done = main(config('colorize:tiny'), *words, '--config.steps=1', '--config.devices=1')
        assert done.code == 0, done.err
        measured = []
        for given in ([], [f'--input=~/{other}']):
            told = main('--mode=evaluate', f'--workdir={kind}', *given)
            assert told.code == 0, told.err
            measured.append(json.loads(Path(kind, 'evaluation.json').read_text()))
        assert measured[0].pop('data').startswith(f"{kind} '{places / place}': 40 images")
        assert str(places / other) in measured[1].pop('data')
        assert measured[0] == measured[1]


def test_digits_are_trained_on_and_found_again(places, monkeypatch):
    monkeypatch.setenv('HOME', str(places))
    monkeypatch.setattr('gans.evaluation.classifier.STEPS', 20)  # how good the judge is belongs to another test
    words = [config('mnist:tiny'), '--config.steps=1', '--config.devices=1', '--config.data.source=mnist']
    for place, kind in (('idx', 'idx'), ('mnist.npz', 'npz')):
        done = main(*words, f'--config.data.mnist.path=~/{place}', '--workdir=run')
        assert done.code == 0, f'{kind}: {done.err}'  # the second goes on with the first: these are the same images
    measured = main('--mode=evaluate', '--workdir=run', f'--input=~/packed/{IDX}.gz')
    assert measured.code == 0, measured.err
    assert f"training part of '{places}/packed/{IDX}.gz': 60 images" in measured.out and 'classes' in measured.out

    done = main(config('mnist:tiny'), '--config.data.source=digits', '--workdir=digits', *words[1:3])
    assert done.code == 0, done.err
    moved = main('--mode=evaluate', '--workdir=digits', '--input=~/mnist.npz')
    assert moved.code == 2 and 'leave --input out' in moved.err


def test_a_source_that_a_config_has_no_section_for(no_compiling):
    """It has the defaults of its module, and the flags that give the rest."""
    assert '1797 handwritten digits' in opened(config('colorize:tiny'), '--config.data.source=digits')
    refused = opened(config('colorize:tiny'), '--config.data.source=mnist')
    assert refused == 'config.data.mnist.path is missing: give it with --config.data.mnist.path=...'
