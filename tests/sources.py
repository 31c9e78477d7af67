"""A source of images for tests, as plain as can be, and the images that they ask it for."""

from collections import Counter

import numpy as np

from gans.errors import UserError

IDS = np.array([3, 5, 8, 13, 21, 34, 55])


class Numbers:
    """Image i is filled with `values[i]` (of 0 to 255); counts how often each was decoded.

    The keys are `contents`, by default the values; what is asked for and `broken` is an error.
    """

    where, decoding, notes = 'numbers', '2x3 crop', ()

    def __init__(self, values=range(60), contents=None, broken=()):
        self.values, self.broken, self.reads = list(values), broken, Counter()
        self.contents = contents or [f'image {value}'.encode() for value in self.values]

    def __len__(self):
        return len(self.values)

    def __getitem__(self, i):
        if i in self.broken:
            raise UserError(f"'{i}.png' is damaged")
        self.reads[i] += 1
        return np.full((2, 3, 3), self.values[i] % 256, np.uint8)

    def key(self, i):
        return self.contents[i]
