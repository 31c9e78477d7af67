import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from saved_run import make_config, save_fake_run, save_images, smooth_images

from gans.errors import UserError
from gans.evaluation import compare as module
from gans.evaluation.compare import compare


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp('images') / 'data', smooth_images(12))


@pytest.fixture
def add_run(monkeypatch, tmp_path):
    """Makes runs whose generators add a number to the gray input; notes which are evaluated."""
    trained = {}
    evaluated = []
    evaluate_run = module.evaluate_run

    def counting(run):
        evaluated.append(run.folder.name)
        return evaluate_run(run)

    monkeypatch.setattr(module, 'load_run', lambda folder: trained[str(folder)])
    monkeypatch.setattr(module, 'evaluate_run', counting)

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
    titles = module._titles(folders)
    assert titles[:2] == ['x/run', 'y/run'] and len(set(titles)) == 3
    assert module._titles([tmp_path / 'x/a', tmp_path / 'y/b']) == ['a', 'b']
