"""What an image file carries beside 8-bit sRGB, so that nothing of it is dropped without a word."""

from typing import TYPE_CHECKING

from gans.data import profiles

if TYPE_CHECKING:
    from PIL import Image

_BITS, _SAMPLES = 258, 277  # tags of TIFF 6.0
_SRGB_GAMMA = 0.45455
_HEAD = 2**14  # bytes of a file in which headers lie
_CURVES = {16: 'PQ', 18: 'HLG'}  # ITU-T H.273, transfer characteristics


# What an image may carry -> what becomes of it in training, said of several: '3 in CMYK, converted to RGB'.
IN_TRAINING = {
    'depth': 'with more than 8 bits per channel, reduced to 8',
    'frames': 'with more than one frame, page or layer, of which the first is used (layers: merged)',
    'profile': 'with an ICC profile other than sRGB, converted to sRGB',
    'profile not applied': 'with an ICC profile that cannot be applied',
    'gamma': 'with a gamma other than that of sRGB, which is not applied',
    'hdr': 'in HDR, whose transfer curve is not applied',
    'channels': 'with extra channels, left out',
    'inks': 'in CMYK, converted to RGB',
    'lab': 'in CIELAB, converted to RGB',
    'alpha': 'with transparency, laid on white',
}


def carries(image: 'Image.Image') -> list[str]:
    """The keys of IN_TRAINING for what an image that Pillow has just opened carries: by its header, without decoding.

    Gray, palettes, single bits and YCbCr become RGB without loss and are not told.
    """
    found = []
    if depth(image) > 8:
        found.append('depth')
    if _several(image):
        found.append('frames')
    found += _colours(image)
    tags = getattr(image, 'tag_v2', {}) if image.format == 'TIFF' else {}
    if tags.get(_SAMPLES, 1) > len(image.getbands()):
        found.append('channels')
    if image.mode in ('RGBA', 'LA', 'PA', 'RGBa', 'La') or 'transparency' in image.info:
        found.append('alpha')
    return found


def _colours(image):
    found = []
    profile = image.info.get('icc_profile')
    if profile:
        if profiles.of(image):
            found.append('profile')
        elif profiles.kind(profile) != 'srgb' and (image.mode, profiles.space(profile)) != ('LAB', 'Lab'):
            found.append('profile not applied')
    elif 'gamma' in image.info and 'srgb' not in image.info:
        if abs(image.info['gamma'] / _SRGB_GAMMA - 1) > 0.05:
            found.append('gamma')
    if _curve(image):
        found.append('hdr')
    if image.mode in ('CMYK', 'LAB'):
        found.append('inks' if image.mode == 'CMYK' else 'lab')
    return found


def depth(image: 'Image.Image') -> int:
    """How many bits each value has in the file of an image that Pillow has just opened."""
    if image.format == 'TIFF':
        bits = image.tag_v2.get(_BITS, 1)
        return max(bits) if isinstance(bits, tuple) else bits
    if image.format == 'JPEG2000':
        return _bits_of_jpeg2000(_head(image))
    if image.format == 'AVIF':
        head = _head(image)
        at = head.find(b'av1C')
        flags = head[at + 6] if 0 <= at < len(head) - 6 else 0
        return (12 if flags & 0x20 else 10) if flags & 0x40 else 8
    if image.mode in ('I', 'F') and image.format != 'PPM':
        return 32
    codec = image.tile[0].args if image.tile else ''
    largest = codec[1] if image.format == 'PPM' and isinstance(codec, tuple) and len(codec) == 2 else 255
    return 16 if largest > 255 or image.mode.startswith('I') or ';16' in str(codec) else 8


def _bits_of_jpeg2000(head):
    at = head.find(b'\xff\x4f\xff\x51')  # start of codestream, SIZ: Ssiz of the first component is at 42
    return (head[at + 42] & 0x7F) + 1 if 0 <= at < len(head) - 42 else 8


def _curve(image):
    """The name of an HDR transfer curve in a PNG's or an AVIF's code points, or ''."""
    if image.format not in ('PNG', 'AVIF'):
        return ''
    head = _head(image)
    if image.format == 'PNG':
        at, code = head.find(b'cICP'), 5
    else:
        at, code = head.find(b'colrnclx'), 11
    return _CURVES.get(head[at + code], '') if 0 <= at < len(head) - code else ''


def _head(image):
    file = image.fp
    if file is None:
        return b''
    place = file.tell()
    try:
        file.seek(0)
        return file.read(_HEAD)
    finally:
        file.seek(place)


def _several(image):
    try:
        return bool(getattr(image, 'is_animated', False))
    except Exception:  # a damaged second frame does not spoil the first
        return False
