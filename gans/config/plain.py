"""What a config may hold: numbers, texts, True, False, None, and tuples and sections of these.

Training and the reader of its checkpoints hold a config against the same rules, so that whatever is trained can be read
again.
"""

import os
from collections.abc import Mapping
from numbers import Real
from typing import Any

from ml_collections import ConfigDict

from gans.errors import UserError

_LONGEST = 4096  # characters of a text
_MOST = 128  # entries of a section or a list: every layer has one, and takes its time to build
_MOST_NUMBERS = 1024  # of a list of numbers alone: the corners of a schedule
_DEEPEST = 8  # sections within sections


def plain(value: Any, where: str, depth: int = _DEEPEST) -> Any:
    """A value as a person writes it: without the types of NumPy and pathlib, and with tuples for lists.

    Args:
      value: a value of a config or of a sweep, or a whole config as nested dicts.
      where: its place for the message: 'config.data.folder.path'.
      depth: how many sections and lists may be within one another.

    Raises:
      UserError: a value that JSON cannot hold, a field that a ConfigDict cannot have, or what would take long or never
        end where it is used.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    elif hasattr(value, 'tolist') and not isinstance(value, type):  # a number or an array: np.linspace() gives such
        value = value.tolist()
    if isinstance(value, (Mapping, ConfigDict, list, tuple)):
        _check_size(value, where, depth)
    if isinstance(value, (Mapping, ConfigDict)):
        return {_name(key, where): plain(one, f'{where}.{key}', depth - 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(plain(one, f'{where}.{number}', depth - 1) for number, one in enumerate(value))
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise UserError(
            f'{where:.100} is of the type {type(value).__name__}: give a number, a text, True, False, None, or a tuple '
            'or a section of these.'
        )
    if isinstance(value, str) and len(value) > _LONGEST:
        raise UserError(f'{where:.100} has {len(value)} characters: give at most {_LONGEST}.')
    if isinstance(value, int) and value.bit_length() > 1023:  # no float holds it
        raise UserError(f'{where:.100} is a number of {value.bit_length()} bits: give a smaller one.')
    return value


def plain_config(config: ConfigDict) -> ConfigDict:
    """The config with plain values: itself if all of them are plain already, else a new one.

    Raises:
      UserError: as `plain` does.
    """
    values = config.to_dict()
    found = plain(values, 'config')
    return config if _same(values, found) else ConfigDict(found)


def _check_size(value, where, depth):
    only_numbers = not isinstance(value, (Mapping, ConfigDict)) and all(isinstance(one, Real) for one in value)
    most = _MOST_NUMBERS if only_numbers else _MOST
    if len(value) > most:
        raise UserError(f'{where:.100} has {len(value)} entries: give at most {most}.')
    if depth == 0:
        raise UserError(f'{where:.100} is nested too deep: give at most {_DEEPEST} sections within one another.')


def _name(key, where):
    """The name of a field of a section, checked."""
    if not isinstance(key, str) or not key.isidentifier():
        raise UserError(f'{where:.100} has a field {key!r:.100}: give a name of letters, digits and _.')
    if hasattr(ConfigDict, key) and not where.startswith('config.schedules.'):  # a schedule has known fields alone
        raise UserError(f'{where:.100} has a field {key!r}, which is a method of every section: give it another name.')
    return key


def _same(value, other):
    """Whether two equal values are of the same types too; tuples and lists mean the same."""
    if isinstance(value, dict):
        return all(_same(one, other[key]) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return isinstance(other, tuple) and all(map(_same, value, other))
    return type(value) is type(other)
