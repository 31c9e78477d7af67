"""Pixel distances between images, one number per image.

Values are compared as they come: nothing is clipped or rounded to 8 bits here
(`ops.to_float(ops.to_uint8(x))` of `gans.image` does both, for numbers that hold for the stored image).
"""

import jax
import jax.numpy as jnp


def unit(images: jax.Array) -> jax.Array:
    """Float images [N, H, W, C] in [-1, 1] -> float32 in [0, 1]; ValueError for another kind of array."""
    if not jnp.issubdtype(images.dtype, jnp.floating) or images.ndim != 4:
        raise ValueError(f'expected float images [N, H, W, C], got {images.dtype} {images.shape}')
    return (jnp.asarray(images, jnp.float32) + 1) / 2


def unit_pair(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`unit` of both; ValueError if the shapes differ: broadcasting would give wrong numbers silently."""
    if a.shape != b.shape:
        raise ValueError(f'images to compare must have one shape, got {a.shape} and {b.shape}')
    return unit(a), unit(b)


@jax.jit
def l1(a: jax.Array, b: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Mean absolute error in units of the [0, 1] scale (times 255: in 8-bit levels).

    a, b: float [N, H, W, C] in [-1, 1]; mask: [N, H, W, 1], 1 where it counts (fractions are weights), or
    None for everywhere. Returns float32 [N]; NaN where an image's mask is empty.
    """
    a, b = unit_pair(a, b)
    return _masked_mean(jnp.abs(a - b), mask)


@jax.jit
def psnr(a: jax.Array, b: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Peak signal-to-noise ratio in dB: -10 log10(mean squared error on the [0, 1] scale), data range 1.

    Inputs as in `l1`; the error is averaged over all pixels and channels before the logarithm. Returns
    float32 [N]; infinity for equal images, NaN where an image's mask is empty.
    """
    a, b = unit_pair(a, b)
    return -10 * jnp.log10(_masked_mean((a - b) ** 2, mask))


def _masked_mean(errors: jax.Array, mask: jax.Array | None) -> jax.Array:
    """[N, H, W, C] -> [N]. Row by row first: one long float32 sum over an image would lose digits."""
    if mask is None:
        return errors.mean(axis=(2, 3)).mean(axis=1)
    expected = (*errors.shape[:3], 1)
    if mask.shape != expected:
        raise ValueError(f'the mask of images {errors.shape} must be {expected}, got {mask.shape}')
    mask = jnp.asarray(mask, jnp.float32)
    inside = (errors.mean(axis=3, keepdims=True) * mask).sum(axis=(2, 3)).sum(axis=1)
    return inside / mask.sum(axis=(2, 3)).sum(axis=1)  # 0 / 0 is the documented NaN
