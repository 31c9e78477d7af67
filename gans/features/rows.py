"""A network on many images, so that what it makes of one does not depend on those around it."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from gans.image import ops
from gans.image.batching import in_batches
from gans.types import Array, Tree

_AT_ONCE = 64  # images, on accelerators: memory, not speed


def extractor(look: Callable[[Tree, Array], Array], weights: Tree) -> Callable[[np.ndarray], np.ndarray]:
    """A function of images uint8 [N, H, W, 3], N at least 1, that gives `look` of all of them, float32 [N, size].

    On the CPU one image is taken at a time: the bits of a row cannot depend on other images nor on its place, and what
    the layers pass on stays in the processor's caches, which is faster too (`gans.pretrained.lite0`). Accelerators take
    64; an array that is no multiple of that is filled up, so that the program is always the same. Only the first device
    is used.

    look: (weights, images float32 [n, H, W, 3] in [-1, 1]) -> float32 [n, size].
    """
    program = jax.jit(lambda weights, images: look(weights, ops.to_float(images)))
    program = partial(program, jax.device_put(weights))
    return partial(in_batches, program, size=1 if jax.default_backend() == 'cpu' else _AT_ONCE)
