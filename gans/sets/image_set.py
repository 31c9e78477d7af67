"""A set of images to be measured or judged: a source at one size, and what is known of where it came from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from gans.data.fitting import fit
from gans.data.source import Source
from gans.run.experiment import digest


class ImageSet:
    """Some images of a source, in an order, at one size: itself a `gans.data.source.Source`.

    Read it in ascending order, in chunks (`gans.data.batches.read_all(images, numpy.arange(len(images)))`): samples of
    a run are drawn as they are asked for, a batch at a time. The order is never that of the files' names: files stand
    in the order of `by_content`, every beginning of which is a random part of them, and samples in that of their
    places.

    Attributes:
      where: one line for people: what was opened, and how many images it has.
      notes: what of it was left out or is not used, each in some words.
      size: (height, width) of all images.
      original_sizes: {'128x96': 20}, width x height as stored to the number of images, the commonest first.
      resample: the filter by which those of another size were scaled; '' if there were none.
      names: relative names without suffix, '/' between their parts, each once; those of a run say which held-out image
        it is, or was made of, so that outputs and originals pair by name. None for samples from noise and for TFDS.
      decoding: as a source has it.
    """

    def __init__(
        self,
        source: Source,
        ids: np.ndarray,
        size: tuple[int, int],
        resample: str,
        original_sizes: Sequence[tuple[int, int]],
        names: Sequence[str] | None,
        where: str,
    ):
        """Takes what was opened.

        Args:
          source: the images, of `size` or of others.
          ids: which of them, in order.
          size: (height, width) of what is given.
          resample: the filter for those of another size, as `gans.data.fitting.RESAMPLES` has it.
          original_sizes: (height, width) of each as it is stored.
          names: of each, or None.
          where: what was opened.
        """
        self._source, self._ids, self._filter = source, np.asarray(ids, np.int64), resample
        self.size, self.names, self.where, self.notes = size, names, where, source.notes
        self.resample = resample if any(tuple(stored) != size for stored in original_sizes) else ''
        counts = Counter(f'{width}x{height}' for height, width in original_sizes)
        self.original_sizes: Mapping[str, int] = dict(counts.most_common())
        self.decoding = source.decoding and f'{source.decoding}, {size[0]}x{size[1]} {self.resample}'

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, i: int) -> np.ndarray:
        """Returns image `i`, uint8 [H, W, 3], RGB; raises UserError if it cannot be read."""
        image = self._source[int(self._ids[i])]
        return image if image.shape[:2] == self.size else resized(image, self.size, self._filter)

    def key(self, i: int) -> bytes:
        """Returns the identity of the content of image `i`, before it was scaled: equal images have equal keys.

        Samples that happen to be equal have keys of their own: theirs say what they are made of.
        """
        return self._source.key(int(self._ids[i]))

    @cached_property
    def digest(self) -> str:
        """A digest of the set: of all images, size and filter, whatever their names and order."""
        about = f'{self.size[0]}x{self.size[1]} {self.resample}; {self._source.decoding}'
        return digest([about.encode(), *sorted(self.key(i) for i in range(len(self)))])


def resized(image: np.ndarray, size: tuple[int, int], resample: str) -> np.ndarray:
    """uint8 [h, w, 3] stretched to `size` (height, width) by one of Pillow's filters, antialiased: uint8 [H, W, 3]."""
    from PIL import Image

    return fit(Image.fromarray(image), size, 'resize', upscale=True, resample=resample)
