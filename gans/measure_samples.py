"""Measures for generators from noise: are samples as varied as real pictures, do they look alike, are they copies?

No input has a right answer, so that sets are compared: samples with held-out pictures, and beside them, as what a
perfect generator would get, real pictures with real pictures. All are measured as stored (uint8). Which descriptors
are drawn depends on their place alone, so that every run is asked for the same samples, whatever its seed.
"""

from functools import partial

import jax
import numpy as np

from gans import images, measure_classes
from gans.build import shape_of
from gans.data.batches import read_all, read_whole
from gans.errors import UserError
from gans.metrics import bootstrap, ssim
from gans.metrics.diversity import pairwise_ms_ssim
from gans.metrics.neighbours import nearest
from gans.metrics.swd import swd
from gans.parallel import shares
from gans.runs import Experiment, Trained
from gans.tables import as_json, over_sets
from gans.train_step import draw_from_noise, sample

NOTE = (
    'Samples, and real pictures in their place: MS-SSIM of pairs (1: all equal), the sliced Wasserstein distance to\n'
    'held-out pictures (times 1000; of training pictures: what a perfect generator would get), the distance to the\n'
    'nearest training picture. Below: 95 % bootstrap interval; of SWD the lowest and the highest of some sets.'
)
SAMPLES, REAL = 'samples', 'real pictures'
DIVERSITY, DISTANCE, NEAREST = 'MS-SSIM of pairs', 'SWD', 'nearest in training'

_KEY = 20_260_102  # of every evaluation's descriptors; another number would make old evaluations incomparable
_MOST = 2000  # pictures in a set: with more, the distances hardly change and take long
_SETS = 4  # sets whose distances say how far chance goes
_COLUMNS = 8  # of the montages


def measure(trained: Trained, experiment: Experiment) -> dict:
    """The part of the JSON that measures give; writes the montages.

    Raises:
      UserError: pictures that are too small to be compared, or too few.
    """
    config = trained.config
    count = min(len(experiment.test), len(experiment.train), _MOST)
    if min(shape_of(config)) < ssim.WINDOW or count < 2:
        raise UserError(
            f'{trained.folder} cannot be evaluated with {count} pictures of {"x".join(map(str, shape_of(config)))} '
            f'pixels: measures need 2 held-out pictures of {ssim.WINDOW}x{ssim.WINDOW}.'
        )
    held_out = _read(experiment, experiment.test[:count])
    sets = min(_SETS, len(experiment.train) // count)
    others = np.random.default_rng(_KEY).permutation(experiment.train)[: sets * count]
    samples = draw_samples(trained, sets * count)
    found = {SAMPLES: samples, REAL: _read(experiment, others)}

    diversity = {SAMPLES: pairwise_ms_ssim(_floats(samples[:count])), REAL: pairwise_ms_ssim(_floats(held_out))}
    distances = {row: _distances(pictures, held_out) for row, pictures in found.items()}
    near = {
        row: _nearest_in_training(pictures, experiment)
        for row, pictures in ((SAMPLES, samples[:count]), (REAL, held_out))
    }
    rows = {
        row: {DIVERSITY: as_json(bootstrap.interval(diversity[row]))}
        | distances[row]
        | {NEAREST: as_json(bootstrap.interval(near[row][1]))}
        for row in found
    }
    ratios = {
        f'{name}: {SAMPLES} / {REAL}': _ratio(rows[SAMPLES][name], rows[REAL][name]) for name in (DISTANCE, NEAREST)
    }
    measures = {
        name: {'better': 'lower', 'digits': 2} if name in distances[REAL] else {'better': '', 'digits': 4}
        for name in rows[REAL]
    }
    montages = _draw_montages(trained.folder, samples[:count], near[SAMPLES], experiment)
    by_class = measure_classes.measure(experiment, held_out, found)
    return {
        'samples': len(samples),
        'sets': sets,
        'measures': measures,
        'rows': rows,
        'ratios': ratios,
        'montages': montages,
    } | ({} if by_class is None else {'classes': by_class})


def draw_samples(trained: Trained, count: int) -> np.ndarray:
    """The first `count` of the samples that every run is asked for, uint8 [count, H, W, 3]; all devices share them."""
    batch, shared, everywhere = shares(min(trained.config.batch, count))
    state = jax.device_put(trained.state, everywhere)
    make = jax.jit(partial(_make, trained.game, shape_of(trained.config)), in_shardings=(everywhere, shared))
    places = (np.arange(start, start + batch, dtype=np.int32) for start in range(0, count, batch))
    return np.concatenate([jax.device_get(make(state, some)) for some in places])[:count]


def _make(game, shape, state, places):
    keys = jax.vmap(partial(jax.random.fold_in, jax.random.key(_KEY)))(places)
    return images.to_uint8(sample(game, state, draw_from_noise(game, keys, shape)))


def _distances(pictures, held_out):
    """The sliced Wasserstein distance of each set of `pictures` to the held-out ones: mean, lowest, highest."""
    sets = pictures.reshape(-1, *held_out.shape)
    found = [swd(_floats(some), _floats(held_out), seed) for seed, some in enumerate(sets)]
    by_name = {DISTANCE: [np.mean(list(one.values())) for one in found]}
    by_name |= {f'{DISTANCE} {size} px': [one[size] for one in found] for size in found[0]}
    return {name: over_sets([1000 * value for value in values]) for name, values in by_name.items()}


def _nearest_in_training(pictures, experiment):
    """(places among the training pictures, distances) of the nearest to each, mirrored or turned as training does it.

    A mirrored copy of a picture is as far from it as the picture from its own mirror image, so that it is `pictures`
    that are mirrored and turned, and the training pictures are read once.
    """
    ways = _ways_of(pictures, experiment.config.task)
    chunks = read_all(experiment.source, experiment.train, threads=experiment.config.data.threads)
    pool = (_floats(chunk) for chunk in chunks)
    which, distances = nearest(_floats(np.concatenate(ways)), pool)
    which, distances = which.reshape(len(ways), -1), distances.reshape(len(ways), -1)
    best = distances.argmin(axis=0)[None]
    return np.take_along_axis(which, best, 0)[0], np.take_along_axis(distances, best, 0)[0]


def _ways_of(pictures, task):
    """The pictures in every way in which training may show them, colours aside."""
    ways = [np.rot90(pictures, turns, (1, 2)) for turns in range(4 if task.rotate else 1)]
    return ways + [way[:, :, ::-1] for way in ways if task.flip]


def _draw_montages(folder, samples, near, experiment):
    """Writes a block of samples, and the nearest and the typical ones above their nearest training pictures."""
    which, distances = near
    ranked = np.argsort(distances, kind='stable')
    columns = min(_COLUMNS, len(ranked))
    middle = (len(ranked) - columns) // 2
    rows = []
    for places in (ranked[:columns], ranked[middle : middle + columns]):
        rows += [samples[places], _read(experiment, experiment.train[which[places]])]
    sheets = {
        'evaluation/montage_samples.png': samples[: _COLUMNS * _COLUMNS],
        'evaluation/montage_nearest.png': np.concatenate(rows),
    }
    for name, pictures in sheets.items():
        images.save_png(folder / name, images.grid(pictures, columns))
    return list(sheets)


def _ratio(a, b):
    return {'mean': a['mean'] / b['mean'] if b['mean'] else None, 'low': None, 'high': None, 'count': a['count']}


def _read(experiment, ids) -> np.ndarray:
    return read_whole(experiment.source, ids, experiment.config.data.threads)


def _floats(pictures):
    return pictures.astype(np.float32) / 127.5 - 1
