"""Reliability diagrams against scikit-learn's, and the calibration error by a loop and by hand."""

import math

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from gans.metrics.calibration import calibration_error, reliability

RNG = np.random.default_rng(0)


@pytest.mark.parametrize('bins', [4, 10])
def test_bins_are_those_of_scikit_learn(bins):
    probabilities = np.concatenate([RNG.random(300) ** 2, [0, 0.25, 0.5, 1]])
    happened = RNG.random(304) < probabilities
    found = reliability(probabilities, happened, bins)
    filled = [one for one in found if one.count]
    frequency, probability = calibration_curve(happened, probabilities, n_bins=bins)
    np.testing.assert_allclose([one.frequency for one in filled], frequency)
    np.testing.assert_allclose([one.probability for one in filled], probability)
    assert sum(one.count for one in found) == 304 and len(found) == bins
    assert [one.low for one in found[1:]] == [one.high for one in found[:-1]]


def test_the_error_is_that_of_a_loop():
    probabilities = RNG.random(200)
    happened = RNG.random(200) < 0.5
    total = 0.0
    for k in range(10):
        mine = [(p, h) for p, h in zip(probabilities, happened, strict=True) if min(int(p * 10), 9) == k]
        if mine:
            total += len(mine) / 200 * abs(np.mean([p for p, _ in mine]) - np.mean([h for _, h in mine]))
    assert calibration_error(reliability(probabilities, happened)) == pytest.approx(total)


def test_known_answers():
    assert calibration_error(reliability([1, 1, 0], [True, True, False])) == 0
    assert calibration_error(reliability([1, 1, 0], [False, False, True])) == 1
    assert calibration_error(reliability([0.75] * 4, [1, 1, 1, 0])) == 0  # a perfect forecast need not be sure
    assert calibration_error(reliability([0.95] * 4, [1, 1, 0, 0])) == pytest.approx(0.45)
    empty = reliability([0.1], [True])[5]
    assert empty.count == 0 and math.isnan(empty.probability) and math.isnan(empty.frequency)
    assert math.isnan(calibration_error(reliability([], [])))


@pytest.mark.parametrize('probabilities', [[[0.5]], [1.5], [np.nan], [0.1, 0.2]])
def test_what_are_no_probabilities_is_refused(probabilities):
    with pytest.raises(ValueError, match='expected probabilities'):
        reliability(probabilities, [True])
