"""The verb `classify`, through main.py: its files, its numbers computed once more, and what it refuses."""

import json
import shutil

import numpy as np
import pytest
from command_line import main
from generators import generator_config
from odd_files import png_header
from PIL import Image
from runs_on_disk import contents, refused
from saved_run import save_run
from sklearn.metrics import confusion_matrix

from gans.classifier.trained import load, probabilities
from gans.data.source import split
from gans.data.sources.folder import open_source
from gans.labelling import classify, drawings, examples, report
from gans.sets.opening import open_set

SIDE = 12  # a network of one layer
QUICK = ('--steps=30', '--seed=3')


def images(count, colour, seed, side=SIDE):
    """Noise with a bright square somewhere, of colour 0 (red) or 1 (green): uint8 [N, side, side, 3]."""
    rng = np.random.default_rng(seed)
    found = rng.integers(0, 120, (count, side, side, 3), np.uint8)
    for image in found:
        y, x = rng.integers(0, side - 4, 2)
        image[y : y + 5, x : x + 5, colour] += 130
    return found


def write(folder, some, first=0):
    folder.mkdir(parents=True, exist_ok=True)
    names = [f'{first + i:03d}.png' for i in range(len(some))]
    for name, image in zip(names, some, strict=True):
        Image.fromarray(image).save(folder / name)
    return names


def write_table(folder, rows):
    (folder / 'labels.csv').write_text('file,label\n' + ''.join(f'{file},{label}\n' for file, label in rows))
    return folder / 'labels.csv'


@pytest.fixture(scope='module')
def labelled(tmp_path_factory):
    """A folder of 40 red images, which are acceptable, and 24 green ones; every fifth label is wrong."""
    folder = tmp_path_factory.mktemp('labelled')
    names = write(folder, images(40, 0, 0)) + write(folder, images(24, 1, 1), 40)
    truth = ['acceptable'] * 40 + ['unacceptable'] * 24
    wrong = {'acceptable': 'unacceptable', 'unacceptable': 'acceptable'}
    rows = [(n, wrong[t] if i % 5 == 0 else t) for i, (n, t) in enumerate(zip(names, truth, strict=True))]
    write(folder, images(3, 0, 9), 64)
    return folder, write_table(folder, [*rows, ('064.png', '')]), dict(rows)


@pytest.fixture(scope='module')
def done(labelled, tmp_path_factory):
    output = tmp_path_factory.mktemp('classifier') / 'new'
    ended = main('--mode=classify', f'--labels={labelled[1]}', f'--output={output}', *QUICK)
    assert ended.code == 0, ended.err
    return output, ended, json.loads((output / 'report.json').read_text(), parse_constant=pytest.fail)


def held_out(folder, labels):
    """(images, classes) of what is held out, by way of a source of the folder's own."""
    source = open_source((SIDE, SIDE), 0, str(folder))
    found, which = [], []
    for k, name in enumerate(('acceptable', 'unacceptable')):
        mine = [i for i, path in enumerate(source.names) if labels.get(path.rpartition('/')[2]) == name]

        class Own:
            where = name

            def __len__(self, mine=mine):
                return len(mine)

            def key(self, i, mine=mine):
                return source.key(mine[i])

        for i in split(Own(), 0.2, b'gans-classify')[1]:
            found.append(source[mine[i]])
            which.append(k)
    return np.stack(found), np.array(which)


def test_numbers_are_those_of_the_held_out_images(labelled, done):
    folder, _, labels = labelled
    output, ended, found = done
    shown, which = held_out(folder, labels)
    trained = load(output)
    chances = probabilities(trained, shown)
    said = chances.argmax(axis=1)
    assert found['classifier'] == trained.digest and trained.classes == ('acceptable', 'unacceptable')
    assert found['accuracy']['mean'] == pytest.approx((said == which).mean())
    assert found['accuracy']['low'] <= found['accuracy']['mean'] <= found['accuracy']['high']
    assert found['accuracy']['count'] == len(which) == sum(found['images']['held_out'].values())
    assert sum(found['images']['trained_on'].values()) == 64 - len(which)
    table = [[found['confusion'][a][b] for b in found['classes']] for a in found['classes']]
    np.testing.assert_array_equal(table, confusion_matrix(which, said, labels=[0, 1]))
    assert found['constant'] == {'answer': 'acceptable', 'accuracy': pytest.approx((which == 0).mean())}
    assert found['shares']['unacceptable'] == pytest.approx((which == 1).mean())
    bins = found['calibration']['bins']
    assert sum(one['count'] for one in bins) == len(which)
    error = sum(one['count'] * abs(one['probability'] - one['frequency']) for one in bins if one['count'])
    assert found['calibration']['error'] == pytest.approx(error / len(which))
    for one in found['kept']:
        kept = chances[:, 0] > one['above']
        assert (one['kept'], one['acceptable']) == (kept.sum(), (which[kept] == 0).sum())
    for words in (
        f'accuracy              {found["accuracy"]["mean"]:.3f} [',
        'called acceptable',
        'exceed 0.95',
        '64 im',
    ):
        assert words in ended.out


def test_figures_show_the_held_out_images_of_each_class(labelled, done):
    output, _, found = done
    assert {path.name for path in output.iterdir()} == {
        'classifier.npz',
        'classifier.json',
        'report.json',
        'calibration.png',
        'montage_acceptable.png',
        'montage_unacceptable.png',
    }
    shown, which = held_out(labelled[0], labelled[2])
    chances = probabilities(load(output), shown)[:, 0]
    for k, name in enumerate(found['classes']):
        mine = np.flatnonzero(which == k)
        ranked = mine[np.argsort(-chances[mine])]
        canvas = np.asarray(Image.open(output / f'montage_{name}.png'))
        np.testing.assert_array_equal(canvas[:SIDE, :SIDE], shown[ranked[0]])
        last = len(mine) - 1
        top, left = last // 8 * (SIDE + 2), last % 8 * (SIDE + 2)
        np.testing.assert_array_equal(canvas[top : top + SIDE, left : left + SIDE], shown[ranked[-1]])
    diagram = np.asarray(Image.open(output / 'calibration.png'))
    assert diagram.shape == (640, 600, 3) and len(np.unique(diagram)) > 20


def test_the_same_command_gives_the_same_files_whatever_the_images_are_called(labelled, done, tmp_path):
    folder, _, labels = labelled
    rows = []
    for i, (name, label) in enumerate(reversed(labels.items())):
        (tmp_path / f'x{i}.png').write_bytes((folder / name).read_bytes())
        rows.append((f'x{i}.png', label))
    again = main('--mode=classify', f'--labels={write_table(tmp_path, rows)}', f'--output={tmp_path / "new"}', *QUICK)
    assert again.code == 0
    found = json.loads((tmp_path / 'new' / 'report.json').read_text())
    assert found['images'] == done[2]['images']
    assert found['classifier'] == done[2]['classifier'] and found['kept'] == done[2]['kept']


def test_real_images_against_samples_of_an_early_checkpoint(tmp_path):
    run = save_run(tmp_path / 'run', generator_config())
    output = tmp_path / 'new'
    ended = main('--mode=classify', f'--good={run}', f'--bad={run}@3', f'--output={output}', '--steps=2', '--size=12')
    assert ended.code == 0, ended.err
    found = json.loads((output / 'report.json').read_text())
    real, held_out = (open_set(str(run), role=role) for role in ('trained on', 'real'))
    assert not {real.key(i) for i in range(len(real))} & {held_out.key(i) for i in range(len(held_out))}
    count = len(real)
    assert count > len(held_out)
    counts = [found['images'][part][name] for part in ('trained_on', 'held_out') for name in found['classes']]
    assert sum(counts) == 2 * count and counts[0] + counts[2] == count
    assert 'acceptable: training images of' in ended.out and 'unacceptable: samples of' in ended.out
    assert found['size'] == [12, 12] and counts[1] + counts[3] == count


def test_what_a_run_holds_out_is_parted_anew():
    """The images that a run holds out have small hashes, all of which the same split would hold out again."""

    class Keys:
        where, decoding, size = '', '', (8, 8)

        def __init__(self, numbers):
            self.numbers = numbers

        def __len__(self):
            return len(self.numbers)

        def key(self, i):
            return int(self.numbers[i]).to_bytes(4)

    held_out = Keys(split(Keys(np.arange(3000)), 0.1)[1])
    found = examples._examples({'acceptable': held_out, 'unacceptable': Keys(np.arange(3000, 3300))}, '')
    for k in (0, 1):
        part = (found.which[found.test] == k).sum() / (found.which == k).sum()
        assert 0.12 < part < 0.28, k


def test_larger_images_are_seen_small_or_as_is_asked_for(tmp_path):
    write(tmp_path / 'good', images(4, 0, 0, 96))
    write(tmp_path / 'bad', images(4, 1, 1, 96))
    found = examples.of_sets(str(tmp_path / 'good'), str(tmp_path / 'bad'))
    assert found.size == (64, 64) and found.source[0].shape == (64, 64, 3)
    assert examples.of_sets(str(tmp_path / 'good'), str(tmp_path / 'bad'), 20).source[7].shape == (20, 20, 3)
    assert examples._size((96, 192), None) == (64, 128) and examples._size((30, 40), None) == (30, 40)
    assert sorted([*found.train, *found.test]) == list(range(8)) and found.which.tolist() == [0] * 4 + [1] * 4


def test_a_montage_of_many_has_the_first_the_last_and_some_between():
    chances = np.random.default_rng(0).random(500)
    places = drawings.chosen(chances)
    assert len(places) == 32 and len(set(places.tolist())) == 32
    assert chances[places[0]] == chances.max() and chances[places[-1]] == chances.min()
    assert (np.diff(chances[places]) < 0).all()


def test_one_class_among_the_held_out_images_has_numbers_all_the_same():
    found = report.measure(np.array([[0.99, 0.01], [0.6, 0.4], [0.2, 0.8]]), np.zeros(3, int), np.array([0, 1, 1]))
    assert found['confusion']['unacceptable'] == {'acceptable': 0, 'unacceptable': 0}
    assert found['accuracy']['mean'] == pytest.approx(2 / 3) and found['constant'] == {
        'answer': 'unacceptable',
        'accuracy': 0,
    }
    assert [one['kept'] for one in found['kept']] == [2, 1, 1]
    json.dumps(found, allow_nan=False)
    assert any('exceed 0.95, 1 of them acceptable' in line for line in report.describe(found))


# Refusals


@pytest.fixture
def few(tmp_path):
    """Eight images of 12 px, two of them equal, and one of 20 px."""
    some = images(8, 0, 0)
    some[7] = some[6]
    write(tmp_path / 'few', some)
    write(tmp_path / 'few', images(1, 0, 1, 20), 8)
    (tmp_path / 'few' / 'text.png').write_text('no image')
    (tmp_path / 'few' / 'huge.png').write_bytes(png_header(40_000, 40_000))
    return tmp_path / 'few'


@pytest.mark.parametrize(
    ('rows', 'said'),
    [
        ([(f'{i:03d}.png', 'acceptable') for i in range(4)], 'has no unacceptable image'),
        ([(f'{i:03d}.png', ('acceptable', 'unacceptable')[i > 2]) for i in range(4)], 'at least 2 different images'),
        ([(f'{i:03d}.png', ('acceptable', 'unacceptable')[i > 5]) for i in range(8)], '2 images (1 different)'),
        ([(f'{i:03d}.png', ('acceptable', 'unacceptable')[i % 2]) for i in range(9)], '12x12 (8), 20x20 (1)'),
        ([('text.png', 'acceptable'), ('000.png', 'unacceptable')], 'is not an image'),
        ([('huge.png', 'acceptable'), ('000.png', 'unacceptable')], 'make it smaller, or, for training, raise'),
        ([('gone.png', 'acceptable')], "names 'gone.png'"),
    ],
)
def test_labels_that_nothing_can_be_learned_from_are_refused(few, tmp_path, rows, said):
    done = main('--mode=classify', f'--labels={write_table(few, rows)}', f'--output={tmp_path / "new"}')
    refused(done, said)
    assert not (tmp_path / 'new').exists() and len(done.err.strip().splitlines()) == 1


def test_mixed_sizes_become_one_where_it_is_given(few):
    rows = [(f'{i:03d}.png', ('acceptable', 'unacceptable')[i % 2]) for i in range(9)]
    found = examples.labelled(write_table(few, rows), 14)
    assert found.size == (14, 14) and {found.source[i].shape for i in range(9)} == {(14, 14, 3)}


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        ([], '--mode=classify needs --labels'),
        (['--good=few'], 'both --good and --bad'),
        (['--labels=few/labels.csv', '--bad=few'], '--labels is given, and --good or --bad too'),
        (['--good=few', '--bad=one', '--size=12'], '1 images (1 different) cannot be split'),
        (['--good=one', '--bad=large'], '12x12 and 20x20 pixels'),
        (['--good=few', '--bad=one'], 'has images of 2 sizes'),
        (['--good=one', '--bad=nowhere'], "'nowhere'"),
        (['--good=one', '--bad=one', '--steps=0'], '--steps=0'),
        (['--good=one', '--bad=one', '--size=0'], '--size=0'),
        (['--good=one', '--bad=few', '--output=few/new'], "'few/new' is inside of --bad"),
        (['--good=one', '--bad=one', '--output=one'], "'one' is inside of --good"),
        (['--good=one', '--bad=one', '--seed=-1'], '--seed=-1 is out of range'),
        (['--labels=nowhere.csv'], "There is no 'nowhere.csv'"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(few, tmp_path, monkeypatch, words, said):
    for name in ('text.png', 'huge.png'):
        (few / name).unlink()
    write(tmp_path / 'one', images(1, 0, 5))
    write(tmp_path / 'large', images(1, 0, 5, 20))
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    given = words if any('--output' in word for word in words) else ['--output=new', *words]
    refused(main('--mode=classify', *given), said)
    assert contents(tmp_path) == before


def test_a_file_in_place_of_the_folder_is_refused(labelled, tmp_path):
    (tmp_path / 'file').write_text('mine')
    refused(main('--mode=classify', f'--labels={labelled[1]}', f'--output={tmp_path / "file"}'), 'is a file')


def test_a_folder_that_cannot_be_written_is_told_before_the_training(labelled, tmp_path, monkeypatch):
    monkeypatch.setattr('gans.labelling.classify.training.train', lambda *_: pytest.fail('it was trained'))
    (tmp_path / 'file').write_text('mine')
    refused(main('--mode=classify', f'--labels={labelled[1]}', f'--output={tmp_path / "file/new"}'), 'Cannot write')


def test_neither_a_run_nor_the_labelled_images_are_written_into(labelled, tmp_path):
    (tmp_path / 'run/checkpoints').mkdir(parents=True)
    before = contents(labelled[0])
    for output, said in ((tmp_path / 'run', 'is a run folder'), (labelled[0], 'has the images that --labels')):
        refused(main('--mode=classify', f'--labels={labelled[1]}', f'--output={output}', *QUICK), said)
    assert contents(labelled[0]) == before


def test_numbers_that_cannot_be_written_are_printed(labelled, tmp_path):
    (tmp_path / 'report.json').mkdir()
    ended = main('--mode=classify', f'--labels={labelled[1]}', f'--output={tmp_path}', *QUICK)
    assert ended.code == 2 and 'accuracy' in ended.out and "report.json'" in ended.err
    assert ended.err.splitlines()[-1].startswith('Cannot write') and 'Traceback' not in ended.err


def test_the_classifier_names_the_images_and_labels_that_it_was_trained_on(labelled, done, tmp_path):
    about = load(done[0]).about
    folder = tmp_path / 'moved'
    shutil.copytree(labelled[0], folder)
    again = examples.labelled(folder / 'labels.csv', None)
    assert about['digest'] == classify._digest(again) and len(about['digest']) == 32
    assert about['digest'] != classify._digest(again._replace(which=1 - again.which))
    assert about['digest'] != classify._digest(again._replace(train=again.train[1:]))
