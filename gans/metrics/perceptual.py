"""How different two images are to a network that was trained on something else: one number per pair.

Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", equation 1, without learned
weights: every channel counts the same, as in their unweighted networks, where LPIPS has a weight for each, fitted to
people's judgements. And the layers are averaged, not summed, so that the number does not grow with the depth.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

_TINY = 1e-10  # of Zhang et al.'s code: where all channels are 0, so is the unit vector


def perceptual(a: Mapping[str, jax.Array], b: Mapping[str, jax.Array]) -> jax.Array:
    """The mean over layers and places of the squared distance of the vectors of channels, each divided by its length.

    a, b: {layer: float [N, h, w, C]} of two images each. Returns float32 [N]: 0 for equal images, up to 2 where the
    channels are not negative (after a ReLU), up to 4 otherwise. Raises ValueError for different layers.
    """
    if a.keys() != b.keys() or not a:
        raise ValueError(f'layers to compare must be the same, and some, got {list(a)} and {list(b)}')
    by_layer = [((_unit(a[name]) - _unit(b[name])) ** 2).sum(axis=3).mean(axis=(1, 2)) for name in a]
    return jnp.stack(by_layer).mean(axis=0)


def _unit(x):
    return x / (jnp.sqrt((x**2).sum(axis=3, keepdims=True)) + _TINY)
