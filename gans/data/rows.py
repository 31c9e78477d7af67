"""Images of a source as rows of an array that is never whole in memory."""

import numpy as np

from gans.data.cache import gather
from gans.data.source import Source


class Rows:
    """Some images of a source, in an order: `rows[places]` is uint8 [n, H, W, 3] for an array or a slice of places."""

    def __init__(self, source: Source, ids: np.ndarray):
        self._source, self._ids = source, np.asarray(ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, places) -> np.ndarray:
        return gather(self._source, self._ids[places])
