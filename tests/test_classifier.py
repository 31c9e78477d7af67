"""Small classifiers of images: the network against sums by hand, training, files that are whole or refused."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.classifier import trained as module
from gans.classifier.network import Network, widths_for
from gans.classifier.trained import Trained, features, fitted, layers, load, probabilities, save
from gans.classifier.training import Recipe, balanced, moved, train
from gans.errors import UserError

SIZE = (16, 16)
RNG = np.random.default_rng(0)


def squares(count, seed=0, rare=0.25):
    """(images uint8 [N, 16, 16, 3], classes [N]): noise with a bright square somewhere, red or, in `rare`, green."""
    rng = np.random.default_rng(seed)
    images, which = rng.integers(0, 120, (count, *SIZE, 3), np.uint8), (rng.random(count) < rare).astype(int)
    for image, k in zip(images, which, strict=True):
        y, x = rng.integers(0, 12, 2)
        image[y : y + 5, x : x + 5, k] += 130
    return images, which


@pytest.fixture(scope='module')
def learned():
    images, which = squares(120)
    _, params = train(images, which, 2, steps=60, batch=16)
    return Trained(('red', 'green'), SIZE, jax.device_get(params), {'steps': 60})


# The network


@pytest.mark.parametrize(
    ('size', 'widths'),
    [((64, 64), (16, 32, 64, 128)), ((16, 40), (64, 128)), ((5, 9), (128,)), ((192, 192), (16, 16, 32, 64, 128))],
)
def test_layers_halve_the_map_until_it_is_small(size, widths):
    assert widths_for(size) == widths


def test_the_network_is_its_sums(learned):
    """Convolutions of stride 2 with zeros around, ReLUs, the mean of the last map, a linear layer, softmax."""
    images = squares(2, seed=5)[0]
    x = images / 127.5 - 1.0
    for name in ('down_0', 'down_1'):
        kernel, bias = (np.float64(learned.params[name][part]) for part in ('kernel', 'bias'))
        # SAME: of the three rows that are missing at even sizes, one stands before the image and two after it.
        padded = np.pad(x, ((0, 0), (1, 2), (1, 2), (0, 0)))
        found = np.zeros((len(x), x.shape[1] // 2, x.shape[2] // 2, kernel.shape[-1]))
        for i in range(found.shape[1]):
            for j in range(found.shape[2]):
                window = padded[:, 2 * i : 2 * i + 5, 2 * j : 2 * j + 5]
                found[:, i, j] = np.einsum('nhwc,hwco->no', window, kernel)
        x = np.maximum(found + bias, 0)
        given = layers(learned, images / np.float32(127.5) - 1)[name]
        np.testing.assert_allclose(given, x, atol=1e-4)
    means = x.mean(axis=(1, 2))
    np.testing.assert_allclose(features(learned, images), means, atol=1e-4)
    logits = means @ learned.params['logits']['kernel'] + learned.params['logits']['bias']
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities(learned, images), wanted, atol=1e-4)


def test_layers_are_named_take_any_size_and_can_be_differentiated(learned):
    images = jnp.asarray(RNG.uniform(-1, 1, (1, 21, 30, 3)), jnp.float32)
    assert {name: x.shape for name, x in layers(learned, images).items()} == {
        'down_0': (1, 11, 15, 64),
        'down_1': (1, 6, 8, 128),
    }
    slope = jax.grad(lambda x: layers(learned, x)['down_1'].sum())(images)
    assert np.isfinite(slope).all() and np.abs(slope).max() > 0


def test_what_is_found_of_an_image_does_not_depend_on_the_others(learned, monkeypatch):
    monkeypatch.setattr(module, '_AT_ONCE', 8)
    images = squares(19, seed=3)[0]
    for use in (probabilities, features):
        whole = use(learned, images)
        for rows in (slice(0, 1), slice(3, 19), slice(5, 12)):
            np.testing.assert_array_equal(use(learned, images[rows]), whole[rows])
        assert use(learned, images[:0]).shape == (0, whole.shape[1])


def test_images_of_another_size_are_stretched(learned):
    large = RNG.integers(0, 256, (3, 40, 25, 3), np.uint8)
    small = fitted(large, SIZE)
    assert small.shape == (3, *SIZE, 3) and fitted(small, SIZE) is small
    np.testing.assert_array_equal(probabilities(learned, large), probabilities(learned, small))
    with pytest.raises(ValueError, match='uint8'):
        probabilities(learned, large / 255)


# Training


def test_it_learns_what_can_be_told_apart(learned):
    images, which = squares(80, seed=1)
    found = probabilities(learned, images)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert (found.argmax(axis=1) == which).mean() > 0.95


def test_before_it_has_learned_anything_classes_are_as_probable_as_they_are_frequent():
    images, which = squares(120)
    _, params = train(images, which, 2, steps=0)
    found = probabilities(Trained(('red', 'green'), SIZE, params), images)
    np.testing.assert_allclose(found, np.tile([np.mean(which == 0), np.mean(which == 1)], (120, 1)), atol=0.06)


def test_the_same_seed_gives_the_same_classifier_and_another_one_another():
    images, which = squares(40)
    one, two, three = (jax.tree.leaves(train(images, which, 2, seed, 2, 16)[1]) for seed in (4, 4, 5))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(one, three, strict=True))


def test_batches_have_as_many_of_each_class_and_each_goes_through_all():
    ids = [np.array([7, 9]), np.arange(20, 26), np.array([1, 2, 3])]
    rows = np.concatenate([batch for batch, _ in zip(balanced(ids, 3, 8), range(9), strict=False)])
    assert len(rows) == 72
    for own in ids:
        drawn = rows[np.isin(rows, own)]
        assert len(drawn) == 24
        for start in range(0, 24, len(own)):
            np.testing.assert_array_equal(np.sort(drawn[start : start + len(own)]), own)
    again = [batch for batch, _ in zip(balanced(ids, 4, 8), range(9), strict=False)]
    assert (np.concatenate(again) != rows).any()


def test_training_images_are_mirrored_and_moved():
    image = jnp.asarray(RNG.standard_normal((6, 5, 3)))
    wanted = set()
    for side in (image, image[:, ::-1]):
        padded = np.pad(side, ((2, 2), (2, 2), (0, 0)), 'edge')
        wanted |= {padded[y : y + 6, x : x + 5].tobytes() for y in range(5) for x in range(5)}
    recipe = Recipe(1, 1e-3, 2, flip=True)
    found = jax.vmap(lambda key: moved(recipe, key, image))(jax.random.split(jax.random.key(0), 600))
    assert {one.tobytes() for one in np.asarray(found)} == wanted


# Files


def test_a_classifier_comes_back_from_its_folder(learned, tmp_path):
    save(tmp_path / 'new', learned)
    assert {path.name for path in (tmp_path / 'new').iterdir()} == {'classifier.npz', 'classifier.json'}
    found = load(tmp_path / 'new')
    assert found[:2] == learned[:2] and found.about == {'steps': 60} and found.digest == learned.digest
    images = squares(4)[0]
    np.testing.assert_array_equal(probabilities(found, images), probabilities(learned, images))
    assert found._replace(classes=('green', 'red')).digest != learned.digest
    assert isinstance(found.network, Network)


def change(folder, **values):
    about = json.loads((folder / 'classifier.json').read_text())
    (folder / 'classifier.json').write_text(json.dumps(about | values))


def flip_a_bit(folder):
    content = bytearray((folder / 'classifier.npz').read_bytes())
    content[len(content) // 2] ^= 4
    (folder / 'classifier.npz').write_bytes(content)


def other_arrays(folder):
    params = {'down_0/kernel': np.zeros((5, 5, 3, 64), np.float32)}
    np.savez(folder / 'classifier.npz', **params)


def of_another_training(folder):
    with np.load(folder / 'classifier.npz') as found:
        arrays = {name: found[name] + 1 for name in found.files}
    np.savez(folder / 'classifier.npz', **arrays)


@pytest.mark.parametrize(
    ('hurt', 'said'),
    [
        (lambda folder: (folder / 'classifier.json').unlink(), r'no classifier in .*\(no classifier.json\)'),
        (lambda folder: (folder / 'classifier.npz').unlink(), 'damaged or written in part'),
        (lambda folder: (folder / 'classifier.json').write_text('[1'), 'damaged or written in part'),
        (lambda folder: change(folder, format=7), 'has format 7, and this version of the code reads 1'),
        (lambda folder: change(folder, size=[10**9, 16]), 'damaged or written in part .*the size is'),
        (lambda folder: change(folder, classes=['red']), 'damaged or written in part .*the classes are'),
        (lambda folder: change(folder, size=[32, 32]), 'damaged or written in part'),
        (flip_a_bit, 'damaged or written in part'),
        (other_arrays, 'damaged or written in part'),
        (of_another_training, 'not those that it was written with'),
    ],
)
def test_a_folder_with_anything_else_is_refused_in_a_sentence(learned, tmp_path, hurt, said):
    save(tmp_path, learned)
    hurt(tmp_path)
    with pytest.raises(UserError, match=said):
        load(tmp_path)
