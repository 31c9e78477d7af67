"""The evaluation that is in a run's folder, read back for tables; nothing is measured here."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gans.data.files import printable, read_regular
from gans.errors import UserError
from gans.evaluation.tables import cell, spread

FILE = 'evaluation.json'
_MOST_BYTES = 2**24
_MOST = 500  # rows, and measures
_UNFIT = (TypeError, KeyError, AttributeError, ArithmeticError)  # what a file of another shape leads to
_ARROWS = {'lower': ', lower is better', 'higher': ', higher is better', '': ''}


class Stored(NamedTuple):
    """An evaluation as it was written, with what does not fit left out.

    Attributes:
      step: of the checkpoint that was measured.
      images: how many held-out images there were.
      features: the name of the network whose features were compared too; '' for none.
      rows: {row: {measure: {'mean', 'low', 'high', 'count'}}}.
      measures: {measure: {'better', 'digits'}}.
      ratios: {name: {'mean', 'low', 'high', 'count'}}.
      montages: names of images in the run's folder.
      notes: sentences.
      versions: of the libraries that it rests on; `backend` is the kind of device.
    """

    step: int
    images: int
    features: str
    rows: Mapping[str, Mapping[str, Mapping]]
    measures: Mapping[str, Mapping]
    ratios: Mapping[str, Mapping]
    montages: tuple[str, ...]
    notes: tuple[str, ...]
    versions: Mapping[str, str]


def read_evaluation(folder: Path) -> tuple[Stored | None, str]:
    """(the evaluation of a run, None without one; why there is none, '' where it was not evaluated)."""
    path = folder / FILE
    if not path.exists():
        return None, ''
    try:
        return _stored(json.loads(read_regular(path, _MOST_BYTES))), ''
    except (OSError, ValueError, UserError, RecursionError, *_UNFIT) as error:
        reason = f'{getattr(error, "strerror", None) or error}'.rstrip('.')[:200]
        return None, printable(f'{FILE} cannot be used ({type(error).__name__}: {reason}): evaluate the run again.')


def _stored(found: Any) -> Stored:
    measures = {
        _text(name): {
            'better': one['better'] if one['better'] in _ARROWS else '',
            'digits': max(0, min(int(one['digits']), 12)),
        }
        for name, one in list(found['measures'].items())[:_MOST]
    }
    rows = {_text(row): _numbers(own) for row, own in list(found['rows'].items())[:_MOST]}
    features = found.get('features') or {}
    versions = {_text(k): _text(v) for k, v in found.get('versions', {}).items()} | {
        'backend': _text(found.get('backend', ''))
    }
    return Stored(
        step=int(found['step']),
        images=int(found['images']),
        features=_text(features.get('name', '')),
        rows=rows,
        measures=measures,
        ratios=_numbers(found.get('ratios', {})),
        montages=tuple(name for name in found.get('montages', ()) if isinstance(name, str))[:20],
        notes=tuple(_text(note) for note in found.get('notes', ()) if isinstance(note, str))[:50],
        versions=versions,
    )


def _numbers(found: Mapping) -> dict[str, dict]:
    """{name: number}, of a number only what is one or None."""
    return {
        _text(name): {'mean': None, 'low': None, 'high': None, 'count': 0}
        | {key: value for key, value in number.items() if value is None or _finite(value)}
        for name, number in list(found.items())[:_MOST]
    }


def _text(value):
    """A text of the file, without characters that a terminal obeys or that no file can hold."""
    return printable(f'{value}')


def _finite(value):
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def measure_rows(stored: Stored) -> tuple[list[str], list[list[str]]]:
    """The numbers as texts: (['measure', row, row...], [[measure, mean [low, high], ...], ...])."""
    lines = []
    for name, measure in stored.measures.items():
        numbers = (own.get(name) for own in stored.rows.values())
        cells = [f'{cell(number, measure["digits"])} {spread(number, measure["digits"])}'.strip() for number in numbers]
        lines.append([f'{name}{_ARROWS[measure["better"]]}', *cells])
    return ['measure', *stored.rows], lines
