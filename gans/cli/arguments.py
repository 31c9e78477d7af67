"""Words of a command line -> a verb, its flags and its config, each checked; every mistake is one sentence.

absl's parsers read the values. Its flags are not used: they are one flat list for all verbs, and further ones are read
from files. What the texts of a config's fields mean is in `gans.core.overrides`.
"""

import os
import re
from collections.abc import Sequence, Set
from typing import Any

from gans.cli.flags import Flag
from gans.cli.verbs import VERBS, flags_of, takers
from gans.config.ranges import RANGES
from gans.config.texts import expand, parse
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
        raise _not_taken(f'{FIELD}{next(iter(fields))}', takers('config'), verb)
    flags = flags_of(verb)
    values = {name: convert(name, texts[name], flag) if name in texts else flag.default for name, flag in flags.items()}
    return verb, values, fields


def split(words: Sequence[str], switches: Set[str] = _SWITCHES, known: Set[str] = _KNOWN) -> dict[str, str]:
    """{name: text} of flags written --name=text, --name text or -name=text, and of switches --name or --noname.

    Of a flag that is given more than once the last counts, so that a script's defaults can be followed by other values.

    Args:
      words: behind the program's name.
      switches: the names of the flags that need no text.
      known: the names of all flags.

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
            name, text = _without_equals(name, rest, switches, known)
        given[name] = text
    return given


def _meant(word):
    """What a word without dashes may be the value of."""
    flag = 'mode' if word in VERBS else 'config' if re.fullmatch(r'[^-].*\.py(:\w*)?', word) else None
    return f" (did you mean '--{flag}={word}'?)" if flag else ''


def _without_equals(name, rest, switches, known):
    """(name, text) of a flag without '='; its value may be the next word."""
    if name in ('h', 'helpfull', 'helpshort'):
        name = 'help'
    if name in switches:
        return name, 'true'
    if name.startswith('no') and (name[2:] in switches or name[2:].startswith(FIELD)):
        return name[2:], 'false'
    follows = bool(rest) and (not rest[0].startswith('-') or rest[0][1:2].isdigit())
    if not follows and (name in known or name.startswith(FIELD)):
        raise UserError(f'--{name} has no value: write --{name}=... with one.')
    return name, rest.pop(0) if follows else ''


def _check_taken(verb, name):
    if name in flags_of(verb) and name != 'config.FIELD':
        return
    if others := takers(name):
        raise _not_taken(name, others, verb)
    raise UserError(f'--{name} is not a flag{_nearest(verb, name)}: --mode={verb} --help lists them.')


def _not_taken(name, others, verb):
    which = f'--mode={others[0]}' if len(others) == 1 else f'--mode={", ".join(others[:-1])} and {others[-1]}'
    return UserError(f'--{name} is for {which}, and --mode={verb} does not take it: leave it out.')


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
    value = parse(f'--{name}', text, kinds[flag.kind])
    if flag.kind in ('whole', 'number') and not abs(value) <= flag.most:
        raise UserError(f'--{name}={text} is out of range: give a number up to {flag.most:.15g}.')
    return value


def _local(where, text):
    check_local(text, where)
    return expand(where, text)
