"""What a study shows: which images and pairs, under which neutral names, and what the right answers are."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gans.errors import UserError
from gans.study.images import Pool

REALISTIC, PAIRS = 'realistic', 'pairs'
COUNTS = {REALISTIC: 180, PAIRS: 60}
FLAGS = {REALISTIC: '--count', PAIRS: '--pairs'}
ANSWERS = {REALISTIC: ('yes', 'no'), PAIRS: ('a', 'b')}
KINDS = {REALISTIC: ('generated', 'real', 'check'), PAIRS: ('practice', 'scored', 'check')}
_PRACTICE = 6  # one pair of so many is practice: 10 of 60
_CHECKED = 10  # for so many scored images or pairs there is one attention check,
_LEAST_CHECKS = 2  # but at least so many


class Trial(NamedTuple):
    """One image, or one pair, that is shown.

    Attributes:
      images: PNG files: one, or those that are called a and b.
      kind: of `KINDS`.
      run: the name of the run, None for attention checks.
      right: the right answer, of `ANSWERS`; of a pair which image is real. None for images that are judged.
    """

    images: tuple[bytes, ...]
    kind: str
    run: str | None
    right: str | None


def draw(protocol: str, pools: Sequence[tuple[str, Pool]], wanted: int | None, seed: int) -> dict[str, Trial]:
    """Draws the trials of a protocol: {neutral name: trial}, practice first, the others in an order of the seed.

    Args:
      protocol: `REALISTIC` or `PAIRS`.
      pools: (name, images) of each run.
      wanted: how many images or pairs without the checks; None for the number of `COUNTS`, or as many as there are.
      seed: the order follows from it.

    Raises:
      UserError: there are not as many, or not one for each run.
    """
    random = np.random.RandomState([seed, len(protocol)])
    count = _count(protocol, pools, wanted)
    first, rest = (_realistic if protocol == REALISTIC else _pairs)(pools, count, random)
    ordered = first + [rest[i] for i in random.permutation(len(rest))]
    digits = len(str(len(ordered)))
    return {f'{protocol[0]}{number:0{digits}d}': trial for number, trial in enumerate(ordered, 1)}


def _count(protocol, pools, wanted):
    """The number of trials without checks."""
    groups = len(pools) * (2 if protocol == REALISTIC else 1)
    least = groups if protocol == REALISTIC else 2 * groups
    most = groups * min(pool.most for _, pool in pools)
    flag = FLAGS[protocol]
    if most < least:
        raise UserError(
            f'{min(pools, key=lambda one: one[1].most)[1].run.folder} has too few held-out images for a study: train '
            'with more images, or with a larger config.data.held_out.'
        )
    count = min(COUNTS[protocol], most) if wanted is None else wanted
    if count < least:
        raise UserError(f'{flag}={count} is too few: give at least {least}, so that each run has its part.')
    if count > most:
        raise UserError(f'{flag}={count} needs more held-out images than there are: give at most {most}.')
    return count


def _realistic(pools, count, _):
    """No practice, and as many real as generated images of each run with the checks."""
    groups = [(kind, name, pool) for kind in ('generated', 'real') for name, pool in pools]
    trials = []
    for g, (kind, name, pool) in enumerate(groups):
        images = getattr(pool, kind)(len(range(g, count, len(groups))))
        trials += [Trial((image,), kind, name, None) for image in images]
    for check, own in enumerate(_dealt_checks(count, pools)):
        image, right = (own.card(), 'yes') if check % 2 else (own.noise(), 'no')
        trials.append(Trial((image,), 'check', None, right))
    return [], trials


def _pairs(pools, count, random):
    """Practice pairs, and scored ones with the checks."""
    practice = max(1, count // _PRACTICE)
    made = {name: pool.pairs(len(range(k, count, len(pools)))) for k, (name, pool) in enumerate(pools)}
    pairs = []
    for number in range(count):
        name = pools[number % len(pools)][0]
        kind = 'practice' if number < practice else 'scored'
        pairs.append(_pair(*made[name][number // len(pools)], kind, name, random))
    dealt = _dealt_checks(count - practice, pools)
    checks = [_pair(own.real(1)[0], own.noise(), 'check', None, random) for own in dealt]
    return pairs[:practice], pairs[practice:] + checks


def _pair(real, other, kind, run, random):
    real_is_a = bool(random.randint(2))
    return Trial((real, other) if real_is_a else (other, real), kind, run, 'a' if real_is_a else 'b')


def _dealt_checks(count, pools):
    """The pool of each attention check."""
    return [pools[k % len(pools)][1] for k in range(max(_LEAST_CHECKS, count // _CHECKED))]


def counted(trials: dict[str, Trial]) -> Counter:
    """{kind: how many trials}."""
    return Counter(trial.kind for trial in trials.values())
