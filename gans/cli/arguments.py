"""Words of a command line -> a verb, its flags and its config, each checked; every mistake is one sentence.

absl's parsers read the values. Its flags are not used: they are one flat list for all verbs, further ones are read from
files, and the flag of ml_collections answers a broken config with a traceback.
"""

import ast
import contextlib
import errno
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags as absl_flags
from ml_collections import ConfigDict

from gans.cli.flags import Flag
from gans.cli.verbs import VERBS, flags_of, takers
from gans.config import ranges
from gans.config.load import flatten
from gans.config.ranges import RANGES
from gans.config.registry import kind_of, section_of
from gans.data.opening import fields_of
from gans.errors import UserError, check_local, closest

FIELD = 'config.'  # with what the flag of a config's field begins
_SWITCHES = {name for verb in VERBS for name, flag in flags_of(verb).items() if flag.kind == 'switch'}
_KNOWN = {name for verb in VERBS for name in flags_of(verb)} - {'config.FIELD'}


def read(words: Sequence[str]) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Reads the words after the program's name.

    Returns:
      (the verb; {flag: value} of all its flags, defaults included; {'batch': '8'} of the config's given fields).

    Raises:
      UserError: whatever is not a flag of that verb, or has no value or a wrong one.
    """
    given = split(words)
    verb = given.get('mode', 'train')
    if verb not in VERBS:
        raise UserError(f'--mode={verb} is not known{closest(verb, VERBS)}: choose {", ".join(VERBS)}.')
    fields = {name.removeprefix(FIELD): text for name, text in given.items() if name.startswith(FIELD)}
    texts = {name: text for name, text in given.items() if not name.startswith(FIELD)}
    for name in texts:
        _check_taken(verb, name)
    if fields and verb not in takers('config'):
        raise UserError(f'--{FIELD}{next(iter(fields))} is for --mode=train, and --mode={verb} does not take it.')
    flags = flags_of(verb)
    values = {name: convert(name, texts[name], flag) if name in texts else flag.default for name, flag in flags.items()}
    return verb, values, fields


def split(words: Sequence[str]) -> dict[str, str]:
    """{name: text} of flags written --name=text, --name text or -name=text, and of switches --name or --noname.

    Of a flag that is given more than once the last counts, so that a script's defaults can be followed by other values.

    Raises:
      UserError: a word that is no flag, a flag without a value.
    """
    given, rest = {}, list(words)
    while rest:
        word = rest.pop(0)
        name, equals, text = word.lstrip('-').partition('=')
        if not word.startswith('-') or word.startswith('---') or not name:
            raise UserError(f'{word!r} is not a flag{_meant(word)}: flags are written --name=value.')
        if not equals:
            name, text = _without_equals(name, rest)
        given[name] = text
    return given


def _meant(word):
    """What a word without dashes may be the value of."""
    flag = 'mode' if word in VERBS else 'config' if re.fullmatch(r'[^-].*\.py(:\w*)?', word) else None
    return f" (did you mean '--{flag}={word}'?)" if flag else ''


def _without_equals(name, rest):
    """(name, text) of a flag without '='; its value may be the next word."""
    if name in ('h', 'helpfull', 'helpshort'):
        name = 'help'
    if name in _SWITCHES:
        return name, 'true'
    if name.startswith('no') and (name[2:] in _SWITCHES or name[2:].startswith(FIELD)):
        return name[2:], 'false'
    follows = bool(rest) and (not rest[0].startswith('-') or rest[0][1:2].isdigit())
    if not follows and (name in _KNOWN or name.startswith(FIELD)):
        raise UserError(f'--{name} has no value: write --{name}=... with one.')
    return name, rest.pop(0) if follows else ''


def _check_taken(verb, name):
    if name in flags_of(verb) and name != 'config.FIELD':
        return
    if others := takers(name):
        which = f'--mode={others[0]}' if len(others) == 1 else f'--mode={", ".join(others[:-1])} and {others[-1]}'
        raise UserError(f'--{name} is for {which}, and --mode={verb} does not take it: leave it out.')
    raise UserError(f'--{name} is not a flag{_nearest(verb, name)}: --mode={verb} --help lists them.')


def _nearest(verb, name):
    """A field of the config that is called so, or the nearest flag of this verb or, failing that, of any."""
    fields = [field for field in RANGES if '*' not in field and (field == name or field.endswith(f'.{name}'))]
    if fields and verb in takers('config'):
        return f" (did you mean '--{FIELD}{fields[0]}'?)"
    own, others = ([f'--{flag}' for flag in sorted(flags)] for flags in (flags_of(verb), _KNOWN))
    return closest(f'--{name}', own) or closest(f'--{name}', others)


def convert(name: str, text: str, flag: Flag) -> Any:
    """The text of a flag as its kind has it.

    Raises:
      UserError: it cannot be read as that, is empty, or is too large a number.
    """
    if not text.strip():
        raise UserError(f'--{name} is empty: write --{name}=... with a value.')
    if flag.kind == 'paths' and os.path.isdir(os.path.expanduser(text)):
        return [_local(f'--{name}', text)]  # one folder, which may have a comma in its name
    if flag.kind in ('list', 'paths'):
        parts = [part.strip() for part in text.split(',')]
        if '' in parts:
            raise UserError(f'--{name}={text} has an empty entry: separate the entries by single commas.')
        return [_local(f'--{name}', part) for part in parts] if flag.kind == 'paths' else parts
    if flag.kind == 'file' and text.endswith(os.sep):
        raise UserError(f'--{name}={text} names a folder: give a file.')
    if flag.kind in ('path', 'file'):
        return _local(f'--{name}', text)
    if flag.kind == 'address' and not (re.fullmatch(r'\S+:\d{1,5}', text) and int(text.rpartition(':')[2]) < 2**16):
        raise UserError(f'--{name} is {text!r}: give a host and a port below 65536, as in 10.0.0.1:1234.')
    kinds = {'address': str, 'whole': int, 'number': float, 'switch': bool, 'text': str}
    value = _parse(f'--{name}', text, kinds[flag.kind])
    if flag.kind in ('whole', 'number') and not abs(value) <= flag.most:
        raise UserError(f'--{name}={text} is out of range: give a number up to {flag.most:.15g}.')
    return value


def _local(where, text):
    check_local(text, where)
    return expand(where, text)


def expand(where: str, text: str) -> str:
    """A path with ~ replaced by the user's folder.

    Raises:
      UserError: a name that no file system takes, or the ~ of nobody.
    """
    try:
        path = os.fspath(Path(text).expanduser())
        os.stat(path)
    except (RuntimeError, KeyError) as error:
        raise UserError(f"{where}={text} begins with '~', and there is no such home folder: write it out.") from error
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) or error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            reason = getattr(error, 'strerror', None) or error
            raise UserError(f'{where}={text:.1000} cannot be a path ({reason}): give another.') from error
    return path


def override(config: ConfigDict, fields: Mapping[str, str], config_file: str) -> ConfigDict:
    """The config with other values for some fields.

    Args:
      config: the config.
      fields: {'data.folder.path': '~/photos'}: dotted name -> text, read as the kind that the field has now. A config
        may lack the fields of a source of data, and the names of a generator and a discriminator of their own.
      config_file: the config's name for messages.

    Returns:
      a new config, locked.

    Raises:
      UserError: a field that the config does not have, or a text of another kind.
    """
    values = config.to_dict()
    chosen = fields.get('data.source') or config.get('data', {}).get('source', '')
    for name, text in fields.items():
        kinds = _with_room(values, name, chosen)
        *parts, last = name.split('.')
        section, where = values, 'config'
        for part in [*parts, last]:
            if not isinstance(section, Mapping) or part not in section:
                raise UserError(f'{where}.{part} is not a field of {config_file}{_near(part, section, values)}.')
            parent, section, where = section, section[part], f'{where}.{part}'
        parent[last] = _field(name, text, section, kinds.get(last, str))
    return ConfigDict(values).lock()


def _with_room(values, name, chosen):
    """Adds to a config what it may lack of what a flag names, with its defaults.

    These are the fields of a source, for `data.folder.path`, and `generator.name` and `discriminator.name`.

    Args:
      values: the config as nested dicts, which is changed.
      name: the dotted name of the flag's field.
      chosen: the source that the config is going to have.

    Returns:
      {field: kind of value} of the source's fields, for those that are None so far; {} if it is no field of a source.
    """
    section, _, field = name.partition('.')
    found = values.get(section)
    if section in ('generator', 'discriminator') and field == 'name' and isinstance(found, dict):
        found.setdefault('name', None)
    source, _, field = field.partition('.')
    if section != 'data' or not field or not isinstance(found, dict) or not isinstance(found.get(source, {}), dict):
        return {}
    module = chosen if section_of(chosen) == source else source
    known = fields_of(module, f'The source in config.{name}')
    filled = {name: None if one.default is one.empty else one.default for name, one in known.items()}
    found[source] = filled | found.get(source, {})
    return {name: kind_of(one.annotation) for name, one in known.items()}


def _near(part, section, values):
    """The nearest field beside the one that does not exist or, failing that, anywhere in the config."""
    if isinstance(section, Mapping) and (near := closest(part, section)):
        return near
    return closest(part, flatten(values)) or next(
        (f" (did you mean '{name}'?)" for name in flatten(values) if name.endswith(f'.{part}')), ''
    )


def _field(name, text, now, kind):
    """The text of a field as the kind of value that the field has now, or as `kind` if it has None."""
    where = f'config.{name}'
    if name.startswith('schedules.') and name.count('.') == 1:
        return _schedule(where, text)
    if isinstance(now, Mapping):
        example = f', as --{where}.{next(iter(now))}=...' if now else ''
        raise UserError(f'{where} is a section of fields, not one value: give one of its fields{example}.')
    allowed = ranges.range_of(name)
    if allowed is not None and allowed.none:  # a number or None, whichever it is now
        return None if text.strip() == 'None' else _parse(where, text, int if allowed.whole else float)
    if name.endswith(_PLACES):
        if not text.strip():
            raise UserError(f'{where} is empty: give a path.')
        expand(where, text)  # to see that it can be; whoever opens it expands it
        return None if text == 'None' else text
    if now is None and text == 'None':
        return None
    if name == 'size':  # a number or a pair
        return _parse(where, text, int if text.strip().lstrip('+-').isdigit() else tuple)
    return _parse(where, text, tuple if isinstance(now, (list, tuple)) else kind if now is None else type(now))


def _schedule(where, text):
    """A schedule is a number, or a dict with what `gans.core.schedules` says."""
    with contextlib.suppress(ValueError):
        return float(text)
    with contextlib.suppress(*_UNREADABLE):
        value = ast.literal_eval(text)
        if isinstance(value, dict) and all(isinstance(key, str) and key.isidentifier() for key in value):
            json.dumps(value)
            return value
    raise UserError(f"{where} is {_short(text)}: give a number, or a dict like {{'at': (0, 1), 'value': (1, 0)}}.")


_PLACES = ('.path', '.data_dir')  # fields that say where something lies end so
_UNREADABLE = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, KeyError, OverflowError)
_SAID = {
    int: 'a whole number',
    float: 'a number',
    bool: 'True or False',
    tuple: 'a tuple, like (1, 2)',
    str: 'a name',
}
_PARSERS = {
    int: absl_flags.IntegerParser(),
    float: absl_flags.FloatParser(),
    bool: absl_flags.BooleanParser(),
    str: absl_flags.ArgumentParser(),
}


def _parse(where, text, kind):
    try:
        return _tuple(text) if kind is tuple else _PARSERS[kind].parse(text)
    except _UNREADABLE as error:
        raise UserError(f'{where} is {_short(text)}: give {_SAID.get(kind, "another kind of value")}.') from error


def _short(text):
    return repr(text if len(text) <= 80 else f'{text[:77]}...')


def _tuple(text):
    """'(1, 2)', '1,2' or '1'; the numbers nan and inf are read too, so that the check of ranges can name them."""
    names = {'nan': math.nan, 'inf': math.inf}
    tree = ast.parse(text.strip(), mode='eval')
    parts = tree.body.elts if isinstance(tree.body, (ast.Tuple, ast.List)) else [tree.body]
    return tuple(names[part.id] if isinstance(part, ast.Name) else ast.literal_eval(part) for part in parts)
