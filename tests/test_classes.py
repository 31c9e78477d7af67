"""What classes samples belong to: shares by hand, Frechet distances in closed form, a classifier."""

import json
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from generators import generator_config
from saved_run import save_fake_run

from gans.classifier.training import Recipe, moved
from gans.evaluation import classes as measure_classes
from gans.evaluation import classifier, evaluate, samples
from gans.image import ops
from gans.metrics import classes
from gans.metrics.frechet import between_gaussians, frechet
from gans.run.experiment import open_experiment

RNG = np.random.default_rng(0)


# Shares


def test_shares_entropy_and_coverage_by_hand():
    parts = classes.shares([0, 0, 2, 2, 2, 2, 3, 3], 5)
    np.testing.assert_array_equal(parts, [0.25, 0, 0.5, 0.25, 0])
    assert classes.entropy(parts) == pytest.approx(2 * 0.25 * math.log(4) + 0.5 * math.log(2))
    assert classes.covered(parts) == 3


def test_all_alike_and_all_different():
    assert classes.entropy(classes.shares([4] * 9, 10)) == 0 and classes.covered(classes.shares([4] * 9, 10)) == 1
    assert classes.entropy(np.full(10, 0.1)) == pytest.approx(math.log(10))
    assert classes.covered(np.full(10, 0.1)) == 10


def test_one_percent_of_ten_classes_is_enough_and_less_is_not():
    which = [0] * 985 + [1] * 10 + [2] * 5
    assert classes.covered(classes.shares(which, 10)) == 2


# Frechet distance


def covariance(size, rank=None):
    root = RNG.standard_normal((rank or size, size))
    return root.T @ root


def test_in_one_dimension_it_is_the_difference_of_means_and_of_deviations():
    found = between_gaussians([1.0], [[4.0]], [-2.0], [[0.25]])
    assert found == pytest.approx(3**2 + (2 - 0.5) ** 2)


def test_along_common_axes_dimensions_add_up_however_they_are_turned():
    a, b, gap = np.array([4.0, 1.0, 0.0]), np.array([1.0, 9.0, 0.25]), np.array([0.5, 0.0, -1.0])
    turn = np.linalg.qr(RNG.standard_normal((3, 3)))[0]
    found = between_gaussians(0 * gap, turn @ np.diag(a) @ turn.T, turn @ gap, turn @ np.diag(b) @ turn.T)
    assert found == pytest.approx((gap**2).sum() + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum())


@pytest.mark.parametrize('rank', [6, 2])
def test_it_is_the_formula_with_a_root_of_the_product(rank):
    a, b = covariance(6), covariance(6, rank)
    m, n = RNG.standard_normal((2, 6))
    root = scipy.linalg.sqrtm(a)
    middle = np.linalg.eigvalsh(root @ b @ root)
    wanted = ((m - n) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * np.sqrt(np.maximum(middle, 0)).sum()
    assert between_gaussians(m, a, n, b) == pytest.approx(wanted, rel=1e-6)
    assert between_gaussians(n, b, m, a) == pytest.approx(wanted, rel=1e-6)


def test_sets_of_features():
    a = RNG.standard_normal((50, 4)) @ RNG.standard_normal((4, 4))
    shift = np.array([1.0, -2, 0, 0.5])
    assert frechet(a, a) == pytest.approx(0, abs=1e-12)
    assert frechet(a, a[::-1] + shift) == pytest.approx((shift**2).sum())
    assert frechet(a, 3 * (a - a.mean(axis=0)) + a.mean(axis=0)) == pytest.approx(4 * np.cov(a.T).trace())
    few = np.float32(a[:3])  # fewer than dimensions: covariances without an inverse
    wanted = between_gaussians(a.mean(axis=0), np.cov(a.T), few.mean(axis=0), np.cov(few.T))
    assert frechet(a, few) == pytest.approx(wanted, rel=1e-5) and np.isfinite(wanted)


def test_many_draws_of_two_gaussians_come_near_their_distance():
    a, b = covariance(3), covariance(3)
    drawn = [RNG.multivariate_normal(mean, cov, 40_000) for mean, cov in (([0, 0, 0], a), ([1, 0, 2], b))]
    assert frechet(*drawn) == pytest.approx(between_gaussians([0, 0, 0], a, [1, 0, 2], b), rel=0.05)


def test_what_is_no_two_sets_is_refused():
    for a, b in (((1, 3), (5, 3)), ((5, 3), (5, 2)), ((5, 3), (5,))):
        with pytest.raises(ValueError, match='two or more features'):
            frechet(np.zeros(a), np.zeros(b))


# The classifier


def bars(count, side=16, seed=0):
    """(images uint8 [N, side, side, 3], labels of 3, 5, 8): noise with a bright bar, a place for each label."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 3, count)
    gray = rng.integers(0, 120, (count, side, side), np.uint8)
    for image, k in zip(gray, which, strict=True):
        image[5 * k : 5 * k + 3] += 130
    return np.repeat(gray[..., None], 3, axis=-1), np.array([3, 5, 8])[which]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(classifier, 'STEPS', 40)


def test_it_learns_what_can_be_told_apart(quick):
    judge = classifier.train(*bars(200))
    np.testing.assert_array_equal(judge.classes, [3, 5, 8])
    images, labels = bars(60, seed=1)
    judged = classifier.judge(judge, images)
    right = classifier.accuracy(judge, judged, labels)
    assert right.mean() > 0.95
    assert classifier.accuracy(judge, judged, np.full(60, 4)).mean() == 0  # a label that it never saw
    np.testing.assert_array_equal(right, judge.classes[judged.which] == labels)
    assert judged.features.shape == (60, 64) and judged.confidence.max() <= 1
    assert judged.confidence[right == 1].mean() > 0.8


def test_the_same_images_give_the_same_judge(monkeypatch):
    monkeypatch.setattr(classifier, 'STEPS', 3)
    images, labels = bars(70)
    first, again = classifier.train(images, labels), classifier.train(images, labels)
    other = classifier.train(images[::-1], labels[::-1])
    for one, two, three in zip(*(jax.tree.leaves(c.params) for c in (first, again, other)), strict=True):
        np.testing.assert_array_equal(one, two)
        assert np.abs(one - three).max() > 0


def test_judgements_are_the_networks_in_any_batch(monkeypatch):
    monkeypatch.setattr(classifier, 'STEPS', 1)
    judge = classifier.train(*bars(70))
    images, _ = bars(23, seed=2)
    gray = ops.to_float(images[..., :1])
    logits, features = (np.asarray(x) for x in classifier.Network(3).apply({'params': judge.params}, gray))
    chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    for at_once in (500, 7):
        monkeypatch.setattr(classifier, 'AT_ONCE', at_once)
        judged = classifier.judge(judge, images)
        np.testing.assert_array_equal(judged.which, logits.argmax(axis=-1))
        np.testing.assert_allclose(judged.confidence, chances.max(axis=-1), rtol=1e-4)
        np.testing.assert_allclose(judged.features, features, atol=1e-4)


def test_images_come_once_in_every_round(monkeypatch):
    monkeypatch.setattr(classifier, 'STEPS', 5)
    drawn = np.concatenate(list(classifier._order(100)))
    assert drawn.shape == (5 * classifier.BATCH,)
    for start in (0, 100, 200):
        np.testing.assert_array_equal(np.sort(drawn[start : start + 100]), range(100))
    assert (drawn[:100] != drawn[100:200]).mean() > 0.8
    few = list(classifier._order(3))
    assert all(len(rows) == classifier.BATCH for rows in few) and set(np.concatenate(few)) == {0, 1, 2}


def test_training_images_are_moved_by_up_to_a_pixel():
    gray = jnp.asarray(RNG.standard_normal((9, 7, 1)))
    padded = np.pad(gray, ((1, 1), (1, 1), (0, 0)), 'edge')
    wanted = {padded[y : y + 9, x : x + 7].tobytes() for y in range(3) for x in range(3)}
    recipe = Recipe(1, 1e-3, classifier.SHIFT, flip=False)
    found = jax.vmap(partial(moved, recipe), (0, None))(jax.random.split(jax.random.key(0), 300), gray)
    assert {one.tobytes() for one in np.asarray(found)} == wanted


# The measures


def write_set(folder, **more):
    images, labels = bars(120)
    np.savez(folder / 'bars.npz', x_train=images[..., 0], y_train=labels, **more)
    return str(folder / 'bars.npz')


def experiment_of(path):
    config = generator_config(**{'size': 16, 'name': 'bars'})
    config.data.update(source='mnist', held_out=0.3, threads=1, mnist=dict(path=path, fit='crop', upscale=False))
    return open_experiment(config)


def measure(experiment, labels, count=90):
    """The measures of `count` training images that have these labels, taken for samples."""
    images, known = bars(120)
    train = experiment.train
    judge = measure_classes.open_judge(experiment, train, experiment.test, 2000)
    chosen = np.resize(train[np.isin(known[train], labels)], count)
    return judge and measure_classes.measure(judge, judge(images[chosen]))


def test_samples_are_counted_by_class(tmp_path, quick):
    unseen, of_unseen = bars(21, seed=3)
    path = write_set(tmp_path, x_test=unseen[..., 0], y_test=of_unseen)
    experiment = experiment_of(path)
    everything, one = measure(experiment, [3, 5, 8]), measure(experiment, [5])
    assert everything['classifier']['tested_on'] == f"test part of '{path}': 21 images"
    assert everything['classifier']['accuracy']['count'] == 21
    assert everything['classifier'] == one['classifier']
    assert everything['classifier']['accuracy']['mean'] > 0.9
    samples = one['rows']['samples']
    assert samples['classes covered']['mean'] == 1 and samples['label entropy']['mean'] < 0.2
    assert one['shares']['samples']['5'] > 0.9 and list(one['shares']['samples']) == ['3', '5', '8']
    samples, real = everything['rows']['samples'], everything['rows']['real images']
    assert samples['classes covered']['mean'] == 3 and samples['label entropy']['mean'] > 0.9 * math.log(3)
    assert one['rows']['samples']['Frechet distance']['low'] > 3 * samples['Frechet distance']['high']
    assert one['rows']['real images'] == real and real['Frechet distance']['low'] > 0
    most = everything['rows']['the most there can be']
    assert most['classes covered']['mean'] == 3 and most['label entropy']['mean'] == pytest.approx(math.log(3))
    assert sum(everything['shares']['samples'].values()) == pytest.approx(1)


def test_the_numbers_are_those_of_the_judge(tmp_path, quick):
    experiment = experiment_of(write_set(tmp_path))
    report = measure(experiment, [3, 8])
    images, labels = bars(120)
    train, test = experiment.train, experiment.test
    judge = classifier.train(images[train], labels[train])
    judged = classifier.judge(judge, images[np.resize(train[np.isin(labels[train], [3, 8])], 90)])
    held_out = classifier.judge(judge, images[test])
    half = len(test) // 2
    assert report['set'] == half > 8
    found, real = report['rows']['samples'], report['rows']['real images']
    sets = [judged.features[i * half : (i + 1) * half] for i in range(4)]
    distances = [frechet(some, held_out.features[:half]) for some in sets]
    assert len(set(distances)) == 4
    between = frechet(held_out.features[half : 2 * half], held_out.features[:half])
    assert real['Frechet distance']['mean'] == pytest.approx(between, rel=1e-6)
    assert real['confidence']['mean'] == pytest.approx(held_out.confidence.mean(), abs=1e-6)
    assert real['classes covered']['count'] == len(test), 'of no image that the judge was trained on'
    for name, value in (('mean', np.mean(distances)), ('low', min(distances)), ('high', max(distances))):
        assert found['Frechet distance'][name] == pytest.approx(value, rel=1e-6)
    assert found['confidence']['mean'] == pytest.approx(judged.confidence.mean(), abs=1e-6)
    right = (judge.classes[held_out.which] == labels[test]).mean()
    assert report['classifier']['accuracy']['mean'] == pytest.approx(right)
    assert report['classifier']['tested_on'] == f'{len(test)} held-out images'
    assert report['classifier']['images'] == len(train)


def test_without_labels_nothing_is_said_of_classes(tmp_path):
    np.savez(tmp_path / 'bars.npz', x_train=bars(120)[0][..., 0])
    assert measure(experiment_of(str(tmp_path / 'bars.npz')), [3]) is None


def test_the_verb_tells_of_a_run_on_scikit_learns_digits(tmp_path, monkeypatch):
    monkeypatch.setattr(classifier, 'STEPS', 2)
    monkeypatch.setattr(samples, '_MOST', 30)
    config = generator_config(**{'size': 16, 'name': 'digits'})
    config.data.update(source='digits', threads=1)
    waves = jnp.linspace(0, 6, 16)
    trained = save_fake_run(
        tmp_path / 'run',
        config,
        lambda image, latent: jnp.sin(waves[:, None, None] * latent[:, None, None, :3] * 9 + waves[:, None]),
    )
    monkeypatch.setattr(evaluate, 'load_run', lambda folder: trained)
    text = evaluate.evaluate(trained.folder)
    report = json.loads((trained.folder / 'evaluation.json').read_text(), parse_constant=pytest.fail)
    about = report['classes']
    assert list(about['rows']) == ['samples', 'real images', 'the most there can be']
    assert list(about['measures']) == ['classes covered', 'label entropy', 'confidence', 'Frechet distance']
    assert list(about['shares']['samples']) == [str(k) for k in range(10)]
    assert about['rows']['samples']['classes covered']['count'] == report['samples'] == 120
    assert about['rows']['the most there can be']['label entropy']['mean'] == pytest.approx(2.302585, abs=1e-6)
    judge = about['classifier']
    assert judge['images'] + judge['accuracy']['count'] == 1797
    for line in (
        f'trained on the {judge["images"]} training images',
        f'({judge["accuracy"]["count"]} held-out images) it is right in {judge["accuracy"]["mean"]:.4f} [',
        'samples by class: 0: ',
    ):
        assert line in text
    assert all(name in text for name in (*about['measures'], *about['rows']))
