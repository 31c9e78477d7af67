"""Samples of a run as a source of images: drawn when they are asked for, a batch at a time."""

import threading
from collections import OrderedDict
from concurrent.futures import Future

import numpy as np

from gans.run.generate import BATCH, Sampler

_KEPT = 2**26  # bytes of batches that are kept, for readers in several threads


class Drawn:
    """A Source (gans/data/source.py) over the first `count` places of a `Sampler`.

    What was drawn last is kept, in at most 64 MiB or four batches. Threads share it: nobody draws a batch twice at the
    same time.
    """

    notes, decoding = (), ''

    def __init__(self, sampler: Sampler, count: int):
        self._sampler, self._count = sampler, count
        self.where = f'{count} samples of {sampler.run.folder}'
        height, width = sampler.run.game.size
        self._most = max(4, _KEPT // (BATCH * height * width * 3))
        self._batches: OrderedDict[int, Future] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, i: int) -> np.ndarray:
        """Returns the image of place `i`, uint8 [H, W, 3]; raises as `Sampler` does."""
        number = i // BATCH
        with self._lock:
            batch = self._batches.get(number)
            mine = batch is None
            if mine:
                batch = self._batches[number] = Future()
                if len(self._batches) > self._most:
                    self._batches.popitem(last=False)
            self._batches.move_to_end(number)
        if mine:
            self._draw(number, batch)
        return batch.result()[i % BATCH]

    def key(self, i: int) -> bytes:
        """Returns what place `i` is made of; samples that happen to be equal have other keys all the same."""
        return self._sampler.key(i)

    def _draw(self, number, batch):
        places = np.arange(number * BATCH, min((number + 1) * BATCH, self._count))
        try:
            batch.set_result(np.concatenate(list(self._sampler(places))))
        except BaseException as error:
            batch.set_exception(error)
