"""Content and style of an image, by the maps of a network: the losses of style transfer.

Source: Curro 2016, equations 84 to 88; Gatys et al. 2015, "A neural algorithm of artistic style". Layers are dicts
{name: [1, H, W, C]} of one image, as `gans.features.opening.Features.layers` gives them. Losses are sums of squares, in
float32.
"""

from collections.abc import Mapping

import jax.numpy as jnp

from gans.losses.matching import gram
from gans.types import Array

Layers = Mapping[str, Array]


def grams(layers: Layers) -> dict[str, Array]:
    """The Gram matrix of every layer, [1, C, C]: products of channels, summed over positions, divided by C H W.

    Equation 87. It does not depend on where anything is, and its size does not depend on that of the map.
    """
    return {name: gram(x) for name, x in layers.items()}


def content_losses(layers: Layers, wanted: Layers) -> dict[str, Array]:
    """The squared distance of the maps of two images of one size, by layer: scalars, equation 85."""
    return {name: _square(layers[name] - x) for name, x in wanted.items()}


def style_losses(layers: Layers, wanted: Mapping[str, Array]) -> dict[str, Array]:
    """The squared distance of a layer's Gram matrix from the `wanted` one, by layer: scalars, equation 88.

    wanted: as `grams` gives them, of an image of any size.
    """
    return {name: _square(gram(layers[name]) - x) for name, x in wanted.items()}


def weighted(losses: Mapping[str, Array], weights: Mapping[str, float]) -> Array:
    """The sum of a loss over the layers, each times its weight: equation 86; 0 without layers."""
    return sum((weights[name] * loss for name, loss in losses.items()), jnp.zeros(()))


def relative(weight: float, shares: Mapping[str, float], wanted: Mapping[str, Array]) -> dict[str, float]:
    """Weights with which a loss means the same in every layer of every network, at every size.

    The loss of a layer is divided by the squared norm of what is wanted there, and of the layers the mean is taken. So
    an image whose layers are all 0 would have a loss of `weight`.

    Args:
      weight: of the whole.
      shares: what each layer counts in the mean.
      wanted: the maps or Gram matrices of which the loss is the squared distance.

    Returns:
      the weights of equation 86 by layer.
    """
    norms = {name: float(_square(wanted[name])) for name in shares}
    total = sum(shares.values())
    # A layer that is 0 all over has no scale: its loss stays as it is.
    return {name: weight * share / total / (norms[name] or 1.0) for name, share in shares.items()}


def variation(image: Array) -> Array:
    """The mean squared difference of neighbours in the rows and in the columns of [1, H, W, C], added up: a scalar.

    The regularizer of Johnson et al. 2016 (section 3.2), squared. An image of one row has no neighbours in its columns.
    """
    steps = (jnp.diff(image, axis=axis) for axis in (1, 2))
    return sum((jnp.mean(jnp.square(step)) for step in steps if step.size), jnp.zeros(()))


def _square(x):
    return jnp.sum(jnp.square(x.astype(jnp.float32)))
