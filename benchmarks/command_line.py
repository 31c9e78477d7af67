"""What the benchmarks' command lines share: a config, flags, one sentence for a mistake in them."""

import sys
from collections.abc import Callable

from absl import flags
from ml_collections import config_flags

from gans import startup
from gans.errors import UserError


def run(arguments: list[str], parse: Callable, act: Callable[[flags.FlagValues], None]) -> int:
    """Acts on a command line, program name first, as `parse` reads it; says a mistake. Returns the exit code."""
    startup.prepare()
    try:
        act(parse(arguments))
    except UserError as error:
        print(error, file=sys.stderr)
        return error.code
    return 0


def with_config(arguments: list[str]) -> flags.FlagValues:
    """Flags that so far are `config` alone; `arguments` are those that `read` will read."""
    values = flags.FlagValues()
    config_flags.DEFINE_config_file('config', None, 'A config.', flag_values=values, sys_argv=arguments)
    return values


def read(values: flags.FlagValues, arguments: list[str]) -> flags.FlagValues:
    """Reads a command line, program name first, into flags of which one is `config`; raises UserError for a mistake."""
    try:
        rest = values(arguments)
        if values.config is None:
            raise UserError('Nothing to time: give --config=configs/inpaint.py.')
    except (flags.Error, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(str(error).strip().splitlines()[0]) from error
    if len(rest) > 1:
        raise UserError(f'{rest[1]!r} is not a flag: flags are written --name=value.')
    return values
