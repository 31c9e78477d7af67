"""Images of a run for a study, generated and real, as PNG files in memory."""

from collections import Counter
from pathlib import Path

import numpy as np

from gans.data.batches import read_all
from gans.data.opening import move_data
from gans.image.files import png
from gans.progress import progress
from gans.run.generate import Sampler, held_out
from gans.run.trained import load_run

_CHUNK = 16  # images that are read together
# The word YES in pixels: a font of the system may be drawn otherwise by the next version of its library.
_YES = (
    '#...#.#####..####',
    '#...#.#.....#....',
    '.#.#..#.....#....',
    '..#...####...###.',
    '..#...#.........#',
    '..#...#.........#',
    '..#...#####.####.',
)


class Pool:
    """A run's images, of which those are taken first that were shown least.

    The held-out images come in an order that follows from the seed and from what they show. A generator that is shown
    images makes its own of them; one from noise has samples for itself.

    Attributes:
      run: as `load_run` returns it.
      most: how many held-out images there are.
    """

    def __init__(self, workdir: str | Path, seed: int, shown_before: Counter, moved: str | None = None):
        """Opens a run.

        Args:
          workdir: its folder.
          seed: of the samples, and of the order of the held-out images.
          shown_before: {identity of an image: how often it was taken}, shared by the pools of a study, since runs may
            have been trained on the same images.
          moved: where the images of the training are now, if they were moved.

        Raises:
          UserError: as `load_run`, `move_data` and `held_out`.
        """
        self.run = load_run(workdir)
        if moved:
            move_data(self.run.config, moved)
        self.sampler = Sampler(self.run, seed)
        self._real = self.sampler.shown or held_out(self.run)
        self._keys = [self._real.source.key(int(i)) for i in self._real.ids]
        self.most = len(self._keys)
        # RandomState, whose streams are frozen (NEP 19).
        self._random = np.random.RandomState(seed)
        self._order = self._random.permutation(self.most).tolist()
        self._shown_before, self._samples = shown_before, 0

    def real(self, count: int) -> list[bytes]:
        """Held-out images."""
        return self._originals(self._take(count))

    def generated(self, count: int) -> list[bytes]:
        """What the generator makes of held-out images, or of noise."""
        return self._made(self._take(count) if self.sampler.shown else self._next(count))

    def pairs(self, count: int) -> list[tuple[bytes, bytes]]:
        """(real, generated): a held-out image with what is made of it, or with a sample from noise."""
        places = self._take(count)
        made = self._made(places if self.sampler.shown else self._next(count))
        return list(zip(self._originals(places), made, strict=True))

    def noise(self) -> bytes:
        """An image of noise alone, which nobody can hold for a real one, of the run's size: each time another."""
        return png(self._random.randint(0, 256, (*self.run.game.size, 3)).astype(np.uint8))

    def card(self) -> bytes:
        """An image of the run's size that shows the word YES."""
        height, width = self.run.game.size
        word = np.array([[dot == '#' for dot in line] for line in _YES])
        rows = np.arange(height) * (len(_YES) + 6) // height - 3
        columns = np.arange(width) * (len(_YES[0]) + 4) // width - 2
        word = np.pad(word, 3)[rows[:, None] + 3, columns + 3]
        return png(np.where(word[..., None], np.uint8(30), np.uint8(235)).repeat(3, axis=-1))

    def _take(self, count):
        """Places of `count` different held-out images."""
        places = sorted(self._order, key=lambda place: self._shown_before[self._keys[place]])[:count]
        self._shown_before.update(self._keys[place] for place in places)
        return places

    def _next(self, count):
        self._samples += count
        return list(range(self._samples - count, self._samples))

    def _originals(self, places):
        read = read_all(self._real.source, self._real.ids[places], _CHUNK) if places else ()
        return [png(image) for chunk in read for image in chunk]

    def _made(self, places):
        ascending, made = sorted(places), []
        with progress('drawing', len(ascending)) as advance:
            for images in self.sampler(np.array(ascending, np.int64)):
                made += map(png, images)
                advance(len(images))
        found = dict(zip(ascending, made, strict=True))
        return [found[place] for place in places]
