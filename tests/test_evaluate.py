import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from saved_run import fake_run, make_config, save_fake_run, save_images, save_run, smooth_images

from gans.data.batches import read_all
from gans.errors import UserError
from gans.evaluation import evaluate, paired
from gans.evaluation.tables import table
from gans.image import compose, files, ops
from gans.run.experiment import open_experiment
from gans.run.trained import Trained
from gans.tasks.colorize import mean_colour

MEASURES = {
    'colorize': ('L1', 'PSNR dB', 'SSIM', 'chroma error', 'colourfulness'),
    'inpaint': ('L1', 'PSNR dB', 'SSIM', 'L1 in boxes', 'PSNR dB in boxes', 'SSIM in boxes'),
}
ROWS = {
    'colorize': ('original', 'gray', 'mean chroma', 'output', 'output, own luma'),
    'inpaint': ('input', 'border mean', 'output', 'output, pasted'),
}


def run_of(tmp_path, task, images, make, seed=0):
    """A run with `make` as its generator, trained on `images`."""
    data = tmp_path / 'data'
    if not data.exists():
        save_images(data, images)
    return save_fake_run(tmp_path / 'run', make_config(task, data, seed=seed), lambda image, _: make(image))


def flat_images(colours):
    return [np.full((64, 64, 3), c, np.uint8) for c in colours]


def colours_of(count, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, 3))


# What needs no network.


def test_host_versions_equal_the_device_ones():
    images = np.random.default_rng(0).uniform(-1.3, 1.3, (5, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(compose.quantise(images), ops.to_uint8(images))
    np.testing.assert_allclose(compose.luma(images), ops.luma(images), atol=1e-6)


def test_keep_luma_is_yuv_replacement_inside_the_cube():
    rng = np.random.default_rng(0)
    gray, colour = rng.uniform(-0.2, 0.2, (50, 1)), rng.uniform(-0.3, 0.3, (50, 3))
    yuv = np.concatenate([gray, np.asarray(ops.rgb_to_yuv(colour))[:, 1:]], axis=-1)
    np.testing.assert_allclose(compose.keep_luma(gray, colour), ops.yuv_to_rgb(yuv), atol=1e-6)


def test_keep_luma_stays_in_the_cube_with_luma_and_hue():
    rng = np.random.default_rng(1)
    gray, colour = rng.uniform(-1, 1, (500, 1)), rng.uniform(-1, 1, (500, 3))
    gray[:2] = [[-1], [1]]
    kept = compose.keep_luma(gray, colour)
    assert np.abs(kept).max() <= 1
    np.testing.assert_allclose(compose.luma(kept), gray, atol=1e-5)
    chroma, wanted = kept - gray, colour - compose.luma(colour)
    share = (chroma * wanted).sum(-1) / (wanted**2).sum(-1)
    np.testing.assert_allclose(chroma, share[:, None] * wanted, atol=1e-5)
    saturated = np.abs(kept).max(-1) > 1 - 1e-5
    np.testing.assert_allclose(share[~saturated], 1, atol=1e-5)
    assert 50 < saturated.sum() < 500


def slow_border_fill(image, mask, reach=2):
    """One pixel after another: flood each part, then average what is near it."""
    filled, unseen = image.astype(np.float64), {tuple(p) for p in np.argwhere(mask)}
    while unseen:
        part, edge = set(), [unseen.pop()]
        while edge:
            y, x = edge.pop()
            part.add((y, x))
            for near in [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]:
                if near in unseen:
                    unseen.remove(near)
                    edge.append(near)
        border = [
            image[y, x]
            for y, x in np.argwhere(~mask)
            if any(abs(y - v) <= reach and abs(x - w) <= reach for v, w in part)
        ]
        for y, x in part:
            filled[y, x] = np.mean(border, axis=0) if border else 0
    return filled


@pytest.mark.parametrize('seed', range(4))
def test_fill_border_equals_the_slow_way(seed):
    rng = np.random.default_rng(seed)
    image = rng.uniform(-1, 1, (14, 11, 3)).astype(np.float32)
    mask = rng.uniform(size=(14, 11)) < 0.08
    mask[0:3, 0:4] = mask[6:9, 7:11] = mask[9, 6] = True  # at the border; touching at a corner
    np.testing.assert_allclose(compose.fill_border(image, mask), slow_border_fill(image, mask), atol=1e-6)


def test_fill_border_of_everything_and_of_nothing():
    image = np.full((4, 4, 3), 0.5, np.float32)
    np.testing.assert_array_equal(compose.fill_border(image, np.ones((4, 4), bool)), 0 * image)
    np.testing.assert_array_equal(compose.fill_border(image, np.zeros((4, 4), bool)), image)


def test_mean_colour_is_that_of_the_training_images(tmp_path):
    colours = colours_of(12)
    experiment = open_experiment(make_config('colorize', save_images(tmp_path / 'data', flat_images(colours))))
    wanted = np.mean([experiment.source[int(i)][0, 0] for i in experiment.train], axis=0) / 127.5 - 1
    np.testing.assert_allclose(mean_colour(read_all(experiment.source, experiment.train)), wanted, atol=1e-6)


# Generators whose numbers are known.


def test_gray_generator_on_flat_colours(tmp_path):
    colours = colours_of(9)
    trained = run_of(tmp_path, 'colorize', flat_images(colours), lambda gray: jnp.repeat(gray, 3, axis=-1))
    report = evaluate.evaluate_run(trained)
    experiment = open_experiment(trained.config)
    rgb = np.array([experiment.source[int(i)][0, 0] for i in experiment.test]) / 255
    gray = np.rint(rgb @ [0.299, 0.587, 0.114] * 255)[:, None] / 255
    u, v = 0.492 * (rgb[:, 2:] - gray), 0.877 * (rgb[:, :1] - gray)  # of the rounded gray: off by under 0.002
    output = report['rows']['output']
    assert report['images'] == len(rgb) and output['L1']['count'] == len(rgb)
    assert output['L1']['mean'] == pytest.approx(np.abs(rgb - gray).mean(), abs=1e-6)
    squared = ((rgb - gray) ** 2).mean(axis=1)
    assert output['PSNR dB']['mean'] == pytest.approx(np.mean(-10 * np.log10(squared)), abs=1e-3)
    assert output['chroma error']['mean'] == pytest.approx(np.abs(np.concatenate([u, v], axis=1)).mean(), abs=2e-3)
    assert output['colourfulness']['mean'] == pytest.approx(0, abs=1e-5)
    assert report['rows']['gray'] == output
    ratio = report['ratios']['chroma error: output / gray']
    assert (ratio['mean'], ratio['low'], ratio['high']) == (1, 1, 1)
    rg, yb = 255 * (rgb[:, 0] - rgb[:, 1]), 255 * (rgb[:, :2].mean(axis=1) - rgb[:, 2])
    original = report['rows']['original']
    assert original['colourfulness']['mean'] == pytest.approx(np.mean(0.3 * np.hypot(rg, yb)), rel=1e-3)
    assert list(original) == ['colourfulness']


def test_perfect_colorizer(tmp_path):
    grays = flat_images(np.repeat(colours_of(8)[:, :1], 3, axis=1))
    report = evaluate.evaluate_run(run_of(tmp_path, 'colorize', grays, lambda gray: jnp.repeat(gray, 3, axis=-1)))
    output = report['rows']['output']
    assert output['L1']['mean'] == output['chroma error']['mean'] == 0
    assert output['SSIM']['mean'] == pytest.approx(1, abs=1e-6)
    assert output['PSNR dB']['mean'] is None, 'infinity is no JSON'


def test_mean_chroma_row_equals_a_slow_one(tmp_path):
    colours = 100 + colours_of(9) // 8  # nothing leaves the cube
    trained = run_of(tmp_path, 'colorize', flat_images(colours), lambda gray: jnp.repeat(gray, 3, axis=-1))
    report = evaluate.evaluate_run(trained)
    experiment = open_experiment(trained.config)

    def luma(rgb):
        return (0.299 * rgb[..., 0] + 0.587 * rgb[..., 1] + 0.114 * rgb[..., 2])[..., None]

    train = np.array([experiment.source[int(i)][0, 0] for i in experiment.train], float)
    test = np.array([experiment.source[int(i)][0, 0] for i in experiment.test], float)
    wanted = np.rint(luma(test) + (train - luma(train)).mean(axis=0))
    found = report['rows']['mean chroma']['L1']['mean']
    assert found == pytest.approx(np.abs(wanted - test).mean() / 255, abs=1e-6)


def test_constant_inpainter_on_flat_colours(tmp_path):
    colours, value = colours_of(9), 0.5
    trained = run_of(tmp_path, 'inpaint', flat_images(colours), lambda boxed: jnp.full_like(boxed, value))
    rows = evaluate.evaluate_run(trained)['rows']
    experiment = open_experiment(trained.config)
    rgb = np.array([experiment.source[int(i)][0, 0] for i in experiment.test]) / 255
    error = np.abs(rgb - np.rint((value + 1) * 127.5) / 255).mean()
    for row in ('output', 'output, pasted'):
        assert rows[row]['L1 in boxes']['mean'] == pytest.approx(error, abs=1e-6)
    assert rows['output']['L1']['mean'] == pytest.approx(error, abs=1e-6)
    assert 0 < rows['output, pasted']['L1']['mean'] < 0.5 * error, 'outside the boxes it is the original'
    assert rows['border mean']['L1']['mean'] == pytest.approx(0, abs=1e-7), 'a flat image is what its border says'
    assert rows['input']['L1 in boxes']['mean'] > 0.05


# What every run is asked.


def all_inputs(trained, batch):
    experiment = open_experiment(trained.config)
    answers = paired.Answers(trained.game, trained.state, experiment.source, experiment.test, batch)
    pairs = list(answers(np.arange(len(experiment.test))))
    return [np.concatenate(x) for x in zip(*((i.gen['image'], i.mask, out) for i, out in pairs), strict=True)]


def test_questions_do_not_depend_on_batch_or_seed(tmp_path):
    make = lambda x: x * 0.5  # noqa: E731
    data = save_images(tmp_path / 'data', smooth_images(40))
    first = run_of(tmp_path, 'inpaint', None, make)
    reference = all_inputs(first, batch=64)  # one batch; below there are more (every device takes part)
    assert len(reference[0]) > jax.device_count()
    masks = reference[1][..., 0]
    assert len({m.tobytes() for m in masks}) == len(masks)
    config = make_config('inpaint', data, seed=5)
    other_seed = Trained(tmp_path, config, 1, first.game, first.state)
    for one, other in zip(reference, all_inputs(other_seed, batch=2), strict=True):
        np.testing.assert_array_equal(one, other)


def test_answers_are_those_of_the_places_asked_for(tmp_path):
    save_images(tmp_path / 'data', smooth_images(12))
    trained = run_of(tmp_path, 'inpaint', None, lambda x: x * 0.5)
    experiment = open_experiment(trained.config)
    answers = paired.answers_of(trained, experiment)
    everything = paired.images_of(answers, np.arange(len(experiment.test)))
    places = np.array([2, 0])
    for part, whole in zip(paired.images_of(answers, places), everything, strict=True):
        np.testing.assert_array_equal(part, whole[places])


# The verb.


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp('images') / 'data', smooth_images(14))


def check_evaluation(folder, text, task):
    report = json.loads((folder / 'evaluation.json').read_text(), parse_constant=pytest.fail)
    lines = text.splitlines()
    for row in ROWS[task]:
        assert any(line.startswith(row) for line in lines)
    for name in MEASURES[task]:
        assert name in text
    assert tuple(report['rows']) == ROWS[task]
    assert (report['step'], report['config'], report['task']) == (3, task, task)
    assert report['images'] > 2
    for row, numbers in report['rows'].items():
        assert row == 'original' or tuple(numbers) == MEASURES[task]
        assert all(n['low'] <= n['mean'] <= n['high'] for n in numbers.values())
    for name in report['montages']:
        with Image.open(folder / name) as sample_grid:
            assert sample_grid.width == 3 * 128 + 2 * 4
            assert sample_grid.height >= min(8, report['images']) * 128
    assert sorted(p.name for p in folder.iterdir()) == ['checkpoints', 'evaluation', 'evaluation.json']
    best, worst = (first_error(folder, report, name) for name in ('best', 'worst'))
    assert best < worst


def first_error(folder, report, name):
    """The error of the first row of a montage, from its pixels: in the boxes, or of the chroma."""
    sample_grid = np.asarray(Image.open(folder / f'evaluation/montage_{name}.png')).astype(float)
    top = sample_grid.shape[0] - min(8, report['images']) * 132 + 4
    seen, output, real = (sample_grid[top : top + 128, x : x + 128] for x in (0, 132, 264))
    if report['masks']:
        hidden = np.abs(seen - real).max(axis=-1) > 0
        return np.abs(output - real)[hidden].mean()
    yuv = [np.asarray(ops.rgb_to_yuv(jnp.float32(x)))[..., 1:] for x in (output, real)]
    return np.abs(yuv[0] - yuv[1]).mean()


def test_evaluate_a_colorizer(tmp_path, data):
    folder = save_run(tmp_path / 'run', make_config('colorize', data))
    check_evaluation(folder, evaluate.evaluate(folder), 'colorize')


def test_evaluate_an_inpainter_twice(tmp_path, monkeypatch):
    save_images(tmp_path / 'data', smooth_images(14))
    trained = run_of(tmp_path, 'inpaint', None, lambda x: x * 0.5)
    monkeypatch.setattr(evaluate, 'load_run', lambda folder: trained)
    check_evaluation(trained.folder, evaluate.evaluate(trained.folder), 'inpaint')
    first = (trained.folder / 'evaluation.json').read_bytes()
    evaluate.evaluate(trained.folder)
    assert (trained.folder / 'evaluation.json').read_bytes() == first


def test_bad_folders_are_explained(tmp_path, data):
    with pytest.raises(UserError, match='no run folder'):
        evaluate.evaluate(tmp_path / 'nowhere')
    with pytest.raises(UserError, match='not a run folder'):
        evaluate.evaluate(data)


def test_other_images_are_refused(tmp_path):
    data = save_images(tmp_path / 'data', smooth_images(10))
    trained = run_of(tmp_path, 'inpaint', None, lambda x: x)
    for i, image in enumerate(smooth_images(10, seed=9)):
        files.save_png(data / f'{i:02d}.png', image)
    with pytest.raises(UserError, match='trained on other images'):
        evaluate.evaluate_run(trained)
    assert not (trained.folder / 'evaluation.json').exists()


def test_moved_images_are_found_where_they_are_said_to_lie(tmp_path, monkeypatch):
    data = save_images(tmp_path / 'data', smooth_images(10))
    trained = run_of(tmp_path, 'inpaint', None, lambda x: x)
    monkeypatch.setattr(evaluate, 'load_run', lambda folder: trained)
    moved = data.rename(tmp_path / 'moved')
    with pytest.raises(UserError, match='data'):
        evaluate.evaluate(trained.folder)
    assert 'border mean' in evaluate.evaluate(trained.folder, str(moved))
    trained.config.data.source = 'embedded'
    with pytest.raises(UserError, match='leave --input out'):
        evaluate.evaluate(trained.folder, str(moved))


def test_a_task_without_measures_is_refused(tmp_path, data):
    trained = fake_run(tmp_path / 'run', make_config('colorize', data), lambda image, _: image)
    unmeasured = trained.game._replace(task=trained.game.task._replace(evaluation=None))
    with pytest.raises(UserError, match="'colorize', which has no measures: it cannot be evaluated"):
        evaluate.evaluate_run(trained._replace(game=unmeasured))


def test_table_shows_what_is_missing():
    rows = {'a': {'x': dict(mean=1.0, low=0.5, high=None)}, 'long name': {}}
    lines = table(rows, {'x': {'better': 'lower', 'digits': 2}, 'y': {'better': '', 'digits': 0}}).splitlines()
    assert lines[0].split() == ['x', '\N{DOWNWARDS ARROW}', 'y']
    assert lines[1].split() == ['a', '1.00', '-']
    assert lines[2].strip() == '' and lines[3].split() == ['long', 'name', '-', '-']
