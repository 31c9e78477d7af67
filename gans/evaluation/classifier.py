"""A small classifier of gray images, trained on the spot: what it makes of samples measures generators of digits.

Everything random about it follows from its own key, so that the same images and labels always give the same judge,
whatever run they belong to.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import numpy as np

from gans.classifier.training import Recipe, fit
from gans.image import ops
from gans.image.batching import in_batches
from gans.nn import layers
from gans.types import Array, Tree

STEPS, BATCH, RATE = 1500, 64, 3e-3  # the rate of Adam at the beginning; it falls to 0 along a cosine
SHIFT = 1  # pixels by which training images are moved at most, up or down and left or right
FEATURES = 64

_KEY = 20_260_103  # of weights, order and shifts; another number would make old evaluations incomparable
AT_ONCE = 256  # images that are judged at a time: memory, not speed


class Classifier(NamedTuple):
    """A trained classifier.

    Attributes:
      params: of its network.
      classes: int64 [K], the labels that it knows, increasing.
    """

    params: Tree
    classes: np.ndarray


class Judgement(NamedTuple):
    """What a classifier makes of images.

    Attributes:
      which: int64 [N], the place of the most probable class among the classifier's classes.
      confidence: float32 [N], its probability.
      features: float32 [N, FEATURES], what the last layer looks at.
    """

    which: np.ndarray
    confidence: np.ndarray
    features: np.ndarray


class Network(nn.Module):
    """Gray images [N, H, W, 1] in [-1, 1] -> (logits [N, classes], features [N, FEATURES])."""

    classes: int
    widths: tuple[int, ...] = (16, 32)

    @nn.compact
    def __call__(self, gray: Array) -> tuple[Array, Array]:
        x = gray
        for i, width in enumerate(self.widths):
            start = math.sqrt(2 / (25 * x.shape[-1]))
            x = nn.relu(layers.Conv(width, 5, stride=2, init_std=start, name=f'down_{i}')(x))
        x = x.reshape(len(x), -1)
        features = nn.relu(layers.Dense(FEATURES, init_std=math.sqrt(2 / x.shape[-1]), name='features')(x))
        return layers.Dense(self.classes, init_std=math.sqrt(1 / FEATURES), name='logits')(features), features


def train(images: np.ndarray, labels: np.ndarray) -> Classifier:
    """Trains a classifier for `STEPS` steps, a time that does not depend on how many images there are.

    images: uint8 [N, H, W, 3], or what has a length and gives such images for an array or a slice of rows; labels:
    int [N]. All devices are left alone but the first.
    """
    classes, which = np.unique(labels, return_inverse=True)
    network, recipe = Network(len(classes)), Recipe(STEPS, RATE, SHIFT, flip=False, see=_gray)
    return Classifier(fit(network, recipe, jax.random.key(_KEY), images, which, _order(len(images))), classes)


def judge(classifier: Classifier, images: np.ndarray) -> Judgement:
    """What a classifier makes of images uint8 [N, H, W, 3] of the size that it was trained with."""
    look = partial(_look, Network(len(classifier.classes)), classifier.params)
    return Judgement(*in_batches(look, images, AT_ONCE))


def join(judgements: Sequence[Judgement]) -> Judgement:
    """Judgements of several sets of images as that of all of them."""
    return Judgement(*(np.concatenate(part) for part in zip(*judgements, strict=True)))


def accuracy(classifier: Classifier, judgement: Judgement, labels: np.ndarray) -> np.ndarray:
    """float64 [N]: 1 for each image whose label [N] the classifier gave it, 0 for the others."""
    return (classifier.classes[judgement.which] == labels).astype(np.float64)


@partial(jax.jit, static_argnums=0)
def _look(network, params, images):
    logits, features = network.apply({'params': params}, _gray(images))
    return logits.argmax(axis=-1), jax.nn.softmax(logits).max(axis=-1), features


def _gray(images):
    return ops.luma(ops.to_float(images))


def _order(count):
    """Yields `STEPS` times which images come next, int [BATCH]: all in random order, then all in another."""
    rng = np.random.default_rng(_KEY)
    left = np.zeros(0, np.int64)
    for _ in range(STEPS):
        while len(left) < BATCH:
            left = np.concatenate([left, rng.permutation(count)])
        yield left[:BATCH]
        left = left[BATCH:]
