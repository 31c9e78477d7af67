"""One image of any size in memory once: read, painted and scaled by windows, never whole as floats.

A window is a pair of slices, (rows, columns). What is computed for a window has at most `WINDOW` pixels, or one row.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from gans.image import ops

WINDOW = 2**18  # pixels that are floats at a time: a few MiB, which also fit a processor's cache
MODES = ('L', 'LA', 'RGB', 'RGBA', 'I;16')  # of images in memory

_LUMA = np.array([ops.WEIGHT_R, ops.WEIGHT_G, ops.WEIGHT_B], np.float32)

Window = tuple[slice, slice]


class LargeImage:
    """An upright image in Pillow's own memory (1 to 4 bytes per pixel).

    Attributes:
      image: a Pillow image of one of MODES.
      size: (height, width).
      white: what is white in the image: 255, or, of gray values of more than 8 bits, 65535 or less.
    """

    def __init__(self, image, white: int = 255):
        if image.mode not in MODES:
            raise ValueError(f'an image has one of the modes {MODES}, not {image.mode}')
        self.image, self.white = image, white
        self.size = (image.height, image.width)

    @property
    def gray(self) -> bool:
        """Whether it has one channel beside its alpha."""
        return self.image.mode in ('L', 'LA', 'I;16')

    def rgb(self, window: Window) -> np.ndarray:
        """The colours of a window as they are in the file, uint8 [h, w, 3], whatever is transparent."""
        return self._eight_bits(self._cut(window))

    def seen(self, window: Window) -> np.ndarray:
        """The same on white where it is transparent: what a network is shown."""
        from PIL import Image

        part = self._cut(window)
        if part.mode in ('LA', 'RGBA'):
            part = part.convert('RGBA')
            part = Image.alpha_composite(Image.new('RGBA', part.size, 'white'), part).convert('RGB')
        return self._eight_bits(part)

    def alpha(self, window: Window) -> np.ndarray | None:
        """The opacity of a window, uint8 [h, w]; None if the image has none."""
        if self.image.mode not in ('LA', 'RGBA'):
            return None
        return np.asarray(self._cut(window).getchannel('A'))

    def put(self, window: Window, rgb: np.ndarray, where: np.ndarray | None = None) -> None:
        """Replaces the colours of a window, in place; its opacity stays, and a gray image takes their luma.

        Args:
          window: the rows and columns.
          rgb: uint8 [h, w, 3].
          where: bool [h, w]: all other pixels stay to the last bit, of 16 bits too; None for everywhere.
        """
        from PIL import Image

        part = self._cut(window)
        values = np.rint(rgb @ _LUMA * (self.white / 255)) if self.gray else rgb
        values = values.astype(np.uint16 if self.image.mode == 'I;16' else np.uint8)
        if where is not None:
            before = np.asarray(part)
            if part.mode in ('LA', 'RGBA'):
                before = before[..., 0] if self.gray else before[..., :3]
            values = np.where(where if self.gray else where[..., None], values, before)
        new = Image.fromarray(values)
        if part.mode in ('LA', 'RGBA'):
            new.putalpha(part.getchannel('A'))
        rows, columns = window
        self.image.paste(new, (columns.start, rows.start))

    def coloured(self, in_place: bool) -> 'LargeImage':
        """An image of the same size and opacity that can take colours: this very one if it can and is `in_place`."""
        from PIL import Image

        if not self.gray:
            return self if in_place else self.copy()
        if self.image.mode == 'I;16':
            return LargeImage(Image.new('RGB', self.image.size))
        return LargeImage(self.image.convert('RGBA' if self.image.mode == 'LA' else 'RGB'))

    def copy(self) -> 'LargeImage':
        return LargeImage(self.image.copy(), self.white)

    def _cut(self, window):
        rows, columns = window
        return self.image.crop((columns.start, rows.start, columns.stop, rows.stop))

    def _eight_bits(self, part):
        if part.mode != 'I;16':
            return np.asarray(part.convert('RGB'))
        levels = np.rint(np.minimum(np.asarray(part), self.white) * (255 / self.white))
        return np.repeat(levels.astype(np.uint8)[..., None], 3, axis=-1)


def everything(size: tuple[int, int]) -> Window:
    """The window that is the whole image."""
    return slice(0, size[0]), slice(0, size[1])


def bounds(mask: np.ndarray) -> Window:
    """The smallest window that holds all of a mask, bool [H, W] with something true."""
    return tuple(slice(int(n[0]), int(n[-1]) + 1) for n in (np.flatnonzero(mask.any(axis=a)) for a in (1, 0)))


def windows(window: Window) -> Iterator[Window]:
    """Parts a window into strips of rows of at most WINDOW pixels, or of one row."""
    rows, columns = window
    step = max(1, WINDOW // max(1, columns.stop - columns.start))
    for top in range(rows.start, rows.stop, step):
        yield slice(top, min(top + step, rows.stop)), columns


def section(
    place: tuple[slice, slice], size: tuple[int, int], shape: tuple[int, int], share: float
) -> tuple[slice, slice]:
    """The rows and columns of an image to show to a network so that it fills in `place`.

    Args:
      place: the rows and columns to be filled.
      size: the image's (height, width).
      shape: that of the network's images, whose proportions the section has, unless the image ends before.
      share: how much of a side the place takes at most, unless the image ends before.
    """
    need = max((s.stop - s.start) / (share * n) for s, n in zip(place, shape, strict=True))
    whole = max(n / m for n, m in zip(size, shape, strict=True))
    scale = min(max(need, 1), whole)  # never finer than the image itself
    rows_and_columns = []
    for s, n, m in zip(place, size, shape, strict=True):
        length = min(round(scale * m), n)
        start = (s.start + s.stop - length) // 2
        start = min(max(start, 0), n - length)
        rows_and_columns.append(slice(start, start + length))
    return tuple(rows_and_columns)


def shrink(strip: Callable[[Window], np.ndarray], window: Window, size: tuple[int, int]) -> np.ndarray:
    """Scales a window of an image with Lanczos' filter, antialiased where it shrinks.

    Equal to scaling the whole at once: Pillow too scales all rows first, then all columns.

    Args:
      strip: window -> float [h, w, C].
      window: what to scale.
      size: (height, width) of the result.

    Returns:
      float32 [*size, C].
    """
    from PIL import Image

    height, width = size
    narrow = []
    for part in windows(window):
        values = strip(part)
        narrow.append(_resize(values, (len(values), width), Image.Resampling.LANCZOS))
    return _resize(np.concatenate(narrow), (height, width), Image.Resampling.LANCZOS)


class Enlarged(NamedTuple):
    """A small image that stands for a large one: windows of it are scaled up when they are needed.

    Attributes:
      small: float [h, w, C].
      around: the window of an image that it covers.
    """

    small: np.ndarray
    around: Window

    def __getitem__(self, window: Window) -> np.ndarray:
        """The pixels of a window inside `around`, float32 [h, w, C], bicubic; antialiased where it shrinks."""
        from PIL import Image

        sides, starts, stops = [], [], []
        for inner, outer, n in zip(window, self.around, self.small.shape, strict=False):
            scale = n / (outer.stop - outer.start)
            sides.append(inner.stop - inner.start)
            starts.append((inner.start - outer.start) * scale)
            stops.append(min((inner.stop - outer.start) * scale, n))
        return _resize(self.small, sides, Image.Resampling.BICUBIC, (*starts[::-1], *stops[::-1]))


def _resize(image, size, kind, box=None):
    """float [H, W, C] -> float32 [*size, C]; `box` is (left, top, right, bottom) and its filter looks beyond it."""
    from PIL import Image

    height, width = size
    planes = [Image.fromarray(np.ascontiguousarray(p, np.float32)) for p in np.moveaxis(image, -1, 0)]
    return np.stack([np.asarray(plane.resize((width, height), kind, box)) for plane in planes], axis=-1)
