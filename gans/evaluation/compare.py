"""Several runs on the same held-out images: one montage with a column per run, their evaluations side by side."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gans.data.files import printable
from gans.errors import UserError
from gans.evaluation.evaluate import FILE, VERSION, evaluate_run
from gans.evaluation.paired import MONTAGE_ROWS, answers_of, images_of
from gans.evaluation.tables import columns as width_of
from gans.evaluation.tables import notes, shorten, table
from gans.image import files, grids
from gans.run.trained import Trained, load_run, open_images, weights
from gans.types import PairedEvaluation

_SAME = {'held_out': 'held-out images', 'masks': 'masks on them'}  # fields of an evaluation
_ONCE = ('task', 'size', 'data', 'images', 'held_out', 'masks', 'measures', 'notes')
_LONGEST = 20  # columns of a run's name where it stands before another name


def compare(runs: Sequence[str | Path], output: str | Path | None = None) -> str:
    """Compares runs of one task on one set of images.

    A run whose newest checkpoint was evaluated, by these measures, is not evaluated again. Writes `compare.png` (input,
    a column per run, original, as figure 6 of the CGAN post) and `compare.json` into a folder.

    Args:
      runs: the run folders, at least two.
      output: the folder for the results; by default `compare` beside the first run.

    Returns:
      the table, for people.

    Raises:
      UserError: fewer than two runs, or runs that were not asked the same questions; and as `evaluate_run`.
    """
    folders = [Path(run).expanduser() for run in runs]
    if len({folder.resolve() for folder in folders}) < max(2, len(folders)):
        raise UserError('--runs needs at least two different run folders, separated by commas.')
    target = Path(folders[0].resolve().parent / 'compare' if output is None else output).expanduser()
    found = dict(zip(_titles(folders), (load_run(folder) for folder in folders), strict=True))
    _check_alike(found)
    reports = {title: _evaluation_of(trained) for title, trained in found.items()}
    _check_same_images(found, reports)
    _draw(found, target)
    joined = _join(found, reports)
    files.write_json(target / 'compare.json', joined)
    first = next(iter(reports.values()))
    short = _short(reports)
    rows = _rows(reports, short)
    return '\n'.join(
        [
            f'{first["task"]}, {first["images"]} held-out images of {printable(first["data"])}',
            *(
                f'{short[title]}: {"" if short[title] == title else f"{printable(title)}, "}step {report["step"]}'
                for title, report in reports.items()
            ),
            *first['notes'],
            '',
            table(rows, joined['measures']),
            '',
            *notes(rows),
            f'{printable(str(target / "compare.png"))}, {printable(str(target / "compare.json"))}',
        ]
    )


def _titles(folders):
    """A name for each run: its folder's, with as many parents as make all of them different."""
    parts = [folder.resolve().parts for folder in folders]
    for length in range(1, max(map(len, parts)) + 1):
        titles = ['/'.join(part[-length:]) for part in parts]
        if len(set(titles)) == len(titles):
            break
    return titles


def _short(titles):
    """A name for each run that leaves tables and montages readable: its title, or a part of it behind a number."""
    short = {}
    for number, title in enumerate(titles, 1):
        # Pillow's own font has no letters beyond Latin ones.
        plain = width_of(printable(title)) <= _LONGEST and max(map(ord, printable(title))) < 0x250
        short[title] = title if plain else f'{number}: {shorten(printable(title), _LONGEST - 3)}'
    return short


def _check_alike(found: dict[str, Trained]) -> None:
    """What can be seen without opening the images."""
    (first_title, first), *rest = found.items()
    if not isinstance(first.game.task.evaluation, PairedEvaluation):
        raise UserError(
            f'{first_title} was trained for {first.config.task.name!r}, which has no right answers to compare: '
            'give runs of a task that has them.'
        )
    for title, trained in rest:
        for what, one, other in (
            ('task', first.config.task.name, trained.config.task.name),
            ('size', first.game.size, trained.game.size),
        ):
            if one != other:
                raise UserError(
                    f'{first_title} and {title} cannot be compared: their {what} is {one} and {other}. Give runs of '
                    f'the same {what} as --runs.'
                )


def _check_same_images(found, reports):
    (first_title, first), *rest = reports.items()
    for title, report in rest:
        for field, what in _SAME.items():
            if first[field] != report[field]:
                raise UserError(
                    f'{first_title} and {title} cannot be compared: their {what} differ ({first["data"]}; '
                    f'{report["data"]}). Give runs on the same data as --runs.'
                )


def _evaluation_of(trained):
    """The run's evaluation, from its folder if it is there, of this checkpoint and by these measures."""
    try:
        report = json.loads((trained.folder / FILE).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return evaluate_run(trained)  # none yet, or none that can be read
    whole = isinstance(report, dict) and {*_ONCE, 'step', 'config', 'rows', 'ratios', 'baselines'} <= report.keys()
    this = {'version': VERSION, 'step': trained.step, 'weights': weights(trained)}
    current = whole and all(report.get(name) == value for name, value in this.items())
    return report if current else evaluate_run(trained)


def _draw(found, target):
    """One row per image: input, each run's output, original."""
    runs = list(found.values())
    experiment = open_images(runs[0])
    places = np.arange(min(MONTAGE_ROWS, len(experiment.test)))  # in random order, so that they are from all over
    answers = [images_of(answers_of(trained, experiment), places) for trained in runs]
    seen, _, real = answers[0]
    columns = [seen, *(output for _, output, _ in answers), real]
    files.save_png(target / 'compare.png', grids.montage(columns, ['input', *_short(found).values(), 'original']))


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
    return {'runs': about, **same, 'rows': _rows(reports, {title: title for title in reports})}


def _rows(reports, titles):
    """The rows of `_join`, with these names of the runs."""
    first = next(iter(reports.values()))
    shared = [row for row in first['rows'] if row == 'original' or row in first['baselines']]
    rows = {row: first['rows'][row] for row in shared}
    for title, report in reports.items():
        rows |= {f'{titles[title]}: {row}': numbers for row, numbers in report['rows'].items() if row not in shared}
    return rows
