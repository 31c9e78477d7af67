"""How far a set of images is from real ones, and how far real ones are from each other in its place.

The real images are parted into two halves of n. Up to `SETS` sets of n fake images are compared with them in turn, and
the halves with each other: that is the floor, what a perfect generator would get of as many images. All scores, and
their floors, are of n images against n: Frechet distances and others depend on how many there are.
"""

import contextlib
from collections import Counter
from typing import NamedTuple

import numpy as np

from gans.data.batches import read_all
from gans.errors import UserError
from gans.evaluation.feature_cache import CachedFeatures, keys_of
from gans.evaluation.feature_measures import measures, scores
from gans.evaluation.set_measures import DISTANCE, DIVERSITY, chunk_of, distances_over, look
from gans.evaluation.tables import as_json
from gans.metrics import bootstrap, ssim, swd
from gans.metrics.manifold import FEWEST
from gans.metrics.neighbours import nearest_small
from gans.progress import counted, progress
from gans.run.experiment import digest
from gans.sets.image_set import ImageSet

SETS = 4  # of fake images, at most
FAKE, FLOOR = 'fake', 'real against real'
NEAREST = 'nearest real'
NOTE = (
    'MS-SSIM of pairs: 1 where all images are equal. SWD: sliced Wasserstein distance, times 1000. Nearest real:\n'
    'distance to the nearest real image of one half. In brackets: of MS-SSIM and nearest real the 95 % bootstrap\n'
    'interval of the mean; of all others the lowest and the highest of the pairs of sets.'
)
SMALLEST = ssim.WINDOW  # pixels of a side: what SSIM needs

_NOTHING = np.zeros(0)
_POOL = 4096  # images whose distances to others are in memory together


class Plan(NamedTuple):
    """Which images are compared.

    Attributes:
      count: n, images in a set.
      sets: how many sets of fake images.
      pairs: (number of the fake set, number of the real half), in turn.
    """

    count: int
    sets: int
    pairs: list[tuple[int, int]]


def plan_of(real: int, fake: int) -> Plan:
    """n is half the real images, or all the fake ones where these are fewer. Raises UserError for too few."""
    count = min(fake, real // 2)
    if count < 2:
        raise UserError(
            f'{real} real and {fake} fake images are too few to be measured: give 4 real ones, of which one half is '
            'compared with the other, and 2 fake ones, or more.'
        )
    sets = min(fake // count, SETS)
    return Plan(count, sets, [(i % sets, i % 2) for i in range(max(sets, 2))])


class Halves(NamedTuple):
    """Two halves of real images that were looked at, and how far they are from each other.

    Attributes:
      looked: what is kept of each.
      floor: SWD between them.
      near: the distance of each image of the second half to the nearest of the first.
      known: keys of all real images, also of those that are in no half.
    """

    looked: list['Looked']
    floor: dict[int, float]
    near: np.ndarray
    known: frozenset[bytes]


def look_at_real(real: ImageSet, fake: int, seed: int, features: CachedFeatures | None) -> Halves:
    """Looks at the real images that `measure` compares sets of `fake` images with; raises UserError for too few."""
    count = plan_of(len(real), fake).count
    with progress('looking at real images', 2 * count) as advance, _kept(features):
        first, second = (_see(real, number, count, seed, features, advance) for number in range(2))
    floor = swd.distances(second.clouds, first.clouds, seed)
    known = frozenset([*first.keys, *second.keys]) | _keys_of_rest(real, 2 * count)
    return Halves([first, second], floor, _nearest(second, first), known)


def _keys_of_rest(real: ImageSet, start: int) -> set[bytes]:
    """Keys of the real images from place `start` on, which are read for that alone: fake ones may be copies of them."""
    rest = np.arange(start, len(real))
    if not len(rest):
        return set()
    with progress('looking for copies', len(rest)) as advance:
        chunks = counted(read_all(real, rest, chunk_of(real.size)), advance)
        return {key for chunk in chunks for key in keys_of(chunk)}


def measure(
    real: ImageSet, fake: ImageSet, seed: int, features: CachedFeatures | None, name: str, seen: Halves | None = None
) -> dict:
    """The part of the JSON that measures give.

    Args:
      real: the images that are right, 4 or more.
      fake: the images that are measured, 2 or more, of the same size.
      seed: of the places of patches and of the directions of SWD.
      features: of images; None to do without.
      name: the features' name; '' without any.
      seen: what `look_at_real` gives for them, where it is known: several fake sets share it.

    Raises:
      UserError: too few images.
    """
    count, sets, pairs = plan = plan_of(len(real), len(fake))
    seen = look_at_real(real, len(fake), seed, features) if seen is None else seen
    halves, floor, floor_near, known = seen
    fakes, distances, near = _look_at(halves, fake, plan, seed, features)
    patches = len(next(iter(halves[0].clouds.values())))
    copies, digests = _copies(halves, fakes, known)
    same = copies['equal_sets']
    if same:
        distances = [dict.fromkeys(one, 0.0) for one in distances]
    rows = {
        FAKE: _of_images(fakes, near) | distances_over(distances),
        FLOOR: _of_images(halves, [floor_near]) | distances_over([floor]),
    }
    if features:
        of_real, of_fake = ([one.features for one in some] for some in (halves, fakes))
        for row, found in zip((FAKE, FLOOR), scores(of_real, of_fake, pairs, name, same), strict=True):
            rows[row] |= found
    for number in rows[FLOOR].values():
        if number['count'] == 1:  # the one pair of halves says nothing about chance
            number |= {'low': None, 'high': None}
    return {
        'compared': {'images': count, 'fake_sets': sets, 'pairs': len(pairs), 'patches': patches},
        'measures': _measures_of(rows[FLOOR], name),
        'rows': rows,
        'copies': copies,
        'pixels': digests,
    }


def notes_of(report: dict) -> list[str]:
    """What is to be said of a report of `measure`, for people."""
    compared, copies = report['compared'], report['copies']
    count, fakes = compared['images'], compared['images'] * compared['fake_sets']
    notes = [
        f'{compared["fake_sets"]} x {count} fake images against two halves of {count} real ones each, in '
        f'{compared["pairs"]} pairs of sets; {FLOOR}: one half against the other.'
    ]
    if copies['equal_sets']:
        notes.append('Both sets are the same images, where they are compared: their distances are 0 by definition.')
    elif copies['fake_in_real']:
        notes.append(f'{copies["fake_in_real"]} of {fakes} fake images are real ones, pixel by pixel.')
    for what, total in (('real', 2 * count), ('fake', fakes)):
        if copies[f'within_{what}']:
            notes.append(f'{copies[f"within_{what}"]} of {total} {what} images are copies of other {what} ones.')
    if report['features'] and count < FEWEST:
        notes.append(f'Precision, recall, density and coverage are left out: they need {FEWEST} images in a set.')
    return notes


def _look_at(halves, fake, plan, seed, features):
    """(the fake sets, SWD of each pair, distances to the nearest real image of each fake set)."""
    count, sets, pairs = plan
    distances, near, fakes = [], [], []
    with progress('looking at images', sets * count) as advance, _kept(features):
        for number in range(sets):
            one = _see(fake, number, count, seed, features, advance)
            distances += [swd.distances(one.clouds, halves[half].clouds, seed) for i, half in pairs if i == number]
            near.append(_nearest(one, halves[number % 2]))
            fakes.append(one._replace(clouds={}, small=_NOTHING))  # memory
    return fakes, distances, near


@contextlib.contextmanager
def _kept(features):
    """Keeps features on disk at the end, also what was computed until something went wrong."""
    try:
        yield
    finally:
        if features:
            features.save()


class Looked(NamedTuple):
    """What is kept of a set that passed by: as `set_measures.Seen` has it, and of each image its key and features.

    Attributes:
      clouds: patches.
      diversity: MS-SSIM of pairs.
      small: small versions.
      keys: as `feature_cache.keys_of` has them.
      features: float32 [n, D]; None without any.
    """

    clouds: dict[int, np.ndarray]
    diversity: np.ndarray
    small: np.ndarray
    keys: list[bytes]
    features: np.ndarray | None


def _see(images: ImageSet, number: int, count, seed, features, advance) -> Looked:
    """Looks at set number `number` of `count` images."""

    def keep(chunk):
        keys = keys_of(chunk)
        found = features(chunk, keys) if features else None
        advance(len(chunk))
        return keys, found

    ids = np.arange(number * count, (number + 1) * count)
    # One seed for all sets, so that equal sets have equal patches.
    seen = look(read_all(images, ids, chunk_of(images.size)), count, seed, keep=keep)
    keys = [key for some, _ in seen.kept for key in some]
    found = np.concatenate([found for _, found in seen.kept]) if features else None
    return Looked(seen.clouds, seen.diversity, seen.small, keys, found)


def _copies(halves, fakes, known):
    """(how many of the images compared are copies of others, a digest of their pixels, real and fake).

    A fake image is looked for among all real ones, whose keys are `known`.
    """
    real, fake = ([key for one in some for key in one.keys] for some in (halves, fakes))
    copies = {
        'fake_in_real': sum(key in known for key in fake),
        'within_real': len(real) - len(set(real)),
        'within_fake': len(fake) - len(set(fake)),
        'equal_sets': Counter(real) == Counter(fake),
    }
    return copies, {'real': digest(sorted(real)), 'fake': digest(sorted(fake))}


def _nearest(wanted: Looked, pool: Looked) -> np.ndarray:
    """The distance of each image of a set to the nearest of another one."""
    chunks = (pool.small[i : i + _POOL] for i in range(0, len(pool.small), _POOL))
    return nearest_small(wanted.small, chunks)[1]


def _of_images(sets, near):
    """The numbers that are means over images; `near` are distances to the nearest, [n] of each pair of sets."""
    diversity = np.concatenate([one.diversity for one in sets])
    intervals = {DIVERSITY: bootstrap.interval(diversity), NEAREST: bootstrap.interval(np.concatenate(near))}
    return {name: as_json(found) for name, found in intervals.items()}


def _measures_of(row, name):
    known = {
        DIVERSITY: {'better': '', 'digits': 4, 'interval': 'bootstrap over pairs of images'},
        NEAREST: {'better': '', 'digits': 4, 'interval': 'bootstrap over images'},
    }
    known |= {measure: about | {'interval': 'pairs of sets'} for measure, about in measures(name).items()}
    swd_measure = {'better': 'lower', 'digits': 2, 'interval': 'pairs of sets'}
    return {measure: swd_measure if measure.startswith(DISTANCE) else known[measure] for measure in row}
