"""The image conventions against hand computation, SciPy and Pillow."""

import colorsys
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from PIL import Image, ImageFilter

from gans.errors import UserError
from gans.image import files, grids, ops


def noise(shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def bytes_noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# Numbers


@pytest.mark.parametrize('wrap', [lambda f: f, jax.jit])
def test_every_level_survives_the_round_trip(wrap):
    levels = np.arange(256, dtype=np.uint8)
    floats = wrap(ops.to_float)(levels)
    assert floats.dtype == jnp.float32
    assert (float(floats[0]), float(floats[-1])) == (-1, 1)
    np.testing.assert_allclose(floats, levels / 127.5 - 1, atol=1e-7)
    back = wrap(ops.to_uint8)(floats)
    assert back.dtype == jnp.uint8
    np.testing.assert_array_equal(back, levels)


def test_to_uint8_clips_and_rounds_to_nearest():
    middle = 2 * 100 / 255 - 1
    third = 2 / 255 / 3
    given = np.array([-7, 7, middle - third, middle + third, middle + 2 * third, 0], np.float32)
    # 0 is half way between 127 and 128: the even one.
    np.testing.assert_array_equal(ops.to_uint8(given), [0, 255, 100, 100, 101, 128])
    np.testing.assert_array_equal(ops.to_uint8(jnp.array([-1, 1], jnp.bfloat16)), [0, 255])


# Colour

PRIMARIES = {  # rgb in [0, 1] -> y, u, v by hand; B - Y of blue is 0.886, R - Y of red is 0.701
    'black': ([0, 0, 0], [0, 0, 0]),
    'white': ([1, 1, 1], [1, 0, 0]),
    'red': ([1, 0, 0], [0.299, -0.299 * 0.436 / 0.886, 0.615]),
    'green': ([0, 1, 0], [0.587, -0.587 * 0.436 / 0.886, -0.587 * 0.615 / 0.701]),
    'blue': ([0, 0, 1], [0.114, 0.436, -0.114 * 0.615 / 0.701]),
    'yellow': ([1, 1, 0], [0.886, -0.436, 0.114 * 0.615 / 0.701]),
    'cyan': ([0, 1, 1], [0.701, 0.299 * 0.436 / 0.886, -0.615]),
}


@pytest.mark.parametrize('name', PRIMARIES)
def test_primaries_by_hand(name):
    rgb, yuv = map(np.array, PRIMARIES[name])
    np.testing.assert_allclose(ops.rgb_to_yuv(rgb), yuv, atol=1e-6)
    np.testing.assert_allclose(ops.luma(rgb), yuv[:1], atol=1e-6)
    # On the [-1, 1] scale luma keeps the scale and the differences double.
    np.testing.assert_allclose(ops.rgb_to_yuv(2 * rgb - 1), 2 * yuv - [1, 0, 0], atol=1e-6)


def test_yuv_there_and_back():
    rgb = noise((2, 5, 7, 3))
    yuv = ops.rgb_to_yuv(rgb)
    np.testing.assert_allclose(ops.yuv_to_rgb(yuv), rgb, atol=1e-6)
    np.testing.assert_allclose(ops.rgb_to_yuv(ops.yuv_to_rgb(yuv)), yuv, atol=1e-6)
    np.testing.assert_array_equal(ops.luma(rgb), yuv[..., :1])
    assert (np.abs(yuv) <= np.float32([1, 0.872, 1.23])).all()


def test_colour_needs_three_channels():
    for function in (ops.luma, ops.rgb_to_yuv, ops.yuv_to_rgb):
        with pytest.raises(ValueError, match='three channels'):
            function(noise((1, 2, 3, 4)))


HSV = {  # rgb in [0, 1] -> hue, saturation, value by hand
    'black': ([0, 0, 0], [0, 0, 0]),
    'gray': ([0.5, 0.5, 0.5], [0, 0, 0.5]),
    'red': ([1, 0, 0], [0, 1, 1]),
    'yellow': ([1, 1, 0], [1 / 6, 1, 1]),
    'green': ([0, 1, 0], [1 / 3, 1, 1]),
    'cyan': ([0, 1, 1], [1 / 2, 1, 1]),
    'dark blue': ([0, 0, 0.5], [2 / 3, 1, 0.5]),
    'magenta': ([1, 0, 1], [5 / 6, 1, 1]),
    'orange': ([1, 0.5, 0], [1 / 12, 1, 1]),
    'pink': ([1, 0.5, 0.5], [0, 0.5, 1]),
}


@pytest.mark.parametrize('name', HSV)
def test_hue_saturation_and_value_by_hand(name):
    rgb, hsv = map(np.array, HSV[name])
    np.testing.assert_allclose(ops.rgb_to_hsv(2 * rgb - 1), hsv, atol=1e-6)
    np.testing.assert_allclose(ops.hsv_to_rgb(hsv), 2 * rgb - 1, atol=1e-6)


def test_hsv_is_that_of_pythons_own_library_and_comes_back():
    rgb = noise((200, 3))
    hsv = np.array([colorsys.rgb_to_hsv(*colour) for colour in (rgb.astype(float) + 1) / 2])
    np.testing.assert_allclose(ops.rgb_to_hsv(rgb), hsv, atol=1e-5)
    np.testing.assert_allclose(ops.hsv_to_rgb(hsv), rgb, atol=1e-5)
    image = noise((4, 5, 3))
    np.testing.assert_allclose(ops.hsv_to_rgb(ops.rgb_to_hsv(image)), image, atol=1e-5)


def test_modulation_by_known_amounts():
    image = noise((6, 7, 3))
    for turns in (-1, 0, 1, 2):
        np.testing.assert_allclose(ops.modulate_hsv(image, turns, 1, 1), image, atol=1e-5)
    # A third of the circle takes red to green, green to blue, blue to red.
    np.testing.assert_allclose(ops.modulate_hsv(image, 1 / 3, 1, 1), np.roll(image, 1, axis=-1), atol=1e-5)
    value = image.max(axis=-1, keepdims=True)
    np.testing.assert_allclose(ops.modulate_hsv(image, 0, 0, 1), 0 * image + value, atol=1e-5)
    np.testing.assert_allclose(ops.modulate_hsv(image, 0, 0.5, 1), (image + value) / 2, atol=1e-5)
    np.testing.assert_allclose(ops.modulate_hsv(image, 0, 1, 0.5), (image + 1) / 2 - 1, atol=1e-5)
    much = np.asarray(ops.modulate_hsv(image, 0, 9, 9))
    assert much.min() == -1 and much.max() == 1, 'clipped'


# Blur


@pytest.mark.parametrize('radius', [0.3, 1.0, 2.7])
def test_blur_is_scipys_in_the_interior_and_renormalised_at_the_border(radius):
    images = noise((2, 40, 52, 3))

    def scipys(values):
        sigma = (0, radius, radius, 0)
        return scipy.ndimage.gaussian_filter(values.astype(np.float64), sigma, mode='constant', truncate=9)

    blurred = ops.gaussian_blur(images, radius)
    reach = int(6 * radius + 1)  # beyond 6 standard deviations lies a weight of 2e-9
    inside = np.s_[:, reach:-reach, reach:-reach]
    assert np.asarray(blurred)[inside].size
    np.testing.assert_allclose(np.asarray(blurred)[inside], scipys(images)[inside], atol=2e-6)
    np.testing.assert_allclose(blurred, scipys(images) / scipys(np.ones_like(images)), atol=2e-6)


@pytest.mark.parametrize('radius', [1.0, 3.0])
def test_radius_means_what_pillow_means(radius):
    image = np.full((64, 64, 3), 20, np.uint8)
    image[20:40, 24:50] = [250, 120, 60]
    pillows = np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)), np.float32)

    def distance(tried):
        ours = (np.asarray(ops.gaussian_blur(ops.to_float(image[None]), tried)[0]) + 1) * 127.5
        return np.abs(ours - pillows).max()

    assert distance(radius) < 6  # of 230 levels: Pillow approximates by box blurs
    assert distance(radius) < min(distance(0.8 * radius), distance(1.25 * radius))


@pytest.mark.parametrize('radius', [0.001, 0.5, 4.0, 100.0])
def test_blur_keeps_constants_and_bounds(radius):
    constant = np.broadcast_to(np.float32([-0.3, 1, 0.7]), (1, 17, 9, 3))
    np.testing.assert_allclose(ops.gaussian_blur(constant, radius), constant, atol=1e-6)
    images = noise((2, 17, 9, 3))
    blurred = ops.gaussian_blur(images, radius)
    assert float(blurred.max()) <= images.max() + 1e-6 and float(blurred.min()) >= images.min() - 1e-6


def test_blur_keeps_the_mean_and_gives_the_variance_of_what_lies_inside():
    image = np.zeros((1, 61, 61, 1), np.float32)
    image[0, 30, 28] = 1
    blurred = np.asarray(ops.gaussian_blur(image, 3.0), np.float64)[0, :, :, 0]
    assert blurred.sum() == pytest.approx(1, abs=1e-5)
    place = np.arange(61)
    assert (blurred.sum(0) * (place - 28) ** 2).sum() == pytest.approx(9, rel=1e-4)
    assert (blurred.sum(1) * (place - 30) ** 2).sum() == pytest.approx(9, rel=1e-4)


@pytest.mark.parametrize('dtype', [jnp.float32, jnp.bfloat16])
def test_radius_zero_returns_the_input_bit_for_bit(dtype):
    images = jnp.asarray(noise((2, 8, 6, 3)), dtype)
    for function in (ops.gaussian_blur, jax.jit(ops.gaussian_blur)):
        for radius in (0.0, -1.0):
            same = function(images, radius)
            assert same.dtype == dtype
            assert np.asarray(same).tobytes() == np.asarray(images).tobytes()
        assert function(images, 2.0).dtype == dtype


def test_other_radii_do_not_recompile():
    traces = []

    @jax.jit
    def blur(images, radius):
        traces.append(1)
        return ops.gaussian_blur(images, radius)

    images = noise((1, 8, 8, 3))
    results = [blur(images, radius) for radius in (0.0, 1.0, 2.5)]
    assert len(traces) == 1
    np.testing.assert_allclose(results[2], ops.gaussian_blur(images, 2.5), atol=1e-6)


@pytest.mark.parametrize('radius', [0.0, 1.3])
def test_gradient_is_the_adjoint(radius):
    images, cotangent = noise((2, 9, 12, 3)), noise((2, 9, 12, 3), seed=1)
    loss, gradient = jax.value_and_grad(lambda x: jnp.vdot(ops.gaussian_blur(x, radius), cotangent))(images)
    # The blur is linear, <A x, c> = <x, A' c>, for another x than the one it was differentiated at.
    other = noise((2, 9, 12, 3), seed=2)
    assert float(loss) == pytest.approx(float(jnp.vdot(images, gradient)), abs=1e-4)
    expected = float(jnp.vdot(ops.gaussian_blur(other, radius), cotangent))
    assert float(jnp.vdot(other, gradient)) == pytest.approx(expected, abs=1e-4)


def test_blur_under_vmap_of_the_radius_zero_included():
    images, radii = noise((2, 9, 12, 3)), jnp.array([0.0, 1e-9, 1.3])
    together = jax.vmap(ops.gaussian_blur, in_axes=(None, 0))(images, radii)
    np.testing.assert_array_equal(together[0], images)
    np.testing.assert_array_equal(together[1], images)
    np.testing.assert_allclose(together[2], ops.gaussian_blur(images, 1.3), atol=1e-6)
    gradient = jax.grad(lambda x, radius: ops.gaussian_blur(x, radius).sum(), (0, 1))
    gradients = jax.jit(jax.vmap(gradient, in_axes=(None, 0)))(images, radii)
    assert all(np.isfinite(part).all() for part in gradients)
    np.testing.assert_allclose(gradients[0][0], 1, atol=1e-6)


# For people


def test_grid_places_images_row_by_row_on_white():
    images = bytes_noise((5, 4, 6, 3))
    sample_grid = grids.grid(images, columns=3, gap=2)
    assert sample_grid.shape == (2 * 4 + 2, 3 * 6 + 2 * 2, 3) and sample_grid.dtype == np.uint8
    expected = np.full_like(sample_grid, 255)
    for i, (row, column) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]):
        expected[6 * row : 6 * row + 4, 8 * column : 8 * column + 6] = images[i]
    np.testing.assert_array_equal(sample_grid, expected)
    assert grids.grid(images[:2], columns=9, gap=0).shape == (4, 12, 3)


def test_grid_and_montage_refuse_what_would_look_wrong():
    for wrong in (noise((2, 4, 4, 3)), bytes_noise((4, 4, 3)), bytes_noise((2, 4, 4, 2)), bytes_noise((0, 4, 4, 3))):
        with pytest.raises(ValueError, match='uint8'):
            grids.grid(wrong, columns=2)
    good = bytes_noise((2, 4, 4, 3))
    with pytest.raises(ValueError, match='at least 1'):
        grids.grid(good, columns=0)
    with pytest.raises(ValueError, match='one shape'):
        grids.montage([good, good[:1]])
    with pytest.raises(ValueError, match='titles'):
        grids.montage([good, good], titles=['one'])


def test_montage_has_a_row_per_image_and_magnifies_small_ones():
    original, gray = bytes_noise((3, 50, 64, 3)), bytes_noise((3, 50, 64, 1))
    sample_grid = grids.montage([original, gray], gap=4)
    assert sample_grid.shape == (3 * 150 + 2 * 4, 2 * 192 + 4, 3)  # factor 3: 50 px -> 150 >= 128
    second = sample_grid[154:304]
    np.testing.assert_array_equal(second[1::3, 1:192:3], original[1])
    np.testing.assert_array_equal(second[2::3, 196::3], gray[1].repeat(3, axis=-1))
    assert grids.montage([bytes_noise((1, 128, 200, 3))]).shape == (128, 200, 3)


def test_montage_titles_stand_above_their_columns():
    images = bytes_noise((1, 64, 64, 3))
    plain = grids.montage([images] * 3)
    titled = grids.montage([images] * 3, titles=['original', '', 'a title that is much too long ' * 4])
    strip = titled[: -plain.shape[0]]
    np.testing.assert_array_equal(titled[-plain.shape[0] :], plain)
    ink = [int((strip[:, left : left + 128] < 128).any(axis=-1).sum()) for left in (0, 132, 264)]
    assert ink[0] > 50 and ink[1] == 0 and ink[2] > ink[0]
    assert (strip[:, 128:132] == 255).all() and (strip[:, 260:264] == 255).all()  # nothing runs over


@pytest.mark.parametrize('shape', [(5, 7, 3), (5, 7, 1), (5, 7)])
def test_png_round_trip(tmp_path, shape):
    image = bytes_noise(shape)
    path = tmp_path / 'new' / 'image.png'
    files.save_png(path, image[::-1])
    files.save_png(path, image)
    with Image.open(path) as opened:
        assert opened.format == 'PNG'
        np.testing.assert_array_equal(np.asarray(opened), image.reshape(opened.height, opened.width, -1).squeeze())
    assert [file.name for file in path.parent.iterdir()] == ['image.png']


def test_a_failed_write_leaves_the_old_image_and_no_rubbish(tmp_path, monkeypatch):
    path, old = tmp_path / 'image.png', bytes_noise((5, 7, 3))
    files.save_png(path, old)

    def full_disk(self, file, format):
        file.write(b'half an image')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Image.Image, 'save', full_disk)
    with pytest.raises(UserError, match=r'image\.png.*the disk is full'):
        files.save_png(path, old)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(np.asarray(opened), old)
    assert [file.name for file in tmp_path.iterdir()] == ['image.png']


def test_a_pipe_or_a_device_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / 'pipe.png')
    with pytest.raises(UserError, match='pipe.png.*in its way'):
        files.save_png(tmp_path / 'pipe.png', bytes_noise((4, 4, 3)))
    assert [path.is_fifo() for path in tmp_path.iterdir()] == [True]


def test_save_png_says_what_is_wrong(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match=r'file/image\.png'):
        files.save_png(tmp_path / 'file' / 'image.png', bytes_noise((2, 2, 3)))
    for wrong in (noise((2, 2, 3)), bytes_noise((2, 2, 4)), bytes_noise((1, 2, 2, 3))):
        with pytest.raises(ValueError, match='uint8'):
            files.save_png(tmp_path / 'image.png', wrong)
