"""Every form of a transposed convolution equals the definition: result, both gradients, cut outputs, what is chosen."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.nn import conv
from gans.nn import conv_transpose as lib


def inputs(shape, size, outputs):
    rng = np.random.default_rng(0)
    return (jnp.asarray(rng.normal(size=s), jnp.float32) for s in (shape, (size, size, shape[-1], outputs)))


def slow(x, kernel):
    """The definition in numpy: zeros between the pixels, then one output pixel at a time."""
    n, height, width, channels = x.shape
    size = len(kernel)
    before = size - 1 - (size - 2) // 2
    wide = np.zeros((n, 2 * height + 2 * size, 2 * width + 2 * size, channels))
    wide[:, before : before + 2 * height : 2, before : before + 2 * width : 2] = x
    result = np.zeros((n, 2 * height, 2 * width, kernel.shape[3]))
    for i in range(2 * height):
        for j in range(2 * width):
            result[:, i, j] = np.einsum('nhwi,hwio->no', wide[:, i : i + size, j : j + size], np.asarray(kernel))
    return result


def scattered(x, kernel, shape):
    """The other definition: every pixel adds its kernel to what a strided convolution (SAME) would have seen of it."""
    n, height, width, _ = x.shape
    size, flipped = len(kernel), np.asarray(kernel, np.float64)[::-1, ::-1]
    tops, lefts = (
        [2 * i - max((count - 1) * 2 + size - extent, 0) // 2 for i in range(count)]
        for count, extent in zip((height, width), shape, strict=True)
    )
    result = np.zeros((n, *shape, kernel.shape[3]))
    for i, top in enumerate(tops):
        for j, left in enumerate(lefts):
            for a in range(size):
                for b in range(size):
                    if 0 <= top + a < shape[0] and 0 <= left + b < shape[1]:
                        result[:, top + a, left + b] += np.asarray(x)[:, i, j] @ flipped[a, b]
    return result


@pytest.mark.parametrize('form', ['apart', 'together', 'windows'])
@pytest.mark.parametrize(
    ('shape', 'size'), [((2, 3, 4, 3), 5), ((2, 4, 3, 2), 3), ((2, 3, 4, 3), 6), ((1, 1, 2, 3), 5), ((1, 2, 1, 3), 3)]
)
def test_form_equals_dilated_with_both_gradients(form, shape, size):
    x, kernel = inputs(shape, size, 4)

    def pull(form, x, kernel):
        y, back = jax.vjp(lib.TRANSPOSED[form], x, kernel)
        return y, *back(jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))

    new, old = (jax.jit(pull, static_argnums=0)(name, x, kernel) for name in (form, 'dilated'))
    for got, wanted in zip(new, old, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5 * float(jnp.abs(wanted).max()))
    np.testing.assert_allclose(old[0], slow(x, kernel), atol=1e-4)


@pytest.mark.parametrize('backend', ['cpu', 'gpu'])
@pytest.mark.parametrize(
    ('pixels', 'shape', 'size'),
    [((4, 4), (7, 7), 6), ((4, 3), (8, 5), 6), ((3, 2), (5, 3), 5), ((2, 2), (3, 4), 3), ((1, 1), (1, 1), 6)],
)
def test_odd_outputs_are_those_of_the_strided_convolution_turned_round(pixels, shape, size, backend, monkeypatch):
    monkeypatch.setattr(jax, 'default_backend', lambda: backend)
    x, kernel = inputs((2, *pixels, 3), size, 2)
    got = lib.transposed(x, kernel, shape)
    np.testing.assert_allclose(got, scattered(x, kernel, shape), atol=1e-4)
    flipped = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    (wanted,) = jax.vjp(partial(conv.plain, kernel=flipped, stride=2), jnp.zeros((2, *shape, 2)))[1](x)
    np.testing.assert_allclose(got, wanted, atol=1e-4)


def test_seven_pixels_are_the_first_seven_of_eight():
    x, kernel = inputs((1, 4, 4, 3), 6, 2)
    np.testing.assert_allclose(
        lib.transposed(x, kernel, (7, 7)), lib.transposed(x, kernel)[:, :7, :7], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize('shape', [(6, 8), (8, 9)])
def test_sizes_that_a_stride_does_not_make_are_refused(shape):
    x, kernel = inputs((1, 4, 4, 3), 5, 2)
    with pytest.raises(ValueError, match='does not make'):
        lib.transposed(x, kernel, shape)


@pytest.mark.parametrize('size', [3, 5, 6])
def test_transposed_is_the_gradient_of_the_strided_convolution(size):
    x, kernel = inputs((1, 3, 4, 5), size, 2)
    flipped = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    (wanted,) = jax.vjp(partial(conv.plain, kernel=flipped, stride=2), jnp.zeros((1, 6, 8, 2)))[1](x)
    np.testing.assert_allclose(lib.transposed(x, kernel), wanted, atol=1e-4)


@pytest.mark.parametrize(
    ('shape', 'outputs', 'backend', 'form'),
    [
        ((16, 4, 4, 1024), 512, 'cpu', 'apart'),
        ((16, 32, 32, 128), 3, 'cpu', 'together'),
        ((16, 2, 2, 256), 128, 'cpu', 'windows'),
        ((16, 32, 32, 128), 3, 'gpu', 'dilated'),
    ],
)
def test_the_choice_of_a_form(shape, outputs, backend, form):
    assert lib.choose_transposed(shape, (5, 5, shape[-1], outputs), backend) == form
