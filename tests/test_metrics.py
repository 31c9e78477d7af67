"""Every number against a slow or closed form written here."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

from gans.metrics import bootstrap, colour, pixels, ssim


def pairs(shape, seed=0, spread=0.3):
    rng = np.random.default_rng(seed)
    a = rng.uniform(-1, 1, shape)
    return a.astype(np.float32), np.clip(a + rng.normal(0, spread, shape), -1, 1).astype(np.float32)


# Pixels


def test_l1_and_psnr_by_hand():
    a, b = pairs((3, 8, 6, 3))
    a, b = a.astype(np.float64), b.astype(np.float64)
    np.testing.assert_allclose(pixels.l1(a, b), np.abs(a - b).mean((1, 2, 3)) / 2, rtol=1e-5)
    mse = (((a - b) / 2) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(pixels.psnr(a, b), 10 * np.log10(1 / mse), rtol=1e-5)
    np.testing.assert_allclose(pixels.psnr(jnp.asarray(a), jnp.asarray(b)), pixels.psnr(b, a), rtol=1e-5)


def test_known_pixel_errors():
    black, white = -np.ones((1, 4, 4, 3), np.float32), np.ones((1, 4, 4, 3), np.float32)
    assert pixels.l1(black, white)[0] == 1 and pixels.psnr(black, white)[0] == 0
    assert pixels.l1(black, black + 0.2)[0] == pytest.approx(0.1)
    assert pixels.psnr(black, black + 0.2)[0] == pytest.approx(20, abs=1e-4)  # a tenth of the range: 20 dB
    assert pixels.l1(white, white)[0] == 0 and pixels.psnr(white, white)[0] == np.inf


@pytest.mark.parametrize('dtype', [np.float32, np.bool_, np.uint8])
def test_masks_count_the_inside_alone(dtype):
    a, b = pairs((3, 8, 6, 3))
    mask = np.zeros((3, 8, 6, 1), dtype)
    mask[0, 2:5, 1:4] = 1
    mask[1] = 1
    inside = np.s_[0, 2:5, 1:4]
    l1, psnr = np.asarray(pixels.l1(a, b, mask)), np.asarray(pixels.psnr(a, b, mask))
    assert l1[0] == pytest.approx(np.abs(a[inside] - b[inside]).mean() / 2, rel=1e-5)
    assert psnr[0] == pytest.approx(-10 * np.log10((((a[inside] - b[inside]) / 2) ** 2).mean()), rel=1e-5)
    assert l1[1] == pytest.approx(float(pixels.l1(a, b)[1]), rel=1e-5)
    assert psnr[1] == pytest.approx(float(pixels.psnr(a, b)[1]), rel=1e-5)
    assert np.isnan(l1[2]) and np.isnan(psnr[2])
    outside = b.copy()
    outside[0] = np.where(mask[0] > 0, b[0], 0.9)
    assert pixels.l1(a, outside, mask)[0] == l1[0]


def test_large_images_lose_no_digits():
    a, b = pairs((1, 256, 256, 3))
    exact = np.abs(a.astype(np.float64) - b).mean() / 2
    assert pixels.l1(a, b)[0] == pytest.approx(exact, rel=1e-6)
    mask = np.ones((1, 256, 256, 1), np.float32)
    assert pixels.l1(a, b, mask)[0] == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize('metric', [pixels.l1, pixels.psnr, ssim.ssim, ssim.ms_ssim, colour.chroma_error])
def test_pairs_must_be_float_images_of_one_shape(metric):
    a, b = pairs((2, 12, 12, 3))
    with pytest.raises(ValueError, match='one shape'):
        metric(a, b[:1])
    with pytest.raises(ValueError, match='float'):
        metric((a * 127).astype(np.uint8), (b * 127).astype(np.uint8))


def test_a_mask_must_have_one_channel():
    a, b = pairs((2, 4, 4, 3))
    for metric in (pixels.l1, pixels.psnr):
        with pytest.raises(ValueError, match='mask'):
            metric(a, b, np.ones((2, 4, 4, 3), np.float32))


# SSIM


def slow_window_means(x):
    """[H, W] -> [H-10, W-10], the outer-product window of Wang's fspecial('gaussian', 11, 1.5)."""
    grid = np.mgrid[-5:6, -5:6]
    window = np.exp(-(grid**2).sum(0) / (2 * 1.5**2))
    return scipy.ndimage.correlate(x, window / window.sum())[5:-5, 5:-5]


def slow_terms(x, y):
    """Mean SSIM and mean contrast-structure of two float64 planes in [0, 1], equation 13 as in ssim.m."""
    c1, c2 = 0.01**2, 0.03**2
    mx, my = slow_window_means(x), slow_window_means(y)
    vx, vy = slow_window_means(x * x) - mx**2, slow_window_means(y * y) - my**2
    cov = slow_window_means(x * y) - mx * my
    structure = (2 * cov + c2) / (vx + vy + c2)
    return ((2 * mx * my + c1) / (mx**2 + my**2 + c1) * structure).mean(), structure.mean()


def slow_ssim(a, b):
    planes = [(a[n, :, :, c], b[n, :, :, c]) for n in range(len(a)) for c in range(a.shape[-1])]
    values = [slow_terms((x.astype(float) + 1) / 2, (y.astype(float) + 1) / 2)[0] for x, y in planes]
    return np.reshape(values, (len(a), -1)).mean(1)


def slow_ms_ssim_plane(x, y, weights):
    product = 1.0
    for i, weight in enumerate(weights):
        whole, structure = slow_terms(x, y)
        product *= max(whole if i == len(weights) - 1 else structure, 0) ** weight
        height, width = x.shape[0] // 2 * 2, x.shape[1] // 2 * 2
        x, y = (
            (p[:height:2, :width:2] + p[1:height:2, :width:2] + p[:height:2, 1:width:2] + p[1:height:2, 1:width:2]) / 4
            for p in (x, y)
        )
    return product


@pytest.mark.parametrize('shape', [(3, 11, 11, 1), (2, 17, 33, 3), (1, 64, 40, 3)])
def test_ssim_is_the_slow_one(shape):
    a, noisy = pairs(shape)
    smooth = scipy.ndimage.gaussian_filter(a, (0, 2, 2, 0))
    for b in (noisy, smooth, -a, 0.5 * a + 0.4):
        np.testing.assert_allclose(ssim.ssim(a, b), slow_ssim(a, b), atol=2e-6)
        np.testing.assert_allclose(ssim.ssim(b, a), ssim.ssim(a, b), atol=1e-6)


def test_ssim_in_closed_form():
    a, _ = pairs((2, 20, 20, 3))
    np.testing.assert_allclose(ssim.ssim(a, a), 1, atol=1e-6)
    np.testing.assert_allclose(ssim.ms_ssim(a, a), 1, atol=1e-6)
    # Constants have no structure: the luminance term of 0.2 and 0.6 alone.
    low, high = (np.full((1, 12, 15, 3), 2 * level - 1, np.float32) for level in (0.2, 0.6))
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert ssim.ssim(low, high)[0] == pytest.approx(expected, abs=1e-4)  # E[x^2] - E[x]^2 costs digits here


def test_ssim_of_more_images_than_go_at_once():
    a, b = pairs((11, 12, 12, 3))
    together = np.asarray(ssim.ssim(a, b))
    assert together.shape == (11,)
    np.testing.assert_allclose(together, [ssim.ssim(a[i : i + 1], b[i : i + 1])[0] for i in range(11)], atol=1e-6)


@pytest.mark.parametrize(('shape', 'scales'), [((176, 180), 5), ((90, 175), 4), ((21, 30), 1), ((47, 45), 3)])
def test_ms_ssim_is_the_slow_one(shape, scales):
    a, b = pairs((1, *shape, 1))
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333][:scales])
    x, y = (a[0, :, :, 0].astype(float) + 1) / 2, (b[0, :, :, 0].astype(float) + 1) / 2
    expected = slow_ms_ssim_plane(x, y, weights / weights.sum())
    assert 0.1 < expected < 0.99
    np.testing.assert_allclose(ssim.ms_ssim(a, b), [expected], atol=1e-5)


def test_ms_ssim_of_colours_is_the_mean_over_channels():
    a, b = pairs((1, 24, 24, 1))
    three = np.concatenate([a, a, a], -1), np.concatenate([b, a, b], -1)
    np.testing.assert_allclose(ssim.ms_ssim(*three), (2 * ssim.ms_ssim(a, b) + 1) / 3, atol=1e-5)


def test_negative_structure_counts_as_zero():
    a, _ = pairs((1, 24, 24, 3))
    assert ssim.ssim(a, -a)[0] < -0.1
    assert ssim.ms_ssim(a, -a)[0] == 0


def test_masked_ssim_is_the_mean_over_windows_centred_in_the_mask():
    rng = np.random.default_rng(3)
    a, b = rng.uniform(-1, 1, (2, 2, 24, 20, 3)).astype(np.float32)
    mask = (rng.uniform(size=(2, 24, 20, 1)) < 0.4).astype(np.float32)
    inside, outside, whole = (ssim.ssim(a, b, *m) for m in ((mask,), (1 - mask,), ()))
    share = mask[:, 5:-5, 5:-5].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(share * inside + (1 - share) * outside, whole, atol=1e-6)
    np.testing.assert_allclose(ssim.ssim(a, b, np.ones_like(mask)), whole, atol=1e-6)
    b[:, :16] = a[:, :16]  # equal in all windows whose centre lies in the first 11 rows
    np.testing.assert_allclose(
        ssim.ssim(a, b, np.arange(24)[None, :, None, None] * np.ones_like(mask) < 11), 1, atol=1e-6
    )
    assert np.isnan(ssim.ssim(a, b, np.zeros_like(mask))).all()


def test_ssim_refuses_images_smaller_than_its_window():
    a, b = pairs((1, 10, 64, 3))
    for metric in (ssim.ssim, ssim.ms_ssim):
        with pytest.raises(ValueError, match='11x11 pixels, got 10x64'):
            metric(a, b)


# Colour


def test_chroma_error_by_hand():
    red, blue = (np.broadcast_to(np.float32(colour), (1, 3, 5, 3)) for colour in ([1, -1, -1], [-1, -1, 1]))
    u = abs(-0.299 / 0.886 - 1) * 0.436
    v = abs(1 + 0.114 / 0.701) * 0.615
    assert colour.chroma_error(red, blue)[0] == pytest.approx((u + v) / 2, abs=1e-6)
    gray = np.full((1, 3, 5, 3), -0.6, np.float32)
    assert colour.chroma_error(gray, gray + 0.9)[0] == pytest.approx(0, abs=1e-6)  # brightness does not count
    mixed = np.concatenate([red, gray]), np.concatenate([blue, gray])
    np.testing.assert_allclose(colour.chroma_error(*mixed), [(u + v) / 2, 0], atol=1e-6)


def test_colourfulness_by_hand():
    gray = np.broadcast_to(np.linspace(-1, 1, 20, dtype=np.float32).reshape(1, 4, 5, 1), (1, 4, 5, 3))
    assert colour.colourfulness(gray)[0] == pytest.approx(0, abs=1e-4)
    red = np.broadcast_to(np.float32([1, -1, -1]), (1, 4, 5, 3))
    assert colour.colourfulness(red)[0] == pytest.approx(0.3 * np.hypot(255, 127.5), rel=1e-5)
    # Half red, half blue: rg is 255 or 0, yb is 127.5 or -255.
    halves = np.concatenate([red, np.broadcast_to(np.float32([-1, -1, 1]), (1, 4, 5, 3))], axis=1)
    expected = np.hypot(255 / 2, 382.5 / 2) + 0.3 * np.hypot(127.5, (127.5 - 255) / 2)
    assert colour.colourfulness(halves)[0] == pytest.approx(expected, rel=1e-5)


def test_colourfulness_is_numpys():
    a, _ = pairs((3, 9, 7, 3))
    red, green, blue = np.moveaxis((a.astype(float) + 1) * 127.5, -1, 0)
    rg, yb = red - green, 0.5 * (red + green) - blue
    axes = (1, 2)
    sigma = np.sqrt(rg.std(axes) ** 2 + yb.std(axes) ** 2)
    mu = np.sqrt(rg.mean(axes) ** 2 + yb.mean(axes) ** 2)
    np.testing.assert_allclose(colour.colourfulness(a), sigma + 0.3 * mu, rtol=1e-5)


@pytest.mark.parametrize('metric', [pixels.l1, pixels.psnr, ssim.ssim, colour.chroma_error])
def test_metrics_also_work_inside_jit(metric):
    a, b = pairs((2, 12, 12, 3))
    np.testing.assert_allclose(jax.jit(lambda x, y: metric(x, y) + 1)(a, b), metric(a, b) + 1, rtol=1e-5)


# Bootstrap


def test_interval_agrees_with_the_normal_law():
    values = np.random.default_rng(1).normal(3, 2, 400)
    mean, low, high, count, *_ = bootstrap.interval(values, resamples=20_000)
    error = values.std() / 20
    assert (mean, count) == (pytest.approx(values.mean()), 400)
    assert low == pytest.approx(mean - 1.96 * error, abs=0.08 * error)
    assert high == pytest.approx(mean + 1.96 * error, abs=0.08 * error)
    narrow = bootstrap.interval(values, level=0.5, resamples=20_000)
    assert narrow.high - narrow.low == pytest.approx(2 * 0.6745 * error, abs=0.08 * error)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    hits = 0
    for seed in range(200):
        found = bootstrap.interval(rng.exponential(size=60), level=0.8, resamples=300, seed=seed)
        hits += found.low <= 1 <= found.high
    assert 0.7 < hits / 200 < 0.88  # skewed data: a little under 0.8


def test_intervals_are_quantiles_of_the_same_resamples_that_scipy_draws():
    rng = np.random.default_rng(4)
    a, b = rng.exponential(size=(2, 37))
    once = dict(n_resamples=500, batch=500, method='percentile')
    for found, given, statistic in (
        (bootstrap.interval(a, resamples=500, seed=7), (a,), np.mean),
        (bootstrap.ratio_interval(a, b, resamples=500, seed=7), (a, b), lambda x, y, axis: x.mean(axis) / y.mean(axis)),
    ):
        drawn = scipy.stats.bootstrap(
            given, statistic, paired=len(given) > 1, vectorized=True, rng=np.random.default_rng(7), **once
        ).bootstrap_distribution
        np.testing.assert_allclose(found[1:3], np.quantile(drawn, [0.025, 0.975], method='inverted_cdf'), rtol=1e-12)


def test_interval_leaves_nan_out():
    values = np.array([1.0, np.nan, 2.0, 4.0, np.nan])
    assert bootstrap.interval(values) == bootstrap.interval([1.0, 2.0, 4.0])._replace(missing=2)
    assert bootstrap.interval(values).count == 3
    empty = bootstrap.interval([np.nan, np.nan])
    assert np.isnan(empty[:3]).all() and empty.count == 0
    assert np.isnan(bootstrap.interval([])[:3]).all()


def test_infinite_values_are_counted_and_in_no_mean():
    found = bootstrap.interval([1.0, np.inf, 2.0, np.nan, np.inf])
    assert found == bootstrap.interval([1.0, 2.0])._replace(infinite=2, missing=1)
    nothing = bootstrap.interval([np.inf])
    assert np.isnan(nothing[:3]).all() and nothing[3:] == (0, 1, 0)


def test_one_value_has_no_interval():
    found = bootstrap.interval(jnp.array([2.5]))
    assert (found.value, found.count) == (2.5, 1) and np.isnan(found[1:3]).all()
    assert np.isnan(bootstrap.ratio_interval([1.0], [2.0])[1:3]).all()


def test_interval_is_a_function_of_the_seed_and_not_of_the_memory(monkeypatch):
    values = np.random.default_rng(3).normal(size=50)
    whole = bootstrap.interval(values, seed=5)
    assert whole == bootstrap.interval(values, seed=5)
    assert whole != bootstrap.interval(values, seed=6)
    drawn = []
    real = bootstrap._resampled

    def counted(*args):
        for rows in real(*args):
            drawn.append(rows.shape)
            yield rows

    monkeypatch.setattr(bootstrap, '_DRAWS_AT_ONCE', 7 * 50)
    monkeypatch.setattr(bootstrap, '_resampled', counted)
    pieces = bootstrap.interval(values, resamples=100)
    assert sum(rows for rows, _ in drawn) == 100 and max(rows for rows, _ in drawn) == 7
    assert pieces.low < pieces.value < pieces.high


def test_ratio_interval_draws_pairs():
    rng = np.random.default_rng(4)
    b = rng.uniform(1, 5, 300)
    exact = bootstrap.ratio_interval(0.7 * b, b)
    np.testing.assert_allclose(exact[:3], 0.7, rtol=1e-12)  # unpaired resampling would have a width
    noisy = 0.7 * b + rng.normal(0, 0.5, 300)
    value, low, high, count, *_ = bootstrap.ratio_interval(noisy, b, resamples=10_000)
    # The delta method for the ratio of means.
    error = (noisy - value * b).std() / np.sqrt(300) / b.mean()
    assert (value, count) == (pytest.approx(noisy.mean() / b.mean()), 300)
    assert low == pytest.approx(value - 1.96 * error, abs=0.1 * error)
    assert high == pytest.approx(value + 1.96 * error, abs=0.1 * error)


def test_ratio_interval_leaves_pairs_with_nan_out():
    a, b = [1.0, np.nan, 3.0, 4.0], [2.0, 2.0, np.nan, 5.0]
    assert bootstrap.ratio_interval(a, b) == bootstrap.ratio_interval([1.0, 4.0], [2.0, 5.0])._replace(missing=2)
    a, b = [1.0, np.inf, 4.0], [2.0, 2.0, 5.0]
    assert bootstrap.ratio_interval(a, b) == bootstrap.ratio_interval([1.0, 4.0], [2.0, 5.0])._replace(infinite=1)
    assert np.isnan(bootstrap.ratio_interval([np.nan], [1.0])[:3]).all()
    assert bootstrap.ratio_interval([1.0], [0.0]).value == np.inf


def test_bootstrap_refuses_what_has_no_meaning():
    with pytest.raises(ValueError, match='one number per image'):
        bootstrap.interval(np.zeros((2, 3)))
    with pytest.raises(ValueError, match='equally many'):
        bootstrap.ratio_interval([1.0, 2.0], [1.0])
    for level in (0, 1, 95):
        with pytest.raises(ValueError, match='level'):
            bootstrap.interval([1.0, 2.0], level=level)
