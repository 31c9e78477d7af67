"""How often people said yes, how sure that is, and how far they agree."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_Z = 1.959963984540054  # of the standard normal distribution, 2.5 % are above


class Interval(NamedTuple):
    """The ends of a 95 % interval."""

    low: float
    high: float


def wilson(yes: int, of: int) -> Interval:
    """The score interval of a binomial share `yes` / `of` (Wilson 1927), of independent answers. of: at least 1."""
    share, shrunk = yes / of, 1 + _Z**2 / of
    middle = (share + _Z**2 / (2 * of)) / shrunk
    half = _Z / shrunk * math.sqrt(share * (1 - share) / of + _Z**2 / (4 * of**2))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def crossed_bootstrap(answers: np.ndarray, resamples: int = 2000, seed: int = 0) -> Interval | None:
    """The percentile interval of the mean where people and images are drawn again, both with replacement.

    The answers of one person are alike, and so are those to one image; the interval of `wilson` ignores both. People
    and images are resampled independently of each other, and an answer counts as often as both were drawn (the
    pigeonhole bootstrap: Owen 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1). Of one person alone
    only the images vary.

    Args:
      answers: float [people, images], 1 for yes, 0 for no, NaN where there is no answer.
      resamples: how often.
      seed: of the draws.

    Returns:
      the interval; None with fewer than two images, or no answer.
    """
    given = ~np.isnan(answers)
    answers = answers[given.any(axis=1)][:, given.any(axis=0)]
    people, images = answers.shape
    if images < 2:
        return None
    given = ~np.isnan(answers)
    random = np.random.default_rng(seed)
    of_people = random.multinomial(people, np.full(people, 1 / people), resamples)
    of_images = random.multinomial(images, np.full(images, 1 / images), resamples)
    yes = ((of_people @ np.nan_to_num(answers)) * of_images).sum(axis=1)
    total = ((of_people @ given) * of_images).sum(axis=1)
    shares = yes[total > 0] / total[total > 0]  # draws that no answer belongs to have none
    low, high = np.quantile(shares, [0.025, 0.975], method='inverted_cdf')
    return Interval(float(low), float(high))


def krippendorff(answers: Sequence[Sequence[str]]) -> float | None:
    """Krippendorff's alpha of nominal answers: 1 where people agree, 0 where they agree as often as by chance.

    alpha = 1 - observed / expected disagreement, over all pairs of answers to one item and over all pairs of such
    answers at all (Krippendorff 2011, "Computing Krippendorff's alpha-reliability"). Any number of people may have
    answered an item; an item with one answer says nothing. With two answers, it is close to Fleiss' kappa.

    Args:
      answers: those to each item.

    Returns:
      alpha; None where no item has two answers, or all answers are the same, so that nothing was to be told apart.
    """
    paired = [item for item in answers if len(item) > 1]
    names = sorted({answer for item in paired for answer in item})
    if len(names) < 2:
        return None
    counts = np.array([[item.count(name) for name in names] for item in paired], np.float64)
    each = counts.sum(axis=1)
    total = each.sum()
    differing = ((each**2 - (counts**2).sum(axis=1)) / (each - 1)).sum() / total
    by_chance = (total**2 - (counts.sum(axis=0) ** 2).sum()) / (total * (total - 1))
    return float(1 - differing / by_chance)
