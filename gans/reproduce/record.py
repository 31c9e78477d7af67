"""`reproduction.json`: whose a folder is, and all numbers of a reproduction."""

import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from gans.data.files import check_no_file, printable, read_regular
from gans.errors import UserError
from gans.image.files import check_folder, is_temporary, write_json
from gans.reproduce.drawing import numbers_of
from gans.reproduce.plan import Plan, Planned
from gans.reproduce.types import Drawn
from gans.run import sittings
from gans.sweep.runs import steps_done

FILE = 'reproduction.json'
_MADE_BY = '--mode=reproduce'
_VERSION = 1
_MOST_BYTES = 2**28
_TIME = '%Y-%m-%d %H:%M:%S UTC'  # of a sitting


def claim(plan: Plan) -> None:
    """Makes the folder this reproduction's, or makes sure that it is.

    Raises:
      UserError: it holds other things, or another reproduction; or cannot be written.
    """
    check_no_file(plan.folder)
    shown, path = printable(str(plan.folder)), plan.folder / FILE
    if path.exists():
        found = _read(path)
        if found.get('made_by') != _MADE_BY:
            raise UserError(f"'{printable(str(path))}' is no record of {_MADE_BY}: give a new --output.")
        for name, value in _identity(plan).items():
            if found.get(name) != value:
                raise UserError(
                    f"'{shown}' has a reproduction with {_told(name, found.get(name))}, not {_told(name, value)}: give "
                    'a new --output, or the flags that it was begun with.'
                )
    elif plan.folder.is_dir() and [one for one in plan.folder.iterdir() if not is_temporary(one.name)]:
        raise UserError(f"'{shown}' holds files but no reproduction: give an empty or a new folder as --output.")
    check_folder(plan.folder)
    if not path.exists():
        write_json(path, _identity(plan))


def write(plan: Plan, drawn: Mapping[str, Drawn], problems: Mapping[str, str]) -> None:
    """Writes all numbers.

    Args:
      plan: what is reproduced.
      drawn: the figures that are there, by name.
      problems: {figure: a sentence} of those that could not be drawn.
    """
    figures = {}
    for figure in plan.document.figures:
        found = {'title': figure.title, 'runs': list(figure.runs)}
        if figure.name in drawn:
            made = drawn[figure.name]
            numbers = numbers_of(made)
            found |= {
                'numbers': numbers,
                'said': [
                    {'what': one.what, 'document': one.value, 'here': numbers.get(one.number)} for one in figure.said
                ],
                'table': made.table and {'columns': list(made.table.columns), 'rows': list(map(list, made.table.rows))},
                'notes': list(made.notes),
            }
        elif figure.name in problems:
            found['problem'] = problems[figure.name]
        figures[figure.name] = found
    runs = {
        name: {
            'config': run.text,
            'fields': dict(run.fields),
            'steps': steps_done(run.folder),
            'of': run.config.steps,
            'seconds': seconds_of(sittings.read(run.folder)),
        }
        for name, run in plan.runs.items()
    }
    write_json(plan.folder / FILE, {**_identity(plan), 'runs': runs, 'figures': figures})


def seconds_of(found: Sequence[sittings.Sitting]) -> float | None:
    """How long the sittings of a run took that came to an end; None if there are none."""
    try:
        ended = [
            (datetime.strptime(one.ended, _TIME), datetime.strptime(one.begun, _TIME)) for one in found if one.ended
        ]
    except ValueError:
        return None
    return sum((end - begin).total_seconds() for end, begin in ended) if ended else None


def command_of(run: Planned) -> str:
    """The command that trains a run into its folder, for a shell."""
    begun = sittings.command([sittings.Sitting(config=run.text, fields=run.fields)])
    return f'{begun} {shlex.join([f"--workdir={run.folder}"])}'


def _identity(plan):
    return {
        'made_by': _MADE_BY,
        'version': _VERSION,
        'document': plan.name,
        'scale': plan.scale,
        'input': plan.images,
    }


def _told(name, value):
    if name == 'input':
        return f'--input={printable(value)}' if value else 'no --input'
    return f'--{name}={printable(str(value))}'


def _read(path: Path) -> dict:
    try:
        found = json.loads(read_regular(path, _MOST_BYTES))
    except (OSError, ValueError, UserError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}
