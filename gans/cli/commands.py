"""The command line: what it says, and the verb that it chooses."""

from typing import Any, NamedTuple

from ml_collections import ConfigDict

from gans import signals
from gans.cli import arguments, help_text
from gans.cli.verbs import VERBS
from gans.config.texts import expand
from gans.errors import UserError, check_local
from gans.printing import say


class Command(NamedTuple):
    """A command line that was understood.

    Attributes:
      verb: a key of `gans.cli.verbs.VERBS`.
      flags: {name: value} of all flags of that verb; of the fields of a config {'config.FIELD': {field: text}}.
      config: for the verb train: the config with all its overrides, checked; else None.
    """

    verb: str
    flags: dict[str, Any]
    config: ConfigDict | None = None


def read(words: list[str]) -> Command:
    """Reads a command line, program name first; JAX is not imported, and no config is loaded.

    Raises:
      UserError: a mistake in it, with the nearest right word.
    """
    if len(words) == 1:
        raise UserError(help_text.NOTHING)
    verb, flags, fields = arguments.read(words[1:])
    if flags['help']:
        return Command(verb if any('mode' in word for word in words[1:]) else '', flags)
    if 'config.FIELD' in flags:
        flags['config.FIELD'] = fields
    for name, flag in VERBS[verb].flags.items():
        if flag.needed and not flags[name]:
            raise UserError(f'--mode={verb} needs --{name}.')
    return Command(verb, flags)


def with_config(command: Command) -> Command:
    """A command that was read and asks for more than help, with the config to train, if it is one for that.

    Raises:
      UserError: a config that cannot be loaded, or that `ranges.check` refuses.
    """
    if command.verb != 'train':
        return command
    return command._replace(config=_config_of(command.flags))


def run(command: Command) -> int:
    """Does what the command line asks for; returns the exit code."""
    if command.flags['help']:
        say(help_text.describe(command.verb or None))
        return 0
    with signals.stopping() as stop:
        if command.verb != 'train' or command.flags['dry_run']:
            stop.unwind()
        return VERBS[command.verb].run(command.flags, command.config)


def _config_of(flags) -> ConfigDict:
    """The config that --config names or, without one, the config of the run in --workdir; with other values."""
    from gans.core.overrides import check_place, load_with, with_fields

    if flags['config'] is not None:
        check_local(flags['config'], '--config')
        config = load_with(expand('--config', flags['config']), flags['config.FIELD'])
        check_place(config.data.source, flags['config.FIELD'])
        return config
    if flags['workdir'] is not None:
        from gans.run.trained import read_config

        return with_fields(read_config(flags['workdir']), flags['config.FIELD'], flags['workdir'])
    raise UserError(help_text.NOTHING.splitlines()[0])
