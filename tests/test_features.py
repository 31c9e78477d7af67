"""Feature networks by name: what opens them, what does not, and a classifier of one's own as one."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.classifier import trained as classifiers
from gans.classifier.network import Network, widths_for
from gans.errors import UserError
from gans.features.opening import open_features
from gans.image import ops


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('', 'not in gans/features'),
        ('nope', 'gans/features: give one of classifier:FOLDER, discriminator:RUN, inception:FILE, lite0, or'),
        ('lite1', "(did you mean 'lite0'?)"),
        ('lite0:', 'lite0 takes nothing after a colon: give lite0.'),
        ('lite0:FILE', 'lite0 takes nothing after a colon: give lite0.'),
        ('inception', 'give inception:FILE.'),
        ('inception:', 'give inception:FILE.'),
        ('classifier', 'give classifier:FOLDER.'),
        ('classifier:nowhere', "no classifier in 'nowhere'"),
        ('rows', 'defines no open_features'),
        ('opening', 'has no ARGUMENT'),
        ('my.own', 'is not found'),
    ],
)
def test_texts_that_open_nothing_are_told_in_a_sentence(text, said):
    with pytest.raises(UserError) as told:
        open_features(text)
    assert said in str(told.value) and '\n' not in str(told.value)


def test_a_module_of_ones_own_is_found_by_its_dotted_path(tmp_path, monkeypatch):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine/__init__.py').touch()
    (tmp_path / 'mine/means.py').write_text(
        "ARGUMENT = 'NUMBER'\n\ndef open_features(text):\n    return 'mine', text\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert open_features('mine.means:7:8') == ('mine', '7:8')
    with pytest.raises(UserError, match='give mine.means:NUMBER'):
        open_features('mine.means')


def a_classifier(folder, seed, size=(16, 16)):
    network = Network(3, widths_for(size))
    params = jax.device_get(network.init(jax.random.key(seed), jnp.zeros((1, *size, 3)))['params'])
    classifiers.save(folder, classifiers.Trained(('a', 'b', 'c'), size, params))
    return f'classifier:{folder}'


def test_a_classifier_gives_its_last_layer(tmp_path):
    features = open_features(a_classifier(tmp_path / 'one', 0))
    trained = classifiers.load(tmp_path / 'one')
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)
    rows = features.extract(images)
    assert rows.shape == (5, features.size) and rows.dtype == np.float32
    np.testing.assert_allclose(rows, classifiers.features(trained, images), atol=1e-5 * rows.std())
    np.testing.assert_array_equal(features.extract(images[[4, 2]]), rows[[4, 2]])
    layers = features.layers(ops.to_float(images))
    assert sorted(layers) == features.about['layers']
    np.testing.assert_allclose(layers[features.about['layers'][-1]].mean(axis=(1, 2)), rows, atol=1e-5 * rows.std())


def test_images_of_another_size_become_the_classifiers(tmp_path):
    features = open_features(a_classifier(tmp_path, 0))
    images = np.random.default_rng(1).integers(0, 256, (2, 31, 20, 3), np.uint8)
    np.testing.assert_array_equal(features.extract(images), features.extract(classifiers.fitted(images, (16, 16))))


def test_a_digest_says_which_weights(tmp_path):
    one, two = a_classifier(tmp_path / 'one', 0), a_classifier(tmp_path / 'two', 1)
    copy = a_classifier(tmp_path / 'copy of one', 0)
    assert open_features(one).digest == open_features(copy).digest != open_features(two).digest
    assert open_features('lite0').digest not in (open_features(one).digest, open_features(two).digest)
    for text in (one, 'lite0'):
        features = open_features(text)
        assert json.loads(json.dumps(features.about)) == features.about and len(features.digest) == 64
