"""Any two sets of images compared, of any origin: as sets, or image by image.

The order in which images are read follows from what they show, or from the places of samples: numbers do not depend on
names, order of files, sizes of batches, or the number of devices.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gans.data.files import check_replaceable, printable, read_regular
from gans.errors import UserError
from gans.evaluation import between_sets, image_pairs
from gans.evaluation.feature_cache import cached
from gans.evaluation.provenance import about, surroundings
from gans.evaluation.tables import listing, notes
from gans.features.opening import open_features
from gans.sets.image_set import ImageSet
from gans.sets.opening import open_set

VERSION = 1  # count up when the same images give other numbers than before: those are not to be compared
# Pixels of an image: at 2048 x 2048 the process took 1.8 GB, at 4096 x 4096 5.7 GB, at 16383 x 16383 all 23 GB that
# there were (--count=4, two cores, jax 0.10.2, 2026-11-26).
MOST_PIXELS = 2**22
_MOST_BYTES = 2**26  # of an earlier report


class Wishes(NamedTuple):
    """What is to be measured: the flags of the verb.

    Attributes:
      real: a set of images, as `gans.sets.opening.open_set` has it.
      fake: another one.
      size: the size of both, '64' or height and width; () where all images have one size.
      resize: the filter for images of another size.
      features: the network whose features are compared, as `gans.features.opening.open_features` has it, if any.
      count: how many images of each set; None for all.
      seed: of samples, of patches and of directions.
      paired: whether to compare image by image, by their names.
    """

    real: str
    fake: str
    size: Sequence[str] = ()
    resize: str = 'lanczos'
    features: str | None = None
    count: int | None = None
    seed: int = 0
    paired: bool = False


def measure(wishes: Wishes) -> dict:
    """Compares two sets of images; returns the JSON.

    Raises:
      UserError: a set that cannot be opened, sets of two sizes, too few or too small images, features that are not
        there, and whatever else the user can mend.
    """
    features = open_features(wishes.features) if wishes.features else None
    real, fake = _open(wishes)
    if wishes.paired:
        measured = image_pairs.measure(real, fake, features)
    else:
        known = features and cached(features)
        measured = between_sets.measure(real, fake, wishes.seed, known, features.name if features else '')
    return {
        'version': VERSION,
        'real': _about(real),
        'fake': _about(fake),
        'paired': wishes.paired,
        'size': list(real.size),
        'resize': real.resample or fake.resample,
        'seed': wishes.seed,
        'features': about(features),
        **surroundings(),
        **measured,
    }


def check_output(path: Path) -> None:
    """Raises UserError if something else than an earlier report is where the JSON is to go: that would be lost."""
    check_replaceable(path, 'numbers of --mode=measure', _is_report)


def _is_report(path):
    found = json.loads(read_regular(path, _MOST_BYTES))
    return isinstance(found, dict) and {'version', 'real', 'fake', 'rows'} <= found.keys()


def describe(report: Mapping) -> str:
    """A report for people: what was compared, the numbers, what is to be said of them."""
    kind = image_pairs if report['paired'] else between_sets
    height, width = report['size']
    scaled = f'; others scaled by the filter {report["resize"]}' if report['resize'] else ''
    features = report['features']
    return '\n'.join(
        [
            f'real: {printable(report["real"]["where"])}',
            f'fake: {printable(report["fake"]["where"])}',
            f'{width}x{height} pixels (width x height){scaled}; seed {report["seed"]}'
            + (f'; features {features["name"]} {features["digest"][:16]}' if features else ''),
            *kind.notes_of(report),
            kind.NOTE,
            '',
            listing(report['rows'], report['measures']),
            *(['', *told] if (told := notes(report['rows'])) else []),
        ]
    )


def _open(wishes: Wishes) -> tuple[ImageSet, ImageSet]:
    size = size_of(wishes.size)
    sets = {
        role: open_set(text, size, wishes.resize, wishes.count, wishes.seed, role)
        for role, text in (('real', wishes.real), ('fake', wishes.fake))
    }
    real, fake = sets['real'], sets['fake']
    (height, width), (other_height, other_width) = real.size, fake.size
    if real.size != fake.size:
        raise UserError(
            f'The real images ({printable(real.where)}) are {width}x{height} pixels (width x height), the fake ones '
            f'({printable(fake.where)}) {other_width}x{other_height}: give a --size for both.'
        )
    least = between_sets.SMALLEST
    if min(real.size) < least:
        raise UserError(
            f'The images are {width}x{height} pixels (width x height), and measures need {least}x{least}: give a '
            'larger --size.'
        )
    if width * height > MOST_PIXELS:
        raise UserError(
            f'The images are {width}x{height} pixels (width x height), and at most {MOST_PIXELS:,} pixels are measured '
            '(2048x2048), so that memory suffices: give a smaller --size.'
        )
    return real, fake


def size_of(words: Sequence[str]) -> tuple[int, int] | None:
    """(height, width) of '64', or of '64,96': height and width; None of nothing. UserError for anything else."""
    if not words:
        return None
    if len(words) > 2 or not all(word.isascii() and word.isdigit() and 0 < int(word) < 2**14 for word in words):
        raise UserError(f'--size={",".join(words)} is no size: give a number of pixels, or height and width: 64,96.')
    return int(words[0]), int(words[-1])


def _about(images: ImageSet) -> dict:
    return {
        'where': images.where,
        'images': len(images),
        'original_sizes': dict(images.original_sizes),
        'notes': list(images.notes),
        'digest': images.digest,
    }
