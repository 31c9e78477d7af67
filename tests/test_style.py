"""The losses of style transfer against loops, closed forms and what they must not depend on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.visualization import style


def maps(seed, **shapes):
    rng = np.random.default_rng(seed)
    return {name: jnp.asarray(rng.standard_normal((1, *shape)), jnp.float32) for name, shape in shapes.items()}


def gram_by_loops(x):
    height, width, channels = x.shape
    found = np.zeros((channels, channels))
    for h in range(height):
        for w in range(width):
            for c in range(channels):
                for d in range(channels):
                    found[c, d] += float(x[h, w, c]) * float(x[h, w, d])
    return found / (channels * height * width)


def test_gram_matrices_are_those_of_loops_over_positions_and_channels():
    layers = maps(0, a=(3, 5, 2), b=(1, 1, 4))
    for name, found in style.grams(layers).items():
        np.testing.assert_allclose(found[0], gram_by_loops(layers[name][0]), rtol=1e-5)


def test_the_gram_matrix_of_a_constant_map_is_known():
    found = style.grams({'a': jnp.full((1, 7, 9, 2), 3.0)})['a']
    np.testing.assert_allclose(found, np.full((1, 2, 2), 4.5), rtol=1e-6)  # 3 * 3 / C


def test_losses_are_sums_of_squares_by_loops():
    ours, wanted = maps(1, a=(3, 5, 2), b=(2, 2, 3)), maps(2, a=(3, 5, 2), b=(2, 2, 3))
    content = style.content_losses(ours, wanted)
    styles = style.style_losses(ours, style.grams(wanted))
    for name in 'ab':
        mine, other = np.asarray(ours[name][0], np.float64), np.asarray(wanted[name][0], np.float64)
        np.testing.assert_allclose(content[name], sum((x - y) ** 2 for x, y in zip(mine.flat, other.flat, strict=True)))
        difference = gram_by_loops(mine) - gram_by_loops(other)
        np.testing.assert_allclose(styles[name], sum(x**2 for x in difference.flat), rtol=1e-4)
    weights = {'a': 2.0, 'b': 0.25}
    np.testing.assert_allclose(style.weighted(content, weights), 2 * content['a'] + content['b'] / 4, rtol=1e-6)
    assert style.weighted({}, {}) == 0


def test_losses_are_only_of_the_layers_that_are_wanted():
    layers = maps(1, a=(3, 5, 2), b=(2, 2, 3))
    assert set(style.content_losses(layers, {'b': layers['b']})) == {'b'}
    assert set(style.style_losses(layers, style.grams({'a': layers['a']}))) == {'a'}


def test_style_does_not_depend_on_where_anything_is_and_content_does():
    layers = maps(3, a=(6, 8, 3))
    rolled = {'a': jnp.roll(layers['a'], (2, 5), (1, 2))}
    mirrored = {'a': layers['a'][:, ::-1, ::-1]}
    for moved in (rolled, mirrored):
        assert style.style_losses(moved, style.grams(layers))['a'] < 1e-12
        assert style.content_losses(moved, layers)['a'] > 1


def test_maps_of_different_sizes_and_the_same_texture_have_the_same_style():
    tile = maps(4, a=(2, 3, 3))['a']
    assert style.style_losses({'a': jnp.tile(tile, (1, 4, 3, 1))}, style.grams({'a': tile}))['a'] < 1e-12


def test_the_slope_of_the_style_is_its_closed_form():
    """Of |G - A|^2 by F: 4 F (G - A) / (C H W)."""
    ours, wanted = maps(5, a=(3, 4, 2)), style.grams(maps(6, a=(5, 2, 2)))
    slope = jax.grad(lambda x: style.style_losses({'a': x}, wanted)['a'])(ours['a'])
    difference = gram_by_loops(ours['a'][0]) - np.asarray(wanted['a'][0])
    np.testing.assert_allclose(slope[0], 4 * np.asarray(ours['a'][0]) @ difference / 24, rtol=1e-4, atol=1e-6)


def test_with_relative_weights_layers_of_any_scale_and_size_count_alike():
    wanted = {'a': jnp.full((1, 2, 2, 1), 100.0), 'b': jnp.full((1, 8, 8, 5), 0.01)}
    weights = style.relative(10.0, {'a': 1.0, 'b': 3.0}, wanted)
    nothing = jax.tree.map(jnp.zeros_like, wanted)
    losses = style.content_losses(nothing, wanted)
    np.testing.assert_allclose([weights[name] * losses[name] for name in 'ab'], [2.5, 7.5], rtol=1e-5)


def test_a_layer_that_is_zero_all_over_divides_nothing_by_zero():
    assert style.relative(6.0, {'a': 1.0}, {'a': jnp.zeros((1, 2, 2, 1))}) == {'a': 6.0}


@pytest.mark.parametrize(
    ('rows', 'expected'),
    [
        ([[1, 1], [1, 1]], 0),
        ([[0, 1], [0, 1]], 1),  # two steps of 1 along the rows, none along the columns
        ([[0, 2], [2, 0]], 8),  # all four steps are 2
        ([[0, 1, 3]], 2.5),  # one row: (1 + 4) / 2
        ([[5]], 0),
    ],
)
def test_variation_is_the_mean_square_of_the_steps(rows, expected):
    image = jnp.asarray(rows, jnp.float32)[None, :, :, None]
    assert style.variation(image) == expected
