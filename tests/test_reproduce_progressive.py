"""The kinds of figures that the document progressive brings: what fades in, what is measured over training."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from reproduced import *  # noqa: F403  fixtures and laws of a document that is made
from saved_run import CONFIGS, save_run

from gans.config.load import load
from gans.errors import UserError
from gans.image import grids
from gans.reproduce.kinds import deconvnet, faded, growth, levels
from gans.reproduce.types import Place
from gans.training.metrics_files import read_minutes

MADE = 'progressive'

STEPS = 10  # growth begins with a level at 2 and 6, and has it at 4 and 8
BATCH = 8


def make(folder, *steps, seconds=600):
    """An untrained run of 16 px in three levels, with at most two checkpoints; 10 steps took so many seconds."""
    config = load(f'{CONFIGS}/progressive.py:tiny').unlock()
    config.devices, config.steps = 1, STEPS
    for step in steps:
        save_run(folder, config, step)
    line = {'step': STEPS, 'seconds_per_1000_images': 1000 * seconds / (STEPS * BATCH)}
    (folder / 'timing.jsonl').write_text(json.dumps(line) + '\n')
    return folder


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp('runs')
    return [make(folder / 'growing', 3, 7), make(folder / 'fixed', 3, 7, seconds=1200)]


def place(folder, *runs):
    folder.mkdir()
    return Place(folder, runs, [('', '')] * len(runs), 'tiny')


@pytest.mark.parametrize('level', [1, 9])
def test_a_level_is_faded_in_from_squares_to_their_parts(level, tmp_path):
    first = 4 * min(level, 2) - 2  # a step at which the level counts nothing, two before it is there
    run = tmp_path / 'run'
    for step in (first - 1, first, first + 1, first + 2, first + 3):
        make(tmp_path / f'{step}', step)
        shutil.copytree(tmp_path / f'{step}' / 'checkpoints', run / 'checkpoints', dirs_exist_ok=True)
    drawn = faded.draw(place(tmp_path / 'figure', run), level=level)
    assert drawn.numbers == {'shares': '0, 0.5, 1'}
    assert f'steps {first}, {first + 1}, {first + 2};' in drawn.notes[0] and len(drawn.notes) == 1
    ((path, alt),) = drawn.images
    level = min(level, 2)
    assert f'{2 ** (level + 1)} to {2 ** (level + 2)} pixels' in alt
    image = np.asarray(Image.open(path))
    tiles = grids.tiles(image[image.shape[0] - 6 * 132 + 4 :], (128, 128), gap=4)[:, :, ::8, ::8].astype(int)
    assert tiles.shape == (6, 3, 16, 16, 3), 'two real images and four samples, three shares'

    def squares(images, side):
        """How far pixels are from the first of their square."""
        cut = images.reshape(len(images), 16 // side, side, 16 // side, side, 3)
        return np.abs(cut - cut[:, :, :1, :, :1]).max()

    side = 2 ** (2 - level)
    assert squares(tiles[:, 0], 2 * side) == 0 < squares(tiles[:, 2], 2 * side)
    assert squares(tiles[:, 2], side) == 0
    np.testing.assert_allclose(tiles[:2, 1], (tiles[:2, 0] + tiles[:2, 2]) / 2, atol=1.01)


def test_a_fading_without_a_checkpoint_is_told(tmp_path):
    drawn = faded.draw(place(tmp_path / 'figure', make(tmp_path / 'run', 10)), level=1)
    assert 'No checkpoint was kept while level 1 was faded in' in drawn.notes[-1]


def test_checkpoints_are_measured_level_by_level_over_minutes(runs, tmp_path, monkeypatch):
    measured = levels._measure(runs[0])
    assert measured.steps.tolist() == [3, 7] and measured.floor['SWD'] < measured.measured['SWD'].min()
    np.testing.assert_allclose(measured.minutes, [3, 7])
    np.testing.assert_allclose(measured.images, [3 * BATCH / 1000, 7 * BATCH / 1000])
    np.testing.assert_allclose(measured.begun['minutes'], [3], err_msg='level 2 was not played before step 8')

    found = iter([measured, measured._replace(minutes=2 * measured.minutes)])
    monkeypatch.setattr(levels, '_measure', lambda run: next(found))
    drawn = levels.draw(place(tmp_path / 'figure', *runs), titles=('growing', 'fixed'))
    ((path, alt),) = drawn.images
    assert Image.open(path).width > 1000 and 'growing, fixed, and real images' in alt
    assert drawn.table.columns == ['run', 'steps', 'minutes', 'SWD', 'SWD 16 px', 'MS-SSIM of pairs']
    growing, fixed, real = drawn.table.rows
    assert growing[:3] == ['growing', '7', '7.0'] and fixed[:3] == ['fixed', '7', '14.0']
    assert growing[3] == f'{measured.measured["SWD"][-1]:.1f}' and real[3] == f'{measured.floor["SWD"]:.1f}'
    assert drawn.numbers['times sooner'] in (2.0, round(14 / 3, 2)), 'at its last checkpoint, or at its first'


def course(minutes, distances):
    zeros = np.zeros(len(minutes))
    return levels.Course(zeros, np.array(minutes), zeros, {'SWD': np.array(distances)}, {}, {})


def test_sooner_is_when_the_first_is_as_near_as_the_second_at_its_end():
    slow = course([10, 20, 30, 40], [9, 7, 5, 4])
    assert levels._sooner(course([5, 10, 15], [8, 4, 2]), slow) == 4
    assert levels._sooner(course([5, 10, 15], [8, 6, 5]), slow) == 'never as near'


def test_columns_are_equal_times(runs, tmp_path):
    drawn = growth.draw(place(tmp_path / 'figure', *runs), titles=('growing', 'fixed'))
    assert drawn.table.columns == ['run', '1.4 min', '2.8 min', '4.2 min', '5.6 min', '7.0 min']
    assert drawn.table.rows == [['growing', '-', '-', *['step 3'] * 2, 'step 7'], ['fixed', *['-'] * 4, 'step 3']]
    tiles = grids.tiles(np.asarray(Image.open(drawn.images[0][0]))[-6 * 132 + 4 :], (128, 128), gap=4)
    shown = (tiles < 255).any(axis=(2, 3, 4))
    assert shown.tolist() == [[False] * 2 + [True] * 3] * 3 + [[False] * 4 + [True]] * 3
    assert drawn.numbers == {
        'growing: images per second': round(80 / 600, 1),
        'fixed: images per second': round(80 / 1200, 1),
    }


def test_layers_of_the_critic_are_drawn_by_both_rules(runs, tmp_path):
    drawn = deconvnet.draw(place(tmp_path / 'figure', runs[0]), most=2)
    assert [row[0] for row in drawn.table.rows] == ['conv_1', 'conv_0']
    names = [f'{folder}/{layer}.png' for layer in ('conv_1', 'conv_0') for folder in ('plain', 'guided')]
    assert [f'{path.parent.name}/{path.name}' for path, _ in drawn.images] == names
    for (path, _), words in zip(drawn.images[:2], drawn.commands, strict=True):
        assert Image.open(path).width > 100
        told = json.loads((path.parent / 'features.json').read_text())['projection']
        assert told == {'plain': 'deconvnet', 'guided': 'guided'}[path.parent.name]
        assert words[:1] == ['--mode=features'] and ('--guided' in words) == (path.parent.name == 'guided')


def test_minutes_count_what_lines_say_and_begin_at_zero(tmp_path):
    lines = [{'step': 10, 'seconds_per_1000_images': 750.0}, {'step': 30, 'seconds_per_1000_images': 375.0}]
    (tmp_path / 'timing.jsonl').write_text(''.join(f'{json.dumps(line)}\n' for line in lines))
    assert read_minutes(tmp_path, 8) == ([0, 10, 30], [0, 1, 2])
    with pytest.raises(UserError, match='No such file'):
        read_minutes(tmp_path / 'none', 8)


from reproduced import test_the_page_in_a_browser  # noqa: E402, F401  behind all others: see tests/browser.py
