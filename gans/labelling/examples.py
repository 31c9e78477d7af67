"""Acceptable and unacceptable images to learn from: of a table of labels, or two sets of any origin."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gans.classifier.trained import ACCEPTABLE, RESAMPLE, UNACCEPTABLE
from gans.data import files
from gans.data.content import by_content
from gans.data.decode import Images
from gans.data.source import Source, split
from gans.errors import UserError
from gans.labelling.labels_file import CLASSES, read_labels
from gans.sets.image_set import ImageSet
from gans.sets.opening import open_set

SIDE = 64  # pixels of the shorter side of larger images, if no size is asked for
HELD_OUT = 0.2  # of the images of each class
_PURPOSE = b'gans-classify'  # of the split: a run's held-out images are parted anew


class Examples(NamedTuple):
    """Images of one size with their classes.

    Attributes:
      source: all of them.
      which: int [N], the class of each: its place in `CLASSES`.
      size: (height, width).
      train: places of those to train on, in an order that their files' names do not decide.
      test: places of those that are held out, in such an order.
    """

    source: Source
    which: np.ndarray
    size: tuple[int, int]
    train: np.ndarray
    test: np.ndarray


class Joined:
    """A Source (gans/data/source.py): the images of several, one after the other."""

    notes = ()

    def __init__(self, sources: Sequence[Source], where: str):
        self._sources, self._ends = sources, np.cumsum([len(source) for source in sources])
        self.where = where
        self.decoding = '; '.join(source.decoding for source in sources)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, i: int) -> np.ndarray:
        """Returns image `i`, uint8 [H, W, 3]."""
        source, own = self._place(i)
        return source[own]

    def key(self, i: int) -> bytes:
        """Returns the identity of the content of image `i`."""
        source, own = self._place(i)
        return source.key(own)

    def _place(self, i):
        k = int(np.searchsorted(self._ends, i, side='right'))
        return self._sources[k], i - int(self._ends[k - 1] if k else 0)


def labelled(table: str | Path, size: int | None = None) -> Examples:
    """The images that a table gives labels (`gans.labelling.labels_file`).

    Args:
      table: the CSV beside the images.
      size: pixels of both sides; by default images keep theirs, or their proportions with `SIDE` pixels for the shorter
        side where that is more.

    Raises:
      UserError: as `read_labels`; a class without two different images; images that cannot be read, or of several sizes
        and no `size`.
    """
    labels, folder = read_labels(table), Path(table).expanduser().parent
    shown = files.printable(str(table))
    counts = Counter(labels.values())
    for name in CLASSES:
        if not counts[name]:
            raise UserError(f"'{shown}' has no {name} image: mark at least 2 different ones of each class.")
    names = [str(folder / file) for file in labels]
    read = _reader(names)
    shape = None if size is None else (size, size)
    called = [files.printable(name) for name in names]
    found = Images(f"'{shown}'", called, read, shape, 'resize', upscale=True, resample=RESAMPLE)
    own, ids = shape or found.sizes[0], {name: [] for name in CLASSES}
    for i, label in enumerate(labels.values()):
        ids[label].append(i)
    wanted = _size(own, size)
    sets = {
        name: ImageSet(found, mine, wanted, RESAMPLE, [own] * len(mine), None, f"{name} images of '{shown}'")
        for name, mine in ids.items()
    }
    return _examples(sets, found.where)


def of_sets(good: str, bad: str, size: int | None = None, seed: int = 0) -> Examples:
    """Acceptable and unacceptable images from two sets, as many of each.

    Args:
      good: of acceptable ones, as `gans.sets.opening.open_set` takes it; of a run, those that it was trained on, since
        the held-out ones are what the classifier's features will be measured on.
      bad: of unacceptable ones; of a run, samples of it.
      size: as in `labelled`.
      seed: of samples.

    Raises:
      UserError: as `open_set`; sets of two sizes and no `size`; a set without two different images.
    """
    wanted = None if size is None else (size, size)
    first = open_set(good, wanted, RESAMPLE, role='trained on')
    second = open_set(bad, wanted, RESAMPLE, seed=seed, role='fake')
    if first.size != second.size:
        sizes = ' and '.join('x'.join(map(str, found.size[::-1])) for found in (first, second))
        raise UserError(
            f'--good and --bad have images of {sizes} pixels: give the side that both are to have as --size.'
        )
    count, wanted = min(len(first), len(second)), _size(first.size, size)
    sets = {
        name: ImageSet(found, np.arange(count), wanted, RESAMPLE, [found.size] * count, None, found.where)
        for name, found in ((ACCEPTABLE, first), (UNACCEPTABLE, second))
    }
    return _examples(sets, f'{ACCEPTABLE}: {first.where}; {UNACCEPTABLE}: {second.where}; {count} of each')


def _examples(sets: Mapping[str, ImageSet], where: str) -> Examples:
    """Parts and orders each class by what its images show, not by their names; copies of an image are on one side."""
    train, test, start = [], [], 0
    for found in sets.values():
        sides = [by_content(found, ids) for ids in split(found, HELD_OUT, _PURPOSE)]
        train.append(sides[0] + start)
        test.append(sides[1] + start)
        start += len(found)
    which = np.repeat(np.arange(len(sets)), [len(found) for found in sets.values()])
    size = next(iter(sets.values())).size
    return Examples(Joined(list(sets.values()), where), which, size, np.concatenate(train), np.concatenate(test))


def _size(own: tuple[int, int], wanted: int | None) -> tuple[int, int]:
    """The (height, width) of examples that are of `own` as stored."""
    if wanted is not None:
        return wanted, wanted
    scale = min(1.0, SIDE / min(own))
    return tuple(max(1, round(side * scale)) for side in own)


def _reader(names):
    def read(i: int, most: int) -> bytes:
        try:
            return files.read_regular(names[i], most)
        except OSError as error:
            shown = files.printable(names[i])
            raise UserError(
                f"'{shown}' cannot be read ({error.strerror}): mend that, or leave its line out."
            ) from error

    return read
