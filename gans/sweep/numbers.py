"""The numbers of a run that a sweep's table shows, by name.

'samples.swd' is the measure `SWD` of the row `samples` of the run's `evaluation.json`: the row and the measure in small
letters, with _ for everything that is no letter or digit. `ratios.NAME` are its ratios. Every other name is a module in
`gans/sweep/measures`, or with dots in it a module elsewhere (`my_package.sharpness`), with a function `measure`.
"""

import importlib.util
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gans.config.registry import find_module
from gans.errors import Failure, Told, UserError, closest
from gans.evaluation.stored import read_evaluation
from gans.printing import tell

RATIOS = 'ratios'
_DIGITS = 4  # of a ratio, and of a measure that does not say
_MOST_DIGITS = 12


class Measured(NamedTuple):
    """A number of a run.

    Attributes:
      value: NaN where there is none.
      better: 'lower', 'higher' or ''.
      digits: behind the decimal point, for people.
    """

    value: float
    better: str
    digits: int


def slug(text: str) -> str:
    """'MS-SSIM of pairs' -> 'ms_ssim_of_pairs'."""
    return re.sub('[^a-z0-9]+', '_', text.lower()).strip('_')


def of_evaluation(folder: Path) -> dict[str, Measured]:
    """Every number of a run's `evaluation.json`, that of its generator first; {} for a run that was not evaluated."""
    stored, _ = read_evaluation(folder)
    if stored is None:
        return {}
    found = {}
    for row, numbers in sorted(stored.rows.items(), key=lambda item: item[0] not in ('output', 'samples')):
        for name, measure in stored.measures.items():
            if name in numbers:
                found[f'{slug(row)}.{slug(name)}'] = Measured(
                    _value(numbers[name]), measure['better'], measure['digits']
                )
    for name, ratio in stored.ratios.items():
        found[f'{RATIOS}.{slug(name)}'] = Measured(_value(ratio), '', _DIGITS)
    return found


def of_generator(name: str) -> bool:
    """Whether a number is one that a table without `MEASURES` shows: of the generator, and no baseline's."""
    return name.startswith(('output.', 'samples.'))


def by_name(folder: Path, name: str, known: Mapping[str, Measured]) -> Measured:
    """A number of a run that is trained and evaluated.

    Args:
      folder: the run's.
      name: of the number.
      known: what `of_evaluation` has found there.

    Raises:
      UserError: there is no such number, or the module fails. Where what the run makes is not finite (`Failure`) the
        value is NaN.
    """
    if name in known:
        return known[name]
    check_known(folder, name, known)
    module = _module(name)
    better, digits = _shown(module, name)
    try:
        value = float(module.measure(folder))
    except Failure as error:  # what the run makes is not finite
        tell(f'{name} of {folder}: {error}')
        value = math.nan
    except Told:
        raise
    except (Exception, SystemExit) as error:  # it may be anybody's program
        reason = f'{type(error).__name__}: {error}'.splitlines()[0][:200]
        raise UserError(f'The measure {name!r} failed for {folder} ({reason}).') from error
    return Measured(value if math.isfinite(value) else math.nan, better, digits)


def check(name: str) -> None:
    """Raises UserError if a name is certainly that of no number: before anything is trained."""
    module = _module(name)
    if module is not None:
        _shown(module, name)


def _shown(module, name):
    """(BETTER, DIGITS) of a measure's module."""
    better, digits = getattr(module, 'BETTER', ''), getattr(module, 'DIGITS', _DIGITS)
    if better not in ('lower', 'higher', ''):
        raise UserError(f"BETTER of the measure {name!r} is {better!r}: give 'lower', 'higher' or ''.")
    if type(digits) is not int or not 0 <= digits <= _MOST_DIGITS:
        raise UserError(f'DIGITS of the measure {name!r} is {digits!r}: give a whole number from 0 to {_MOST_DIGITS}.')
    return better, digits


def check_known(folder: Path, name: str, known: Mapping[str, Measured]) -> None:
    """Raises UserError if a name is no module's, and none of the numbers `known` of a run's evaluation."""
    if name not in known and _module(name) is None:
        has = f'it has {", ".join(known)}' if known else 'it has none'
        raise UserError(f'{name!r} is no number of the evaluation of {folder}{closest(name, known)}: {has}.')


def _module(name):
    """The module that a name is of; None for a number of an evaluation."""
    if '.' in name and not _is_package(name.partition('.')[0]):
        return None
    return find_module('sweep.measures', name, 'A measure', wanted='measure')


def _is_package(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:
        return False


def _value(number):
    return math.nan if number['mean'] is None else float(number['mean'])
