"""Generators from noise side by side: samples of the same seed against the same held-out images.

Every run is measured by the code of the verb `measure` (`between_sets`), as `--real=RUN --fake=RUN` measures it: sets
of its samples against two halves of the held-out images, and these against each other. Runs of different sizes are
compared at the smallest of them. Samples are scaled to it, and so are the held-out images that they are compared with,
which are as that run's training has them: no generator pays for the filter.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gans.data.files import printable
from gans.errors import UserError
from gans.evaluation import between_sets, pareto
from gans.evaluation.between_sets import FAKE, FLOOR
from gans.evaluation.feature_cache import cached
from gans.evaluation.measure import VERSION
from gans.evaluation.provenance import about, surroundings
from gans.evaluation.tables import listing
from gans.evaluation.titles import lines_of, short_titles
from gans.features.opening import Features
from gans.image import files, grids
from gans.printing import not_lost
from gans.run.experiment import digest
from gans.run.generate import Sampler, Shown, held_out
from gans.run.trained import Trained, weights_digest
from gans.sets.drawn import Drawn
from gans.sets.image_set import ImageSet
from gans.sets.opening import SAMPLES

RESAMPLE = 'lanczos'  # the filter for samples of larger runs, as Pillow calls it
_ROWS = 8  # of the montage
_FILES = ('compare.json', 'compare.png', 'pareto.png')


def compare(found: Mapping[str, Trained], target: Path, features: Features | None, seed: int) -> str:
    """Compares generators from noise.

    Writes `compare.json`, `compare.png` (a column per run, a row per place of the seed) and `pareto.png` (quality
    against diversity).

    Args:
      found: {title: run}.
      target: the folder for the results.
      features: of which kid, recall and others are; None to do without.
      seed: of the samples, and of the patches and directions of SWD.

    Returns:
      the table, for people.

    Raises:
      UserError: the held-out images differ or are too few, sizes that cannot be brought to one, a seed out of range.
    """
    size = _size_of(found)
    samplers = {title: Sampler(trained, seed) for title, trained in found.items()}
    shown = {title: held_out(trained) for title, trained in found.items()}
    _check_same_images(shown)
    made = {title: _samples(sampler, size) for title, sampler in samplers.items()}
    name = features.name if features else ''
    reports = _measure({title: _real(found[title], shown[title], size) for title in found}, made, seed, features)
    joined = _join(found, shown, reports, size, seed) | {'features': about(features)}
    axes = pareto.axes_of(list(joined['measures']), name)
    runs, floors = ({title: one['rows'][row] for title, one in reports.items()} for row in (FAKE, FLOOR))
    front = pareto.front_of(axes, runs, floors)
    joined['front'] = {**axes._asdict(), 'runs': front}
    numbers = _describe(found, joined, reports)
    short = short_titles(found)
    points = {short[title]: row for title, row in runs.items()}
    real = {row.replace(FLOOR, 'real'): floor for row, floor in _floors(reports, short).items()}
    with not_lost(lambda: numbers):
        _draw(made, target)
        files.save_png(target / 'pareto.png', pareto.draw(axes, points, real, [short[title] for title in front]))
        files.write_json(target / 'compare.json', joined)
    return '\n'.join([numbers, ', '.join(printable(str(target / name)) for name in _FILES)])


def _measure(real, made, seed, features):
    """{title: report}. Real images that look the same for several runs are looked at once."""
    known, name = features and cached(features), features.name if features else ''
    kinds, reports = {title: (tuple(images.original_sizes), images.decoding) for title, images in real.items()}, {}
    for kind in dict.fromkeys(kinds.values()):  # one after the other: memory
        seen = None
        for title in (title for title, its in kinds.items() if its == kind):
            seen = seen or between_sets.look_at_real(real[title], len(made[title]), seed, known)
            reports[title] = between_sets.measure(real[title], made[title], seed, known, name, seen)
    return {title: reports[title] for title in made}


def _size_of(found):
    """The smallest of the sizes of the runs, (height, width); raises UserError for sizes of different shapes."""
    sizes = {title: trained.game.size for title, trained in found.items()}
    title, (height, width) = min(sizes.items(), key=lambda item: item[1][0] * item[1][1])
    for other, (its_height, its_width) in sizes.items():
        if its_height * width != its_width * height:
            raise UserError(
                f'{title} and {other} cannot be compared: {width}x{height} and {its_width}x{its_height} pixels (width '
                'x height) have different shapes. Give runs of one shape as --runs.'
            )
    if min(height, width) < between_sets.SMALLEST:
        least = between_sets.SMALLEST
        raise UserError(
            f'{title} has {width}x{height} pixels (width x height), and measures need {least}x{least}: leave it out.'
        )
    return height, width


def _keys(shown: Shown) -> str:
    """A digest of which images are held out, whatever their size."""
    return digest(sorted(shown.source.key(int(i)) for i in shown.ids))


def _check_same_images(shown):
    (first_title, first), *rest = shown.items()
    for title, other in rest:
        if _keys(first) != _keys(other):
            raise UserError(
                f'{first_title} and {title} cannot be compared: their held-out images differ ({first.source.where}; '
                f'{other.source.where}). Give runs on the same data as --runs.'
            )


def _real(trained, shown, size):
    own = trained.game.size
    return ImageSet(shown.source, shown.ids, size, RESAMPLE, [own] * len(shown.ids), None, shown.source.where)


def _samples(sampler, size):
    own, where = sampler.run.game.size, f'samples of {sampler.run.folder}'
    return ImageSet(Drawn(sampler, SAMPLES), np.arange(SAMPLES), size, RESAMPLE, [own] * SAMPLES, None, where)


def _floors(reports, names):
    """Real images against real ones: one row, or several where runs show them differently."""
    floors = {}
    for title, report in reports.items():
        floors.setdefault(report['pixels']['real'], (title, report['rows'][FLOOR]))
    alone = len(floors) == 1
    return {FLOOR if alone else f'{FLOOR}, {names[title]}': numbers for title, numbers in floors.values()}


def _join(found, shown, reports, size, seed):
    first_title, first = next(iter(reports.items()))
    runs = {
        title: {
            'folder': str(trained.folder),
            'step': trained.step,
            'weights': weights_digest(trained),
            'config': trained.config.name,
            'size': list(trained.game.size),
            'copies': reports[title]['copies'],
            'pixels': reports[title]['pixels'],
        }
        for title, trained in found.items()
    }
    rows = {title: report['rows'][FAKE] for title, report in reports.items()}
    scaled = any(trained.game.size != size for trained in found.values())
    return {
        'version': VERSION,
        'runs': runs,
        'task': found[first_title].config.task.name,
        'data': shown[first_title].source.where,
        'images': len(shown[first_title].ids),
        'held_out': _keys(shown[first_title]),
        'size': list(size),
        'resize': RESAMPLE if scaled else '',
        'seed': seed,
        **surroundings(),
        'compared': first['compared'],
        'measures': first['measures'],
        'rows': rows | _floors(reports, {title: title for title in reports}),
    }


def _draw(made, target):
    """A row per place of the seed, a column per run."""
    columns = [np.stack([images[place] for place in range(_ROWS)]) for images in made.values()]
    files.save_png(target / 'compare.png', grids.montage(columns, list(short_titles(made).values())))


def _describe(found, joined, reports):
    height, width = joined['size']
    short, features, front = short_titles(found), joined['features'], joined['front']
    scaled = f'; larger samples and their held-out images scaled by the filter {joined["resize"]}'
    rows = {short.get(row, printable(row)): numbers for row, numbers in joined['rows'].items()}
    return '\n'.join(
        [
            f'{joined["task"]}, {joined["images"]} held-out images of {printable(joined["data"])}',
            *lines_of({title: trained.step for title, trained in found.items()}),
            f'{width}x{height} pixels (width x height){scaled if joined["resize"] else ""}; seed {joined["seed"]}'
            + (f'; features {features["name"]} {features["digest"][:16]}' if features else ''),
            *_notes(reports, features, short),
            between_sets.NOTE,
            '',
            listing(rows, joined['measures']),
            '',
            f'Not dominated in {front["quality"]} and {front["diversity"]}: '
            f'{", ".join(short[title] for title in front["runs"])}.',
        ]
    )


def _notes(reports, features, short):
    """What is to be said of all runs, then of some."""
    notes = {title: between_sets.notes_of({**report, 'features': features}) for title, report in reports.items()}
    first, *others = notes.values()
    common = [line for line in first if all(line in other for other in others)]
    return common + [f'{short[title]}: {line}' for title, own in notes.items() for line in own if line not in common]
