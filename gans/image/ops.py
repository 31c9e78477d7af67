"""The picture conventions, in one place.

On the device a picture is float32 in [-1, 1], NHWC, RGB (gray: one channel). On disk and in sources it is
uint8 [H, W, 3]. What is for people (`grid`, `tiles`, `montage`, `save_png`, `save_gif`) works on uint8 NumPy
arrays and never runs under jit.
"""

import contextlib
import math
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import jax
import jax.numpy as jnp
import numpy as np

from gans.errors import cannot_write, naming

# BT.601: Curro, "Alternative Architectures for Image Generation" (thesis, 2016), equations 68-72.
WEIGHT_R, WEIGHT_B = 0.299, 0.114
WEIGHT_G = 1 - WEIGHT_R - WEIGHT_B
U_MAX, V_MAX = 0.436, 0.615  # of pictures in [0, 1]

_MONTAGE_SIDE = 128  # pixels: shorter sides are magnified by whole factors until they reach this
_SMALLEST_FONT = 8


def to_float(images: jax.Array) -> jax.Array:
    """Turns stored pictures into the players' numbers: x / 127.5 - 1.

    Takes uint8 of any shape; returns float32 of the same shape, 0 -> -1 and 255 -> 1.
    """
    # In this order white is exactly 1 under jit too, where x / 127.5 - 1 gives 1.0000001.
    return (jnp.asarray(images).astype(jnp.float32) - 127.5) / 127.5


def to_uint8(images: jax.Array) -> jax.Array:
    """Turns pictures in [-1, 1] into uint8: clips, then rounds to the nearest level (halves to the even one).

    Any shape and float type; the exact inverse of `to_float` on all 256 levels.
    """
    levels = (jnp.asarray(images).astype(jnp.float32) + 1) * 127.5
    return jnp.round(jnp.clip(levels, 0, 255)).astype(jnp.uint8)


def luma(rgb: jax.Array) -> jax.Array:
    """BT.601 luma of gamma-coded RGB: 0.299 R + 0.587 G + 0.114 B (Curro 2016, equation 73).

    [..., 3] -> [..., 1]. The weights sum to one, so the range of the input ([-1, 1] or [0, 1]) is that of the
    output.
    """
    red, green, blue = _channels(rgb)
    return WEIGHT_R * red + WEIGHT_G * green + WEIGHT_B * blue


def rgb_to_yuv(rgb: jax.Array) -> jax.Array:
    """BT.601 luma and colour differences, full range (Curro 2016, equations 73-75). [..., 3] -> [..., 3].

    The map is linear without offset, so gray has U = V = 0 in every scale, and the ranges follow the input's
    width: rgb in [-1, 1] gives Y in [-1, 1], U in [-0.872, 0.872], V in [-1.23, 1.23]; rgb in [0, 1] gives Y
    in [0, 1], U in [-0.436, 0.436], V in [-0.615, 0.615].
    """
    red, _, blue = _channels(rgb)
    y = luma(rgb)
    u = U_MAX / (1 - WEIGHT_B) * (blue - y)
    v = V_MAX / (1 - WEIGHT_R) * (red - y)
    return jnp.concatenate([y, u, v], axis=-1)


def yuv_to_rgb(yuv: jax.Array) -> jax.Array:
    """The inverse of `rgb_to_yuv`, [..., 3] -> [..., 3].

    Not clipped: most (Y, U, V) within the ranges lie outside the RGB cube.
    """
    y, u, v = _channels(yuv)
    blue = y + (1 - WEIGHT_B) / U_MAX * u
    red = y + (1 - WEIGHT_R) / V_MAX * v
    green = (y - WEIGHT_R * red - WEIGHT_B * blue) / WEIGHT_G
    return jnp.concatenate([red, green, blue], axis=-1)


def rgb_to_hsv(rgb: jax.Array) -> jax.Array:
    """Hue, saturation and value of the RGB hexcone (Smith 1978, "Color gamut transform pairs").

    [..., 3] in [-1, 1] -> [..., 3] in [0, 1]. Red has hue 0, green 1/3, blue 2/3. Grays have hue and saturation 0.
    """
    red, green, blue = _channels((jnp.asarray(rgb) + 1) / 2)
    value = jnp.maximum(jnp.maximum(red, green), blue)
    chroma = value - jnp.minimum(jnp.minimum(red, green), blue)
    whole = jnp.where(chroma > 0, chroma, 1)  # no division by zero, not even in the branch that is not taken
    sextant = jnp.where(
        value == red,
        (green - blue) / whole,
        jnp.where(value == green, 2 + (blue - red) / whole, 4 + (red - green) / whole),
    )
    hue = jnp.where(chroma > 0, (sextant / 6) % 1, 0)
    saturation = chroma / jnp.where(value > 0, value, 1)
    return jnp.concatenate([hue, saturation, value], axis=-1)


def hsv_to_rgb(hsv: jax.Array) -> jax.Array:
    """The inverse of `rgb_to_hsv`, [..., 3] in [0, 1] -> [..., 3] in [-1, 1]; hues count modulo 1.

    With k = (n + 6 hue) mod 6 a channel is value (1 - saturation max(0, min(k, 4 - k, 1))), where n is 5 for red, 3
    for green and 1 for blue: the six cases of Smith 1978 in one.
    """
    hue, saturation, value = _channels(hsv)
    k = (jnp.array([5.0, 3.0, 1.0]) + 6 * hue) % 6
    return 2 * value * (1 - saturation * jnp.clip(jnp.minimum(k, 4 - k), 0, 1)) - 1


def modulate_hsv(rgb: jax.Array, hue: jax.Array, saturation: jax.Array, value: jax.Array) -> jax.Array:
    """Moves the hue by `hue` (1 is once around) and multiplies saturation and value, both clipped to [0, 1].

    [..., 3] in [-1, 1] -> the same. The three amounts are scalars, or arrays that broadcast with [...].
    """
    h, s, v = jnp.moveaxis(rgb_to_hsv(rgb), -1, 0)
    return hsv_to_rgb(jnp.stack([h + hue, jnp.clip(s * saturation, 0, 1), jnp.clip(v * value, 0, 1)], axis=-1))


@jax.jit
def gaussian_blur(images: jax.Array, radius: jax.Array | float) -> jax.Array:
    """Blurs every channel of every picture with a Gaussian of standard deviation `radius` pixels.

    `radius` means what it means in Pillow's GaussianBlur; it is a scalar, may be traced (no recompilation for
    another value) and at 0 or below the input is returned bit for bit. At the border the part of the Gaussian
    that lies outside is left out and the rest is renormalised: constants stay constant, nothing is padded.
    The arithmetic is float32, the type of the result is that of the input. Works under jit, grad and vmap.
    [N, H, W, C] -> the same.
    """
    images = jnp.asarray(images)
    radius = jnp.asarray(radius, jnp.float32)
    return jax.lax.cond(radius > 0, _blur, lambda images, _: images, images, radius)


def _blur(images: jax.Array, radius: jax.Array) -> jax.Array:
    """Two matrix products, one per axis; full float32 precision, since TF32 would move constants by 1e-3."""
    highest = jax.lax.Precision.HIGHEST
    _, height, width, _ = images.shape
    blurred = images.astype(jnp.float32)
    blurred = jnp.einsum('ij,njwc->niwc', _blur_matrix(height, radius), blurred, precision=highest)
    blurred = jnp.einsum('ij,nhjc->nhic', _blur_matrix(width, radius), blurred, precision=highest)
    return blurred.astype(images.dtype)


def _blur_matrix(size: int, radius: jax.Array) -> jax.Array:
    """Row-normalised Toeplitz matrix [size, size] of a sampled Gaussian."""
    # Below 0.01 px every neighbour's weight is already zero in float32. The floor keeps the matrix finite
    # where vmap turns the `cond` above into a `select` and this branch also sees radius 0: 0 * NaN would
    # spoil the gradient.
    radius = jnp.maximum(radius, 0.01)
    place = jnp.arange(size, dtype=jnp.float32)
    weights = jnp.exp(-0.5 * ((place[:, None] - place[None, :]) / radius) ** 2)
    return weights / weights.sum(axis=1, keepdims=True)


def grid(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Lays pictures out row by row on white, with `gap` white pixels between them and none around.

    images: uint8 [N, H, W, 3] (or 1 channel), N >= 1. Returns uint8 [height, width, 3] with ceil(N / columns)
    rows of min(columns, N) pictures; the places left over in the last row are white. Raises ValueError on
    other input.
    """
    images = _as_rgb(images)
    if columns < 1:
        raise ValueError(f'columns must be at least 1, got {columns}')
    count, height, width, _ = images.shape
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def tiles(sheet: np.ndarray, shape: tuple[int, int], gap: int = 2) -> np.ndarray:
    """Cuts a sheet that `grid` laid out back into its pictures; the places left over come back white.

    sheet: uint8 [height, width, 3]; shape: (H, W) of one picture. Returns uint8 [rows, columns, H, W, 3]: reshaped to
    [-1, H, W, 3], the pictures in the order that `grid` was given. Raises ValueError where no whole number of such
    pictures makes up the sheet.
    """
    sheet = np.asarray(sheet)
    if sheet.dtype != np.uint8 or sheet.ndim != 3 or sheet.shape[-1] != 3 or not sheet.size:
        raise ValueError(f'expected uint8 [H, W, 3], got {sheet.dtype} {sheet.shape}')
    pitches = [side + gap for side in shape]
    if any((length + gap) % pitch for length, pitch in zip(sheet.shape, pitches, strict=False)):
        raise ValueError(f'{sheet.shape[:2]} pixels are no grid of pictures {tuple(shape)} with gaps of {gap}')
    whole = np.pad(sheet, ((0, gap), (0, gap), (0, 0)))
    rows, columns = (length // pitch for length, pitch in zip(whole.shape, pitches, strict=False))
    cut = whole.reshape(rows, pitches[0], columns, pitches[1], 3).swapaxes(1, 2)
    return cut[:, :, : shape[0], : shape[1]]


def montage(columns: Sequence[np.ndarray], titles: Sequence[str] | None = None, gap: int = 4) -> np.ndarray:
    """Compares versions of the same pictures: one row per picture, one column per version, titles above.

    columns: K arrays uint8 [N, H, W, 3] (or 1 channel) of one size; titles: K texts or None. Pictures whose
    shorter side is below 128 px are magnified by the smallest whole factor that reaches it (nearest
    neighbour). A title that is too wide is set smaller, then cut. Returns uint8 [height, width, 3]. Raises
    ValueError on other input.
    """
    versions = [_as_rgb(version) for version in columns]
    shapes = [version.shape for version in versions]
    if len(set(shapes)) != 1:
        raise ValueError(f'columns must be pictures of one shape, got {shapes}')
    if titles is not None and len(titles) != len(versions):
        raise ValueError(f'{len(versions)} columns but {len(titles)} titles')
    _, height, width, _ = versions[0].shape
    factor = max(1, math.ceil(_MONTAGE_SIDE / min(height, width)))
    interleaved = np.stack(versions, axis=1).reshape(-1, height, width, 3)
    sheet = grid(interleaved.repeat(factor, axis=1).repeat(factor, axis=2), len(versions), gap)
    if titles is None:
        return sheet
    return np.concatenate([_title_strip(titles, width * factor, gap), sheet], axis=0)


def save_png(path: str | os.PathLike, array: np.ndarray) -> None:
    """Writes a picture as PNG, whole or not at all: a reader never sees half a file. Makes missing folders.

    array: uint8 [H, W, 3], or gray [H, W] or [H, W, 1]. Raises UserError if the disk or the permissions say
    no, and ValueError for another type or shape.
    """
    from PIL import Image

    array = np.asarray(array)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3)):
        raise ValueError(f'a PNG needs uint8 [H, W, 3], [H, W, 1] or [H, W], got {array.dtype} {array.shape}')
    write_whole(path, lambda file: Image.fromarray(array).save(file, format='PNG'))


def save_gif(path: str | os.PathLike, frames: np.ndarray, milliseconds: int = 120) -> None:
    """Writes an animation that begins again at its end as GIF, with 256 colours per frame, whole or not at all.

    frames: uint8 [N, H, W, 3]. Of frames that are equal and follow each other a GIF has one that stays longer. Raises
    as `save_png`.
    """
    from PIL import Image

    first, *others = (Image.fromarray(frame) for frame in _as_rgb(frames))
    options = dict(format='GIF', save_all=True, append_images=others, duration=milliseconds, loop=0)
    write_whole(path, lambda file: first.save(file, **options))


def write_whole(path: str | os.PathLike, write: Callable[[BinaryIO], None]) -> None:
    """Lets `write` fill a file that has its name only when it is complete. Makes missing folders.

    Raises UserError if the disk or the permissions say no.
    """
    try:
        with naming(path), whole_file(path) as temporary, open(temporary, 'wb') as file:
            write(file)
    except OSError as error:
        raise cannot_write(path, error) from error


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Gives a path to write to, which becomes `path` when the block ends well, else is gone. Makes missing folders."""
    path = Path(path)
    # At random, since two writers of one path must not share a temporary file; short, since `path.name` may be as long
    # as names can be.
    temporary = path.with_name(f'.{secrets.token_hex(6)}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):  # gone already if all went well, or the folder itself is missing
            temporary.unlink()


def _channels(images: jax.Array) -> list[jax.Array]:
    images = jnp.asarray(images)
    if images.shape[-1] != 3:
        raise ValueError(f'expected three channels last, got the shape {images.shape}')
    return jnp.split(images, 3, axis=-1)


def _as_rgb(images: np.ndarray) -> np.ndarray:
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
