"""The strongest activations of a network's channels over its held-out images, in one pass."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gans.data.batches import read_all
from gans.data.content import seeds
from gans.errors import Failure
from gans.image.batching import in_batches
from gans.progress import progress
from gans.types import Array
from gans.visualization.deconvnet import outputs
from gans.visualization.subject import Layer, Subject

MOST = 9  # activations of a channel that are kept, as in figure 2 of Zeiler and Fergus 2014
_PIXELS = 2**17  # of the images that are looked at together, at most
_TOGETHER = 32  # and so many images


class Strongest(NamedTuple):
    """Where the channels of a layer were most active: the largest activation of each image, and of those the largest.

    Attributes:
      values: float32 [C, K], falling, K being `MOST` or, where they are fewer, the number of images.
      images: int [C, K], the places of the images in `Subject.ids`; each once for a channel.
      places: int [C, K], row * width + column in the layer's map.
      spread: float64 [C], the standard deviation over all images of their largest activation.
    """

    values: np.ndarray
    images: np.ndarray
    places: np.ndarray
    spread: np.ndarray


def at_once(shape: tuple[int, int]) -> int:
    """How many images of `shape` (height, width) are looked at together."""
    return max(1, min(_TOGETHER, _PIXELS // (shape[0] * shape[1])))


def find_strongest(subject: Subject, layers: Sequence[Layer], batch: int) -> list[Strongest]:
    """Shows a network its images, `batch` at a time; of equal activations that of the first image, and place, counts.

    In memory stay `MOST` numbers, and their places, of each channel.

    Raises:
      Failure: activations that are not finite.
    """
    look = jax.jit(partial(_look, subject, [layer.path for layer in layers]))
    words, done = seeds(subject.source, subject.ids), 0
    tallies = [_Tally(layer.shape[-1]) for layer in layers]
    with progress('looking', len(subject.ids)) as advance:
        for images in read_all(subject.source, subject.ids, batch, subject.threads):
            numbers = np.arange(done, done + len(images))
            found = in_batches(lambda rows: look(subject.variables, *rows), (words[numbers], images), batch)
            for tally, (values, places) in zip(tallies, found, strict=True):
                if not np.isfinite(values).all():
                    raise Failure(
                        f'The {subject.what} of {subject.folder} makes numbers that are not finite: nothing to show.'
                    )
                tally.add(values, places, numbers)
            done += len(images)
            advance(len(images))
    return [tally.result() for tally in tallies]


def key_of(words: Array) -> Array:
    """The key of what is random about an input, a mask for example, of an image's seed: uint32 [2]."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(0), words[0]), words[1])


def _look(subject, paths, variables, words, images):
    """[(values [n, C], places [n, C])] of each layer: the largest activation of every channel in each image."""

    def one(words, image):
        made = outputs(subject, paths, variables, subject.see(key_of(words), image))
        maps = [x.reshape(-1, x.shape[-1]) for x in made]
        return [(jnp.max(x, axis=0), jnp.argmax(x, axis=0)) for x in maps]

    return jax.vmap(one)(words, images)


class _Tally:
    """What is kept of the images that passed by, for the channels of a layer."""

    def __init__(self, channels: int):
        self._values = np.zeros((channels, 0), np.float32)
        self._images = self._places = np.zeros((channels, 0), np.int64)
        self._count, self._mean, self._squares = 0, np.zeros(channels), np.zeros(channels)

    def add(self, values: np.ndarray, places: np.ndarray, numbers: np.ndarray) -> None:
        """Takes the largest activations [n, C] of the images `numbers` [n], and their places [n, C]."""
        self._count += len(values)
        before = values - self._mean  # Welford 1962, image by image would be slow: by chunks, as Chan et al. 1983
        shift = before.sum(axis=0, dtype=np.float64) / self._count
        self._squares += (before * (values - (self._mean + shift))).sum(axis=0, dtype=np.float64)
        self._mean = self._mean + shift

        images = np.broadcast_to(numbers, values.T.shape)
        joined = [
            np.concatenate(pair, axis=1)
            for pair in ((self._values, values.T), (self._images, images), (self._places, places.T))
        ]
        order = np.argsort(-joined[0], axis=1, kind='stable')[:, :MOST]
        self._values, self._images, self._places = (np.take_along_axis(x, order, axis=1) for x in joined)

    def result(self) -> Strongest:
        spread = np.sqrt(np.maximum(self._squares, 0) / self._count)
        return Strongest(self._values, self._images, self._places, spread)
