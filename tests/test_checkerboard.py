"""The strength of checkerboards in images: closed forms, and what is no pattern."""

import numpy as np
import pytest

from gans.metrics.checkerboard import SMALLEST, checkerboard, spectrum

SIDE, COUNT = 64, 40
DEVIATION = 0.05


def noise(side=SIDE, count=COUNT, seed=0):
    return DEVIATION * np.random.default_rng(seed).standard_normal((count, side, side, 3)).astype(np.float32)


def waves(rows, columns, side=SIDE):
    """A pattern of amplitude 1 of so many periods in a pixel, [side, side, 1]."""
    phase = rows * np.arange(side)[:, None] + columns * np.arange(side)
    return np.cos(2 * np.pi * phase)[..., None].astype(np.float32)


def measured(images):
    return checkerboard(spectrum(images))


@pytest.mark.parametrize('side', [64, 37, 28, 16])
def test_images_without_a_pattern_get_one(side):
    assert measured(noise(side, 200)) == pytest.approx(1, abs=0.05)
    assert measured(np.full((2, side, side, 3), 0.3, np.float32)) == 1


@pytest.mark.parametrize(
    'rows, columns, share', [(1 / 2, 1 / 2, 1), (0, 1 / 2, 1), (1 / 4, 1 / 2, 1 / 2), (1 / 4, 0, 1 / 2)]
)
def test_a_pattern_of_two_or_four_pixels_adds_its_power(rows, columns, share):
    """A wave of a period of two is at one frequency; one of four is at two, with half of its power: a cosine."""
    amplitude = 0.1
    found = measured(noise() + amplitude * waves(rows, columns))
    window = np.hanning(33)[:-1]
    gain = window.sum() ** 4 / np.square(window).sum() ** 2
    assert gain == pytest.approx(455, abs=1)
    assert found == pytest.approx(1 + gain / 15 * share * (amplitude / DEVIATION) ** 2, rel=0.1)


def test_the_sign_and_the_colour_of_a_pattern_do_not_matter():
    pattern = 0.1 * waves(1 / 2, 1 / 2)
    signs = np.random.default_rng(1).choice((-1, 1), (COUNT, 1, 1, 3)).astype(np.float32)
    assert measured(noise() + signs * pattern) == pytest.approx(measured(noise() + pattern), rel=0.05)


def test_other_patterns_and_what_uint8_cannot_show_count_as_nothing():
    assert measured(noise() + 0.1 * waves(1 / 3, 1 / 8)) == pytest.approx(1, abs=0.1)
    flat = np.zeros((3, SIDE, SIDE, 3), np.float32)
    assert measured(flat + 1e-4 * waves(1 / 2, 1 / 2)) == 1
    assert measured(flat + 0.1 * waves(1 / 2, 1 / 2)) > 1000


def test_the_parts_of_a_set_add_up():
    images = noise()
    whole = (12 * spectrum(images[:12]) + 28 * spectrum(images[12:])) / 40
    np.testing.assert_allclose(whole, spectrum(images), rtol=1e-5)


def test_images_that_are_too_small_have_no_number():
    assert np.isnan(measured(np.zeros((1, SMALLEST - 1, 64, 3), np.float32)))
