"""Measures of sets of features, by names that say whose features they are: fd_lite0, kid_lite0, precision_lite0."""

from collections.abc import Sequence

import numpy as np

from gans.evaluation.tables import over_sets
from gans.metrics import frechet, kernel, manifold
from gans.progress import progress

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


def scores(
    halves: Sequence[np.ndarray],
    fakes: Sequence[np.ndarray],
    pairs: Sequence[tuple[int, int]],
    features: str,
    same: bool = False,
) -> tuple[dict[str, dict], dict[str, dict]]:
    """The numbers of fake sets against real ones, and their floor: one half of the real ones against the other.

    Args:
      halves: features of two disjoint sets of real images, float32 [n, D] each.
      fakes: features of sets of fake images, float32 [n, D] each.
      pairs: (number of the fake set, number of the half) that are compared.
      features: what they are called.
      same: whether the fake images are the real ones: then their distances are 0.

    Returns:
      two of what `over_pairs` gives; the floor, which is of one pair, has no interval.
    """
    sets = Sets([*halves, *fakes])
    with progress('comparing features', len(pairs) + 1, 'pairs of sets') as advance:
        found = []
        for fake, half in pairs:
            found.append(sets.compare(half, len(halves) + fake))
            advance(1)
        floor = over_pairs([sets.compare(0, 1)], features)
    if same:  # the unbiased estimate of the kernel distance would be below 0
        found = [one | {'fd': 0.0, 'kid': np.zeros(len(one['kid']))} for one in found]
    return over_pairs(found, features), {name: number | {'low': None, 'high': None} for name, number in floor.items()}


def measures(features: str) -> dict[str, dict]:
    """{measure: {'better', 'digits'}} of all that `over_pairs` may give."""
    digits = {'fd': 3, 'kid': 5} | dict.fromkeys(_SCORES, 3)
    return {
        named(measure, features): {'better': 'higher' if measure in _SCORES else 'lower', 'digits': count}
        for measure, count in digits.items()
    }
