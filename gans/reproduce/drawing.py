"""A figure drawn into its folder, and read back: drawn again only if its runs, its entry or its kind changed."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gans.data.files import read_regular
from gans.errors import UserError
from gans.evaluation.stored import FILE as EVALUATION
from gans.image.files import check_folder, write_json
from gans.reproduce.plan import Plan, drawer, files_of, source_of, waits
from gans.reproduce.types import Drawn, Figure, Table
from gans.run.experiment import digest
from gans.sweep.runs import steps_done
from gans.training.metrics_files import METRICS

FILE = 'figure.json'  # written last: without it a figure's folder is what a kill has left
_MOST_BYTES = 2**26  # of such a file, and of a run's numbers


def draw(plan: Plan, figure: Figure) -> Drawn:
    """Draws a figure, its runs being trained, in place of an earlier drawing.

    Raises:
      UserError, gans.errors.Failure: it cannot be drawn, or not be written.
    """
    place = plan.place(figure)
    check_folder(place.folder)
    (place.folder / FILE).unlink(missing_ok=True)  # files of earlier drawings are replaced by those of the same name
    made = drawer(figure)(place, **figure.options)
    found = {'key': _key(plan, figure), 'within': str(plan.folder), **_as_json(made, place.folder)}
    write_json(place.folder / FILE, found)
    return made


def read(plan: Plan, figure: Figure) -> Drawn | None:
    """What was drawn of a figure, if it is whole, and what it was drawn from is as it was; else None."""
    folder = plan.place(figure).folder
    try:
        found = json.loads(read_regular(folder / FILE, _MOST_BYTES))
        made = _moved(_from_json(found, folder), found['within'], str(plan.folder))
        whole = found['key'] == _key(plan, figure) and all(path.is_file() for path, _ in made.images)
    except (OSError, ValueError, UserError, TypeError, KeyError, AttributeError):
        return None
    return made if whole else None


def numbers_of(made: Drawn) -> dict[str, float | int | str]:
    """The numbers of a figure as JSON has them."""
    return {name: _plain(value) for name, value in made.numbers.items()}


def _key(plan, figure):
    """A digest of all that a drawing follows from."""
    runs = [plan.runs[name] for name in figure.runs]
    entry = [figure.kind, list(figure.runs), figure.options, plan.scale]
    configs = [[run.text, run.own, dict(run.fields)] for run in runs]
    parts = [
        json.dumps([entry, configs], default=repr).encode(),
        source_of(figure).read_bytes(),
        *(run.config.to_json_best_effort().encode() for run in runs),
        *(run.own_config.to_json_best_effort().encode() for run in runs),
    ]
    if waits(figure):
        for run in runs:
            # What training and evaluating have measured: other weights have other numbers.
            parts += [str(steps_done(run.folder)).encode(), *(_bytes_of(run.folder / f) for f in (METRICS, EVALUATION))]
    parts += map(_bytes_of, files_of(figure, plan.place(figure)))
    return digest(parts)


def _bytes_of(path):
    return read_regular(path, 2**40) if path.is_file() else b''


def _as_json(made: Drawn, folder: Path) -> dict[str, Any]:
    return {
        'images': [{'file': str(path.relative_to(folder)), 'alt': alt} for path, alt in made.images],
        'table': made.table and {'columns': list(made.table.columns), 'rows': [list(row) for row in made.table.rows]},
        'numbers': numbers_of(made),
        'commands': [[str(word) for word in words] for words in made.commands],
        'notes': list(made.notes),
    }


def _from_json(found: Mapping, folder: Path) -> Drawn:
    table = found['table']
    return Drawn(
        images=[(folder / one['file'], one['alt']) for one in found['images']],
        table=table and Table(table['columns'], table['rows']),
        numbers=found['numbers'],
        commands=found['commands'],
        notes=found['notes'],
    )


def _moved(made: Drawn, before: str, now: str) -> Drawn:
    """What was drawn, with the reproduction's folder as it is called now: it may have been moved."""
    if before == now:
        return made
    commands = [[word.replace(before, now) for word in words] for words in made.commands]
    return made._replace(commands=commands, notes=[note.replace(before, now) for note in made.notes])


def _plain(value):
    """A number as JSON has it; one that is not finite as a text."""
    if isinstance(value, (str, bool, int)):
        return value
    value = float(value)
    return value if math.isfinite(value) else 'not finite'
