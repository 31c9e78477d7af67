"""Images of every mode come out as the RGB that plain numpy says, and what is no image gets a sentence."""

import io

import numpy as np
import pytest
from PIL import Image

from gans.data import decode, fitting
from gans.errors import UserError

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (6, 9), np.uint8)
RGB = RNG.integers(0, 256, (6, 9, 3), np.uint8)
ALPHA = RNG.integers(0, 256, (6, 9), np.uint8)


def packed(image, form='PNG', **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def loaded(image, form='PNG', **options):
    return np.asarray(decode.load_image(packed(image, form, **options), 'x').convert('RGB')).astype(int)


def repeated(gray):
    return np.repeat(np.asarray(gray)[..., None], 3, axis=-1).astype(int)


def on_white(rgb, alpha):
    opacity = np.asarray(alpha)[..., None] / 255
    return np.asarray(rgb) * opacity + 255 * (1 - opacity)


def test_rgb_and_gray_are_exact():
    assert np.array_equal(loaded(Image.fromarray(RGB)), RGB)
    assert np.array_equal(loaded(Image.fromarray(GRAY)), repeated(GRAY))


def test_one_bit_is_black_and_white():
    bits = GRAY > 127
    assert np.array_equal(loaded(Image.fromarray(bits)), repeated(bits * 255))


@pytest.mark.parametrize('form', ['PNG', 'GIF'])
def test_palette(form):
    indices = (GRAY % 4).astype(np.uint8)
    colours = RGB.reshape(-1, 3)[:4]
    image = Image.fromarray(indices)
    image.putpalette(colours.reshape(-1).tolist())
    assert np.array_equal(loaded(image, form), colours[indices])
    # One entry is transparent: white shows through.
    assert np.array_equal(
        loaded(image, form, transparency=2), np.where((indices == 2)[..., None], 255, colours[indices])
    )


def test_transparency_is_composited_on_white():
    rgba = Image.fromarray(np.dstack([RGB, ALPHA]))
    assert np.abs(loaded(rgba) - on_white(RGB, ALPHA)).max() <= 1
    la = Image.merge('LA', [Image.fromarray(GRAY), Image.fromarray(ALPHA)])
    assert np.abs(loaded(la) - on_white(repeated(GRAY), ALPHA)).max() <= 1
    # A colour key: every pixel of that gray is transparent.
    assert np.array_equal(
        loaded(Image.fromarray(GRAY), transparency=int(GRAY[0, 0])), repeated(np.where(GRAY == GRAY[0, 0], 255, GRAY))
    )


def test_sixteen_bits_are_scaled_not_cut_off():
    deep = RNG.integers(0, 65536, (6, 9)).astype(np.uint16)
    deep[0, :3] = (0, 300, 65535)
    wanted = repeated(np.round(deep / 65535 * 255))
    image = Image.fromarray(deep)
    assert image.mode == 'I;16'
    assert np.abs(loaded(image) - wanted).max() <= 1
    assert np.abs(loaded(image, 'TIFF') - wanted).max() <= 1
    # A 16-bit PGM opens as 32-bit integers; even a dark one (no value above 255) keeps 65535 as its white.
    for values in (deep, deep // 256):
        file = b'P5 9 6 65535\n' + values.astype('>u2').tobytes()
        read = np.asarray(decode.load_image(file, 'x'))
        assert np.abs(read - repeated(np.round(values / 65535 * 255))).max() <= 1


def test_floats_run_from_0_to_1():
    values = np.array([[0, 0.25, 0.5, 1.0]], np.float32)
    assert np.array_equal(loaded(Image.fromarray(values), 'TIFF'), repeated(np.round(values * 255)))


@pytest.mark.parametrize('form', ['TIFF', 'JPEG'])
def test_cmyk(form):
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[..., 1:3] = 255  # magenta and yellow make red
    red = loaded(Image.fromarray(ink, 'CMYK'), form)
    assert np.abs(red - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize('form', ['GIF', 'PNG', 'WEBP'])
def test_an_animation_gives_its_first_frame(form):
    frames = [Image.new('RGB', (16, 16), colour) for colour in ('red', 'blue', 'green')]
    image = loaded(frames[0], form, save_all=True, append_images=frames[1:])
    assert image.shape == (16, 16, 3) and np.abs(image - [255, 0, 0]).max() <= 3


TURNS = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize('orientation', TURNS)
def test_the_exif_orientation_is_applied(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = packed(Image.fromarray(RGB), exif=exif.tobytes())
    image = np.asarray(decode.load_image(file, 'x'))
    assert np.array_equal(image, TURNS[orientation](RGB))


@pytest.mark.filterwarnings('ignore::UserWarning:PIL')
def test_damaged_exif_does_not_spoil_an_image():
    cut_off = b'Exif\0\0MM\0\x2a\0\0\0\x08\xff\xff\xff'
    # Orientation 6 beside a camera's name that is no text: Pillow turns the image, then raises.
    strange = (
        b'Exif\0\0MM\0\x2a\0\0\0\x08\0\x03\x01\x0f\0\x05\0\0\0\x06\0\0\0\0\x01\x12\0\x03\0\0\0\x01\0\x06'
        b'\0\0\x01\x1a\0\x05\0\0\0\x01\0\0\x008\0\0\0\0maker\0'
    )
    for exif, wanted in ((cut_off, RGB), (strange, TURNS[6](RGB))):
        file = packed(Image.fromarray(RGB), exif=exif)
        assert np.array_equal(np.asarray(decode.load_image(file, 'x')), wanted)


def test_paths_files_and_bytes_are_alike(tmp_path):
    Image.fromarray(RGB).save(tmp_path / 'a.png')
    with open(tmp_path / 'a.png', 'rb') as file:
        for what in (tmp_path / 'a.png', str(tmp_path / 'a.png'), file, (tmp_path / 'a.png').read_bytes()):
            assert np.array_equal(np.asarray(decode.load_image(what, 'a.png')), RGB)


def test_large_jpegs_may_be_decoded_smaller_but_not_too_small():
    photograph = Image.linear_gradient('L').resize((512, 384)).convert('RGB')
    file = packed(photograph, 'JPEG', quality=95)
    small = decode.load_image(file, 'x', at_least=48)
    assert small.size == (64, 48)
    assert decode.load_image(file, 'x', at_least=300).size == (512, 384)
    exact, fast = (fitting.fit(image, (24, 32), 'crop').astype(int) for image in (photograph, small))
    assert np.abs(exact - fast).max() <= 6


@pytest.mark.parametrize('form', ['PNG', 'JPEG', 'WEBP', 'TIFF'])
def test_cut_off_files_are_named(form):
    noise = Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8))
    file = packed(noise, form)
    with pytest.raises(UserError, match="'bird.x' is (damaged|not an image)"):
        decode.load_image(file[: len(file) // 2], 'bird.x')


def test_what_is_no_image_is_named(tmp_path):
    for content in (b'', b'a,b\n1,2\n', b'\x89PNG\r\n\x1a\n'):
        with pytest.raises(UserError, match="'label.png' is not an image"):
            decode.load_image(content, 'label.png')
    with pytest.raises(UserError, match="'gone.png' does not exist"):
        decode.load_image(tmp_path / 'gone.png', 'gone.png')
    with pytest.raises(UserError, match='is a folder'):
        decode.load_image(tmp_path, 'here')


def test_images_of_too_many_pixels_are_refused_by_their_header(tmp_path):
    file = packed(Image.fromarray(RGB))
    with pytest.raises(UserError, match="'huge.png' has 9x6 pixels .*more than 40: .*--config.data.max_pixels"):
        decode.load_image(file, 'huge.png', limits=decode.Limits(max_pixels=40))
    (tmp_path / 'a.png').write_bytes(file)
    with pytest.raises(UserError, match="'a.png' has more than 40 bytes.*--config.data.max_bytes"):
        decode.load_image(tmp_path / 'a.png', 'a.png', limits=decode.Limits(max_bytes=40))


def test_fit_leaves_a_image_of_that_shape_alone():
    for how in fitting.FITS:
        assert np.array_equal(fitting.fit(Image.fromarray(RGB), (6, 9), how), RGB)


def test_crop_takes_the_middle_and_resize_takes_all():
    stripes = np.zeros((8, 32, 3), np.uint8)
    stripes[:, :12], stripes[:, 12:20], stripes[:, 20:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    image = Image.fromarray(stripes)
    assert np.array_equal(fitting.fit(image, (8, 8), 'crop'), stripes[:, 12:20])
    small = np.asarray(image.resize((16, 4), Image.Resampling.LANCZOS))
    assert np.array_equal(fitting.fit(image, (4, 4), 'crop'), small[:, 6:10])
    squeezed = fitting.fit(image, (8, 8), 'resize').astype(int)
    assert np.abs(squeezed[:, [0, 3, 4, 7]] - np.eye(3)[[0, 1, 1, 2]] * 255).max() <= 32


@pytest.mark.parametrize('how', fitting.FITS)
@pytest.mark.parametrize('size', [(40, 23), (23, 40), (37, 37)])
def test_fit_is_symmetric(how, size):
    noise = RNG.integers(0, 256, (*size, 3), np.uint8)
    straight = fitting.fit(Image.fromarray(noise), (16, 12), how).astype(int)
    for flip in (np.flipud, np.fliplr):
        flipped = fitting.fit(Image.fromarray(np.ascontiguousarray(flip(noise))), (16, 12), how)
        assert straight.shape == (16, 12, 3)
        assert np.abs(flip(flipped).astype(int) - straight).max() <= 1


@pytest.mark.parametrize('factor', [4, 16])
def test_fit_is_antialiased(factor):
    board = (np.indices((16 * factor, 16 * factor)).sum(0) % 2 * 255).astype(np.uint8)
    small = fitting.fit(Image.fromarray(repeated(board).astype(np.uint8)), (16, 16), 'crop').astype(int)
    assert np.abs(small - 127.5).max() < 6


def test_small_images_are_refused_or_enlarged():
    image = Image.fromarray(RGB)
    for shape in ((7, 9), (6, 10)):
        with pytest.raises(UserError, match=r"'bird.png' has 9x6 pixels .* smaller --config.size.*upscale=True"):
            fitting.fit(image, shape, 'crop', 'bird.png')
        for how in fitting.FITS:
            assert fitting.fit(image, shape, how, 'bird.png', upscale=True).shape == (*shape, 3)
    with pytest.raises(UserError, match="no fit 'corp' .did you mean 'crop'"):
        fitting.fit(image, (2, 2), 'corp')
