"""Every rewritten convolution equals the plain one: result, both gradients, and the rules that choose."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.nn import conv

CASES = [
    # form, [N, H, W, I], kernel size, outputs, stride, upscale
    ('phases', (2, 4, 6, 3), 5, 4, 1, 2),
    ('phases', (2, 5, 1, 2), 3, 3, 1, 2),
    ('fold', (2, 8, 6, 3), 5, 4, 2, 1),
    ('blocks', (2, 6, 8, 4), 5, 3, 1, 1),
    ('blocks', (2, 6, 8, 1), 5, 9, 1, 1),
    ('columns', (2, 6, 8, 4), 5, 3, 1, 1),
    ('columns', (1, 3, 2, 3), 5, 7, 1, 1),
    ('fold', (2, 4, 6, 1), 5, 9, 2, 1),
    ('exchanged', (2, 6, 5, 9), 5, 2, 1, 1),
    ('exchanged', (1, 4, 7, 3), 3, 5, 1, 1),
    ('trilinear', (2, 7, 6, 3), 5, 4, 2, 1),
    ('trilinear', (2, 4, 5, 3), 3, 4, 2, 1),
    ('patches', (2, 4, 3, 3), 5, 4, 1, 1),
    ('patches', (2, 2, 1, 3), 5, 4, 1, 2),
    ('patches', (2, 7, 8, 3), 5, 4, 2, 1),
    ('patches', (2, 2, 2, 5), 5, 4, 2, 1),
    ('patches', (2, 1, 2, 3), 5, 4, 1, 1),
    ('patches', (2, 3, 1, 3), 3, 4, 2, 1),
]


def slow(x, kernel, stride, upscale):
    """The definition in plain numpy, float64: repeat, pad as TensorFlow's SAME does, one output pixel at a time."""
    x = np.asarray(x, np.float64).repeat(upscale, 1).repeat(upscale, 2)
    size = kernel.shape[0]
    outs = [-(-extent // stride) for extent in x.shape[1:3]]
    pads = [max((out - 1) * stride + size - extent, 0) for out, extent in zip(outs, x.shape[1:3], strict=True)]
    x = np.pad(x, ((0, 0), *((pad // 2, pad - pad // 2) for pad in pads), (0, 0)))
    result = np.zeros((len(x), *outs, kernel.shape[3]))
    for i in range(outs[0]):
        for j in range(outs[1]):
            window = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
            result[:, i, j] = np.einsum('nhwi,hwio->no', window, np.asarray(kernel, np.float64))
    return result


def inputs(shape, size, outputs, dtype=np.float32):
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=shape), rng.normal(size=(size, size, shape[-1], outputs))
    return jnp.asarray(x, dtype), jnp.asarray(kernel, dtype)


def pulled(form, stride, upscale):
    """(x, kernel) -> result, and the gradients of a sum of its sines: a different weight for each output."""

    def run(x, kernel):
        y, pull = jax.vjp(lambda x, kernel: conv.FORMS[form](x, kernel, stride, upscale), x, kernel)
        return y, *pull(jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))

    return jax.jit(run)


@pytest.mark.parametrize(('form', 'shape', 'size', 'outputs', 'stride', 'upscale'), CASES)
def test_form_equals_plain_with_both_gradients(form, shape, size, outputs, stride, upscale):
    x, kernel = inputs(shape, size, outputs)
    new, old = (pulled(name, stride, upscale)(x, kernel) for name in (form, 'plain'))
    for got, wanted in zip(new, old, strict=True):
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5 * float(jnp.abs(wanted).max()))


@pytest.mark.parametrize('size', [1, 3, 4, 5])
@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('extent', [1, 2, 3, 4, 7, 8])
def test_the_taps_of_patches_are_those_that_meet_the_image(extent, size, stride):
    """Said by the kernel's gradient: with an image and weights of ones it counts how often a tap meets a pixel."""
    x, kernel = jnp.ones((1, extent, 1, 1)), jnp.ones((size, size, 1, 1))
    y, pull = jax.vjp(lambda kernel: conv.plain(x, kernel, stride), kernel)
    meets = np.flatnonzero(np.asarray(pull(jnp.ones_like(y))[0]).any((1, 2, 3)))
    seen = conv.seen_taps(extent, size, stride)
    assert (seen.first, seen.beyond, seen.extent) == (meets[0], meets[-1] + 1, y.shape[1])
    assert seen.extent == (extent + sum(seen.zeros) - (seen.beyond - seen.first)) // stride + 1


@pytest.mark.parametrize(
    ('form', 'shape', 'outputs', 'stride'),
    [
        ('trilinear', (2, 7, 6, 3), 4, 2),
        ('exchanged', (2, 7, 6, 3), 4, 1),
        ('columns', (2, 7, 6, 4), 3, 1),
        ('columns', (2, 7, 6, 3), 4, 1),
        ('fold', (2, 8, 6, 3), 4, 2),
        ('fold', (1, 8, 6, 1), 9, 2),
    ],
)
def test_gradients_of_gradients_are_those_of_plain(form, shape, outputs, stride):
    """As a penalty on the slope needs them: through the gradient by the input, by input, kernel and what weighs it."""
    x, kernel = inputs(shape, 5, outputs)

    def penalties(form):
        def by_both(x, kernel, weights):
            y, pull = jax.vjp(lambda x, kernel: conv.FORMS[form](x, kernel, stride, 1), x, kernel)
            by_x, by_kernel = pull(weights * jnp.sin(y))
            return jnp.sum(jnp.cos(by_x)) + jnp.sum(jnp.cos(by_kernel))

        size = conv.plain(x, kernel, stride).shape
        weights = jnp.cos(jnp.arange(np.prod(size), dtype=jnp.float32)).reshape(size)
        return jax.jit(jax.grad(by_both, argnums=(0, 1, 2)))(x, kernel, weights)

    for got, wanted in zip(penalties(form), penalties('plain'), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4 * float(jnp.abs(wanted).max()))


@pytest.mark.parametrize(
    ('shape', 'stride', 'upscale'), [((1, 5, 4, 2), 1, 1), ((1, 5, 6, 2), 2, 1), ((1, 3, 4, 2), 1, 2)]
)
def test_plain_is_the_definition(shape, stride, upscale):
    x, kernel = inputs(shape, 5, 3)
    np.testing.assert_allclose(conv.plain(x, kernel, stride, upscale), slow(x, kernel, stride, upscale), atol=1e-4)


@pytest.mark.parametrize(
    ('shape', 'stride', 'upscale'),
    [((1, 64, 64, 2), 2, 1), ((2, 4, 4, 2), 1, 2), ((2, 8, 6, 2), 1, 1), ((2, 4, 4, 2), 2, 1)],
)
def test_bfloat16_stays_bfloat16_and_near(shape, stride, upscale):
    x, kernel = inputs(shape, 5, 3, jnp.bfloat16)
    got = conv.conv(x, kernel, stride, upscale)
    wanted = slow(x.astype(np.float32), kernel.astype(np.float32), stride, upscale)
    assert got.dtype == jnp.bfloat16
    np.testing.assert_allclose(got.astype(np.float32), wanted, atol=0.02 * np.abs(wanted).max())


@pytest.mark.parametrize(
    ('shape', 'kernel', 'stride', 'upscale', 'backend', 'form'),
    [
        ((16, 32, 32, 24), (5, 5, 24, 24), 1, 2, 'cpu', 'phases'),
        ((16, 32, 32, 24), (5, 5, 24, 24), 1, 2, 'gpu', 'phases'),
        ((36, 256, 256, 40), (5, 5, 40, 16), 1, 1, 'gpu', 'blocks'),
        ((36, 128, 128, 56), (5, 5, 56, 24), 1, 1, 'gpu', 'blocks'),
        ((36, 256, 256, 64), (5, 5, 64, 32), 1, 1, 'gpu', 'blocks'),
        ((36, 128, 128, 88), (5, 5, 88, 48), 1, 1, 'gpu', 'blocks'),
        ((36, 64, 64, 112), (5, 5, 112, 64), 1, 1, 'gpu', 'plain'),
        ((36, 64, 64, 24), (5, 5, 24, 16), 1, 1, 'gpu', 'plain'),
        ((36, 256, 256, 6), (5, 5, 6, 16), 2, 1, 'gpu', 'fold'),
        ((36, 128, 128, 16), (5, 5, 16, 32), 2, 1, 'gpu', 'plain'),
        ((36, 255, 256, 3), (5, 5, 3, 16), 1, 1, 'gpu', 'plain'),
        ((36, 256, 256, 40), (5, 5, 40, 16), 1, 1, 'tpu', 'plain'),
        ((16, 2, 2, 56), (5, 5, 56, 56), 1, 2, 'cpu', 'patches'),
        ((16, 2, 2, 56), (5, 5, 56, 56), 1, 2, 'gpu', 'phases'),
        ((16, 64, 64, 3), (5, 5, 3, 16), 1, 1, 'cpu', 'blocks'),
        ((16, 64, 64, 16), (5, 5, 16, 16), 2, 1, 'cpu', 'fold'),
        ((16, 64, 64, 16), (5, 5, 16, 16), 2, 1, 'gpu', 'plain'),
        ((16, 63, 64, 16), (5, 5, 16, 16), 2, 1, 'cpu', 'trilinear'),
        ((16, 32, 32, 24), (5, 5, 24, 24), 2, 1, 'cpu', 'fold'),
        ((16, 32, 31, 24), (5, 5, 24, 24), 2, 1, 'cpu', 'trilinear'),
        ((16, 16, 16, 32), (5, 5, 32, 64), 2, 1, 'cpu', 'trilinear'),
        ((16, 64, 64, 16), (3, 3, 16, 16), 2, 1, 'cpu', 'trilinear'),
        ((16, 8, 8, 128), (5, 5, 128, 256), 2, 1, 'cpu', 'patches'),
        ((16, 8, 8, 128), (5, 5, 128, 256), 2, 1, 'tpu', 'plain'),
        ((16, 4, 4, 56), (5, 5, 56, 56), 1, 1, 'cpu', 'patches'),
        ((16, 64, 64, 16), (5, 5, 16, 3), 1, 1, 'cpu', 'columns'),
        ((16, 64, 64, 16), (5, 5, 16, 3), 1, 1, 'gpu', 'plain'),
        ((16, 64, 64, 32), (5, 5, 32, 3), 1, 1, 'cpu', 'columns'),
        ((16, 64, 63, 32), (5, 5, 32, 3), 1, 1, 'cpu', 'exchanged'),
        ((16, 64, 64, 40), (5, 5, 40, 16), 1, 1, 'cpu', 'columns'),
        ((16, 16, 16, 72), (5, 5, 72, 32), 1, 1, 'cpu', 'exchanged'),
        ((16, 64, 64, 40), (5, 5, 40, 16), 1, 1, 'gpu', 'plain'),
        ((16, 32, 32, 16), (5, 5, 16, 24), 1, 1, 'cpu', 'columns'),
        ((16, 32, 32, 32), (5, 5, 32, 32), 1, 1, 'cpu', 'plain'),
        ((16, 64, 64, 40), (4, 4, 40, 16), 1, 1, 'cpu', 'plain'),
    ],
)
def test_the_choice_by_shape_and_backend(shape, kernel, stride, upscale, backend, form):
    assert conv.choose(shape, kernel, stride, upscale, backend) == form


@pytest.mark.parametrize('backend', ['cpu', 'gpu'])
def test_folding_pixels_is_undone_by_unfold(backend, monkeypatch):
    monkeypatch.setattr(conv, 'backend', lambda: backend)
    x = np.arange(2 * 4 * 6 * 3, dtype=np.float32).reshape(2, 4, 6, 3)
    folded = conv.fold_pixels(x)
    assert folded.shape == (2, 2, 3, 12)
    np.testing.assert_array_equal(folded[0, 0, 1, 3:6], x[0, 0, 3])
    np.testing.assert_array_equal(conv.unfold(folded), x)


def slow_dilated(x, kernel, dilation, stride=1):
    """Equation 46 in plain numpy: every tap by itself, `dilation` pixels from the next, zeros outside."""
    n, height, width, _ = x.shape
    reach = (len(kernel) - 1) * dilation + 1
    outs = [-(-extent // stride) for extent in (height, width)]
    top, left = (max((out - 1) * stride + reach - e, 0) // 2 for out, e in zip(outs, (height, width), strict=True))
    result = np.zeros((n, *outs, kernel.shape[3]))
    for i, j, a, b in np.ndindex(*outs, *kernel.shape[:2]):
        row, column = i * stride + a * dilation - top, j * stride + b * dilation - left
        if 0 <= row < height and 0 <= column < width:
            result[:, i, j] += np.asarray(x, np.float64)[:, row, column] @ np.asarray(kernel, np.float64)[a, b]
    return result


@pytest.mark.parametrize(
    ('size', 'dilation', 'stride'), [(3, 1, 1), (3, 2, 1), (3, 4, 1), (3, 16, 1), (2, 3, 1), (5, 2, 2)]
)
def test_dilated_taps_lie_apart(size, dilation, stride):
    x, kernel = inputs((2, 7, 6, 3), size, 4)
    wanted = slow_dilated(x, kernel, dilation, stride)
    np.testing.assert_allclose(conv.conv(x, kernel, stride, dilation=dilation), wanted, atol=1e-4)


def test_three_dilated_layers_see_fifteen_pixels():
    """Rates 1, 2 and 4 with 3x3 kernels: the receptive field has 2 ** (3 + 1) - 1 pixels a side (section 1.2.2.3)."""

    def middle(x):
        for dilation in (1, 2, 4):
            x = conv.conv(x, jnp.ones((3, 3, 1, 1)), dilation=dilation)
        return x[0, 10, 10, 0]

    seen = np.asarray(jax.grad(middle)(jnp.zeros((1, 21, 21, 1))))[0, :, :, 0] != 0
    expected = np.zeros((21, 21), bool)
    expected[3:18, 3:18] = True
    np.testing.assert_array_equal(seen, expected)
