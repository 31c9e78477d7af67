"""`--mode=compare` of generators from noise: the numbers of `measure`, a montage, and which runs no other one beats."""

import json

import numpy as np
import pytest
from command_line import main
from generators import generator_config
from PIL import Image
from saved_run import make_config, save_images, save_run, smooth_images

from gans.evaluation import pareto
from gans.evaluation.pareto import Axes
from gans.run.generate import Sampler
from gans.run.trained import load_run

FEATURES = '--features=own_network.colours'
FLOOR = 'real against real'
SIDE = 16


def config_of(data, seed=0, size=SIDE, **changes):
    config = generator_config(seed=seed, **changes)
    with config.ignore_type():
        config.size = size
    config.data.update(source='folder', held_out=0.4, threads=1)
    config.data.folder.path = str(data)
    return config


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """Folders of images, and untrained generators on them: a and b of 16 px, large of 32 px."""
    place = tmp_path_factory.mktemp('generators')
    data = save_images(place / 'data', smooth_images(40, 40))
    for name, changes in {'a': {}, 'b': {'seed': 5}, 'large': {'seed': 3, 'size': 32}}.items():
        save_run(place / name, config_of(data, **changes))
    return place


def compared(place, out, runs, *words):
    ended = main('--mode=compare', f'--runs={",".join(f"{place}/{run}" for run in runs)}', f'--output={out}', *words)
    assert ended.code == 0, ended
    assert sorted(path.name for path in out.iterdir()) == ['compare.json', 'compare.png', 'pareto.png']
    return json.loads((out / 'compare.json').read_text(), parse_constant=pytest.fail), ended.out


def measured(place, out, run, *words):
    """What the verb `measure` makes of a run and its held-out images."""
    output = out / f'{run}.json'
    ended = main('--mode=measure', f'--real={place}/{run}', f'--fake={place}/{run}', f'--output={output}', *words)
    assert ended.code == 0, ended
    return json.loads(output.read_text())


def column(path, number):
    """The images of a column of a montage of images magnified to 128 px, uint8 [8, 128, 128, 3]."""
    canvas = np.asarray(Image.open(path))[:, number * 132 : number * 132 + 128]
    top = len(canvas) - (8 * 132 - 4)
    return np.stack([canvas[top + i * 132 : top + i * 132 + 128] for i in range(8)])


def test_every_run_has_the_numbers_of_measure_and_the_front_is_told(place, tmp_path):
    report, text = compared(place, tmp_path / 'out', 'ab', FEATURES)
    assert list(report['rows']) == ['a', 'b', FLOOR]
    for run in 'ab':
        alone = measured(place, tmp_path, run, FEATURES)
        assert report['rows'][run] == alone['rows']['fake'] and report['rows'][FLOOR] == alone['rows'][FLOOR]
        assert report['features'] == alone['features'] and report['versions'] == alone['versions']
        assert report['measures'] == alone['measures'] and report['version'] == alone['version']
        assert report['runs'][run]['pixels'] == alone['pixels'] and report['runs'][run]['size'] == [SIDE, SIDE]
    assert report['rows']['a'] != report['rows']['b']
    assert {'kid_colours', 'recall_colours', 'coverage_colours', 'SWD 16 px'} <= report['measures'].keys()
    assert report['compared']['images'] == report['images'] // 2 and report['resize'] == ''
    quality, diversity = (
        [report['rows'][run][name]['mean'] for run in 'ab'] for name in ('kid_colours', 'recall_colours')
    )
    beaten = [any(quality[j] <= quality[i] and diversity[j] >= diversity[i] for j in (0, 1) if j != i) for i in (0, 1)]
    assert report['front']['runs'] == [run for run, lost in zip('ab', beaten, strict=True) if not lost]
    assert (report['front']['quality'], report['front']['diversity']) == ('kid_colours', 'recall_colours')
    assert f'Not dominated in kid_colours and recall_colours: {", ".join(report["front"]["runs"])}.' in text
    assert 'a: step 3' in text and all(name in text for name in report['measures'])
    with Image.open(tmp_path / 'out/pareto.png') as figure:
        assert figure.size == (800, 600) and len(figure.getcolors(2**20)) > 9


def test_a_montage_has_a_column_per_run_and_a_row_per_place_of_the_seed(place, tmp_path):
    report, text = compared(place, tmp_path / 'out', 'ab', '--seed=7')
    assert report['seed'] == 7 and 'seed 7' in text and report['features'] is None
    for number, run in enumerate('ab'):
        (samples,) = Sampler(load_run(place / run), 7)(np.arange(8))
        np.testing.assert_array_equal(
            column(tmp_path / 'out/compare.png', number), samples.repeat(8, axis=1).repeat(8, axis=2)
        )
    assert (report['front']['quality'], report['front']['diversity']) == ('SWD', 'MS-SSIM of pairs')


def test_runs_of_two_sizes_are_compared_at_the_smaller_one(place, tmp_path):
    report, text = compared(place, tmp_path / 'out', ['large', 'b'])
    assert (report['size'], report['resize']) == ([SIDE, SIDE], 'lanczos')
    assert list(report['rows']) == ['large', 'b', f'{FLOOR}, large', f'{FLOOR}, b']
    for run in ('large', 'b'):
        alone = measured(place, tmp_path, run, '--size=16')
        assert (
            report['rows'][run] == alone['rows']['fake'] and report['rows'][f'{FLOOR}, {run}'] == alone['rows'][FLOOR]
        )
    assert (
        '16x16 pixels (width x height); larger samples and their held-out images scaled by the filter lanczos' in text
    )
    (samples,) = Sampler(load_run(place / 'large'))(np.arange(8))
    for image, shown in zip(samples, column(tmp_path / 'out/compare.png', 0), strict=True):
        scaled = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(shown[::8, ::8], np.asarray(scaled))


WRONG = {
    'one run': (['a'], (), '--runs needs at least two different run folders'),
    'tasks': (['colorizer', 'a'], (), 'colorizer and a cannot be compared: their task is colorize and generate'),
    'other way': (['a', 'colorizer'], (), 'a and colorizer cannot be compared: their task is generate and colorize'),
    'images': (['a', 'others'], (), 'a and others cannot be compared: their held-out images differ'),
    'few': (['few', 'few_too'], (), 'are too few to be measured: give 4 real ones'),
    'shapes': (['a', 'wide'], (), '16x16 and 32x16 pixels (width x height) have different shapes'),
    'small': (['a', 'small'], (), 'small has 8x8 pixels (width x height), and measures need 11x11: leave it out'),
    'features': (['a', 'b'], ('--features=vgg',), 'vgg'),
    'no classifier': (['a', 'b'], ('--features=classifier:NOTHING',), 'There is no classifier in'),
    'seed': (['colorizer', 'colorizer_too'], ('--seed=1',), "'colorize', whose evaluation is of all held-out images"),
}


@pytest.fixture(scope='module')
def wrong(place):
    """More runs beside those of `place`, for what is refused."""
    data, few = place / 'data', save_images(place / 'few_images', smooth_images(4, 32))
    others = save_images(place / 'other_images', smooth_images(40, 32, seed=9))
    save_run(place / 'others', config_of(others))
    save_run(place / 'wide', config_of(data, size=(16, 32), **{'task.rotate': False}))
    save_run(place / 'small', config_of(data, size=8))
    for name in ('few', 'few_too'):
        save_run(place / name, config_of(few))
    for name in ('colorizer', 'colorizer_too'):
        save_run(place / name, make_config('colorize', save_images(place / f'{name}_images', smooth_images(6, 64))))
    return place


@pytest.mark.parametrize('what', WRONG)
def test_what_cannot_be_compared_is_one_sentence(what, wrong, tmp_path):
    runs, words, told = WRONG[what]
    runs = ','.join(f'{wrong}/{run}' for run in runs)
    ended = main('--mode=compare', f'--runs={runs}', f'--output={tmp_path / "out"}', *words)
    assert ended.code == 2 and told in ended.err and len(ended.err.strip().splitlines()) == 1, ended
    assert not (tmp_path / 'out').exists()


def test_a_file_as_output_is_told_before_the_work(place, tmp_path):
    (tmp_path / 'out').write_text('text')
    ended = main('--mode=compare', f'--runs={place}/none,{place}/neither', f'--output={tmp_path}/out')
    assert ended.code == 2 and "out' is a file, no folder: give a folder as --output" in ended.err, ended
    assert (tmp_path / 'out').read_text() == 'text'


# The front.


def numbers(**means):
    return {name.replace('_', ' '): {'mean': mean, 'low': mean, 'high': mean} for name, mean in means.items()}


def test_a_run_is_on_the_front_unless_another_is_as_good_in_both_and_better_in_one():
    axes = Axes('kid', 'recall')
    runs = {
        'good': numbers(kid=0.1, recall=0.5),
        'same': numbers(kid=0.1, recall=0.5),
        'varied': numbers(kid=0.3, recall=0.9),
        'as varied, worse': numbers(kid=0.4, recall=0.9),
        'worse in both': numbers(kid=0.2, recall=0.4),
    }
    assert pareto.front_of(axes, runs, runs) == ['good', 'same', 'varied']


def test_images_more_varied_than_real_ones_are_no_better_than_less_varied_ones():
    axes = Axes('SWD', 'MS-SSIM of pairs')
    runs = {name: {'SWD': {'mean': swd}, 'MS-SSIM of pairs': {'mean': alike}} for name, swd, alike in RANKED}
    floors = {name: {'MS-SSIM of pairs': {'mean': 0.3}} for name in runs}
    assert pareto.front_of(axes, runs, floors) == ['near', 'nearest']


RANKED = (('near', 1.0, 0.5), ('noise', 9.0, 0.0), ('nearest', 2.0, 0.2), ('all alike', 2.0, 1.0))


def test_axes_are_over_features_where_there_are_some():
    assert pareto.axes_of(['SWD', 'kid_x', 'recall_x'], 'x') == ('kid_x', 'recall_x')
    assert pareto.axes_of(['SWD', 'kid_x'], 'x') == ('kid_x', 'MS-SSIM of pairs')
    assert pareto.axes_of(['SWD'], '') == ('SWD', 'MS-SSIM of pairs')


def test_names_of_any_kind_are_drawn():
    runs = {name: numbers(kid=0.1, recall=0.5) for name in (r'$\frac$', 'b' * 90, 'real')}
    shown = pareto.draw(Axes('kid', 'recall'), runs, {'real': numbers(kid=0.1, recall=0.5)}, [r'$\frac$'])
    assert shown.shape == (600, 800, 3) and shown.dtype == np.uint8


# `evaluate` with features.


def test_features_add_to_the_evaluation_and_change_nothing_else(place):
    run = place / 'a'

    def evaluated(*words):
        ended = main('--mode=evaluate', f'--workdir={run}', *words)
        assert ended.code == 0, ended
        return json.loads((run / 'evaluation.json').read_text(), parse_constant=pytest.fail), ended.out

    bare, _ = evaluated()
    report, text = evaluated(FEATURES)
    over = [name for name in report['measures'] if name.endswith('_colours')]
    assert [name.split('_')[0] for name in over] == ['fd', 'kid', 'precision', 'recall', 'density', 'coverage']
    assert report['features'] == {'name': 'colours', 'digest': 'c0' * 32, 'about': {'network': 'none'}}
    assert bare['features'] is None and bare['version'] == report['version']
    for row, found in report['rows'].items():
        assert {name: number for name, number in found.items() if name not in over} == bare['rows'][row]
        assert all(name in text for name in over) and f'Features colours {"c0" * 8}: sets of ' in text
    same = report.keys() - {'features', 'rows', 'measures', 'notes'}
    assert {name: report[name] for name in same} == {name: bare[name] for name in same}


def test_real_images_are_looked_at_once_and_numbers_that_cannot_be_written_are_printed(place, tmp_path, monkeypatch):
    monkeypatch.setattr('gans.progress._EVERY', 0)
    (tmp_path / 'compare.json').mkdir()
    ended = main('--mode=compare', f'--runs={place}/a,{place}/b', f'--output={tmp_path}')
    told = [line.partition(':')[0] for line in ended.err.splitlines()]
    assert told.count('looking at real images') == 1 and told.count('looking at images') > 1, ended.err
    assert ended.code == 2 and told[-1] == "Cannot write '" + str(tmp_path / "compare.json' (a folder is in its way")
    assert 'Not dominated in SWD' in ended.out and 'SWD 16 px' in ended.out
