"""Training of classifiers: Adam, a rate that falls along a cosine, images that are moved a little.

Everything random follows from the seed and from the number of the step, so that the same images, labels and seed give
the same classifier. All devices are left alone but the first.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from gans.classifier.network import Network, widths_for
from gans.data.batches import order
from gans.image import ops
from gans.progress import progress
from gans.types import Array, Tree

STEPS, BATCH, RATE = 600, 64, 1e-3
SHIFT = 16  # images are moved by up to a part of their sides: one in `SHIFT`
_ADAM = optax.scale_by_adam()


class Recipe(NamedTuple):
    """How `fit` trains.

    Attributes:
      steps: how many.
      rate: Adam's learning rate at the beginning; it falls to 0 along a cosine.
      shift: pixels by which training images are moved at most, up or down and left or right.
      flip: half of them are mirrored left to right.
      see: stored images, uint8 [N, H, W, 3] -> what the network is given, float [N, H, W, C].
    """

    steps: int
    rate: float
    shift: int
    flip: bool
    see: Callable[[Array], Array] = ops.to_float


def train(
    images: Any, which: np.ndarray, classes: int, seed: int = 0, steps: int = STEPS, batch: int = BATCH
) -> tuple[Network, Tree]:
    """Trains a classifier with as many examples of each class, in turn, however unequal the classes are.

    Afterwards the logits get what that took away, log(K share of the class), so that probabilities are those of images
    as frequent as the given ones (Saerens et al. 2002, equation 2.4).

    Args:
      images: uint8 [N, H, W, 3], or what has a length and gives such images for an array or a slice of rows.
      which: int [N], the class of each image, from 0; each of the `classes` occurs.
      classes: how many there are.
      seed: weights, order, shifts and mirroring follow from it.
      steps: how long.
      batch: examples of a step.

    Returns:
      (the network, its parameters).
    """
    size = images[:1].shape[1:3]
    network = Network(classes, widths_for(size))
    recipe = Recipe(steps, RATE, max(1, min(size) // SHIFT), flip=True)
    ids = [np.flatnonzero(which == k) for k in range(classes)]
    params = fit(network, recipe, jax.random.key(seed), images, which, balanced(ids, seed, batch))
    shares = np.array([len(some) for some in ids]) / len(which)
    bias = params['logits']['bias'] + np.log(classes * shares).astype(np.float32)
    return network, params | {'logits': params['logits'] | {'bias': bias}}


def fit(
    network: nn.Module, recipe: Recipe, key: Array, images: Any, which: np.ndarray, rows: Iterable[np.ndarray]
) -> Tree:
    """Trains a network whose output is (logits [N, classes], features) for `recipe.steps` steps.

    Args:
      network: what is trained; it starts at random.
      recipe: how.
      key: everything random but the order follows from it.
      images: as in `train`.
      which: int [N], the class of each image.
      rows: the rows of the images of every step, int [batch] each; as many as there are steps, or more.

    Returns:
      the parameters.
    """
    params = network.init(key, recipe.see(images[:1]))['params']
    moments = _ADAM.init(params)
    with progress('training a classifier', recipe.steps, 'steps') as advance:
        for number, chosen in zip(range(recipe.steps), rows, strict=False):
            rate = recipe.rate * (1 + math.cos(math.pi * number / recipe.steps)) / 2
            own = jax.random.fold_in(key, number)
            params, moments = _step(network, recipe, params, moments, own, rate, images[chosen], which[chosen])
            advance(1)
    return params


def balanced(ids: Sequence[np.ndarray], seed: int, batch: int) -> Iterable[np.ndarray]:
    """Yields without end the rows of a batch, int [batch]: one of each class in turn.

    `ids` are the rows of each class. Every class is gone through in random order, then in another, at its own pace.
    """
    start = 0
    while True:
        places, turns = np.divmod(start + np.arange(batch), len(ids))
        rows = np.empty(batch, np.int64)
        for k, own in enumerate(ids):
            mine = turns == k
            rows[mine] = own[order(seed + k, len(own), places[mine])]
        yield rows
        start += batch


def moved(recipe: Recipe, key: Array, image: Array) -> Array:
    """A training image [H, W, C], mirrored and moved as the recipe has it; what comes in is as the border."""
    most = recipe.shift
    if recipe.flip:
        key, flipping = jax.random.split(key)
        image = ops.random_flip(True, flipping, image)
    padded = jnp.pad(image, ((most, most), (most, most), (0, 0)), 'edge')
    first = jax.random.randint(key, (2,), 0, 2 * most + 1)
    return jax.lax.dynamic_slice(padded, (*first, 0), image.shape)


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=(2, 3))
def _step(network, recipe, params, moments, key, rate, images, which):
    seen = jax.vmap(partial(moved, recipe))(jax.random.split(key, len(images)), recipe.see(images))

    def loss(params):
        logits, _ = network.apply({'params': params}, seen)
        return optax.softmax_cross_entropy_with_integer_labels(logits, which).mean()

    updates, moments = _ADAM.update(jax.grad(loss)(params), moments)
    return jax.tree.map(lambda param, update: param - rate * update, params, updates), moments
