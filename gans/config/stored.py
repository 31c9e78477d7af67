"""The config inside a checkpoint, held against the shape that every config has before anything uses it.

A checkpoint may come from a stranger or from another version of the code: what is read here may be anything that JSON
can hold. `gans.config.ranges` knows the fields and numbers of every config, `gans.core.build` those of networks,
losses and data.
"""

import json
from typing import Any

from ml_collections import ConfigDict

from gans.config import ranges
from gans.errors import UserError

_LONGEST = 4096  # characters of a text
_MOST = 128  # entries of a section or a list: every layer has one, and takes its time to build
_DEEPEST = 8  # sections within sections


def read_config(text: Any, where: Any) -> ConfigDict:
    """Reads a config from a checkpoint's `about`.

    Args:
      text: what `gans.config.load.to_json` wrote, or anything.
      where: the run's folder, for the message.

    Raises:
      UserError: it is no config of this version of the code.
    """
    try:
        found = json.loads(text)
        _check_plain(found, 'config', _DEEPEST)
        ranges.check(found)
        return ConfigDict(found)
    except Exception as error:  # nearly any, from what is no text, no JSON, or nested without end
        raise unusable(where, error) from error


def unusable(where: Any, why: Any) -> UserError:
    """The error for a config that this version of the code cannot use; `why` is a reason or an exception."""
    if isinstance(why, Exception) and not isinstance(why, UserError):
        why = f'{type(why).__name__}: {why}'
    lines = ascii(f'{why}'.strip().partition('\n')[0][:300])[1:-1].replace("\\'", "'")
    return UserError(
        f'The config in {where} cannot be used ({lines.rstrip(".")}): it was made by another version of the code, or '
        'changed by hand.'
    )


def _check_plain(value, where, depth):
    """Refuses what no config needs, and what would take long or never end where it is used."""
    if isinstance(value, (dict, list)):
        if depth == 0 or len(value) > _MOST:
            raise UserError(f'{where:.100} is nested too deep or has more than {_MOST} entries')
        for name in value if isinstance(value, dict) else ():
            if not name.isidentifier() or hasattr(ConfigDict, name):
                raise UserError(f'{where:.100} has a field {name!r:.100}')
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in parts:
            _check_plain(part, f'{where}.{name}', depth - 1)
    elif isinstance(value, str) and len(value) > _LONGEST:
        raise UserError(f'{where:.100} has more than {_LONGEST} characters')
