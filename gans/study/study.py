"""The verb `study`: makes a study, or reads its answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gans.data.files import printable
from gans.errors import UserError
from gans.image.files import write_json
from gans.study.answers import find_files, read_answers
from gans.study.key import find_key
from gans.study.make import Wishes, make
from gans.study.report import check_output, describe, measure


def study(flags: Mapping[str, Any]) -> str:
    """Does what the flags of the verb ask for; returns what was done, for people.

    Raises:
      UserError: anything that the user can mend.
    """
    if not flags['answers']:
        if not flags['workdir'] or not flags['output']:
            raise UserError('--mode=study needs --workdir and --output to make a study, or --answers to read one.')
        if flags['key']:
            raise UserError('--key is for --answers, and there are none: leave it out.')
        return make(flags['workdir'], flags['output'], Wishes(**{name: flags[name] for name in Wishes._fields}))
    defaults = Wishes()._asdict() | {'workdir': ()}
    for name, default in defaults.items():
        if flags[name] != default:
            raise UserError(f'--{name} is for making a study, and --answers reads one: leave one of them out.')
    return _rates(flags['answers'], flags['key'], flags['output'])


def _rates(patterns, key, output) -> str:
    output = Path(output).expanduser() if output else None
    if output:
        check_output(output)
    paths = find_files(patterns)
    found = find_key(key, paths)
    report = measure(found, read_answers(paths, found))
    if output:
        write_json(output, report)
    return describe(report) + (f'\n\n{printable(str(output))}' if output else '')
