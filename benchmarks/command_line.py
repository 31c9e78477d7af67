"""What the benchmarks' command lines share: a config, flags, one sentence for a mistake in them.

They are read as main.py reads its own: fields of the config are given as --config.FIELD=VALUE, and checked.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import NamedTuple

from gans import startup
from gans.cli.arguments import FIELD, convert, split
from gans.cli.flags import Flag
from gans.cli.help_text import rows
from gans.core.overrides import load_with
from gans.errors import UserError, closest

CONFIG = {'config': Flag('text', 'config file, with :VARIANT', needed=True)}


class Count(NamedTuple):
    """A flag that takes a whole number of `least` or more."""

    help: str
    default: int
    least: int = 1


def run(words: list[str], module: ModuleType, act: Callable[[SimpleNamespace], None]) -> int:
    """Acts on the words of a command line as the module's FLAGS say, and says a mistake; returns the exit code.

    Args:
      words: behind the program's name; `--help` prints the module's docstring and its flags.
      module: what is run; FLAGS are its flags but for `config`.
      act: is given the flags' values by their names, `config` being the config itself.
    """
    startup.prepare()
    try:
        if '--help' in words:
            flags = {**CONFIG, **module.FLAGS}
            print(f'{inspect.getdoc(module)}\n')
            print('\n'.join(rows({f'--{name}': flag.help for name, flag in flags.items()})))
        else:
            act(read(words, module.FLAGS))
    except UserError as error:
        print(error, file=sys.stderr)
        return error.code
    return 0


def read(words: list[str], flags: Mapping[str, Flag | Count]) -> SimpleNamespace:
    """The values of flags and the config, of which fields may be given; raises UserError for a mistake in any."""
    switches = {name for name, flag in flags.items() if getattr(flag, 'kind', '') == 'switch'}
    given = split(words, switches, {*flags, *CONFIG})
    fields = {name.removeprefix(FIELD): text for name, text in given.items() if name.startswith(FIELD)}
    texts = {name: text for name, text in given.items() if not name.startswith(FIELD)}
    for name in texts:
        if name not in flags and name not in CONFIG:
            known = [f'--{one}' for one in (*flags, *CONFIG)]
            raise UserError(f'--{name} is not a flag{closest(f"--{name}", known)}: --help lists them.')
    if 'config' not in texts:
        raise UserError('Nothing to time: give --config=configs/inpaint.py.')
    values = {name: _value(name, texts[name], flag) if name in texts else flag.default for name, flag in flags.items()}
    return SimpleNamespace(**values, config=load_with(convert('config', texts['config'], CONFIG['config']), fields))


def _value(name, text, flag):
    if not isinstance(flag, Count):
        return convert(name, text, flag)
    value = convert(name, text, Flag('whole', flag.help))
    if value < flag.least:
        raise UserError(f'--{name}={text} is out of range: give {flag.least} or more.')
    return value


def check_place(name: str, file: str | None) -> None:
    """Raises UserError where a file that is going to be written at the end cannot be."""
    if file is not None:
        path = Path(file)
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise UserError(f'--{name}={file} cannot be written: give a file in a folder that is there.')
