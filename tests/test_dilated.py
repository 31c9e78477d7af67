"""The dilated colorizer: equation 107 by loops, what it sees, what it keeps."""

import jax
import numpy as np
import pytest

from gans.config.load import load
from gans.core.build import build
from gans.core.state import state_shapes
from gans.errors import UserError
from gans.image import ops
from gans.networks.dilated import Generator

GRAY = jax.random.uniform(jax.random.key(0), (2, 9, 7, 1), minval=-1.0, maxval=1.0)


def with_params(module, gray):
    """The variables, biases too drawn at random."""
    variables = module.init(jax.random.key(1), gray)
    leaves, shape = jax.tree.flatten(variables)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    return jax.tree.unflatten(shape, [0.2 * jax.random.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)])


def dilated(x, kernel, bias, rate):
    """[H, W, I] with a kernel [3, 3, I, O] whose taps lie `rate` apart, zeros outside."""
    out = np.zeros((*x.shape[:2], kernel.shape[-1])) + bias
    for row, column in np.ndindex(x.shape[:2]):
        for i, j in np.ndindex(3, 3):
            r, c = row + (i - 1) * rate, column + (j - 1) * rate
            if 0 <= r < x.shape[0] and 0 <= c < x.shape[1]:
                out[row, column] += x[r, c] @ kernel[i, j]
    return out


def test_the_recurrence_of_equation_107():
    module = Generator(width=3, depth=4, norm='none', activation='tanh')
    variables = with_params(module, GRAY)
    params = jax.tree.map(np.float64, variables['params'])
    made = ops.rgb_to_yuv(module.apply(variables, GRAY))
    for gray, image in zip(np.float64(GRAY), made, strict=True):
        maps = [gray]
        for level in range(1, 5):
            conv = params[f'dilated_{level}']['conv']
            x = dilated(maps[-1], conv['kernel'], conv['bias'], 2**level)
            maps.append(np.tanh(x + maps[-2] if level % 2 == 0 else x))
        colour = np.tanh(dilated(maps[-1], params['out']['kernel'], params['out']['bias'], 1))
        np.testing.assert_allclose(image[..., 0], gray[..., 0], atol=1e-5)
        np.testing.assert_allclose(image[..., 1:], colour * [0.872, 1.23], atol=1e-4)


@pytest.mark.parametrize('depth', [2, 3])
def test_every_pixel_of_the_receptive_field_is_seen_and_none_outside(depth):
    """By the support of a gradient: 2^(depth + 2) - 1 pixels, with no gaps between them."""
    module = Generator(width=4, depth=depth, norm='none')
    gray = jax.random.uniform(jax.random.key(3), (1, 41, 39, 1))
    variables = with_params(module, gray)

    def middle(gray):
        return ops.rgb_to_yuv(module.apply(variables, gray))[0, 20, 19, 1:].sum()

    seen = np.abs(np.asarray(jax.grad(middle)(gray)[0, ..., 0])) > 0
    reach, expected = 2 ** (depth + 1) - 1, np.zeros_like(seen)
    expected[20 - reach : 21 + reach, 19 - reach : 20 + reach] = True
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize('variant', ['', ':paper'])
def test_the_configs_see_the_whole_image_from_its_middle(variant):
    config = load(f'configs/dilated_colorize.py{variant}')
    height, width = np.broadcast_to(config.size, 2)
    assert 2 ** (config.generator.depth + 1) - 1 >= max(height, width) / 2


def test_more_dilations_than_any_image_has_pixels_are_refused():
    with pytest.raises(UserError, match='config.generator.depth is 17: every layer doubles the dilation; give up to'):
        jax.eval_shape(Generator(depth=17).init, jax.random.key(0), GRAY)


def test_brightness_is_kept_in_every_size_and_colours_stay_in_range():
    module = Generator(width=4, depth=2)
    for shape in ((1, 9, 16, 1), (2, 33, 20, 1)):
        gray = jax.random.uniform(jax.random.key(4), shape, minval=-1.0, maxval=1.0)
        image = module.apply(jax.tree.map(lambda x: 5 * x, module.init(jax.random.key(5), gray)), gray)
        yuv = np.asarray(ops.rgb_to_yuv(image))
        np.testing.assert_allclose(yuv[..., :1], gray, atol=1e-5)
        assert image.shape == (*shape[:3], 3) and (np.abs(yuv[..., 1:]) <= np.array([0.8721, 1.2301])).all()


def test_oblong_images_of_the_thesis_fit_the_players():
    """178 x 218 pixels (width, height): both players' shapes, without computing anything."""
    config = load('configs/dilated_colorize.py:paper')
    config.unlock().devices = 1
    game = build(config, 1000)
    assert jax.tree.leaves(state_shapes(game, config)) and game.turns == (2, 1) and game.task.parts == 2
