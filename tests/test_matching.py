"""Kernel moments, style and feature matching against loops over pairs and positions in float64, and closed forms."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.errors import UserError
from gans.losses import matching

# Compiled as one: call by call, most of the time would go into compiling single operations.
mmd = jax.jit(matching.mmd, static_argnames=('kernel', 'bandwidths', 'weights', 'unbiased', 'root', 'by_mean'))
style = jax.jit(matching.style, static_argnames='form')
feature_matching = jax.jit(matching.feature_matching)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def as_rows(x):
    return np.asarray(x, np.float64).reshape(len(x), -1)


def slow_mmd(x, y, likeness, unbiased=False):
    """Equation 91 with any kernel, pair by pair."""
    x, y = as_rows(x), as_rows(y)

    def own(a):
        kept = [likeness(p, q) for i, p in enumerate(a) for j, q in enumerate(a) if not (unbiased and i == j)]
        return sum(kept) / len(kept)

    return own(x) + own(y) - 2 * sum(likeness(p, q) for p in x for q in y) / (len(x) * len(y))


def gaussian(bandwidths, weights, by_mean):
    """Equation 92, summed over bandwidths as in equation 94."""

    def likeness(p, q):
        square = sum((p - q) ** 2) / (len(p) if by_mean else 1)
        return sum(w * np.exp(-square / (2 * s)) for s, w in zip(bandwidths, weights, strict=True))

    return likeness


X, Y = noise(5, 2, 3, 4), 1.3 * noise(7, 2, 3, 4, seed=1) + 0.4


@pytest.mark.parametrize(
    ('weights', 'by_mean', 'unbiased'),
    [((), True, False), ((), False, True), ((0.5, 2.0, 0.25), True, True), ((0.5, 2.0, 0.25), False, False)],
)
def test_gaussian_moments_are_the_loops_over_pairs(weights, by_mean, unbiased):
    bandwidths = (0.3, 2.0, 20.0)
    expected = slow_mmd(X, Y, gaussian(bandwidths, weights or (1, 1, 1), by_mean), unbiased)
    value = mmd(X, Y, bandwidths=bandwidths, weights=weights, by_mean=by_mean, unbiased=unbiased)
    assert value == pytest.approx(expected, rel=1e-5) and value.dtype == jnp.float32 and value.shape == ()


def test_by_default_bandwidths_are_those_of_the_appendix_and_nothing_is_rooted():
    square = slow_mmd(X, Y, gaussian((1, 5, 10, 20), (1, 1, 1, 1), by_mean=True))
    assert mmd(X, Y) == pytest.approx(square, rel=1e-5)
    assert mmd(X, Y, root=True) == pytest.approx(np.sqrt(square), rel=1e-5)


@pytest.mark.parametrize('unbiased', [False, True])
@pytest.mark.parametrize('by_mean', [False, True])
def test_linear_moments_are_the_loops_over_pairs(by_mean, unbiased):
    scale = X[0].size if by_mean else 1
    expected = slow_mmd(X, Y, lambda p, q: p @ q / scale, unbiased)
    value = mmd(X, Y, kernel='linear', by_mean=by_mean, unbiased=unbiased)
    assert value == pytest.approx(expected, rel=1e-5)


def test_linear_moments_are_the_squared_distance_of_the_means():
    x, y = jnp.array([[1.0, 2.0], [3.0, -2.0]]), jnp.array([[0.0, 1.0], [0.0, 3.0], [0.0, 2.0]])
    assert mmd(x, y, kernel='linear', by_mean=False) == pytest.approx(2**2 + 2**2)
    assert mmd(x, y, kernel='linear') == pytest.approx(4)


@pytest.mark.parametrize('kernel', matching.KERNELS)
def test_equal_samples_do_not_differ(kernel):
    shuffled = X[::-1]
    assert mmd(X, X, kernel=kernel) == pytest.approx(0, abs=1e-6)
    assert mmd(X, shuffled, kernel=kernel) == pytest.approx(0, abs=1e-6)
    assert mmd(X, X, kernel=kernel, root=True) == pytest.approx(0, abs=1e-3)
    assert mmd(X, Y, kernel=kernel) > 0.01


def between_gaussians(distance, variance, dimensions, bandwidth):
    """E k(a, b) where a - b is normal with this squared mean and this variance in every dimension."""
    wide = bandwidth + variance
    return (bandwidth / wide) ** (dimensions / 2) * np.exp(-distance / (2 * wide))


@pytest.mark.parametrize('by_mean', [False, True])
def test_moments_of_two_gaussians_are_the_analytic_ones(by_mean):
    """Estimates scatter by 2 sqrt((var w(x) + var w(y)) / n) with the witness w (Gretton et al. 2012, section 6)."""
    n, dimensions, bandwidth, deviation, shift = 2000, 3, 1.5, 1.6, 0.7
    x, y = noise(n, dimensions), deviation * noise(n, dimensions, seed=1) + np.float32(shift)
    scaled = bandwidth * (dimensions if by_mean else 1)
    mean = partial(between_gaussians, dimensions=dimensions, bandwidth=scaled)
    apart = dimensions * shift**2
    expected = mean(0, 2) + mean(0, 2 * deviation**2) - 2 * mean(apart, 1 + deviation**2)

    def witness(points):
        to_x, to_y = (np.sum((points - c) ** 2, axis=1) for c in (0, shift))
        return mean(to_x, 1) - mean(to_y, deviation**2)

    scatter = 2 * np.sqrt((witness(x).var() + witness(y).var()) / n)
    value = mmd(x, y, bandwidths=(bandwidth,), by_mean=by_mean, unbiased=True)
    assert abs(value - expected) < 3 * scatter < 0.3 * expected


@pytest.mark.parametrize('kernel', matching.KERNELS)
def test_of_one_distribution_the_unbiased_estimate_is_zero_on_average_and_the_biased_is_not(kernel):
    n, m, draws, dimensions, bandwidth = 4, 6, 2000, 3, 2.0
    x, y = noise(draws, n, dimensions), noise(draws, m, dimensions, seed=1)
    estimate = partial(mmd, kernel=kernel, bandwidths=(bandwidth,), by_mean=False)
    fair = np.asarray(jax.jit(jax.vmap(partial(estimate, unbiased=True)))(x, y), np.float64)
    error = fair.std() / np.sqrt(draws)
    assert abs(fair.mean()) < 3 * error and (fair < 0).mean() > 0.2
    # E k(x, x) - E k(x, x'): 1 - E k for the Gaussian kernel, the trace of the covariance for the linear one.
    excess = 1 - between_gaussians(0, 2, dimensions, bandwidth) if kernel == 'gaussian' else dimensions
    biased = np.asarray(jax.jit(jax.vmap(estimate))(x, y), np.float64)
    assert biased.min() > 0
    assert biased.mean() == pytest.approx((1 / n + 1 / m) * excess, abs=3 * biased.std() / np.sqrt(draws))


@pytest.mark.parametrize('kernel', matching.KERNELS)
@pytest.mark.parametrize('unbiased', [False, True])
def test_a_common_offset_changes_nothing(kernel, unbiased, as_shipped):
    """Features in steps of 1/64 have exact sums with 4096: whatever differs was lost by the function."""
    x, y = (np.round(sample * 64) / 64 for sample in (X, Y))
    estimate = jax.jit(partial(matching.mmd, kernel=kernel, unbiased=unbiased, by_mean=False, bandwidths=(5.0,)))
    assert estimate(x + 4096, y + 4096) == pytest.approx(float(estimate(x, y)), rel=1e-4)


def test_samples_far_from_each_other_keep_their_own_distances():
    x, y = np.round(X * 64) / 64, np.round(Y * 64) / 64 + 4096
    expected = slow_mmd(x, y, gaussian((2.0,), (1,), by_mean=True))
    assert mmd(x, y, bandwidths=(2.0,)) == pytest.approx(expected, rel=1e-4)


def test_distances_are_never_negative():
    """A kernel above its own weight would betray one: pairs of equal rows whose inner products round either way."""
    x = np.repeat(100 * noise(8, 40), 2, axis=0)
    distances = matching._squared_distances(jnp.asarray(x), jnp.asarray(x))
    assert distances.min() == 0
    np.testing.assert_allclose(distances, np.square(as_rows(x)[:, None] - as_rows(x)).sum(-1), rtol=1e-4, atol=1)


OPTIONS = [dict(), dict(root=True), dict(unbiased=True), dict(kernel='linear'), dict(kernel='linear', root=True)]


@pytest.mark.parametrize('options', [*OPTIONS, dict(by_mean=False, bandwidths=(4.0,))])
def test_gradients_are_finite_differences(options):
    direction = noise(*Y.shape, seed=2).astype(np.float64)
    grad = jax.jit(jax.grad(lambda y: matching.mmd(X, y, **options)))(Y)

    def slow(y):
        if options.get('kernel') == 'linear':
            likeness = partial(lambda p, q: p @ q / len(p))
        else:
            bandwidths = options.get('bandwidths', (1, 5, 10, 20))
            likeness = gaussian(bandwidths, [1] * len(bandwidths), options.get('by_mean', True))
        square = slow_mmd(X, y, likeness, options.get('unbiased', False))
        return np.sqrt(square) if options.get('root') else square

    slope = (slow(Y + 1e-5 * direction) - slow(Y - 1e-5 * direction)) / 2e-5
    assert np.sum(grad * direction) == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize('options', OPTIONS, ids=str)
def test_gradients_at_zero_distance_are_finite(options):
    """Of equal samples, of samples of one example, and of nothing but zeros."""
    gradients = jax.jit(jax.grad(partial(matching.mmd, **options), argnums=(0, 1)))
    for x in (X, np.repeat(X[:1], 5, axis=0), np.zeros_like(X)):
        for grad in gradients(x, x.copy()):
            assert np.isfinite(grad).all()
            if not options.get('unbiased'):  # the biased square is at its least, and so is its root
                assert np.abs(grad).max() < 1e-3


def test_features_may_be_of_any_float_type():
    x, y = jnp.asarray(X, jnp.bfloat16), jnp.asarray(Y, jnp.bfloat16)
    for loss in (mmd, matching.feature_matching, lambda x, y: style(x, y[:5])):
        assert loss(x, y) == loss(x.astype(jnp.float32), y.astype(jnp.float32))
        assert loss(x, y).dtype == jnp.float32


def sizes(jaxpr):
    """The number of elements of everything that a program computes, in programs within it too."""
    for equation in jaxpr.eqns:
        yield from (variable.aval.size for variable in equation.outvars)
        for inner in equation.params.values():
            for one in inner if isinstance(inner, (tuple, list)) else [inner]:
                one = getattr(one, 'jaxpr', one)
                if hasattr(one, 'eqns'):
                    yield from sizes(one)


@pytest.mark.parametrize('loss', [mmd, partial(mmd, kernel='linear'), partial(style, form='positions')])
def test_neither_differences_of_pairs_nor_products_at_positions_are_formed(loss):
    x = jnp.zeros((32, 4, 4, 24))
    program = jax.make_jaxpr(jax.grad(loss, argnums=(0, 1)))(x, x)
    assert max(sizes(program.jaxpr)) == x.size  # 32 x 32 x 384 and 32 x 16 x 24 x 24 are more


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (
            dict(kernel='gausian'),
            r"'gausian' is not a kernel \(did you mean 'gaussian'\?\): choose one of gaussian, linear",
        ),
        (dict(bandwidths=()), r'bandwidths of a kernel are \(\): give one or more numbers above 0'),
        (dict(bandwidths=(1, 0)), 'above 0'),
        (dict(bandwidths=(-1.0,)), 'above 0'),
        (dict(bandwidths=5.0), 'bandwidths of a kernel are 5.0'),
        (dict(weights=(1, 2)), r'weights \(1, 2\) of the bandwidths .* need as many numbers'),
        (dict(unbiased=True, root=True), 'choose unbiased or root'),
    ],
)
def test_moments_without_sense_are_refused(arguments, sentence):
    with pytest.raises(UserError, match=sentence):
        matching.mmd(X, Y, **arguments)


@pytest.mark.parametrize('kernel', matching.KERNELS)
def test_an_unbiased_estimate_of_one_example_is_refused(kernel):
    with pytest.raises(UserError, match='needs two examples in each batch'):
        mmd(X[:1], Y, kernel=kernel, unbiased=True)


# Style


def test_gram_matrix_by_hand():
    """Two positions and two channels: (1, 2) and (3, -1), so 1 + 9, 2 - 3, 4 + 1, by C H W = 4."""
    features = jnp.array([[[[1.0, 2.0], [3.0, -1.0]]]])
    np.testing.assert_allclose(matching.gram(features), [[[2.5, -0.25], [-0.25, 1.25]]])
    np.testing.assert_allclose(matching.gram(features.reshape(1, 2, 1, 2)), matching.gram(features))
    # A layer without positions has one.
    np.testing.assert_allclose(matching.gram(jnp.array([[1.0, 3.0]])), [[[0.5, 1.5], [1.5, 4.5]]])


A, B = noise(3, 2, 4, 5), 0.8 * noise(3, 2, 4, 5, seed=1) + 0.3


def slow_style(a, b, form):
    """Equations 88 and 97, and the code of the appendix, element by element."""
    n, height, width, channels = a.shape
    total = 0.0
    for one, other in zip(a.astype(np.float64), b.astype(np.float64), strict=True):
        for c in range(channels):
            for d in range(channels):
                places = [
                    one[h, w, c] * one[h, w, d] - other[h, w, c] * other[h, w, d]
                    for h in range(height)
                    for w in range(width)
                ]
                if form == 'gram':
                    total += (sum(places) / (channels * height * width)) ** 2
                elif form == 'appendix':
                    total += (sum(places) / channels) ** 2 / channels**2
                else:
                    total += sum(place**2 for place in places)
    return total / n


@pytest.mark.parametrize('form', matching.STYLES)
def test_style_is_the_loops_over_channels_and_positions(form):
    assert style(A, B, form) == pytest.approx(slow_style(A, B, form), rel=1e-5)
    flat = A[:, 0, 0], B[:, 0, 0]
    expected = slow_style(*(x[:, None, None] for x in flat), form)
    assert style(*flat, form) == pytest.approx(expected, rel=1e-5)


def test_style_compares_gram_matrices_by_default():
    assert style(A, B) == pytest.approx(np.square(matching.gram(A) - matching.gram(B)).sum() / 3, rel=1e-5)


def test_only_the_style_of_positions_feels_where_features_are():
    moved = A.reshape(3, 8, 5)[:, ::-1].reshape(A.shape)
    assert style(A, moved) == pytest.approx(0, abs=1e-10)
    assert style(A, moved, 'positions') > 1


def test_nearly_equal_products_keep_their_digits_and_are_never_negative():
    """|x|^4 + |y|^4 - 2 (x y)^2 in float32 would be 0, or anything up to 1e-7 of |x|^4 on either side."""
    a = 8 + np.abs(A)
    b = a + np.float32(2**-15)
    expected = slow_style(a, b, 'positions')
    assert 0 < expected < 1e-7 * np.square(np.square(a).sum(-1)).sum() / 3
    assert style(a, b, 'positions') == pytest.approx(expected, rel=1e-2)
    assert matching._product_distances(jnp.asarray(A), jnp.asarray(A)).max() == 0


@pytest.mark.parametrize('form', matching.STYLES)
def test_style_has_a_finite_gradient_that_is_zero_between_equals(form):
    grad = jax.jit(jax.grad(partial(matching.style, form=form)))
    assert np.abs(grad(A, A)).max() < 1e-7
    direction = noise(*A.shape, seed=2).astype(np.float64)
    ends = [slow_style(A + sign * 1e-5 * direction, B, form) for sign in (1, -1)]
    assert np.sum(grad(A, B) * direction) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-3)


def test_style_without_sense_is_refused():
    with pytest.raises(UserError, match=r"'grams' is not a form of style \(did you mean 'gram'\?\)"):
        style(A, B, 'grams')
    with pytest.raises(ValueError, match='one by one'):
        style(A, B[:1])


# Features


def test_feature_matching_by_hand():
    x = jnp.array([[[1.0, 2.0]], [[3.0, 4.0]]])
    y = jnp.array([[[0.0, 1.0]], [[0.0, 0.0]], [[3.0, -1.0]]])
    assert feature_matching(x, y) == pytest.approx((2 - 1) ** 2 + (3 - 0) ** 2)
    slope = jax.grad(lambda y: feature_matching(x, y))(y)
    np.testing.assert_allclose(slope, np.broadcast_to([-2 / 3, -2.0], y.shape), rtol=1e-6)
