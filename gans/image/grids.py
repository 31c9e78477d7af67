"""Images side by side for people: uint8 NumPy arrays in, one uint8 array out; never under jit."""

import math
from collections.abc import Sequence

import numpy as np

_MONTAGE_SIDE = 128  # pixels: shorter sides are magnified by whole factors until they reach this


_SMALLEST_FONT = 8


def grid(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Lays images out row by row on white, with `gap` white pixels between them and none around.

    images: uint8 [N, H, W, 3] (or 1 channel), N >= 1. Returns uint8 [height, width, 3] with ceil(N / columns)
    rows of min(columns, N) images; the places left over in the last row are white. Raises ValueError on
    other input.
    """
    images = as_rgb(images)
    if columns < 1:
        raise ValueError(f'columns must be at least 1, got {columns}')
    count, height, width, _ = images.shape
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    return canvas


def tiles(canvas: np.ndarray, shape: tuple[int, int], gap: int = 2) -> np.ndarray:
    """Cuts a canvas that `grid` laid out back into its images; the places left over come back white.

    canvas: uint8 [height, width, 3]; shape: (H, W) of one image. Returns uint8 [rows, columns, H, W, 3]: reshaped to
    [-1, H, W, 3], the images in the order that `grid` was given. Raises ValueError where no whole number of such
    images makes up the canvas.
    """
    canvas = np.asarray(canvas)
    if canvas.dtype != np.uint8 or canvas.ndim != 3 or canvas.shape[-1] != 3 or not canvas.size:
        raise ValueError(f'expected uint8 [H, W, 3], got {canvas.dtype} {canvas.shape}')
    pitches = [side + gap for side in shape]
    if any((length + gap) % pitch for length, pitch in zip(canvas.shape, pitches, strict=False)):
        raise ValueError(f'{canvas.shape[:2]} pixels are no grid of images {tuple(shape)} with gaps of {gap}')
    whole = np.pad(canvas, ((0, gap), (0, gap), (0, 0)))
    rows, columns = (length // pitch for length, pitch in zip(whole.shape, pitches, strict=False))
    cut = whole.reshape(rows, pitches[0], columns, pitches[1], 3).swapaxes(1, 2)
    return cut[:, :, : shape[0], : shape[1]]


def montage(columns: Sequence[np.ndarray], titles: Sequence[str] | None = None, gap: int = 4) -> np.ndarray:
    """Compares versions of the same images: one row per image, one column per version, titles above.

    columns: K arrays uint8 [N, H, W, 3] (or 1 channel) of one size; titles: K texts or None. Images whose
    shorter side is below 128 px are magnified by the smallest whole factor that reaches it (nearest
    neighbour). A title that is too wide is set smaller, then cut. Returns uint8 [height, width, 3]. Raises
    ValueError on other input.
    """
    versions = [as_rgb(version) for version in columns]
    shapes = [version.shape for version in versions]
    if len(set(shapes)) != 1:
        raise ValueError(f'columns must be images of one shape, got {shapes}')
    if titles is not None and len(titles) != len(versions):
        raise ValueError(f'{len(versions)} columns but {len(titles)} titles')
    _, height, width, _ = versions[0].shape
    factor = max(1, math.ceil(_MONTAGE_SIDE / min(height, width)))
    interleaved = np.stack(versions, axis=1).reshape(-1, height, width, 3)
    canvas = grid(enlarge(interleaved, factor), len(versions), gap)
    if titles is None:
        return canvas
    return np.concatenate([_title_strip(titles, width * factor, gap), canvas], axis=0)


def enlarge(images: np.ndarray, factor: int) -> np.ndarray:
    """Images [..., H, W, C] so many times as large: every pixel becomes a square."""
    return images.repeat(factor, axis=-3).repeat(factor, axis=-2)


def as_rgb(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
        raise ValueError(f'expected uint8 [N, H, W, 3] with N >= 1, got {images.dtype} {images.shape}')
    return np.broadcast_to(images, (*images.shape[:3], 3))


def _title_strip(titles: Sequence[str], width: int, gap: int) -> np.ndarray:
    """Black on white, each title centred over its column of `width` pixels, in one size of PIL's own font."""
    from PIL import Image, ImageDraw, ImageFont

    size = max(16, width // 16)
    font = ImageFont.load_default(size)
    while size > _SMALLEST_FONT and max(font.getlength(title) for title in titles) > width:
        size -= 1
        font = ImageFont.load_default(size)
    strip = Image.new('RGB', (len(titles) * (width + gap) - gap, 2 * size), 'white')
    draw = ImageDraw.Draw(strip)
    for i, title in enumerate(titles):
        while font.getlength(title) > width:
            title = title[:-2].rstrip('\N{HORIZONTAL ELLIPSIS}') + '\N{HORIZONTAL ELLIPSIS}'
        draw.text((i * (width + gap) + width / 2, size), title, fill='black', font=font, anchor='mm')
    return np.asarray(strip)
