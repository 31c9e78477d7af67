import json

import jax.numpy as jnp
import numpy as np
import own_network.colours
import pytest
from command_line import main
from PIL import Image
from saved_run import make_config, save_fake_run, save_images, smooth_images

from gans.data.batches import read_whole
from gans.errors import UserError
from gans.evaluation import compare as module
from gans.evaluation import compare_paired
from gans.evaluation.compare import compare
from gans.evaluation.titles import titles_of
from gans.image import compose, ops
from gans.metrics import perceptual
from gans.run.trained import open_images


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp('images') / 'data', smooth_images(12))


@pytest.fixture
def add_run(monkeypatch, tmp_path):
    """Makes runs whose generators add a number to the gray input; notes which are evaluated."""
    trained = {}
    evaluated = []
    evaluate_run = compare_paired.evaluate_run

    def counting(run, features):
        evaluated.append(run.folder.name)
        return evaluate_run(run, features)

    monkeypatch.setattr(module, 'load_run', lambda folder: trained[str(folder)])
    monkeypatch.setattr(compare_paired, 'evaluate_run', counting)

    def add(name, config, offset=0.0):
        folder = tmp_path / name
        trained[str(folder)] = save_fake_run(
            folder, config, lambda image, _: jnp.clip(jnp.repeat(image[..., :1], 3, axis=-1) + offset, -1, 1)
        )
        return folder

    add.evaluated = evaluated
    return add


def column(sample_grid, k):
    """The images of column k of a montage of images magnified to 128."""
    return sample_grid[-128:, k * 132 : k * 132 + 128].astype(int)


def test_compare_draws_a_column_per_run_and_joins_the_evaluations(add_run, tmp_path, data):
    offsets = (0, 0.2, -0.2)
    runs = [add_run(f'run_{k}', make_config('colorize', data, seed=k), offsets[k]) for k in range(3)]
    text = compare(runs)
    target = tmp_path / 'compare'
    sample_grid = np.asarray(Image.open(target / 'compare.png'))
    assert sample_grid.shape[1] == 5 * 132 - 4
    seen, middle, lighter, darker, original = (column(sample_grid, k) for k in range(5))
    np.testing.assert_array_equal(seen, middle)
    assert (lighter >= seen).all() and (darker <= seen).all() and (lighter - darker).max() > 40
    assert np.ptp(original, axis=-1).max() > 20 and np.ptp(seen, axis=-1).max() == 0
    joined = json.loads((target / 'compare.json').read_text(), parse_constant=pytest.fail)
    wanted = ['original', 'gray', 'mean chroma']
    wanted += [f'run_{k}: {row}' for k in range(3) for row in ('output', 'output, own luma')]
    assert list(joined['rows']) == wanted
    for row in wanted:
        assert any(line.startswith(row) for line in text.splitlines())
    for k, run in enumerate(runs):
        own = json.loads((run / 'evaluation.json').read_text())
        assert joined['rows'][f'run_{k}: output'] == own['rows']['output']
        assert joined['runs'][f'run_{k}'] == {
            'folder': str(run),
            'step': 3,
            'config': 'colorize',
            'ratios': own['ratios'],
        }
    assert joined['rows']['run_0: output'] == joined['rows']['gray']


def test_evaluations_of_this_step_are_used_again(add_run, tmp_path, data):
    runs = [add_run(name, make_config('inpaint', data)) for name in 'ab']
    compare(runs, tmp_path / 'out')
    assert add_run.evaluated == ['a', 'b']
    compare(runs, tmp_path / 'out')
    assert add_run.evaluated == ['a', 'b']
    report = json.loads((runs[0] / 'evaluation.json').read_text())
    (runs[0] / 'evaluation.json').write_text(json.dumps(report | {'step': 2}))
    (runs[1] / 'evaluation.json').write_text('{"step": 3, "rows')
    compare(runs, tmp_path / 'out')
    assert add_run.evaluated == ['a', 'b', 'a', 'b']
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == ['compare.json', 'compare.png']


def test_an_evaluation_that_lacks_the_features_is_made_anew(add_run, tmp_path, data):
    runs = [add_run(name, make_config('colorize', data), offset) for name, offset in (('a', 0), ('b', 0.3))]

    def compared(*words):
        add_run.evaluated.clear()
        ended = main('--mode=compare', f'--runs={runs[0]},{runs[1]}', f'--output={tmp_path / "out"}', *words)
        assert ended.code == 0, ended
        joined = json.loads((tmp_path / 'out/compare.json').read_text(), parse_constant=pytest.fail)
        return add_run.evaluated, joined, ended.out

    evaluated, bare, _ = compared()
    assert evaluated == ['a', 'b'] and bare['features'] is None and 'perceptual_colours' not in bare['measures']
    evaluated, joined, out = compared('--features=own_network.colours')
    assert evaluated == ['a', 'b'] and joined['features']['name'] == 'colours' and 'perceptual_colours' in out
    found = {row: numbers.pop('perceptual_colours') for row, numbers in joined['rows'].items() if row != 'original'}
    assert joined['rows'] == bare['rows'], 'the other numbers are the same, to the bit'
    assert found['a: output'] == found['gray'] and 0 < found['a: output']['low'] < found['a: output']['high']
    assert found['b: output']['mean'] != found['gray']['mean']
    for words in ((), ('--features=own_network.colours',)):
        assert compared(*words)[0] == [], 'they are used again, also where no features are wanted'
    report = json.loads((runs[0] / 'evaluation.json').read_text())
    (runs[0] / 'evaluation.json').write_text(json.dumps(report | {'version': report['version'] - 1}))
    assert compared()[0] == ['a'], 'of an older version'
    evaluated, joined, _ = compared()
    assert evaluated == [] and joined['features'] is None
    assert not any('perceptual_colours' in numbers for numbers in joined['rows'].values()), 'one run lacks it'


def test_the_perceptual_distance_of_an_evaluation_is_that_of_the_images(add_run, data):
    run = add_run('a', make_config('colorize', data), 0.3)
    report = compare_paired.evaluate_run(module.load_run(run), own_network.colours.open_features(''))
    trained = module.load_run(run)
    experiment = open_images(trained)
    originals = read_whole(experiment.source, experiment.test)
    grays = compose.quantise(np.repeat(ops.luma(ops.to_float(originals)), 3, axis=-1))
    layers = [own_network.colours.layers(ops.to_float(images)) for images in (grays, originals)]
    expected = np.asarray(perceptual.perceptual(*layers)).mean()
    assert report['rows']['gray']['perceptual_colours']['mean'] == pytest.approx(expected, rel=1e-4)
    assert report['rows']['gray']['perceptual_colours']['count'] == len(originals)


def refusals(data, other, large):
    """(what differs, the config of the first run, that of the second, the sentence)."""
    longer = make_config('inpaint', data)
    longer.task.max_side += 0.1
    larger = make_config('colorize', large)
    larger.size = 128
    colorizer = make_config('colorize', data)
    return {
        'task': (colorizer, make_config('inpaint', data), 'their task is colorize and inpaint'),
        'size': (colorizer, larger, r'their size is \(64, 64\) and \(128, 128\)'),
        'images': (colorizer, make_config('colorize', other), 'their held-out images differ'),
        'boxes': (make_config('inpaint', data), longer, 'their masks on them differ'),
    }


@pytest.mark.parametrize('what', ['task', 'size', 'images', 'boxes'])
def test_runs_that_were_asked_other_things_are_refused(add_run, tmp_path, data, what):
    other = save_images(tmp_path / 'other', smooth_images(12, seed=3))
    large = save_images(tmp_path / 'large', smooth_images(6, size=128))
    first, second, sentence = refusals(data, other, large)[what]
    with pytest.raises(UserError, match=f'a and b cannot be compared: {sentence}'):
        compare([add_run('a', first), add_run('b', second)])
    assert not (tmp_path / 'compare').exists()


def test_too_few_runs_are_refused(add_run, tmp_path, data):
    run = add_run('a', make_config('colorize', data))
    for runs in ([run], [run, run], [run, run.parent / 'x' / '..' / 'a']):
        with pytest.raises(UserError, match='at least two different run folders'):
            compare(runs)


def test_runs_of_one_name_get_their_parents_too(tmp_path):
    folders = [tmp_path / name for name in ('x/run', 'y/run', 'z')]
    titles = titles_of(folders)
    assert titles[:2] == ['x/run', 'y/run'] and len(set(titles)) == 3
    assert titles_of([tmp_path / 'x/a', tmp_path / 'y/b']) == ['a', 'b']
