"""The config inside a checkpoint, held against the shape that every config has before anything uses it.

A checkpoint may come from a stranger or from another version of the code: what is read here may be anything that JSON
can hold. `gans.config.plain` knows what values and sections there may be at all, `gans.config.ranges` the fields and
numbers of every config, `gans.core.build` those of networks, losses and data.
"""

import json
from typing import Any

from ml_collections import ConfigDict

from gans.config import ranges
from gans.config.plain import plain
from gans.errors import UserError


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
        plain(found, 'config')
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
