"""The config inside a checkpoint, held against the shape that every config has before anything uses it.

A checkpoint may come from a stranger or from another version of the code: what is read here may be anything that JSON can
say. What the numbers may be, `gans.ranges` says; which fields a network or a loss takes, `gans.build`.
"""

import json
import math
from typing import Any

from ml_collections import ConfigDict

from gans.config import flatten
from gans.errors import UserError

_LONGEST = 4096  # characters of a text
_MOST = 128  # entries of a section or a list: every layer has one, and takes its time to build
_DEEPEST = 8  # sections within sections

# Field -> what it is, of the fields that every config has.
_FIELDS = {
    'name': str,
    'seed': int,
    'size': (int, list),
    'batch': int,
    'steps': int,
    'dtype': str,
    'networks': str,
    'parallel': str,
    'devices': int,
    'data.source': str,
    'data.held_out': (int, float),
    'data.threads': int,
    'data.placement': str,
    'task.name': str,
    'objective.name': str,
    'turns.gen': int,
    'turns.disc': int,
    'optimizer.gen.name': str,
    'optimizer.disc.name': str,
    'log.every': int,
    'log.pictures': int,
    'log.grid': int,
    'checkpoint.every': int,
    'checkpoint.keep': int,
}
_SECTIONS = ('data', 'task', 'generator', 'discriminator', 'objective', 'turns', 'optimizer', 'schedules', 'log')


def read_config(text: Any, where: Any) -> ConfigDict:
    """Reads a config from a checkpoint's `about`.

    Args:
      text: what `gans.config.to_json` wrote, or anything.
      where: the run's folder, for the message.

    Raises:
      UserError: it is no config of this version of the code.
    """
    try:
        found = json.loads(text)
        wrong = _wrong(found)
        config = None if wrong else ConfigDict(found)
    except Exception as error:  # from what is no text, no JSON, nested without end, or a name that ConfigDict refuses
        wrong = f'{type(error).__name__}: {error}'
    if wrong:
        raise unusable(where, wrong)
    return config


def unusable(where: Any, why: Any) -> UserError:
    """The error for a config that this version of the code cannot use; `why` is a reason or an exception."""
    if isinstance(why, Exception) and not isinstance(why, UserError):
        why = f'{type(why).__name__}: {why}'
    lines = ascii(f'{why}'.strip().partition('\n')[0][:300])[1:-1].replace("\\'", "'")
    return UserError(
        f'The config in {where} cannot be used ({lines.rstrip(".")}): it was made by another version of the code, or changed '
        'by hand.'
    )


def _wrong(found):
    """What is wrong with a config, '' for nothing."""
    if not isinstance(found, dict):
        return 'it is no config'
    for name in _SECTIONS:
        if not isinstance(found.get(name), dict):
            return f'config.{name} is no section'
    wrong = _wrong_values(found, 'config', _DEEPEST)
    if wrong:
        return wrong
    flat = flatten(found)
    for name, kind in _FIELDS.items():
        value = flat.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            return f'config.{name} is {"missing" if value is None else repr(value)[:100]}'
    section = found['data'].get(found['data']['source'], {})
    return '' if isinstance(section, dict) else f'config.data.{found["data"]["source"]} is no section'


def _wrong_values(value, where, depth):
    if isinstance(value, (dict, list)):
        if depth == 0 or len(value) > _MOST:
            return f'{where:.100} is nested too deep or too long'
        if isinstance(value, dict):
            for name in value:
                if not name.isidentifier() or hasattr(ConfigDict, name):
                    return f'{where:.100} has a field {name!r:.100}'
            parts = [(part, f'{where}.{name}') for name, part in value.items()]
        else:
            parts = [(part, f'an entry of {where}') for part in value]
        return next((wrong for part, place in parts if (wrong := _wrong_values(part, place, depth - 1))), '')
    if isinstance(value, str) and len(value) > _LONGEST:
        return f'{where:.100} is too long'
    if isinstance(value, float) and not math.isfinite(value):
        return f'{where:.100} is {value}'
    return ''
