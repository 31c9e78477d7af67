"""scikit-learn's digits: where the ink lies, at every size, and which digit it is."""

import sys

import numpy as np
import pytest

from gans.data.sources import digits
from gans.errors import UserError

SOURCE = digits.open_source((28, 28), 0)
FULL = np.full((8, 8), 16, np.uint8)


def drawn(cells, shape=(28, 28)):
    return digits.enlarge(shape, cells).astype(int)


def some_cells():
    return np.random.default_rng(0).integers(0, 17, (8, 8), np.uint8)


def test_there_are_1797_gray_images_in_three_channels():
    assert len(SOURCE) == 1797 and SOURCE.where == '1797 handwritten digits that come with scikit-learn'
    images = np.stack([SOURCE[i] for i in range(0, 1797, 50)])
    assert images.dtype == np.uint8 and images.shape[1:] == (28, 28, 3)
    np.testing.assert_array_equal(images, images[..., :1].repeat(3, axis=-1))
    assert images.max() == 255 and (images == 0).mean() > 0.5
    assert len({SOURCE.key(i) for i in range(1797)}) > 1700
    np.testing.assert_array_equal(SOURCE[7], digits.open_source((28, 28), 5)[7])


def test_labels_belong_to_the_images():
    """The nearest mean of a class is mostly the right one; with other labels it would be one in ten times."""
    labels = digits.open_labels((28, 28), 0)
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert labels.test is None and np.bincount(labels.of_source).tolist() == counts
    images = np.stack([SOURCE[i][:, :, 0] for i in range(1797)]).reshape(1797, -1) / 255
    means = np.stack([images[:900][labels.of_source[:900] == k].mean(axis=0) for k in range(10)])
    gaps = ((images[900:, None] - means) ** 2).sum(axis=-1)
    assert (gaps.argmin(axis=1) == labels.of_source[900:]).mean() > 0.8


def test_ink_fills_the_middle_20_of_28_pixels():
    image = drawn(FULL)[..., 0]
    rim = np.ones((28, 28), bool)
    rim[3:-3, 3:-3] = False
    assert image[rim].max() == 0 and image[5:-5, 5:-5].min() == 255
    assert (image / 255).sum() == pytest.approx(20 * 20, rel=0.01)
    assert drawn(0 * FULL).max() == 0


def test_enlarging_commutes_with_mirrors_and_turns():
    cells = some_cells()
    for move in (np.fliplr, np.flipud, np.rot90):
        np.testing.assert_allclose(drawn(move(cells)), move(drawn(cells)), atol=1)


def test_a_larger_image_is_the_same_drawing():
    cells = some_cells()
    small, large = drawn(cells), drawn(cells, (112, 112))
    shrunk = large.reshape(28, 4, 28, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small).mean() < 4 and np.abs(shrunk - small).max() < 40
    assert np.abs(shrunk - np.fliplr(small)).mean() > 40


@pytest.mark.parametrize('shape', [(28, 42), (42, 28)])
def test_in_an_oblong_image_the_digit_is_in_the_middle(shape):
    cells = some_cells()
    image = drawn(cells, shape)
    assert image.shape == (*shape, 3)
    top, left = (shape[0] - 28) // 2, (shape[1] - 28) // 2
    np.testing.assert_allclose(image[top : top + 28, left : left + 28], drawn(cells), atol=1)
    assert image.sum() == pytest.approx(drawn(cells).sum(), rel=1e-3)


def test_without_scikit_learn_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'sklearn.datasets', None)
    for read in (digits.open_source, digits.open_labels):
        with pytest.raises(UserError, match='scikit-learn, which cannot be imported .*: pip install "scikit-learn'):
            read((28, 28), 0)
