"""Image arrays: value ranges, colour spaces, blur.

On the device an image is float32 in [-1, 1], NHWC, RGB (gray: one channel). On disk and in sources it is
uint8 [H, W, 3].
"""

import jax
import jax.numpy as jnp
import numpy as np

# BT.601: Curro, "Alternative Architectures for Image Generation" (thesis, 2016), equations 68-72.
WEIGHT_R, WEIGHT_B = 0.299, 0.114
WEIGHT_G = 1 - WEIGHT_R - WEIGHT_B
U_MAX, V_MAX = 0.436, 0.615  # of images in [0, 1]


def to_float(images: np.ndarray | jax.Array) -> np.ndarray | jax.Array:
    """Turns stored images into the players' numbers: x / 127.5 - 1.

    Takes uint8 of any shape; returns float32 of the same shape, 0 -> -1 and 255 -> 1. A NumPy array gives a NumPy
    array, a JAX array a JAX array, and the bits are the same, under jit too.
    """
    # XLA multiplies where a division by a constant is written; x / 127.5 - 1 would make white 1.0000001 there.
    return (images.astype(np.float32) - 127.5) * np.float32(1 / 127.5)


def to_uint8(images: jax.Array) -> jax.Array:
    """Turns images in [-1, 1] into uint8: clips, then rounds to the nearest level (halves to the even one).

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


def keep_luma(gray: jax.Array, colour: jax.Array) -> jax.Array:
    """`gans.image.compose.keep_luma` as JAX traces it, equal up to rounding: [..., 1] and [..., 3] -> [..., 3]."""
    chroma = colour - luma(colour)
    whole = jnp.where(chroma == 0, 1, chroma)
    room = jnp.where(chroma == 0, jnp.inf, (jnp.where(chroma > 0, 1, -1) - gray) / whole)
    share = jnp.clip(jnp.min(room, axis=-1, keepdims=True), 0, 1)
    return jnp.clip(gray + share * chroma, -1, 1)


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
    # No `value == red`: a compiler may compute the two anew with another rounding. The cases agree where they meet.
    sextant = jnp.where(
        red >= jnp.maximum(green, blue),
        (green - blue) / whole,
        jnp.where(green >= blue, 2 + (blue - red) / whole, 4 + (red - green) / whole),
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


def random_flip(flip: bool, key: jax.Array, image: jax.Array) -> jax.Array:
    """An image [H, W, C], mirrored left to right with probability 1/2; as it is without `flip`."""
    if not flip:
        return image
    return jnp.where(jax.random.bernoulli(key), image[:, ::-1], image)


@jax.jit
def gaussian_blur(images: jax.Array, radius: jax.Array | float) -> jax.Array:
    """Blurs every channel of every image with a Gaussian of standard deviation `radius` pixels.

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


def fill_border(images: jax.Array, masks: jax.Array) -> jax.Array:
    """`gans.image.compose.fill_border` as JAX traces it, equal up to rounding.

    The connected parts of all masks are found one by one, from their first pixel on: as many rounds as the mask with
    the most parts has, each as long as its longest part has steps from pixel to pixel.

    Args:
      images: float [N, H, W, C].
      masks: [N, H, W, 1], above one half where the image is unknown.

    Returns:
      float32 [N, H, W, C].
    """
    unknown = (masks > 0.5).astype(jnp.float32)
    n, height, width, _ = unknown.shape
    place = (jnp.arange(height)[:, None] * width + jnp.arange(width)).reshape(1, height, width, 1)

    def part_of(left):
        first = jnp.argmax(left.reshape(n, -1), axis=1).reshape(n, 1, 1, 1)
        return _grow(jnp.where(place == first, left, 0.0), left)

    def fill(state):
        left, filled = state
        part = part_of(left)
        near = _widened(part, 5) * (1 - unknown)
        count = jnp.sum(near, axis=(1, 2), keepdims=True)
        mean = jnp.sum(images * near, axis=(1, 2), keepdims=True) / jnp.maximum(count, 1)
        return left - part, jnp.where(part > 0, mean, filled)

    first = (unknown, images.astype(jnp.float32))
    return jax.lax.while_loop(lambda state: jnp.max(state[0]) > 0, fill, first)[1]


def _grow(seed, within):
    """The part of a mask [N, H, W, 1] of zeros and ones that is connected to a seed, at corners too."""

    def step(state):
        part, _ = state
        wider = _widened(part, 3) * within
        return wider, jnp.max(wider - part) > 0

    return jax.lax.while_loop(lambda state: state[1], step, (seed, jnp.max(seed) > 0))[0]


def _widened(mask, side):
    """Ones wherever a mask [N, H, W, 1] of zeros and ones has a one in the square of `side` x `side` pixels around."""
    ones = jnp.ones((side, side, 1, 1), mask.dtype)
    found = jax.lax.conv_general_dilated(mask, ones, (1, 1), 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC'))
    return jnp.minimum(found, 1)


def _channels(images: jax.Array) -> list[jax.Array]:
    images = jnp.asarray(images)
    if images.shape[-1] != 3:
        raise ValueError(f'expected three channels last, got the shape {images.shape}')
    return jnp.split(images, 3, axis=-1)
