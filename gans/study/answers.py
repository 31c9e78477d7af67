"""Files of answers: which person gave which answer to which image or pair."""

import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gans.data.csv_table import quoted, read_text, rows
from gans.data.files import printable
from gans.errors import UserError, closest
from gans.study.key import Key
from gans.study.trials import ANSWERS

_COLUMNS = ('study', 'person', 'protocol', 'item', 'answer')
_ADVICE = 'begin as the study does, with study,person,protocol,trial,item,left,answer,milliseconds'
Answers = Mapping[str, Mapping[str, Mapping[str, str]]]  # {protocol: {person: {item: answer}}}, each sorted by name


class _Given(NamedTuple):
    answer: str
    where: str


def find_files(patterns: Sequence[str | Path]) -> list[Path]:
    """The files that --answers names: files, patterns like `*.csv`, and folders, of which all `.csv` are taken.

    Each file is there once, in the order of the names. Raises UserError if there is none for one of them.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_dir():
            paths = [str(one) for one in path.glob('*.csv')]
        else:
            paths = [str(path)] if path.exists() else _matching(path)
        if not paths:
            shown = printable(str(pattern))
            raise UserError(f"There are no answers '{shown}': give files that the study downloads, answers-NAME.csv.")
        for one in sorted(paths):
            found.setdefault(Path(one).resolve(), Path(one))
    return sorted(found.values())


def _matching(pattern: Path) -> list[str]:
    """The files that a pattern means. A folder that is there is meant as it is written, also one called 'study [1]'."""
    place = next(parent for parent in pattern.parents if parent.is_dir())
    return glob.glob(os.path.join(glob.escape(str(place)), pattern.relative_to(place)))


def read_answers(paths: Sequence[Path], key: Key) -> Answers:
    """Reads files of answers.

    A row without an answer is passed over. The same answer twice counts once, so that a file that was downloaded in the
    middle may be given together with the whole one.

    Raises:
      UserError: a file that is no table, answers to another study, an unknown item or answer, a row without a person,
        two answers of one person to one item, or no answer at all.
    """
    found: dict[tuple[str, str, str], _Given] = {}
    for path in paths:
        shown = printable(str(path))
        for line, fields in rows(read_text(path, 'files that the study downloads'), shown, _COLUMNS, _ADVICE):
            _read(found, key, f"Line {line} of '{shown}'", *fields)
    if not found:
        raise UserError(f"'{printable(str(paths[0]))}' has no answer in it: answer some of the study first.")
    sorted_answers: dict[str, dict[str, dict[str, str]]] = {protocol: {} for protocol in key.protocols}
    for (protocol, person, item), given in sorted(found.items()):
        sorted_answers[protocol].setdefault(person, {})[item] = given.answer
    return sorted_answers


def _read(found, key, where, study, person, protocol, item, answer):
    """Adds the answer of a row."""
    answer = answer.lower()
    if study != key.study:
        raise UserError(
            f'{where} answers the study {quoted(study)}, and the key is that of {key.study!r}: give the files of one '
            'study, and its folder as --key.'
        )
    if protocol not in key.protocols:
        raise UserError(f'{where} has the protocol {quoted(protocol)}: the study has {", ".join(key.protocols)}.')
    if item not in key.protocols[protocol]:
        near = closest(item[:80], key.protocols[protocol])
        raise UserError(f'{where} has the item {quoted(item)}{near}, which the study has not: leave the line out.')
    if not answer:
        return
    if not person:
        raise UserError(f'{where} names no person: give all rows of one person the same name.')
    if answer not in ANSWERS[protocol]:
        raise UserError(f'{where} has the answer {quoted(answer)}: give {" or ".join(ANSWERS[protocol])}, or nothing.')
    before = found.setdefault((protocol, person, item), _Given(answer, where))
    if before.answer != answer:
        raise UserError(
            f'{before.where} and {where[0].lower()}{where[1:]} have two answers of {quoted(person)} to {item}: leave '
            'one out, or give two people two names.'
        )
