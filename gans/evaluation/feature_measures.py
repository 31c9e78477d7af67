"""Measures of sets of features, by names that say whose features they are: fd_lite0, kid_lite0, precision_lite0."""

from collections.abc import Sequence

import numpy as np

from gans.evaluation.tables import over_sets
from gans.metrics import frechet, kernel, manifold

_INCEPTION = 'inception'  # the only features with which a Frechet distance is called FID
_SCORES = manifold.Scores._fields  # precision, recall, density, coverage


class Sets:
    """Some sets of features of equal numbers, with what is needed of each more than once."""

    def __init__(self, sets: Sequence[np.ndarray]):
        """`sets` are float32 [n, D] each."""
        self._sets = sets
        self._gaussians: dict[int, frechet.Gaussian] = {}
        self._regions: dict[int, manifold.Region] = {}

    def compare(self, real: int, fake: int) -> dict[str, float | np.ndarray]:
        """Distances and scores of set `fake` to set `real`; of the kernel distance the numbers of its blocks."""
        a, b = self._sets[real], self._sets[fake]
        fd = frechet.distance(self._gaussian(real), self._gaussian(fake))
        found = {'fd': fd, 'kid': kernel.kernel_distances(a, b)}
        if len(a) < manifold.FEWEST:
            return found
        return found | manifold.compare(self._region(real), self._region(fake))._asdict()

    def _gaussian(self, number):
        if number not in self._gaussians:
            self._gaussians[number] = frechet.gaussian(self._sets[number])
        return self._gaussians[number]

    def _region(self, number):
        if number not in self._regions:
            self._regions[number] = manifold.region(self._sets[number])
        return self._regions[number]


def named(measure: str, features: str) -> str:
    """What a measure over some features is called: only Inception's Frechet distance has the name FID."""
    return 'FID' if (measure, features) == ('fd', _INCEPTION) else f'{measure}_{features}'


def over_pairs(found: Sequence[dict], features: str) -> dict[str, dict]:
    """What `Sets.compare` found of some pairs, by name, for JSON: mean, lowest and highest.

    Of the kernel distance 'blocks' and 'deviation' say how many blocks there were, and how they differ.
    """
    rows = {}
    for measure in found[0]:
        values = [np.mean(one[measure]) for one in found]
        rows[named(measure, features)] = over_sets(values)
    blocks = np.concatenate([one['kid'] for one in found])
    deviation = float(blocks.std(ddof=1)) if len(blocks) > 1 else None
    rows[named('kid', features)] |= {'blocks': len(blocks), 'deviation': deviation}
    return rows


def measures(features: str) -> dict[str, dict]:
    """{measure: {'better', 'digits'}} of all that `over_pairs` may give."""
    digits = {'fd': 3, 'kid': 5} | dict.fromkeys(_SCORES, 3)
    return {
        named(measure, features): {'better': 'higher' if measure in _SCORES else 'lower', 'digits': count}
        for measure, count in digits.items()
    }
