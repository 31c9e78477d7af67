"""Measures for generators from noise: are samples as varied as real images, do they look alike, are they copies?

No input has a right answer, so that sets are compared: samples with held-out images, and beside them, as what a
perfect generator would get, real images with real images. All are measured as stored (uint8). Which latents
are drawn depends on their place alone, so that every run is asked for the same samples, whatever its seed. Which real
images make up a set, which of them are paired and where patches are taken depends on what they show, not on their
files' names. Images pass by in chunks; in memory stay their patches, at 16 pixels what copies are found by, and the
numbers.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gans.core.inputs import draw_from_noise
from gans.core.programs import once
from gans.core.sampling import sample
from gans.data.batches import read_all, read_whole
from gans.data.content import by_content
from gans.errors import Failure, UserError
from gans.evaluation import classes, classifier
from gans.evaluation.between_sets import plan_of
from gans.evaluation.feature_cache import cached, keys_of
from gans.evaluation.feature_measures import measures, scores
from gans.evaluation.set_measures import CHECKERBOARD, DISTANCE, DIVERSITY, chunk_of, distances_over, look
from gans.evaluation.tables import as_json, over_sets, ratio_as_json
from gans.features.opening import Features
from gans.image import batching, files, grids, ops
from gans.metrics import bootstrap, ssim, swd
from gans.metrics.checkerboard import checkerboard
from gans.metrics.manifold import FEWEST
from gans.metrics.neighbours import nearest
from gans.progress import counted, progress
from gans.run.experiment import Experiment
from gans.run.parallel import shares
from gans.run.trained import Trained

NOTE = (
    'Samples, and real images in their place: MS-SSIM of pairs (1: all equal), the sliced Wasserstein distance to\n'
    'held-out images (times 1000; of training images: what a perfect generator would get), the distance to the\n'
    'nearest training image, and checkerboard, the strength of patterns of 2 and 4 pixels (1: none). Below: 95 %\n'
    'bootstrap interval; of SWD and checkerboard the lowest and the highest of some sets.'
)
SAMPLES, REAL = 'samples', 'real images'
NEAREST = 'nearest in training'

_KEY = 20_260_102  # of every evaluation's latents; another number would make old evaluations incomparable
_MOST = 2000  # images in a set: with more, the distances hardly change and take long
_SETS = 4  # sets whose distances say how far chance goes
_COLUMNS = 8  # of the montages
_MONTAGES = ('evaluation/montage_samples.png', 'evaluation/montage_nearest.png')


class Samples:
    """The samples that every run is asked for, by their places: the latent of a place is always the same."""

    def __init__(self, trained: Trained):
        self._shape = trained.game.size
        self._folder = trained.folder
        self._batch, shared, everywhere = shares(trained.config.batch)
        self._state = jax.device_put(trained.state, everywhere)
        make = partial(_make, trained.game, self._shape)
        self._make = once(trained.game, 'samples', lambda: jax.jit(make, in_shardings=(everywhere, shared)))

    def __call__(self, places: np.ndarray, chunk: int) -> Iterator[np.ndarray]:
        """Yields the samples at `places` in order, uint8 [chunk, H, W, 3], fewer at the end; all devices share them.

        Raises Failure if one is not finite.
        """
        waiting = np.zeros((0, *self._shape, 3), np.uint8)
        for start in range(0, len(places), self._batch):
            some = places[start : start + self._batch].astype(np.int32)
            filled = batching.fill(some, self._batch)  # one shape to compile for
            images, finite = jax.device_get(self._make(self._state, filled))
            if not finite:
                raise Failure(f'The generator of {self._folder} makes numbers that are not finite: nothing to measure.')
            waiting = np.concatenate([waiting, images[: len(some)]])
            while len(waiting) >= chunk:
                yield waiting[:chunk]
                waiting = waiting[chunk:]
        if len(waiting):
            yield waiting


def _make(game, shape, state, places):
    keys = jax.vmap(partial(jax.random.fold_in, jax.random.key(_KEY)))(places)
    images = sample(game, state, draw_from_noise(game, keys, shape))
    return ops.to_uint8(images), jnp.isfinite(images).all()


def draw_samples(trained: Trained, count: int) -> np.ndarray:
    """The first `count` of the samples that every run is asked for, uint8 [count, H, W, 3]."""
    return np.concatenate(list(Samples(trained)(np.arange(count), count)))


class Kept(NamedTuple):
    """What is kept of a chunk of images beside what `look` keeps.

    Attributes:
      keys: of each image, as `feature_cache.keys_of` has them.
      judged: what a judge makes of them; None without any.
      features: float32 [n, D]; None without any.
    """

    keys: list[bytes]
    judged: classifier.Judgement | None
    features: np.ndarray | None


def measure(
    trained: Trained, experiment: Experiment, features: Features | None = None
) -> tuple[dict, Callable[[], None]]:
    """(The part of the JSON that measures give; what writes the montages).

    With features, samples are compared with two halves of the held-out images, and these with each other, as the verb
    `measure` does it. Training images are no yardstick there: a network may have been trained on them.

    Raises:
      UserError: images that are too small to be compared, or too few.
      Failure: samples that are not finite.
    """
    shape = trained.game.size
    count = min(len(experiment.test), len(experiment.train), _MOST)
    if min(shape) < ssim.WINDOW or count < 2:
        raise UserError(
            f'{trained.folder} cannot be evaluated with {count} images of {"x".join(map(str, shape))} '
            f'pixels: measures need 2 held-out images of {ssim.WINDOW}x{ssim.WINDOW}.'
        )
    test, train = (by_content(experiment.source, ids) for ids in (experiment.test, experiment.train))
    sets = min(_SETS, len(train) // count)
    if features:
        plan_of(count, sets * count)  # raises for too few
    judge = classes.open_judge(experiment, train, test, _MOST)
    known = features and cached(features)
    chunk = chunk_of(shape)
    samples = Samples(trained)
    read = partial(read_all, experiment.source, chunk=chunk, threads=experiment.config.data.threads)

    places = np.arange(sets * count).reshape(sets, count)
    draw, read_train = partial(samples, chunk=chunk), lambda places: read(ids=train[places])
    held_out, seen, over_all_sets = _look_at(places, read(ids=test[:count]), draw, read_train, judge, known)
    ways = trained.game.task.evaluation.ways
    with progress('looking for copies', len(train)) as advance:
        near = _nearest_in_training([seen[0].small, held_out.small], ways, counted(read(ids=train), advance))
    near = dict(zip((SAMPLES, REAL), near, strict=True))
    rows = {
        row: {DIVERSITY: as_json(bootstrap.interval(first.diversity))}
        | over_all_sets[row]
        | {NEAREST: as_json(bootstrap.interval(near[row][1]))}
        for row, first in ((SAMPLES, seen[0]), (REAL, held_out))
    }
    if known:
        known.save()
        for row, found in zip((SAMPLES, REAL), _scores(held_out, seen, features.name), strict=True):
            rows[row] |= found
    judged = classifier.join([chunk.judged for one in seen for chunk in one.kept]) if judge else None
    report = {
        'samples': sets * count,
        'sets': sets,
        'set': count,
        'measures': _measures_of(rows[REAL], features),
        'rows': rows,
        'ratios': _ratios(rows),
        'montages': list(_MONTAGES),
        'notes': _notes(sets, count, len(next(iter(held_out.clouds.values()))), features),
    } | ({} if judged is None else {'classes': classes.measure(judge, judged)})
    return report, partial(_draw_montages, trained.folder, samples, count, near[SAMPLES], experiment, train)


def _look_at(places_of, chunks, draw, read, judge, known):
    """(what is kept of the held-out images, and of each set of samples; numbers over all sets, by row and measure).

    places_of: int [sets, n]; chunks: n held-out images; draw, read: places -> chunks of samples and of training images.
    """
    distances, dots, seen = {SAMPLES: [], REAL: []}, {SAMPLES: [], REAL: []}, []
    keep = partial(_keep, judge, known)
    sets, count = places_of.shape
    with progress('looking at images', (1 + 2 * sets) * count) as advance:
        held_out = look(counted(chunks, advance), count, keep=partial(_keep, None, known))
        for i, places in enumerate(places_of):
            seen.append(look(counted(draw(places), advance), count, i + 1, whole=i == 0, keep=keep))
            distances[SAMPLES].append(_distances(seen[-1], held_out))
            seen[-1] = seen[-1]._replace(clouds={})  # memory
            real = look(counted(read(places), advance), count, i + 1, whole=False)
            distances[REAL].append(swd.distances(real.clouds, held_out.clouds))
            for row, one in ((SAMPLES, seen[-1]), (REAL, real)):
                dots[row].append(checkerboard(one.power))
            del real, one
    found = {row: distances_over(distances[row]) | {CHECKERBOARD: over_sets(dots[row])} for row in dots}
    return held_out, seen, found


def _measures_of(row, features):
    known = measures(features.name) if features else {}
    known[CHECKERBOARD] = {'better': 'lower', 'digits': 2}
    for name in row:
        if name not in known:
            distance = name.startswith(DISTANCE)
            known[name] = {'better': 'lower', 'digits': 2} if distance else {'better': '', 'digits': 4}
    return {name: known[name] for name in row}


def _keep(judge, known, chunk):
    keys = keys_of(chunk)
    return Kept(keys, judge(chunk) if judge else None, known(chunk, keys) if known else None)


def _distances(samples, held_out):
    """Sliced Wasserstein distances; 0 for sets of the same images, though their patches are from other places."""
    if _same(samples, held_out):
        return dict.fromkeys(held_out.clouds, 0.0)
    return swd.distances(samples.clouds, held_out.clouds)


def _same(a, b):
    """Whether two sets have equal members, in whatever order."""
    one, other = (Counter(key for chunk in some.kept for key in chunk.keys) for some in (a, b))
    return one == other


def _scores(held_out, seen, name):
    """(numbers of the samples, their floor) by measure, over features."""
    real = np.concatenate([chunk.features for chunk in held_out.kept])
    made = np.concatenate([chunk.features for one in seen for chunk in one.kept])
    size, sets, pairs = plan_of(len(real), len(made))
    halves, fakes = ([some[i * size : (i + 1) * size] for i in range(n)] for some, n in ((real, 2), (made, sets)))
    return scores(halves, fakes, pairs, name, same=all(_same(one, held_out) for one in seen))


def _notes(sets, count, patches, features):
    """What is to be said of the numbers, for people."""
    notes = [
        f'{sets * count} samples and as many training images, in sets of {count}; {count // 2} pairs; '
        f'SWD of {patches} patches of each set and size.'
    ]
    if not features:
        return notes
    half = count // 2
    few = f'; precision, recall, density and coverage need {FEWEST}' if half < FEWEST else ''
    return [
        *notes,
        f'Features {features.name} {features.digest[:16]}: sets of {half} samples against halves of {half} held-out '
        f'images; in the row of real images one half against the other{few}.',
    ]


def _nearest_in_training(wanted, ways_of, pool):
    """For each array of small images: (places in the pool, distances) of the nearest to each image of it.

    Mirrored and turned as training does it: a mirrored copy of an image is as far from it as the image from its own
    mirror image, so that `wanted` are mirrored and turned, and the training images are read once.
    """
    lengths = [len(small) for small in wanted]
    ways = ways_of(np.concatenate(wanted))
    which, distances = (x.reshape(len(ways), -1) for x in nearest(np.concatenate(ways), pool))
    best = distances.argmin(axis=0)[None]
    found = [np.take_along_axis(x, best, 0)[0] for x in (which, distances)]
    return list(zip(*(np.split(x, np.cumsum(lengths)[:-1]) for x in found), strict=True))


def _draw_montages(folder, samples, count, near, experiment, train):
    """Writes a block of samples, and the nearest and the typical ones above their nearest training images."""
    which, distances = near
    ranked = np.argsort(distances, kind='stable')
    columns = min(_COLUMNS, count)
    middle = (count - columns) // 2
    rows = []
    for places in (ranked[:columns], ranked[middle : middle + columns]):
        rows += [*samples(places, columns), read_whole(experiment.source, train[which[places]])]
    block = [*samples(np.arange(min(_COLUMNS * _COLUMNS, count)), columns)]
    for name, images in zip(_MONTAGES, (block, rows), strict=True):
        files.save_png(folder / name, grids.grid(np.concatenate(images), columns))


def _ratios(rows):
    found = {name: [rows[row][name]['mean'] for row in (SAMPLES, REAL)] for name in (DISTANCE, CHECKERBOARD, NEAREST)}
    found = {name: made / real if real else np.nan for name, (made, real) in found.items()}
    counts = {name: rows[SAMPLES][name]['count'] for name in found}
    return {
        f'{name}: {SAMPLES} / {REAL}': ratio_as_json(bootstrap.Interval(value, np.nan, np.nan, counts[name]))
        for name, value in found.items()
    }
