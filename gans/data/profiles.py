"""ICC profiles: colours in another space than sRGB become sRGB, by Little CMS through Pillow."""

import functools
import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_SAME = 2  # a profile that moves no colour by more than this, of 255, is sRGB in all but name


def version() -> str:
    """The version of Little CMS, or 'none' where Pillow is built without it."""
    from PIL import features

    return (features.version('littlecms2') or 'unknown') if features.check('littlecms2') else 'none'


def kind(profile: bytes) -> str:
    """'srgb' for a profile of sRGB or of a gray like it, 'other' for another one, 'broken' for one of no use here."""
    return _examined(profile)[0]


def space(profile: bytes) -> str:
    """The colours that a profile is of: 'RGB', 'GRAY', 'CMYK', or another of ICC's names; '' if it is broken."""
    return _examined(profile)[1]


def of(image: 'Image.Image') -> bytes | None:
    """The profile of an image, if it is one that changes the image's colours and can be applied to them."""
    profile = image.info.get('icc_profile')
    if not profile or kind(profile) != 'other':
        return None
    if space(profile) == 'GRAY':
        fits = image.mode in ('1', 'L', 'LA', 'La', 'I', 'F') or image.mode.startswith('I;')
    else:
        fits = image.mode == 'CMYK' if space(profile) == 'CMYK' else image.mode not in ('CMYK', 'LAB')
    return profile if fits else None


def to_srgb(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    """uint8 [H, W, 3], RGB or three times a gray, in a profile's colours -> the same in sRGB.

    Those of a profile for inks, which `inks_to_srgb` applies, come back as they are.
    """
    from PIL import Image

    if space(profile) == 'CMYK':
        return pixels
    if space(profile) == 'GRAY':
        return _table_of_grays(profile)[pixels[..., 0]]
    return np.asarray(_applied(profile, Image.fromarray(pixels))).copy()


def inks_to_srgb(image: 'Image.Image', profile: bytes) -> 'Image.Image':
    """A Pillow image in CMYK as RGB, by a profile that `of` found."""
    return _applied(profile, image)


def _applied(profile, image):
    from PIL import ImageCms

    return ImageCms.applyTransform(image, _transform(profile, image.mode))


@functools.lru_cache(maxsize=64)
def _table_of_grays(profile):
    """What each of the 256 grays becomes: uint8 [256, 3]."""
    from PIL import Image

    return np.asarray(_applied(profile, Image.fromarray(np.arange(256, dtype=np.uint8)[None])))[0]


@functools.lru_cache(maxsize=64)
def _transform(profile, mode):
    from PIL import ImageCms

    # What Little CMS does to be fast with single channels moves dark grays by up to 10 of 255.
    exact = ImageCms.Flags.NOOPTIMIZE if mode == 'L' else 0
    return ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile('sRGB'),
        mode,
        'RGB',
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION | exact,
    )


@functools.lru_cache(maxsize=64)
def _examined(profile):
    """(kind, space) of a profile: it is sRGB if it leaves the colours of a coarse cube as they are."""
    from PIL import Image

    if version() == 'none':
        return 'broken', ''
    try:
        from PIL import ImageCms

        found = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()
        if found == 'CMYK':
            _transform(profile, 'CMYK')
            return 'other', found
        if found not in ('RGB', 'GRAY'):
            return 'broken', found
        steps = np.linspace(0, 255, 9).round().astype(np.uint8)
        cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
        if found == 'GRAY':
            seen, meant = _table_of_grays(profile), np.arange(256)[:, None]
        else:
            seen, meant = np.asarray(_applied(profile, Image.fromarray(cube))), cube
        moved = np.abs(seen.astype(int) - meant).max()
        return ('srgb' if moved <= _SAME else 'other'), found
    except Exception:  # Little CMS refuses damaged profiles, and kinds that are no input
        return 'broken', ''
