"""Laws of the jumps of a curve: gans/metrics/jumps.py."""

import numpy as np
import pytest

from gans.metrics.jumps import jumps, jumps_at, usual_change

NOISE = np.random.default_rng(0).uniform(-1, 1, 200)  # changes that are spread, but have no outlier
STEP = NOISE + 40.0 * (np.arange(200) >= 120)


def test_a_calm_curve_has_none():
    assert jumps(NOISE) == jumps(np.zeros(50)) == jumps(np.linspace(0.1, 7.3, 50)) == 0


def test_a_step_is_one_at_its_place_and_a_spike_is_one_if_it_is_short():
    assert jumps_at(STEP).tolist() == [120]
    spike = NOISE.copy()
    spike[50] += 40
    assert jumps_at(spike).tolist() == [50, 51] and jumps(spike) == 1
    spike[50:60] += 40
    assert jumps(spike) >= 2


def test_neither_scale_nor_sign_nor_slope_nor_direction_matters():
    for changed in (1e6 * STEP, -STEP, 3 + STEP, STEP + 0.7 * np.arange(200), STEP[::-1]):
        assert jumps(changed) == jumps(STEP) == 1


def test_jumps_do_not_hide_each_other():
    many = NOISE.copy()
    for place in range(10, 200, 4):  # a mean deviation would have grown enough to hide them
        many[place:] += 40
    assert jumps(many) == 48 and jumps_at(many).tolist() == list(range(10, 200, 4))


def test_what_is_not_finite_is_a_jump():
    for strange in (np.nan, np.inf):
        hurt = NOISE.copy()
        hurt[30] = strange
        assert jumps_at(hurt).tolist() == [30, 31] and jumps(hurt) == 1


def test_short_curves_have_none():
    assert jumps([]) == jumps([1.0]) == jumps([0.0, 5.0, 0.0]) == 0


def test_the_usual_change_is_a_median():
    assert usual_change([0, 1, 3, 103]) == 2 and usual_change([0, np.nan, 1, 2]) == 1
    assert np.isnan(usual_change([1.0]))


def test_several_curves_are_refused():
    with pytest.raises(ValueError, match='one curve'):
        jumps(np.zeros((2, 3)))
