"""Two sets whose images belong together by name, image by image: outputs and their originals, for example."""

import itertools
from collections import defaultdict
from collections.abc import Iterator

import jax
import numpy as np

from gans.data.batches import read_all
from gans.data.files import printable
from gans.errors import UserError
from gans.evaluation.set_measures import chunk_of
from gans.evaluation.tables import as_json
from gans.features.opening import Features
from gans.image import ops
from gans.image.batching import filled_up, in_batches
from gans.metrics import bootstrap, ssim
from gans.metrics.measures import CHROMA_ERROR, WHOLE
from gans.metrics.perceptual import perceptual
from gans.progress import progress
from gans.sets.image_set import ImageSet
from gans.types import Measure

FAKE, FLOOR = 'fake', 'another real image'
NOTE = (
    'Means over images of the same name, in brackets their 95 % bootstrap intervals. PSNR: of images that are not\n'
    'equal to the real one; of those it would be infinite. Another real image: each real one with the next one in\n'
    'its place, as what has nothing to do with it.'
)
_MEASURES = {
    'L1': WHOLE['L1'],
    'chroma error': CHROMA_ERROR,
    'PSNR dB': WHOLE['PSNR dB'],
    'SSIM': WHOLE['SSIM'],
    'MS-SSIM': Measure('higher', 4, lambda a, b, mask: ssim.ms_ssim(a, b)),
}
PERCEPTUAL = 'perceptual_'  # what perceptual distances are called, before the name of the features
_AT_ONCE = 8  # pairs that a network sees together, on accelerators


def pair(real: ImageSet, fake: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    """(numbers of real images, numbers of the fake images of the same names), in the order of the real ones.

    Raises:
      UserError: images without names, a fake image whose name no real one has, or fewer than two pairs.
    """
    for images in (real, fake):
        if images.names is None:
            raise UserError(f'--paired pairs images by name, and {images.where} has no names: leave --paired out.')
    for images, other in ((real, fake), (fake, real)):
        _check_stems(images, other)
    places = {name: i for i, name in enumerate(fake.names)}
    alone = sorted(places.keys() - set(real.names))
    if alone:
        more = f' ({len(alone)} of {len(fake)} have none)' if alone[1:] else ''
        raise UserError(
            f"--paired pairs images by name, and '{printable(alone[0])}' of {fake.where} has no image of its name in "
            f'{real.where}{more}: give folders with the same names, or leave --paired out.'
        )
    if len(places) < 2:
        raise UserError(f'{fake.where}: --paired needs two images or more.')
    chosen = [i for i, name in enumerate(real.names) if name in places]
    return np.array(chosen), np.array([places[real.names[i]] for i in chosen])


def _check_stems(images: ImageSet, other: ImageSet) -> None:
    """Raises UserError where an image of `other` could belong to two: their names differ in the ending alone."""
    with_endings = defaultdict(list)  # a name without its endings -> all that begin with it
    for one in images.names:
        folder, slash, last = one.rpartition('/')
        for stem in itertools.accumulate(last.split('.')[:-1], '{}.{}'.format):
            with_endings[f'{folder}{slash}{stem}'].append(one)
    for name in sorted(set(other.names)):
        both = with_endings.get(name, [])
        if both[1:]:
            raise UserError(
                f"--paired pairs images by name, and {images.where} has {len(both)} that '{printable(name)}' of "
                f"{other.where} could belong to ('{printable(both[0])}', '{printable(both[1])}'): leave one of them."
            )


def measure(real: ImageSet, fake: ImageSet, features: Features | None) -> dict:
    """The part of the JSON that measures give; raises UserError as `pair`."""
    ids, fake_ids = pair(real, fake)
    others = np.roll(ids, -1)
    measures = _MEASURES | (perceptual_measure(features) if features else {})
    # The first chunk is the longest: one shape to compile for.
    most = min(chunk_of(real.size), len(ids))
    found: dict[str, dict[str, list]] = {row: {name: [] for name in measures} for row in (FAKE, FLOOR)}
    equal = 0
    with progress('comparing images', len(ids)) as advance:
        for original, output, other in _read((real, ids), (fake, fake_ids), (real, others)):
            equal += int((original == output).all(axis=(1, 2, 3)).sum())
            for row, images in ((FAKE, output), (FLOOR, other)):
                for name, measure in measures.items():
                    values = filled_up(measure.compute, most, ops.to_float(images), ops.to_float(original), None)
                    found[row][name].append(values)
            advance(len(original))
    rows = {
        row: {name: as_json(bootstrap.interval(np.concatenate(values))) for name, values in by_measure.items()}
        for row, by_measure in found.items()
    }
    return {
        'compared': {'images': len(ids), 'real_without_fake': len(real) - len(ids)},
        'measures': {
            name: {'better': measure.better, 'digits': measure.digits, 'interval': 'bootstrap over images'}
            for name, measure in measures.items()
        },
        'rows': rows,
        'copies': {'equal_pairs': equal},
    }


def notes_of(report: dict) -> list[str]:
    """What is to be said of a report of `measure`, for people."""
    compared, equal = report['compared'], report['copies']['equal_pairs']
    notes = [f'{compared["images"]} pairs of the same name.']
    if compared['real_without_fake']:
        notes.append(f'{compared["real_without_fake"]} real images have no fake one of their name: they are left out.')
    if equal:
        notes.append(f'{equal} of {compared["images"]} fake images equal the real one of their name, pixel by pixel.')
    return notes


def _read(*wanted: tuple[ImageSet, np.ndarray]) -> Iterator[tuple[np.ndarray, ...]]:
    """Chunks uint8 [n, H, W, 3] of several lists of images, side by side."""
    chunk = chunk_of(wanted[0][0].size)
    return zip(*(read_all(images, ids, chunk) for images, ids in wanted), strict=True)


def perceptual_measure(features: Features) -> dict[str, Measure]:
    """The perceptual distance over some features, by its name."""
    program = jax.jit(lambda pair: perceptual(features.layers(pair[0]), features.layers(pair[1])))
    # On the CPU one by one: the bits cannot depend on what else is in the batch.
    size = 1 if jax.default_backend() == 'cpu' else _AT_ONCE
    return {PERCEPTUAL + features.name: Measure('lower', 4, lambda a, b, mask: in_batches(program, (a, b), size))}
