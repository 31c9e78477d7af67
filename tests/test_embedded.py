"""The embedded flowers: pure functions of (seed, index, shape), alike at all sizes, colourful, symmetric."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gans.data.sources import embedded, flowers
from gans.data.sources.embedded import SPECIES, open_source
from gans.data.sources.flowers import Canvas, Light, Petal, Single, View, Whorl

GRAYS = ('202020 606060 a0a0a0', 'ffffff ffffff')


def shrunk(image, factor):
    """Returns the means of factor x factor pixels."""
    h, w, c = image.shape
    return image.reshape(h // factor, factor, w // factor, factor, c).astype(np.float64).mean(axis=(1, 3))


def palette():
    return tuple(flowers.ramp(name) for name in GRAYS)


def test_a_image_is_a_pure_function_of_seed_index_and_shape():
    first, again = open_source((32, 32), 3), open_source((32, 32), 3, count=50)
    order = list(range(24)) * 2
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(first.__getitem__, reversed(order)))[::-1]
    for i, image in zip(order, threaded, strict=True):
        np.testing.assert_array_equal(image, again[i])


def test_index_and_seed_both_change_the_image_and_its_key():
    sources = [open_source((24, 24), seed, count=20) for seed in (0, 1)]
    images = {source[i].tobytes() for source in sources for i in range(20)}
    keys = {source.key(i) for source in sources for i in range(20)}
    assert len(images) == len(keys) == 40
    assert open_source((64, 48), 1).key(7) == sources[1].key(7)


@pytest.mark.parametrize('shape', [(64, 64), (48, 96), (80, 32), (33, 47), (8, 8)])
def test_images_have_the_shape_asked_for(shape):
    source = open_source(shape, 0, count=5)
    assert len(source) == 5
    for i in range(5):
        assert source[i].shape == (*shape, 3)
        assert source[i].dtype == np.uint8
        assert source[i].flags.c_contiguous
    with pytest.raises(IndexError, match='image 5 of 5'):
        source[5]


def test_it_says_what_it_is():
    assert open_source((8, 8), 2).where == '4000 flowers drawn by gans/data/sources/embedded.py (seed 2)'


def test_images_are_colourful_and_of_every_hue():
    images = np.stack([open_source((32, 32), 0)[i] for i in range(60)]).astype(np.float64) / 255
    high, low = images.max(-1), images.min(-1)
    assert np.mean((high - low) / np.maximum(high, 1e-9)) > 0.45
    assert images.mean(axis=(1, 2, 3)).min() > 0.1
    assert 0.3 < images.mean() < 0.6
    red, green, blue = np.moveaxis(images, -1, 0)
    hue = np.arctan2(math.sqrt(3) * (green - blue), 2 * red - green - blue)[(high - low) > 0.35]
    share = np.histogram(hue, 6, (-math.pi, math.pi))[0] / len(hue)
    assert share[[0, 2, 3, 4]].min() > 0.02, share  # blue, red, yellow and green are all there


@pytest.mark.parametrize('shape', [(64, 64), (48, 80)])
def test_larger_images_are_the_same_drawing(shape):
    small, large = open_source(shape, 0), open_source((2 * shape[0], 2 * shape[1]), 0)
    same, other = [], []
    for i in range(16):
        mean = shrunk(large[i], 2)
        same.append(np.abs(mean - small[i]).mean())
        other.append(np.abs(mean - small[i + 1]).mean())
    assert max(same) < 9 and np.mean(same) < 5, (max(same), np.mean(same))
    assert min(other) > 20


def test_there_are_many_species_and_all_they_name_exists():
    assert len(SPECIES) >= 12
    assert len({species.name for species in SPECIES}) == len(SPECIES)
    for species in SPECIES:
        assert set(species.grounds) <= set(embedded.GROUNDS)
        assert species.leaf in {*embedded.LEAVES, 'branch'}
        slots = [
            i
            for part in species.parts
            for petal in [getattr(part, 'petal', part)]
            for i in (petal.slot, petal.ink if getattr(petal, 'mark', '') else 0)
        ]
        assert all(len(names) == max(slots) + 1 for names in species.palettes), species.name


def test_every_species_comes_up(monkeypatch):
    drawn = set()
    monkeypatch.setattr(embedded, '_flower', lambda canvas, rng, species, *rest: drawn.add(species.name))
    source = open_source((8, 8), 0)
    for i in range(300):
        source[i]
    assert drawn == {species.name for species in SPECIES}


@pytest.mark.parametrize('overlap', [False, True])
@pytest.mark.parametrize('count', [3, 5, 8])
def test_a_whorl_has_the_symmetry_of_its_number_of_petals(count, overlap):
    """A whorl that is turned by one sector is the same, and by half a sector it is another."""

    def painted(turn):
        canvas = Canvas((64, 64), (1.0, 1.0))
        part = Whorl(count, Petal(0.9, 0.2, curl=0.1, veins=2), overlap, wild=0.0)
        rng = np.random.default_rng(0)
        flowers.whorl(View(canvas, 0, 0, 1, 0, 0), part, palette(), Light(0, 0, 0), turn, rng)
        return canvas.rgb

    sector = 2 * math.pi / count
    np.testing.assert_allclose(painted(0.3 + sector), painted(0.3), atol=2e-3)
    assert np.abs(painted(0.3 + sector / 2) - painted(0.3)).mean() > 0.02


def test_a_quarter_turn_of_four_petals_turns_nothing():
    canvas = Canvas((65, 65), (1.0, 1.0))
    part = Whorl(4, Petal(0.9, 0.3, tip=1.6, mark='band'), wild=0.0)
    flowers.whorl(View(canvas, 0, 0, 1, 0, 0), part, palette(), Light(0, 0, 0), 0.2, np.random.default_rng(0))
    np.testing.assert_allclose(np.rot90(canvas.rgb, axes=(1, 2)), canvas.rgb, atol=2e-3)


def test_mirrored_petals_are_mirror_images():
    canvas = Canvas((48, 48), (1.0, 1.0))
    part = Single(35, Petal(0.8, 0.2, curl=0.3, veins=3), 0.1, 0.2, mirrored=True)
    flowers.single(View(canvas, 0, 0, 1, 0, 0), part, palette(), Light(0, -1, 1), 0)
    assert canvas.rgb.max() > 0.3
    np.testing.assert_allclose(canvas.rgb[:, :, ::-1], canvas.rgb, atol=2e-3)


@pytest.mark.parametrize('pixels', [32, 64, 200])
def test_a_round_petal_covers_its_ellipse_with_an_edge_of_one_pixel(pixels):
    """With base = tip = 1 the outline is an ellipse with the half axes length / 2 and width * length."""
    canvas = Canvas((pixels, pixels), (1.0, 1.0))
    bright = (np.full((3, flowers.RAMP), 1e3, np.float32),)  # so that the shading is small against the coverage
    view = View(canvas, 0, 0, 0.8, 0, 0)
    flowers.single(view, Single(0, Petal(1.5, 0.3, cup=0.0), -0.75), bright, Light(0, 0, 0), 0)
    half_axes = np.array([0.75, 0.45]) * 0.8
    assert (canvas.rgb[0] > 450).mean() * 4 == pytest.approx(math.pi * half_axes.prod(), rel=0.06)
    perimeter = 2 * math.pi * math.sqrt((half_axes**2).mean()) * pixels / 2
    edge = ((canvas.rgb[0] > 30) & (canvas.rgb[0] < 700)).sum()
    assert 0.4 * perimeter < edge < 1.2 * perimeter


def test_the_angle_is_the_arctangent():
    x, y = np.random.default_rng(0).standard_normal((2, 1000)).astype(np.float32)
    np.testing.assert_allclose(flowers._angle(y, x), np.arctan2(y, x), atol=8e-4)
    assert flowers._angle(np.float32(0), np.float32(0)) == 0


def test_enlarging_keeps_constants_and_slopes():
    """Cubic B-splines reproduce straight lines (away from the borders)."""
    flat = embedded._enlarge(np.full((3, 5, 4), 0.7, np.float32), (16, 30))
    np.testing.assert_allclose(flat, 0.7, rtol=1e-5)
    line = embedded._enlarge(np.tile(np.arange(8, dtype=np.float32), (6, 1)), (24, 32))
    np.testing.assert_allclose(line[:, 8:-8], np.tile((np.arange(32) + 0.5) / 4 - 0.5, (24, 1))[:, 8:-8], atol=1e-4)
