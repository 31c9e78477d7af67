"""Images to the size that a network was trained with: each axis as a product with a matrix that is known beforehand."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import lax

from gans.types import Array


def triangle(x: np.ndarray) -> np.ndarray:
    """Linear interpolation: weights of pixels at the distances `x`, in pixels."""
    return np.maximum(0, 1 - np.abs(x))


def cubic(x: np.ndarray) -> np.ndarray:
    """Cubic convolution with a = -1/2 (Keys 1981, equation 15), the bicubic filter of Pillow and TensorFlow."""
    x = np.abs(x)
    near, far = (1.5 * x - 2.5) * x**2 + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def resize(images: Array, size: int, kernel: Callable, antialias: bool) -> Array:
    """[N, H, W, C] -> [N, size, size, C], whatever the aspect ratio; float32, not clipped.

    Args:
      images: of any range.
      size: pixels.
      kernel: `triangle` or `cubic`.
      antialias: where an axis becomes shorter, the kernel becomes wider by as much, so that all pixels count; without,
        some are passed over.
    """
    height, width = images.shape[1:3]
    rows, columns = (jnp.asarray(matrix(extent, size, kernel, antialias)) for extent in (height, width))
    images = jnp.einsum('yh,nhwc->nywc', rows, images, precision=lax.Precision.HIGHEST)
    return jnp.einsum('xw,nywc->nyxc', columns, images, precision=lax.Precision.HIGHEST)


def matrix(inputs: int, outputs: int, kernel: Callable, antialias: bool) -> np.ndarray:
    """float32 [outputs, inputs]: the weights of the pixels of an axis in those of a longer or shorter one.

    Pixels are squares that fill the axis, (place + 1/2) / extent is the same in both. At the border what is outside is
    left out, and the rest is divided by its sum, so that constants stay constant.
    """
    step = inputs / outputs
    centres = (np.arange(outputs) + 0.5) * step - 0.5
    gaps = centres[:, None] - np.arange(inputs)[None, :]
    weights = kernel(gaps / (max(step, 1) if antialias else 1))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
