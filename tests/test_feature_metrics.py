"""Measures over features against numpy loops, scikit-learn and cases with known answers."""

import numpy as np
import pytest
import scipy.linalg
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from gans.metrics import frechet, kernel, manifold, perceptual


def normal(count, dimensions=6, seed=0, shift=0.0):
    return (np.random.default_rng(seed).standard_normal((count, dimensions)) + shift).astype(np.float32)


# Kernel distance


def slow_kid(a, b):
    """With scikit-learn's kernel, and sums over pairs as they are written."""
    (aa, bb, ab) = (polynomial_kernel(x, y, degree=3, coef0=1) for x, y in ((a, a), (b, b), (a, b)))
    pairs = [sum(k[i, j] for i in range(len(k)) for j in range(len(k)) if i != j) for k in (aa, bb)]
    return pairs[0] / (len(a) * (len(a) - 1)) + pairs[1] / (len(b) * (len(b) - 1)) - 2 * ab.mean()


def test_one_block_is_the_slow_one_with_the_kernel_of_scikit_learn():
    a, b = normal(23).astype(float), normal(31, seed=1, shift=0.4).astype(float)
    np.testing.assert_allclose(kernel.kernel_distances(a, b), [slow_kid(a, b)], rtol=1e-6)
    np.testing.assert_allclose(kernel.kernel_distances(b, a), [slow_kid(a, b)], rtol=1e-6)


def test_blocks_are_disjoint_in_order_and_leave_nothing_out():
    a, b = normal(25).astype(float), normal(52, seed=1).astype(float)
    expected = [slow_kid(a[:13], b[:26]), slow_kid(a[13:], b[26:])]
    np.testing.assert_allclose(kernel.kernel_distances(a, b, block=11), expected, rtol=1e-6)
    assert len(kernel.kernel_distances(a, b, block=10**6)) == 1


def test_the_kernel_distance_has_no_bias_and_sees_a_shift():
    same = kernel.kernel_distances(normal(4000), normal(4000, seed=1), block=20)
    error = same.std() / np.sqrt(len(same))
    assert abs(same.mean()) < 3 * error and (same < 0).any()
    # The expectation in closed form: features on one axis, x = 0 and y = 1 always: 1 + 2^3 - 2.
    a, b = np.zeros((10, 1)), np.ones((12, 1))
    np.testing.assert_allclose(kernel.kernel_distances(a, b), [1 + 8 - 2])
    assert kernel.kernel_distances(normal(400), normal(400, seed=1, shift=0.5)).mean() > 10 * error


@pytest.mark.parametrize('a, b', [((3, 2), (3, 4)), ((1, 2), (3, 2)), ((3,), (3,))])
def test_other_arrays_are_no_features(a, b):
    with pytest.raises(ValueError, match='two or more features'):
        kernel.kernel_distances(np.zeros(a), np.zeros(b))


# Precision, recall, density, coverage


def slow_scores(real, fake):
    """The definitions, with the radii of scikit-learn."""

    def radii(x, k):
        return NearestNeighbors(n_neighbors=k + 1, algorithm='brute').fit(x).kneighbors(x)[0][:, k]

    gaps = np.array([[np.linalg.norm(f - r) for r in real] for f in fake])  # [fake, real]
    small, large, of_fake = radii(real, 3), radii(real, 5), radii(fake, 3)
    return (
        np.mean([any(gap <= small) for gap in gaps]),
        np.mean([any(gap <= of_fake) for gap in gaps.T]),
        np.mean([sum(gap <= large) / 5 for gap in gaps]),
        np.mean([any(gaps[:, j] <= large[j]) for j in range(len(real))]),
    )


def scores(real, fake):
    return manifold.compare(manifold.region(real), manifold.region(fake))


def test_the_scores_are_the_slow_ones_whatever_the_blocks(monkeypatch):
    real, fake = normal(40, 3).astype(np.float64), normal(31, 3, seed=1, shift=0.5).astype(np.float64)
    whole = scores(real, fake)
    np.testing.assert_allclose(whole, slow_scores(real, fake))
    assert len({round(x, 3) for x in whole}) == 4 and 0.1 < min(whole)
    monkeypatch.setattr(manifold, '_AT_ONCE', 7)
    assert scores(real, fake) == whole


def test_equal_sets_have_all_even_with_copies_and_far_from_zero():
    x = normal(50, 20)
    found = scores(x, x[::-1])
    assert found[:2] == (1, 1) and found.coverage == 1 and found.density == pytest.approx(6 / 5, abs=0.2)
    copies = np.repeat(normal(10, 20) + 1000, 8, axis=0)
    assert scores(copies, copies)[:2] == (1, 1) and scores(copies, copies).coverage == 1


def test_disjoint_sets_have_nothing():
    assert scores(normal(30), normal(30, seed=1, shift=100)) == (0, 0, 0, 0)


def test_one_image_repeated_is_precise_and_covers_nothing():
    real = normal(300, 2)
    middle = np.repeat(real.mean(axis=0, keepdims=True), 300, axis=0)
    found = scores(real, middle)
    assert found.precision == 1 and found.recall == 0 and found.coverage < 0.05


def test_two_halves_of_one_set_are_alike():
    x = normal(2000, 2)
    found = scores(x[:1000], x[1000:])
    # In the plane, of one distribution: a fake one misses a ball with k real ones in it with the chance 2^-k.
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.02)
    assert found.density == pytest.approx(1, abs=0.05)
    assert min(found[:2]) > 0.9


def test_too_few_features_are_no_region():
    with pytest.raises(ValueError, match='6 or more features'):
        manifold.region(normal(5))
    with pytest.raises(ValueError, match='of one length'):
        manifold.compare(manifold.region(normal(6, 2)), manifold.region(normal(6, 3)))


# Frechet distance: its own tests are in test_classes.py; here what sets of features make of it.


def test_a_shifted_gaussian_is_as_far_as_the_square_of_its_shift():
    x = normal(300, 4)
    shift = np.float32([0.5, 0, -2, 1])
    assert frechet.frechet(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet.frechet(x, x + shift) == pytest.approx(float(shift @ shift), rel=1e-5)
    # Independent samples of two Gaussians, N(0, 1) and N(1, 4) on each of two axes: 2 (1 + (2 - 1)^2).
    far = 2 * normal(20_000, 2, seed=2) + 1
    assert frechet.frechet(normal(20_000, 2, seed=1), far) == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize('counts', [(40, 30), (3, 40), (4, 5)], ids=['many', 'few and many', 'few'])
def test_gaussians_by_their_factors_are_those_of_covariances(counts, monkeypatch):
    monkeypatch.setattr(frechet, '_AT_ONCE', 17)
    a, b = normal(counts[0], 8), normal(counts[1], 8, seed=1, shift=0.3) @ normal(8, 8, seed=2)
    found = frechet.distance(frechet.gaussian(a), frechet.gaussian(b))
    moments = [(x.mean(0), np.cov(x.T.astype(np.float64))) for x in (a, b)]
    root = scipy.linalg.sqrtm(moments[0][1] @ moments[1][1]).real
    gap = moments[0][0] - moments[1][0]
    assert found == pytest.approx(gap @ gap + np.trace(moments[0][1] + moments[1][1] - 2 * root), rel=1e-4)
    assert found == pytest.approx(frechet.frechet(a, b), rel=1e-7)
    assert frechet.distance(frechet.gaussian(a), frechet.gaussian(a)) == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match='two or more'):
        frechet.gaussian(a[:1])


# Perceptual distance


def test_the_perceptual_distance_is_the_slow_one():
    rng = np.random.default_rng(0)
    a, b = ({'one': rng.random((2, 3, 4, 5)), 'two': rng.standard_normal((2, 2, 2, 7))} for _ in range(2))
    expected = []
    for i in range(2):
        layers = []
        for name in a:
            x, y = a[name][i].reshape(-1, a[name].shape[-1]), b[name][i].reshape(-1, a[name].shape[-1])
            gaps = [
                np.linalg.norm(p / np.linalg.norm(p) - q / np.linalg.norm(q)) ** 2 for p, q in zip(x, y, strict=True)
            ]
            layers.append(np.mean(gaps))
        expected.append(np.mean(layers))
    np.testing.assert_allclose(perceptual.perceptual(a, b), expected, rtol=1e-5)
    np.testing.assert_array_equal(perceptual.perceptual(a, a), 0)


def test_what_is_nowhere_active_has_no_distance_and_layers_must_be_alike():
    a = {'one': np.zeros((1, 2, 2, 3), np.float32)}
    np.testing.assert_array_equal(perceptual.perceptual(a, a), 0)
    np.testing.assert_allclose(perceptual.perceptual(a, {'one': a['one'] + 1}), 1, rtol=1e-6)
    with pytest.raises(ValueError, match='must be the same'):
        perceptual.perceptual(a, {'two': a['one']})
