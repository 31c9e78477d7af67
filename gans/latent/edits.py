"""Named edits of latents: a small YAML (or JSON) file, and what is to be done of it.

    grin: {3: +2, 7: -1}
    lips: {1: 1.5}

says that grinning is 2 roots of the eigenvalue along direction 3 and 1 against direction 7 (`gans.latent.space`).
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from gans.errors import UserError, closest
from gans.latent.space import Edit, combine

_EXAMPLE = 'grin: {3: +2, 7: -1}'


def read_edits(path: str | Path, size: int) -> dict[str, Edit]:
    """The edits in a file by name.

    Args:
      path: the file.
      size: how many directions there are, counted from 0.

    Raises:
      UserError: no such file, or one that is not what the example shows.
    """
    path = Path(path).expanduser()
    try:
        found = yaml.safe_load(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise UserError(f"Cannot read the edits '{path}' ({error.strerror}): give a file as --edits.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"'{path}' is no text: write edits as {_EXAMPLE}.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, 'problem_mark', None)
        place = f', line {mark.line + 1}' if mark else ''
        raise UserError(f"'{path}'{place} is neither YAML nor JSON: write edits as {_EXAMPLE}.") from error
    if not isinstance(found, dict) or not found:
        raise UserError(f"'{path}' names no edits: write them as {_EXAMPLE}.")
    return {_name(path, name): _edit(path, name, amounts, size) for name, amounts in found.items()}


def edits_text(edits: Mapping[str, Edit]) -> str:
    """The text of a file that `read_edits` reads as these edits, in their order."""
    amounts = {name: ', '.join(f'{k}: {float(amount)!r}' for k, amount in edit.items()) for name, edit in edits.items()}
    return ''.join(f'{json.dumps(name)}: {{{text}}}\n' for name, text in amounts.items())


def is_name(name: object) -> bool:
    """Whether an edit may be called so. Names become parts of file names; + and the comma separate them in --apply."""
    return isinstance(name, str) and re.fullmatch(r'\w[\w -]*', name) is not None


def choose_edits(edits: Mapping[str, Edit], wanted: Sequence[str]) -> dict[str, Edit]:
    """The edits that are asked for, in that order: names, or names joined by +, whose edits are added.

    All of them by themselves if nothing is asked for. Raises UserError, with the nearest name, for one that is not
    among them.
    """
    chosen = {}
    for word in wanted or edits:
        names = [name.strip() for name in word.split('+')]
        for name in names:
            if name not in edits:
                raise UserError(
                    f'--apply names {name!r}, which is no edit{closest(name, edits)}: choose from {", ".join(edits)}.'
                )
        chosen['+'.join(names)] = combine([edits[name] for name in names])
    return chosen


def _name(path, name):
    if not is_name(name):
        raise UserError(
            f"'{path}' calls an edit {name!r}: name it with letters, digits, _ and - (in quotes if need be)."
        )
    return name


def _edit(path, name, amounts, size):
    if not isinstance(amounts, dict) or not amounts:
        raise UserError(f"'{path}' gives {name} no directions: write it as {_EXAMPLE}.")
    edit = {}
    for direction, amount in amounts.items():
        if not re.fullmatch('[0-9]+', str(direction)) or int(direction) >= size:
            raise UserError(
                f"'{path}' has the direction {direction!r} in {name}: give whole numbers from 0 to {size - 1}."
            )
        edit[int(direction)] = _number(path, name, direction, amount)
    return edit


def _number(path, name, direction, amount):
    try:
        value = math.nan if isinstance(amount, bool) else float(amount)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise UserError(
            f"'{path}' goes {amount!r} along direction {direction} in {name}: give a number of root eigenvalues."
        )
    return value
