"""What an image file carries beside 8-bit sRGB, so that nothing of it is dropped without a word."""

from typing import TYPE_CHECKING, NamedTuple

from gans.data import profiles

if TYPE_CHECKING:
    from PIL import Image

_BITS, _SAMPLES = 258, 277  # tags of TIFF 6.0
_SRGB_GAMMA = 0.45455
_HEAD = 2**14  # bytes of a file in which headers lie
_CURVES = {16: 'PQ', 18: 'HLG'}  # ITU-T H.273, transfer characteristics


class Carried(NamedTuple):
    """Something that a file has beside 8-bit sRGB: `kind` is a key of IN_TRAINING, `what` names it for one file."""

    kind: str
    what: str


# What becomes of it in training, said of several images: '3 with more than 8 bits per channel, reduced to 8'.
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


def carries(image: 'Image.Image') -> list[Carried]:
    """What an image that Pillow has just opened carries beside 8-bit sRGB, by its header: nothing is decoded.

    Gray, palettes, single bits and YCbCr become RGB without loss and are not told.
    """
    found = []
    bits = _depth(image)
    if bits > 8:
        found.append(Carried('depth', f'{bits} bits per channel'))
    if _several(image):
        found.append(Carried('frames', 'more than one frame, page or layer'))
    found += _colours(image)
    tags = getattr(image, 'tag_v2', {}) if image.format == 'TIFF' else {}
    extra = tags.get(_SAMPLES, 1) - len(image.getbands())
    if extra > 0:
        found.append(Carried('channels', f'{extra} extra channel{"s" if extra > 1 else ""}'))
    if image.mode in ('RGBA', 'LA', 'PA', 'RGBa', 'La') or 'transparency' in image.info:
        found.append(Carried('alpha', 'transparency'))
    return found


def _colours(image):
    found = []
    profile = image.info.get('icc_profile')
    if profile:
        if profiles.of(image):
            found.append(Carried('profile', 'an ICC profile other than sRGB'))
        elif profiles.kind(profile) != 'srgb' and (image.mode, profiles.space(profile)) != ('LAB', 'Lab'):
            found.append(Carried('profile not applied', 'an ICC profile that cannot be applied'))
    elif 'gamma' in image.info and 'srgb' not in image.info:
        if abs(image.info['gamma'] / _SRGB_GAMMA - 1) > 0.05:
            found.append(Carried('gamma', f'a gamma of {image.info["gamma"]:.3g}'))
    curve = _curve(image)
    if curve:
        found.append(Carried('hdr', f'the HDR transfer curve {curve}'))
    if image.mode in ('CMYK', 'LAB'):
        found.append(Carried('inks', 'CMYK') if image.mode == 'CMYK' else Carried('lab', 'CIELAB'))
    return found


def _depth(image):
    """Bits per channel in the file."""
    if image.format == 'TIFF':
        bits = image.tag_v2.get(_BITS, (8,))
        return max(bits) if isinstance(bits, tuple) else bits
    if image.mode in ('I', 'F') or image.mode.startswith('I;'):
        return 32 if image.mode == 'F' else 16
    if image.format in ('PNG', 'PPM'):
        codec = str(image.tile[0].args) if image.tile else ''
        return 16 if ';16' in codec or (image.format == 'PPM' and _largest(image) > 255) else 8
    if image.format == 'JPEG2000':
        return _bits_of_jpeg2000(_head(image))
    if image.format == 'AVIF':
        head = _head(image)
        at = head.find(b'av1C')
        flags = head[at + 6] if 0 <= at < len(head) - 6 else 0
        return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
    return 8


def _largest(image):
    args = image.tile[0].args if image.tile else ()
    return args[1] if isinstance(args, tuple) and len(args) == 2 else 255


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
