"""Runs where every input has one right output: a montage with a column per run, their evaluations side by side."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gans.data.files import printable
from gans.errors import UserError
from gans.evaluation.evaluate import FILE, VERSION, evaluate_run
from gans.evaluation.image_pairs import PERCEPTUAL
from gans.evaluation.paired import MONTAGE_ROWS, answers_of, images_of
from gans.evaluation.tables import notes, table
from gans.evaluation.titles import lines_of, short_titles
from gans.features.opening import Features
from gans.image import files, grids
from gans.printing import not_lost
from gans.run.trained import Trained, open_images, weights_digest

_SAME = {'held_out': 'held-out images', 'masks': 'masks on them'}  # fields of an evaluation
_ONCE = ('version', 'task', 'size', 'data', 'images', 'held_out', 'masks', 'notes', 'versions', 'backend')


def compare(found: Mapping[str, Trained], target: Path, features: Features | None) -> str:
    """Compares runs of one task and size.

    A run whose newest checkpoint was evaluated, by these measures and with these features, is not evaluated again.
    Writes `compare.png` (input, a column per run, original, as figure 6 of the CGAN post) and `compare.json`.

    Args:
      found: {title: run}.
      target: the folder for the results.
      features: for the perceptual distance; None to do without.

    Returns:
      the table, for people.

    Raises:
      UserError: the held-out images differ, or the masks on them; and as `evaluate_run`.
    """
    reports = {title: _evaluation_of(trained, features) for title, trained in found.items()}
    _check_same_images(reports)
    joined = _join(found, reports)
    numbers = _numbers(reports, joined)
    with not_lost(lambda: numbers):
        _draw(found, target)
        files.write_json(target / 'compare.json', joined)
    written = (printable(str(target / name)) for name in ('compare.png', 'compare.json'))
    return '\n'.join([numbers, ', '.join(written)])


def _numbers(reports, joined):
    """The numbers for people."""
    first = next(iter(reports.values()))
    rows = _rows(reports, short_titles(reports))
    return '\n'.join(
        [
            f'{first["task"]}, {first["images"]} held-out images of {printable(first["data"])}',
            *lines_of({title: report['step'] for title, report in reports.items()}),
            *first['notes'],
            '',
            table(rows, joined['measures']),
            '',
            *notes(rows),
        ]
    )


def _check_same_images(reports):
    (first_title, first), *rest = reports.items()
    for title, report in rest:
        for field, what in _SAME.items():
            if first[field] != report[field]:
                raise UserError(
                    f'{first_title} and {title} cannot be compared: their {what} differ ({first["data"]}; '
                    f'{report["data"]}). Give runs on the same data as --runs.'
                )


def _evaluation_of(trained, features):
    """The run's evaluation, from its folder if it is of this checkpoint, by these measures and with the features."""
    try:
        report = json.loads((trained.folder / FILE).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return evaluate_run(trained, features)  # none yet, or none that can be read
    needed = {*_ONCE, 'measures', 'features', 'step', 'config', 'rows', 'ratios', 'baselines'}
    whole = isinstance(report, dict) and needed <= report.keys()
    this = {'version': VERSION, 'step': trained.step, 'weights': weights_digest(trained)}
    current = whole and all(report.get(name) == value for name, value in this.items())
    if current and features:
        current = isinstance(report['features'], dict) and report['features'].get('digest') == features.digest
    return report if current else evaluate_run(trained, features)


def _draw(found, target):
    """One row per image: input, each run's output, original."""
    runs = list(found.values())
    experiment = open_images(runs[0])
    places = np.arange(min(MONTAGE_ROWS, len(experiment.test)))  # in random order, so that they are from all over
    answers = [images_of(answers_of(trained, experiment), places) for trained in runs]
    seen, _, real = answers[0]
    columns = [seen, *(output for _, output, _ in answers), real]
    titles = ['input', *short_titles(found).values(), 'original']
    files.save_png(target / 'compare.png', grids.montage(columns, titles))


def _join(found, reports):
    """The evaluations as one: the rows that need no network once, then those of every run."""
    first = next(iter(reports.values()))
    about = {
        title: {
            'folder': str(found[title].folder),
            'step': report['step'],
            'config': report['config'],
            'ratios': report['ratios'],
        }
        for title, report in reports.items()
    }
    same = {name: first[name] for name in _ONCE}
    same |= {'measures': _measures(reports), 'features': _features(reports)}
    return {'runs': about, **same, 'rows': _rows(reports, {title: title for title in reports})}


def _features(reports):
    """The features over which all runs were measured, for JSON; an earlier evaluation may have had others."""
    first, *others = (report['features'] for report in reports.values())
    return first if all(first == other for other in others) else None


def _measures(reports):
    """The measures that all runs have, but those over features that are not the same for all."""
    first, *others = (report['measures'] for report in reports.values())
    plain = {name: measure for name, measure in first.items() if not name.startswith(PERCEPTUAL) or _features(reports)}
    return {name: measure for name, measure in plain.items() if all(name in other for other in others)}


def _rows(reports, titles):
    """The rows of `_join`, with these names of the runs."""
    first, measures = next(iter(reports.values())), _measures(reports)
    shared = [row for row in first['rows'] if row == 'original' or row in first['baselines']]
    rows = {row: first['rows'][row] for row in shared}
    for title, report in reports.items():
        rows |= {f'{titles[title]}: {row}': numbers for row, numbers in report['rows'].items() if row not in shared}
    return {row: {name: n for name, n in numbers.items() if name in measures} for row, numbers in rows.items()}
