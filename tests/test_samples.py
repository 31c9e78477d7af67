"""Generators measured: samples that are known beforehand, and what the verb writes of them."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import own_network.colours
import pytest
from generators import generator_config
from PIL import Image
from saved_run import Fake, save_fake_run, save_images, smooth_images

from gans.core.build import make_task
from gans.data.content import by_content
from gans.errors import UserError
from gans.evaluation import evaluate, samples
from gans.image import ops
from gans.inference import translate
from gans.metrics import frechet, kernel
from gans.run.experiment import open_experiment

COUNT = 30


def run_of(tmp_path, make, images=None, **changes):
    """A run on a folder of soft images whose generator is `make`: latents [N, 5] -> images in [-1, 1]."""
    data = tmp_path / 'data'
    if not data.exists():
        save_images(data, smooth_images(COUNT, 32) if images is None else images)
    config = generator_config(**{'size': 32, 'name': 'fake', **changes})
    config.data.update(source='folder', held_out=0.3, threads=1)
    config.data.folder.path = str(data)
    return save_fake_run(tmp_path / 'run', config, lambda image, latent: make(latent))


def soft(latent):
    """Images that depend on their latents alone."""
    waves = jnp.linspace(0, 3, 32)
    rows = jnp.sin(latent[:, 0, None] * 6 + waves)[:, :, None, None]
    columns = jnp.cos(latent[:, 1, None] * 6 + waves)[:, None, :, None]
    return (rows * columns * latent[:, None, None, 2:5]).astype(jnp.float32)


def test_a_generator_of_one_image_has_no_diversity(tmp_path):
    one = run_of(tmp_path, lambda latent: 0 * soft(latent) + soft(jnp.full((1, 5), 0.4)))
    rows = evaluate.evaluate_run(one)['rows']
    samples, real = rows['samples'], rows['real images']
    assert samples['MS-SSIM of pairs']['mean'] == pytest.approx(1, abs=1e-5)
    assert real['MS-SSIM of pairs']['mean'] < 0.8
    assert samples['SWD']['low'] > real['SWD']['high'] > 0
    nearest = samples['nearest in training']
    assert nearest['low'] == nearest['high'] > 0


def test_dots_are_told_from_images_without_any(tmp_path):
    """Every second pixel is brighter, in some samples darker."""
    dots = (jnp.indices((32, 32)).sum(0) % 2 - 0.5)[:, :, None]
    dotted = run_of(tmp_path, lambda latent: 0.8 * soft(latent) + 0.1 * jnp.sign(latent[:, :1, None, None]) * dots)
    report = evaluate.evaluate_run(dotted)
    samples, real = (report['rows'][row]['checkerboard'] for row in ('samples', 'real images'))
    assert samples['low'] > 10 * real['high'] and samples['count'] == real['count'] == report['sets']
    assert report['ratios']['checkerboard: samples / real images']['mean'] == samples['mean'] / real['mean']


def in_training(rows):
    return {row: numbers['nearest in training'] for row, numbers in rows.items()}


@pytest.mark.parametrize('turned', [False, True], ids=['as they are', 'mirrored and turned'])
def test_copies_of_training_images_are_seen(turned, tmp_path):
    trained = run_of(tmp_path, soft)
    experiment = open_experiment(trained.config)
    train = jnp.stack([ops.to_float(experiment.source[int(i)]) for i in experiment.train])

    def copy(image, latent):
        which = jnp.abs(latent[:, 0] * 1e4).astype(int) % len(train)
        return jnp.rot90(train[which], 1, (1, 2))[:, :, ::-1] if turned else train[which]

    copying = trained._replace(game=trained.game._replace(gen=Fake(copy)))
    found = in_training(evaluate.evaluate_run(copying)['rows'])
    assert found['samples']['mean'] == pytest.approx(0, abs=1e-6)
    assert found['real images']['low'] > 0.05
    if turned:  # where training mirrors nothing, a mirrored image is a new one
        copying.config.task.flip = False
        copying = copying._replace(game=copying.game._replace(task=make_task(copying.config.task)))
        assert in_training(evaluate.evaluate_run(copying)['rows'])['samples']['low'] > 0.05


def test_sets_with_equal_members_have_no_distance(tmp_path, monkeypatch):
    """Though the patches of two sets are from other places, and the unbiased estimate of KID falls below 0."""
    trained = run_of(tmp_path, soft)
    experiment = open_experiment(trained.config)
    held_out = np.stack([experiment.source[int(i)] for i in experiment.test])
    count = len(held_out)

    def held_out_again(self, places, chunk):
        yield held_out[::-1][places % count]

    monkeypatch.setattr(samples.Samples, '__call__', held_out_again)
    rows = evaluate.evaluate_run(trained, own_network.colours.open_features(''))['rows']
    for name in ('SWD', 'SWD 32 px', 'SWD 16 px', 'fd_colours', 'kid_colours'):
        found = rows['samples'][name]
        assert (found['low'], found['mean'], found['high']) == (0, 0, 0), name
        assert rows['real images'][name]['mean'] != 0


def test_features_of_an_evaluation_are_those_of_halves_of_the_held_out_images(tmp_path):
    """What is called real is held out, all of it: a network may have been trained on the training images."""
    trained = run_of(tmp_path, soft)
    rows = evaluate.evaluate_run(trained, own_network.colours.open_features(''))['rows']
    experiment = open_experiment(trained.config)
    real = np.stack([experiment.source[int(i)] for i in by_content(experiment.source, experiment.test)])
    half, sets = len(real) // 2, 4
    drawn = own_network.colours.extract(samples.draw_samples(trained, half * sets))
    halves = [own_network.colours.extract(real[i * half : (i + 1) * half]) for i in range(2)]
    expected = [frechet.frechet(drawn[i * half : (i + 1) * half], halves[i % 2]) for i in range(sets)]
    found = rows['samples']['fd_colours']
    assert found['mean'] == pytest.approx(np.mean(expected), rel=1e-6)
    assert (found['low'], found['high']) == pytest.approx((min(expected), max(expected)), rel=1e-6)
    floor = rows['real images']
    assert floor['fd_colours']['mean'] == pytest.approx(frechet.frechet(*halves[::-1]), rel=1e-6)
    assert floor['kid_colours']['mean'] == pytest.approx(kernel.unbiased(*halves), rel=1e-6)
    assert floor['fd_colours']['low'] is None, 'one pair of halves has no interval'


def test_nearest_is_the_slow_one(tmp_path):
    trained = run_of(tmp_path, soft, **{'task.flip': False, 'task.rotate': False})
    report = evaluate.evaluate_run(trained)
    experiment = open_experiment(trained.config)
    train = np.stack([experiment.source[int(i)] for i in experiment.train]).astype(float) / 255

    def small(images):
        return np.asarray(jax.image.resize(images, (len(images), 16, 16, 3), 'linear'))

    drawn = samples.draw_samples(trained, len(experiment.test)) / 255
    gaps = small(drawn)[:, None] - small(train)[None]
    expected = np.sqrt((gaps**2).mean((2, 3, 4))).min(axis=1)
    assert report['rows']['samples']['nearest in training']['mean'] == pytest.approx(expected.mean(), rel=1e-4)


def test_samples_do_not_depend_on_seed_batch_or_number(tmp_path):
    trained = run_of(tmp_path, soft)
    many = samples.draw_samples(trained, 21)
    assert many.shape == (21, 32, 32, 3) and many.dtype == np.uint8
    assert len({one.tobytes() for one in many}) == 21
    trained.config.seed, trained.config.batch = 9, 3
    np.testing.assert_array_equal(samples.draw_samples(trained, 10), many[:10])


def test_the_rules_change_the_latents_of_samples(tmp_path):
    trained = run_of(tmp_path, soft)
    rules = trained.game.objective._replace(map_latent=lambda carry, latent: 0.5 * latent)
    halved = trained._replace(game=trained.game._replace(objective=rules))
    assert (samples.draw_samples(halved, 8) != samples.draw_samples(trained, 8)).any()


def test_the_verb_writes_numbers_and_montages_and_again_the_same(tmp_path, monkeypatch):
    trained = run_of(tmp_path, soft)
    monkeypatch.setattr(evaluate, 'load_run', lambda folder: trained)
    text = evaluate.evaluate(trained.folder)
    first = (trained.folder / 'evaluation.json').read_bytes()
    report = json.loads(first, parse_constant=pytest.fail)
    assert (report['task'], report['step'], report['config']) == ('generate', 3, 'fake')
    assert list(report['rows']) == ['samples', 'real images'] and 'classes' not in report, 'a folder has no labels'
    names = ['MS-SSIM of pairs', 'SWD', 'SWD 32 px', 'SWD 16 px', 'checkerboard', 'nearest in training']
    for row, numbers in report['rows'].items():
        assert list(numbers) == names == list(report['measures'])
        assert all(n['low'] <= n['mean'] <= n['high'] for n in numbers.values())
        assert any(line.startswith(row) for line in text.splitlines())
    assert all(name in text for name in names) and 'MS-SSIM of pairs (1: all equal)' in text
    ratio = report['ratios']['SWD: samples / real images']['mean']
    assert ratio == pytest.approx(
        report['rows']['samples']['SWD']['mean'] / report['rows']['real images']['SWD']['mean']
    )
    columns = min(8, report['images'])
    for name, rows in (('samples', -(-min(report['images'], 64) // columns)), ('nearest', 4)):
        with Image.open(trained.folder / f'evaluation/montage_{name}.png') as sample_grid:
            assert sample_grid.size == (columns * 34 - 2, rows * 34 - 2)
    evaluate.evaluate(trained.folder)
    assert (trained.folder / 'evaluation.json').read_bytes() == first


def test_the_montage_has_the_nearest_below_the_samples(tmp_path):
    data = smooth_images(COUNT, 32)
    trained = run_of(tmp_path, soft, data)
    experiment = open_experiment(trained.config)
    train = jnp.stack([ops.to_float(experiment.source[int(i)]) for i in experiment.train])
    copy = Fake(lambda image, latent: train[jnp.abs(latent[:, 0] * 1e4).astype(int) % len(train)])
    evaluate.evaluate_run(trained._replace(game=trained.game._replace(gen=copy)))
    sample_grid = np.asarray(Image.open(trained.folder / 'evaluation/montage_nearest.png'))
    for top in (0, 68):
        np.testing.assert_array_equal(sample_grid[top : top + 32], sample_grid[top + 34 : top + 66])


def test_images_that_are_too_small_are_refused(tmp_path):
    with pytest.raises(UserError, match='cannot be evaluated with .* 8x8 pixels'):
        evaluate.evaluate_run(run_of(tmp_path, soft, smooth_images(COUNT, 8), **{'size': 8}))


def test_verbs_that_want_an_input_image_are_refused(tmp_path, monkeypatch):
    trained = run_of(tmp_path, soft)
    monkeypatch.setattr(translate, 'load_run', lambda folder: trained)
    with pytest.raises(UserError, match="trained for 'generate', which has no use on image files"):
        translate.translate(trained.folder, tmp_path / 'data', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()
