"""Other values for fields of a config, as texts: each read as the kind of value that the field has.

The flags of ml_collections are not used: they answer a broken config with a traceback.
"""

import ast
import contextlib
import json
from collections.abc import Mapping

from ml_collections import ConfigDict

from gans.config import ranges
from gans.config.load import flatten, load
from gans.config.plain import plain_config
from gans.config.registry import section_of
from gans.config.texts import UNREADABLE, expand, parse, short
from gans.core import optional
from gans.errors import UserError, closest


def load_with(config_file: str, fields: Mapping[str, str]) -> ConfigDict:
    """Loads a config with other values for some fields, checked: `gans.config.load.load`, then `with_fields`.

    Raises:
      UserError: as these two do.
    """
    return with_fields(load(config_file), fields, config_file)


def with_fields(config: ConfigDict, fields: Mapping[str, str], config_file: str) -> ConfigDict:
    """The config with other values for some fields, checked: `override`, `plain_config`, `ranges.check`.

    Raises:
      UserError: as these three do.
    """
    config = plain_config(override(config, fields, config_file))
    ranges.check(config)
    return config


def override(config: ConfigDict, fields: Mapping[str, str], config_file: str) -> ConfigDict:
    """The config with other values for some fields.

    Args:
      config: the config.
      fields: {'data.folder.path': '~/photos'}: dotted name -> text, read as the kind that the field has now. A config
        may lack what `gans.core.optional` knows.
      config_file: the config's name for messages.

    Returns:
      a new config, locked.

    Raises:
      UserError: a field that the config does not have, or a text of another kind.
    """
    values = config.to_dict()
    for name, text in fields.items():
        kinds = optional.add(values, name, fields)
        *parts, last = name.split('.')
        section, where = values, 'config'
        for part in [*parts, last]:
            if not isinstance(section, Mapping) or part not in section:
                raise UserError(f'{where}.{part} is not a field of {config_file}{_near(where, part, section, values)}.')
            parent, section, where = section, section[part], f'{where}.{part}'
        parent[last] = _field(name, text, section, kinds.get(last, str))
    return ConfigDict(values).lock()


def check_place(chosen: str, fields: Mapping[str, str]) -> None:
    """Raises UserError for the place of a source other than `chosen`, whose images are read: it changes nothing."""
    for name, text in fields.items():
        first, _, section = name.rpartition('.')[0].partition('.')
        if first == 'data' and name.endswith('.path') and section != section_of(chosen) and text != 'None':
            raise UserError(
                f'config.{name} is given, but the images are read from {chosen!r}: give --config.data.source={section} '
                'too, or leave it out.'
            )


def _near(where, part, section, values):
    """A field of this very name elsewhere, the nearest one beside it, or else what the section has."""
    names = flatten(values)
    if same := [name for name in names if f'.{name}'.endswith(f'.{part}')]:
        return f" (did you mean '{min(same, key=len)}'?)"
    if isinstance(section, Mapping) and section:
        near = closest(part, section)
        if near or section is not values:
            return near or f' ({where} has {", ".join(section)})'
    return closest(part, names)


def _field(name, text, now, kind):
    """The text of a field as the kind of value that the field has now, or as `kind` if it has None."""
    where = f'config.{name}'
    if name.startswith('schedules.') and name.count('.') == 1:
        return _schedule(where, text)
    if isinstance(now, Mapping):
        fields = f', as --{where}.{next(iter(now))}=... (it has {", ".join(now)})' if now else ''
        raise UserError(f'{where} is a section of fields, not one value: give one of its fields{fields}.')
    allowed = ranges.range_of(name)
    if allowed is not None and allowed.none:  # a number or None, whichever it is now
        return None if text.strip() == 'None' else parse(where, text, int if allowed.whole else float)
    if name.endswith(_PLACES):
        if not text.strip():
            raise UserError(f'{where} is empty: give a path.')
        expand(where, text)  # to see that it can be; whoever opens it expands it
        return None if text == 'None' else text
    if now is None and text == 'None':
        return None
    if name == 'size':  # a number or a pair
        with contextlib.suppress(UserError):
            return parse(where, text, int if text.strip().lstrip('+-').isdigit() else tuple)
        raise UserError(f'{where} is {short(text)}: give a number, or height and width, like 48,64.')
    return parse(where, text, tuple if isinstance(now, (list, tuple)) else kind if now is None else type(now))


def _schedule(where, text):
    """A schedule is a number, or a dict with what `gans.core.schedules` says."""
    with contextlib.suppress(ValueError):
        return float(text)
    with contextlib.suppress(*UNREADABLE):
        value = ast.literal_eval(text)
        if isinstance(value, dict) and all(isinstance(key, str) and key.isidentifier() for key in value):
            json.dumps(value)
            return value
    raise UserError(f"{where} is {short(text)}: give a number, or a dict like {{'at': (0, 1), 'value': (1, 0)}}.")


_PLACES = ('.path', '.data_dir')  # fields that say where something lies end so
