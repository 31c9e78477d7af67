"""What files carry beside 8-bit sRGB: found by the header, applied or told."""

import io

import numpy as np
import pytest
from odd_files import ink_profile, linear_gray_profile, swapped_profile, tiff
from PIL import Image, ImageCms

from gans.data import decode, profiles
from gans.data.carries import carries
from gans.errors import UserError

COLOURS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
GRAYS = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4


def shown(image, form='PNG', **options):
    """An image as training sees it."""
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return decode.fit_srgb(decode.load_image(stream.getvalue(), 'x'), (8, 8), 'crop')


def test_profiles_are_applied():
    swapped = shown(Image.fromarray(COLOURS), icc_profile=swapped_profile()).astype(int)
    assert np.abs(swapped - COLOURS[..., [1, 0, 2]]).max() <= 2
    gray = shown(Image.fromarray(GRAYS), icc_profile=linear_gray_profile()).astype(float)
    linear = GRAYS / 255
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(gray - 255 * srgb[..., None]).max() <= 2
    inks = np.zeros((8, 8, 4), np.uint8)
    inks[:4, :, 0], inks[..., 1] = 255, 255  # cyan above, magenta everywhere, which is not seen
    seen = shown(Image.fromarray(inks, 'CMYK'), 'TIFF', icc_profile=ink_profile()).astype(int)
    assert seen[:4].max() < 8 and seen[4:].min() > 247


def test_srgb_in_all_but_name_is_left_alone():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    for profile in (srgb, srgb[:128].replace(b'acsp', b'acsx') + srgb[128:], b'damaged', swapped_profile()[:300]):
        assert np.array_equal(shown(Image.fromarray(COLOURS), icc_profile=profile), COLOURS)
    assert profiles.kind(srgb) == 'srgb' and profiles.kind(b'damaged') == 'broken'
    # A profile of inks in an image of colours.
    assert np.array_equal(shown(Image.fromarray(COLOURS), icc_profile=ink_profile()), COLOURS)


def carried(content):
    with Image.open(io.BytesIO(content)) as image:
        return carries(image)


def saved(image, form='PNG', **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


RGB = Image.fromarray(COLOURS)


def png_chunk(png, name, content):
    """A PNG with a chunk more after its header."""
    import struct
    import zlib

    chunk = struct.pack('>I', len(content)) + name + content + struct.pack('>I', zlib.crc32(name + content))
    return png[:33] + chunk + png[33:]


def deep_png():
    import struct
    import zlib

    rows = b''.join(b'\0' + row.astype('>u2').tobytes() for row in np.uint16(COLOURS) * 257)
    parts = ((b'IHDR', struct.pack('>IIBBBBB', 8, 8, 16, 2, 0, 0, 0)), (b'IDAT', zlib.compress(rows)), (b'IEND', b''))
    png = b'\x89PNG\r\n\x1a\n'
    for name, content in parts:
        png += struct.pack('>I', len(content)) + name + content + struct.pack('>I', zlib.crc32(name + content))
    return png


PALETTE = Image.fromarray(GRAYS % 4)
PALETTE.putpalette(COLOURS.reshape(-1)[:12].tolist())

CASES = {
    'plain': (lambda: saved(RGB), []),
    'jpeg': (lambda: saved(RGB, 'JPEG'), []),
    'gray': (lambda: saved(Image.fromarray(GRAYS)), []),
    'one bit': (lambda: saved(Image.fromarray(GRAYS > 99)), []),
    'palette': (lambda: saved(PALETTE), []),
    'ycbcr': (lambda: saved(RGB.convert('YCbCr'), 'TIFF'), []),
    'deep gray': (lambda: saved(Image.fromarray(np.uint16(GRAYS))), ['depth']),
    'deep colours': (deep_png, ['depth']),
    'deep pnm': (lambda: b'P6 2 1 4095\n' + bytes(12), ['depth']),
    'palette with alpha': (lambda: saved(PALETTE, transparency=1), ['alpha']),
    'alpha': (lambda: saved(RGB.convert('RGBA')), ['alpha']),
    'gif': (lambda: saved(RGB, 'GIF', save_all=True, append_images=[RGB.rotate(90)]), ['frames']),
    'webp': (lambda: saved(RGB, 'WEBP', save_all=True, append_images=[RGB.rotate(90)]), ['frames']),
    'apng': (lambda: saved(RGB, save_all=True, append_images=[RGB.rotate(90)]), ['frames']),
    'tiff configs': (lambda: saved(RGB, 'TIFF', save_all=True, append_images=[RGB.rotate(90)]), ['frames']),
    'mpo': (lambda: saved(RGB, 'MPO', save_all=True, append_images=[RGB.rotate(90)]), ['frames']),
    'profile': (lambda: saved(RGB, 'JPEG', icc_profile=swapped_profile()), ['profile']),
    'broken profile': (lambda: saved(RGB, 'JPEG', icc_profile=b'none'), ['profile not applied']),
    'inks': (lambda: saved(RGB.convert('CMYK'), 'JPEG'), ['inks']),
    'lab': (lambda: saved(RGB.convert('LAB'), 'TIFF'), ['lab']),
    'gamma': (lambda: png_chunk(saved(RGB), b'gAMA', (100000).to_bytes(4, 'big')), ['gamma']),
    'gamma of sRGB': (lambda: png_chunk(saved(RGB), b'gAMA', (45455).to_bytes(4, 'big')), []),
    'hdr': (lambda: png_chunk(saved(RGB), b'cICP', bytes((9, 16, 0, 1))), ['hdr']),
    'jpeg 2000': (lambda: saved(RGB, 'JPEG2000'), []),
    'deep jpeg 2000': (lambda: saved(Image.fromarray(np.uint16(GRAYS) * 257), 'JPEG2000'), ['depth']),
    'avif': (lambda: saved(RGB, 'AVIF'), []),
}


@pytest.mark.parametrize('case', CASES)
@pytest.mark.filterwarnings('ignore')
def test_a_header_tells_what_a_file_carries(case):
    make, kinds = CASES[case]
    assert carried(make()) == kinds


def test_extra_channels_are_told(tmp_path):
    five = np.concatenate([COLOURS, COLOURS[..., :2]], axis=-1)
    assert carried(tiff(tmp_path / 'a.tif', five).read_bytes()) == ['channels']
    assert carried(tiff(tmp_path / 'a.tif', np.uint16(COLOURS) * 257).read_bytes()) == ['depth']


def test_the_white_of_integers_is_that_of_their_type(tmp_path):
    for case, wanted in (
        ((np.uint16(GRAYS) * 257, {}), GRAYS),
        ((np.uint16(GRAYS) * 257, {'photometric': 0}), 255 - GRAYS),
        ((np.uint16(GRAYS / 255 * 4095), {'bits': 12}), GRAYS),
        ((np.uint16(GRAYS / 255 * 1000), {'smin': 0, 'smax': 1000}), GRAYS),
        ((np.int16(GRAYS / 255 * 1000.0 - 500), {'smin': -500, 'smax': 500}), GRAYS),
        ((np.uint32(GRAYS / 255 * (2**32 - 1)), {'smin': 0, 'smax': 2**32 - 1}), GRAYS),
        ((np.float32(GRAYS) * 3 - 9, {'smin': -9, 'smax': 756}), GRAYS),
        ((np.float32(GRAYS / 255), {'photometric': 0}), 255 - GRAYS),
    ):
        values, tags = case
        image = np.asarray(decode.load_image(tiff(tmp_path / 'a.tif', values, **tags), 'a')).astype(int)
        assert np.abs(image - wanted[..., None]).max() <= 1, tags


def test_a_gray_that_is_transparent_is_white_in_16_bits_too():
    deep = np.uint16(GRAYS) * 257
    image = shown(Image.fromarray(deep), transparency=int(deep[1, 1]))
    assert np.array_equal(image[..., 0], np.where(deep == deep[1, 1], 255, GRAYS))


@pytest.mark.parametrize(
    'values, tags, words',
    [
        (np.int32(GRAYS), {}, 'signed integers of 32 bits'),
        (np.uint32(GRAYS), {}, 'integers of 32 bits'),
        (np.int16(GRAYS), {}, 'signed integers of 16 bits'),
        (np.int8(GRAYS // 2), {}, 'signed values'),
        (np.float32(GRAYS / 7), {}, 'floats from 0 to 36'),
        (np.float32(GRAYS / 255 - 0.5), {}, 'floats from -0.5 to 0.48'),
        (np.float32(GRAYS), {'smin': 0, 'smax': 1}, 'says that its values run from 0 to 1'),
        (np.where(GRAYS == 252, np.float32('nan'), np.float32(0.5)), {}, '1 of 64 values that are no numbers'),
        (np.where(GRAYS == 252, np.float32('inf'), np.float32(0.5)), {}, '1 of 64 values that are no numbers'),
        (np.uint16(COLOURS) * 16, {'smax': 4095}, 'colours of a range of their own'),
    ],
)
def test_values_whose_range_nothing_tells_are_refused(tmp_path, values, tags, words):
    with pytest.raises(UserError, match=f"'odd.tif' .*{words}"):
        decode.load_image(tiff(tmp_path / 'a.tif', values, **tags), 'odd.tif')
