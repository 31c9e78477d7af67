"""The key of a study: what each of its images and pairs is."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gans.data.files import printable, read_regular
from gans.errors import UserError
from gans.study.trials import ANSWERS, KINDS

FILE = 'key.json'
FORMAT = 1
_MOST = 16 * 2**20  # bytes


class Key(NamedTuple):
    """What is known of a study.

    Attributes:
      study: its digest, which answers carry.
      runs: {name: what the run was}.
      protocols: {protocol: {item: {'kind', 'run', 'right'}}}, as `gans.study.trials.Trial` has them.
    """

    study: str
    runs: Mapping[str, Mapping]
    protocols: Mapping[str, Mapping[str, Mapping]]


def find_key(given: str | Path | None, answers: Sequence[Path]) -> Key:
    """Reads a key: the one that is given (the file, or its folder), or the one beside the answers.

    Raises:
      UserError: there is none, or it is no key of a study.
    """
    if given is not None:
        path = Path(given).expanduser()
        path = path / FILE if path.is_dir() else path
    else:
        first = answers[0].parent
        places = [first / FILE, first.resolve().parent / FILE]
        path = next((place for place in places if place.is_file()), places[0])
    shown = printable(str(path))
    try:
        found = json.loads(read_regular(path, _MOST, shown))
    except FileNotFoundError as error:
        raise UserError(
            f"There is no '{shown}': put the answers into the folder of the study, or give its folder as --key."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"'{shown}' is no key of a study: give the one that --mode=study wrote.") from error
    if not _is_key(found):
        raise UserError(f"'{shown}' is no key of a study that this version reads: make the study again.")
    return Key(found['study'], found['runs'], found['protocols'])


def _is_key(found) -> bool:
    try:
        items = [
            (protocol, item, found['runs']) for protocol, items in found['protocols'].items() for item in items.values()
        ]
        return bool(items) and found['format'] == FORMAT and isinstance(found['study'], str) and all(map(_sound, items))
    except (TypeError, KeyError, AttributeError):
        return False


def _sound(one):
    protocol, item, runs = one
    judged = item['kind'] in ('generated', 'real')
    run = item['run'] is None if item['kind'] == 'check' else item['run'] in runs
    right = item['right'] is None if judged else item['right'] in ANSWERS[protocol]
    return item['kind'] in KINDS[protocol] and run and right
