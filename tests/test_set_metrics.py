"""Measures of sets of images against closed forms, SciPy and slow versions written here."""

import math

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

from gans.metrics import diversity, neighbours, swd


def noise(shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


# Diversity


def test_equal_images_have_no_diversity_and_others_more():
    image = noise((1, 24, 24, 3))
    np.testing.assert_allclose(diversity.pairwise_ms_ssim(np.repeat(image, 6, axis=0)), 1, atol=1e-5)
    assert np.asarray(diversity.pairwise_ms_ssim(noise((6, 24, 24, 3)))).max() < 0.5


def test_neighbours_are_paired_and_every_image_is_in_one_pair(monkeypatch):
    told = []
    monkeypatch.setattr(diversity.ssim, 'ms_ssim', lambda a, b: told.append((a, b)) or np.zeros(len(a)))
    images = np.arange(9, dtype=np.float32).reshape(9, 1, 1, 1)
    assert len(diversity.pairwise_ms_ssim(images)) == 4
    ((a, b),) = told
    assert list(zip(a.ravel(), b.ravel(), strict=True)) == [(0, 1), (2, 3), (4, 5), (6, 7)]


def test_diversity_is_the_mean_over_all_pairs_in_the_long_run():
    """Flat images: MS-SSIM at one scale is the luminance term of Wang et al. 2004, equation 6."""
    levels = np.random.default_rng(3).uniform(0.2, 0.9, 400)
    images = np.broadcast_to(2 * levels[:, None, None, None] - 1, (400, 12, 12, 1)).astype(np.float32)
    x, y = levels[:, None], levels[None]
    terms = (2 * x * y + 1e-4) / (x**2 + y**2 + 1e-4)
    every = terms[~np.eye(400, dtype=bool)]
    found = np.asarray(diversity.pairwise_ms_ssim(images))
    assert found.mean() == pytest.approx(every.mean(), abs=4 * every.std() / np.sqrt(200))
    assert every.std() > 0.05


def test_one_image_is_no_set():
    with pytest.raises(ValueError, match='two images, got 1'):
        diversity.pairwise_ms_ssim(noise((1, 12, 12, 3)))


# Sliced Wasserstein distance


def clouds(shift=0.0, count=300, dimensions=5):
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal((count, dimensions)).astype(np.float32) for _ in range(2))
    return a, (b + np.float32(shift)).astype(np.float32)


def axes(dimensions, directions, seed):
    drawn = np.random.default_rng(seed).standard_normal((dimensions, directions)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=0)


@pytest.mark.parametrize('shift', [0.0, 0.4])
def test_along_one_direction_it_is_scipys_distance(shift):
    a, b = clouds(shift)
    found = swd.sliced_wasserstein(a, b, 1, np.random.default_rng(7))
    (axis,) = axes(5, 1, 7).T
    assert found == pytest.approx([scipy.stats.wasserstein_distance(a @ axis, b @ axis)], rel=1e-5)
    assert swd.sliced_wasserstein(b, a, 1, np.random.default_rng(7)) == pytest.approx(found)


def test_a_shifted_set_is_as_far_as_the_shift_along_every_direction():
    a, _ = clouds(count=50, dimensions=3)
    shift = np.float32([0.3, -1.0, 2.0])
    found = swd.sliced_wasserstein(a, np.random.default_rng(2).permutation(a + shift), 20_000, np.random.default_rng(8))
    np.testing.assert_allclose(found, np.abs(shift @ axes(3, 20_000, 8)), atol=1e-5)
    # In three dimensions |cos| of a random angle is uniform: one half on average.
    assert found.mean() == pytest.approx(np.linalg.norm(shift) / 2, rel=0.02)


def test_directions_are_spread_over_the_sphere_in_any_number_of_dimensions():
    for dimensions in (2, 7):
        a = np.zeros((4, dimensions), np.float32)
        found = swd.sliced_wasserstein(a, a + np.eye(dimensions, dtype=np.float32)[0], 20_000, np.random.default_rng(3))
        expected = math.gamma(dimensions / 2) / (math.sqrt(math.pi) * math.gamma((dimensions + 1) / 2))
        assert found.mean() == pytest.approx(expected, rel=0.02)


def slow_halved(images):
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
    return scipy.ndimage.convolve(images, kernel[None, :, :, None], mode='mirror')[:, ::2, ::2]


def slow_doubled(images, shape):
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 64
    spread = np.zeros(shape)
    spread[:, ::2, ::2] = images
    return scipy.ndimage.convolve(spread, kernel[None, :, :, None], mode='mirror')


@pytest.mark.parametrize('height, width, sides', [(64, 64, [64, 32, 16]), (33, 70, [33, 17]), (20, 90, [20])])
def test_the_pyramid_is_the_slow_one_and_adds_up(height, width, sides):
    images = noise((2, height, width, 3))
    before = images.copy()
    levels = swd.laplacian_pyramid(images)
    np.testing.assert_array_equal(images, before)
    assert [min(level.shape[1:3]) for level in levels] == sides
    finer = images
    for level in levels[:-1]:
        coarser = slow_halved(finer.astype(float))
        np.testing.assert_allclose(level, finer - slow_doubled(coarser, finer.shape), atol=1e-5)
        finer = coarser
    np.testing.assert_allclose(levels[-1], finer, atol=1e-5)
    whole = levels[-1]
    for level in levels[-2::-1]:
        whole = level + swd.enlarge(whole, level.shape)
    np.testing.assert_allclose(whole, images, atol=1e-5)


def test_flat_images_are_flat_at_every_scale():
    flat = np.broadcast_to(np.float32([0.3, -0.8, 0.1]), (2, 64, 48, 3))
    *finer, coarsest = swd.laplacian_pyramid(flat)
    for level in finer:
        np.testing.assert_allclose(level, 0, atol=1e-6)
    np.testing.assert_allclose(coarsest, flat[:, : coarsest.shape[1], : coarsest.shape[2]], atol=1e-6)


def test_patches_are_windows_of_their_images_from_everywhere():
    number, row, column = np.meshgrid(np.arange(3), np.arange(10), np.arange(9), indexing='ij')
    images = np.stack([number, row, column], axis=-1).astype(np.float32)
    patches = swd.take_patches(images, 400, np.random.default_rng(0))
    assert patches.shape == (1200, 3, 7, 7)
    np.testing.assert_array_equal(patches[:, 0, 0, 0], np.repeat(np.arange(3), 400))
    rows, columns = patches[:, 1, 0, 0], patches[:, 2, 0, 0]
    np.testing.assert_array_equal(np.bincount(rows.astype(int)) > 60, [True] * 4)
    np.testing.assert_array_equal(np.bincount(columns.astype(int)) > 60, [True] * 3)
    np.testing.assert_array_equal(
        patches[:, 1], np.broadcast_to(rows[:, None, None] + np.arange(7)[:, None], (1200, 7, 7))
    )
    np.testing.assert_array_equal(patches[:, 2], np.broadcast_to(columns[:, None, None] + np.arange(7), (1200, 7, 7)))


def test_channels_are_brought_to_one_scale_each():
    # The last is constant up to rounding, which must not become an image's noise.
    patches = noise((200, 3, 7, 7)) * np.float32([1, 50, 1e-7])[:, None, None] + np.float32([9, -3, 0.5])[:, None, None]
    found = swd.normalise(patches)
    np.testing.assert_allclose(found.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(found.std((0, 2, 3)), [1, 1, 0], atol=1e-5)


def test_the_distance_knows_which_scale_differs():
    a, b = noise((40, 32, 32, 3)), noise((40, 32, 32, 3), seed=1)
    floor = swd.swd(a, b)
    assert list(floor) == [32, 16]
    assert swd.swd(a, b) == floor, 'the same seed, the same number'
    assert swd.swd(a, b, seed=1) != floor
    # A brightness of its own for every image is nothing but the coarsest level.
    signs = np.resize([-1, 1], (40, 1, 1, 1)).astype(np.float32)
    brighter = swd.swd(a, b + signs)
    assert brighter[32] == pytest.approx(floor[32], rel=0.1) and brighter[16] > 3 * floor[16]
    # A checkerboard of single pixels is nothing but the finest.
    board = 2 * (np.indices((32, 32)).sum(0) % 2)[None, :, :, None].astype(np.float32) - 1
    marked = swd.swd(a, b + signs * board)
    assert marked[32] > 3 * floor[32] and marked[16] == pytest.approx(floor[16], rel=0.1)


def test_sets_must_be_alike_and_large_enough():
    with pytest.raises(ValueError, match='of one shape'):
        swd.swd(noise((3, 16, 16, 3)), noise((2, 16, 16, 3)))
    with pytest.raises(ValueError, match='7x7 pixels do not fit into 6x9'):
        swd.swd(noise((2, 6, 9, 3)), noise((2, 6, 9, 3)))
    with pytest.raises(ValueError, match='one shape'):
        swd.sliced_wasserstein(np.zeros((2, 3)), np.zeros((3, 3)), 1, np.random.default_rng(0))


def test_sets_without_anything_in_them_have_no_distance():
    flat = np.broadcast_to(np.float32(noise((30, 1, 1, 3)) * 0 + 0.3), (30, 32, 32, 3))
    assert swd.swd(flat, -flat) == {32: 0, 16: 0}, 'constants differ by rounding alone'


def test_clouds_of_chunks_are_those_of_the_whole_and_have_a_limit(monkeypatch):
    monkeypatch.setattr(swd, '_IMAGES_AT_ONCE', 10)
    images = noise((30, 32, 40, 3))
    whole, chunks = swd.clouds([images], 30, 5), swd.clouds(np.split(images, [10, 20]), 30, 5)
    for size, cloud in whole.items():
        np.testing.assert_array_equal(cloud, chunks[size])
        assert cloud.shape == (30 * swd.PATCHES, 147)
    monkeypatch.setattr(swd, 'POINTS', 100)
    assert swd.clouds([images], 30)[16].shape == (30 * 3, 147)


# Neighbours


def test_the_nearest_are_those_of_the_slow_way(monkeypatch):
    monkeypatch.setattr(neighbours, '_AT_ONCE', 3)
    images, pool = noise((8, 10, 12, 3)), noise((21, 10, 12, 3), seed=1)
    distances = [[np.sqrt((((a.astype(float) - b) / 2) ** 2).mean()) for b in pool] for a in images]
    which, found = neighbours.nearest(neighbours.shrink(images), np.split(pool, [5, 6, 17]))
    np.testing.assert_array_equal(which, np.argmin(distances, axis=1))
    np.testing.assert_allclose(found, np.min(distances, axis=1), rtol=1e-5)
    assert len(set(which)) > 3


def test_copies_have_no_distance_and_near_copies_their_own():
    pool = noise((30, 64, 48, 3))
    which, distances = neighbours.nearest(neighbours.shrink(pool[[29, 0, 7]]), [pool[:10], pool[10:]])
    np.testing.assert_array_equal(which, [29, 0, 7])
    np.testing.assert_array_equal(distances, 0)
    _, distances = neighbours.nearest(neighbours.shrink(pool[:2] * 0.5 + 1e-3), [pool * 0.5])
    np.testing.assert_allclose(distances, 0.5e-3, rtol=1e-3)


def test_small_versions_are_compared():
    pool = np.repeat(np.repeat(noise((5, 8, 8, 3)), 8, axis=1), 8, axis=2)
    fine = 0.5 * (np.indices((64, 64)).sum(0) % 2 * 2.0 - 1)[None, :, :, None]
    which, distances = neighbours.nearest(neighbours.shrink(pool[::-1] + fine), [pool])
    np.testing.assert_array_equal(which, [4, 3, 2, 1, 0])
    assert distances.max() < 0.01, 'what is finer than the small versions does not count'


def test_of_equals_the_first_and_of_nothing_none():
    pool = np.zeros((4, 8, 8, 3), np.float32)
    np.testing.assert_array_equal(neighbours.nearest(pool[:1], [pool[:2], pool])[0], [0])
    with pytest.raises(ValueError, match='empty pool'):
        neighbours.nearest(pool, [])
