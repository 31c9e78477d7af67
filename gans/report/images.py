"""Images of a run for one HTML file: as they are where they fit into the budget, else packed smaller or scaled down."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gans.data import decode
from gans.data.files import printable, read_regular
from gans.errors import UserError
from gans.image.files import png
from gans.web.documents import data_uri

_MOST_FILE = 2**26  # bytes of one image file; a sample grid has a few hundred thousand
_QUALITIES = (90, 80, 65)  # of JPEG, tried in this order at each size
_SHRINK = 0.75  # from one size to the next
_LEAST = 64  # pixels: no side becomes shorter
_PNG = b'\x89PNG\r\n\x1a\n'


class Inlined(NamedTuple):
    """An image inside of the file.

    Attributes:
      uri: what an <img> takes as its address.
      width: in pixels, of the original.
      height: the same.
      size: bytes that it takes in the file.
      packed: whether it is not the file as it was: another format or size.
    """

    uri: str
    width: int
    height: int
    size: int
    packed: bool


def read_images(paths: Sequence[Path], budget: int) -> tuple[list[Inlined | None], list[str]]:
    """Reads image files into a budget.

    Args:
      paths: the files.
      budget: bytes of the HTML file for all of them; each has an equal share of what those before it left.

    Returns:
      (an image for each, None for one that cannot be read; a sentence for each of those).
    """
    found, problems = [], []
    for i, path in enumerate(paths):
        try:
            one = read_image(path, budget // (len(paths) - i))
            budget -= one.size
            found.append(one)
        except (OSError, UserError) as error:
            problems.append(printable(f'{path.name} cannot be shown ({f"{error}".rstrip(".")}).'))
            found.append(None)
    return found, problems


def read_image(path: Path, share: int) -> Inlined:
    """Reads an image file; it takes at most `share` bytes, where that is possible without becoming tiny.

    Raises:
      UserError, OSError: it is no image, or cannot be read.
    """
    content = read_regular(path, _MOST_FILE)
    image = decode.load_image(content, str(path))
    if content.startswith(_PNG) and _encoded(len(content)) <= share:
        return Inlined(data_uri(content), *image.size, _encoded(len(content)), False)
    return _packed(image, share)


def pack(image: np.ndarray, share: int) -> Inlined:
    """The same for pixels, uint8 [H, W, 3]."""
    from PIL import Image

    found, content = Image.fromarray(image), png(image)
    if _encoded(len(content)) <= share:
        return Inlined(data_uri(content), *found.size, _encoded(len(content)), False)
    return _packed(found, share)


def _packed(image, share):
    """As JPEG: of lower quality, then of a smaller size, until it fits."""
    from PIL import Image

    full, scale = image.size, 1.0
    while True:
        for quality in _QUALITIES:
            file = io.BytesIO()
            image.save(file, 'JPEG', quality=quality, subsampling=0 if quality > _QUALITIES[-1] else 2)
            if _encoded(file.tell()) <= share:
                break
        # From the size of the file one that fits is guessed, so that few are tried.
        excess = _encoded(file.tell()) / max(share, 1)
        scale *= min(_SHRINK, excess**-0.5)
        smaller = tuple(max(round(side * scale), min(side, _LEAST)) for side in full)
        if excess <= 1 or smaller == image.size or min(image.size) <= _LEAST:
            return Inlined(data_uri(file.getvalue(), 'image/jpeg'), *full, _encoded(file.tell()), True)
        image = image.resize(smaller, Image.Resampling.LANCZOS)


def _encoded(size):
    """Bytes of base64."""
    return -(-size // 3) * 4
