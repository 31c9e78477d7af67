"""The texts of a command line as values: numbers, names, tuples, paths.

absl's parsers read the values. Nothing of this needs JAX, so that --help and a mistake are answered at once.
"""

import ast
import errno
import math
import os
from pathlib import Path
from typing import Any

from absl import flags as absl_flags

from gans.errors import UserError

UNREADABLE = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, KeyError, OverflowError)
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


def parse(where: str, text: str, kind: type) -> Any:
    """A text as a value of a kind: int, float, bool, str or tuple.

    Raises:
      UserError: it is none; `where` is what the message calls its place.
    """
    try:
        return _tuple(text) if kind is tuple else _PARSERS[kind].parse(text)
    except UNREADABLE as error:
        raise UserError(f'{where} is {short(text)}: give {_SAID.get(kind, "another kind of value")}.') from error


def short(value: Any) -> str:
    """A value as a message quotes it: a text's first 77 characters if it is long, of others those of their repr."""
    if isinstance(value, str):
        return repr(value if len(value) <= 80 else f'{value[:77]}...')
    text = repr(value)
    return text if len(text) <= 80 else f'{text[:77]}...'


def _tuple(text):
    """'(1, 2)', '1,2' or '1'; names without quotes too, as in 'colour,cutout' or 'l1,mine.smooth'.

    nan and inf are numbers, so that the check of ranges can name them.
    """
    tree = ast.parse(text.strip(), mode='eval')
    parts = tree.body.elts if isinstance(tree.body, (ast.Tuple, ast.List)) else [tree.body]
    return tuple(_name_or_value(part) for part in parts)


def _name_or_value(part):
    """What one part of a tuple says: a number, a text, or a name, dotted or not, as that of a module of one's own."""
    if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name | ast.Attribute):
        return f'{_name_or_value(part.value)}.{part.attr}'
    if isinstance(part, ast.Name):
        return {'nan': math.nan, 'inf': math.inf}.get(part.id, part.id)
    return ast.literal_eval(part)
