"""The command line: what it says, and the verb that it chooses. Every verb lives in a module of its own."""

from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from gans import signals
from gans.cli import arguments, verbs
from gans.config import ranges
from gans.config.load import load
from gans.errors import UserError
from gans.printing import say


class Command(NamedTuple):
    """A command line that was understood.

    Attributes:
      verb: a key of `verbs.VERBS`.
      flags: {name: value} of all flags of that verb.
      config: for the verb train: the config with all its overrides, checked; else None.
    """

    verb: str
    flags: dict[str, Any]
    config: ConfigDict | None = None


def parse(words: list[str]) -> Command:
    """Parses a command line, program name first.

    Raises:
      UserError: a mistake in it, with the nearest right word; or a config that `ranges.check` refuses.
    """
    if len(words) == 1:
        raise UserError(verbs.NOTHING)
    verb, flags, fields = arguments.read(words[1:])
    if flags['help']:
        return Command(verb if any('mode' in word for word in words[1:]) else '', flags)
    for name, flag in verbs.VERBS[verb].flags.items():
        if flag.needed and not flags[name]:
            raise UserError(f'--mode={verb} needs --{name}.')
    return Command(verb, flags, _config_of(flags, fields) if verb == 'train' else None)


def run(command: Command) -> int:
    """Does what the command line asks for; returns the exit code."""
    if command.flags['help']:
        say(verbs.describe(command.verb or None))
        return 0
    with signals.stopping() as stop:
        if command.verb != 'train' or command.flags['dry_run']:
            stop.unwind()
        return _VERBS[command.verb](command.flags, command.config)


def _config_of(flags, fields) -> ConfigDict:
    """The config that --config names or, without one, the config of the run in --workdir; with other values."""
    if flags['config'] is not None:
        config_file = arguments.expand('--config', flags['config'])
        config = load(config_file)
    elif flags['workdir'] is not None:
        from gans.run.trained import read_config

        config_file = flags['workdir']
        config = read_config(config_file)
    else:
        raise UserError(verbs.NOTHING.splitlines()[0])
    config = arguments.override(config, fields, config_file)
    ranges.check(config)
    return config


def _train(flags, config) -> int:
    from gans.run import multihost
    from gans.run.experiment import open_experiment
    from gans.run.folder import next_run_name
    from gans.training import dry_run
    from gans.training.loop import train

    multihost.join(flags['coordinator'], flags['processes'], flags['index'])
    experiment = open_experiment(config)
    if flags['dry_run']:
        if flags['workdir'] and Path(flags['workdir']).exists() and not Path(flags['workdir']).is_dir():
            raise UserError(f'{flags["workdir"]} is a file, and no run folder: choose another --workdir.')
        folder = flags['workdir'] or next_run_name('runs', config.name)
        say(dry_run.describe(experiment, folder))
        return 0
    with signals.stopping() as stop:
        return 0 if train(experiment, flags['workdir'] and Path(flags['workdir'])) else signals.code_of(stop.number)


def _evaluate(flags, config) -> int:
    from gans.evaluation.evaluate import evaluate

    say(evaluate(flags['workdir'], flags['input']))
    return 0


def _translate(flags, config) -> int:
    from gans.inference.translate import translate

    say(translate(flags['workdir'], flags['input'], flags['output'], flags['variants']))
    return 0


def _compare(flags, config) -> int:
    from gans.evaluation.compare import compare

    say(compare(flags['runs'], flags['output']))
    return 0


def _explore(flags, config) -> int:
    from gans.latent.explore import Wishes, explore

    say(explore(flags['workdir'], flags['output'], Wishes(**{name: flags[name] for name in Wishes._fields})))
    return 0


def _history(flags, config) -> int:
    from gans.training.history import history

    for path in history(flags['workdir'], flags['output']):
        say(path)
    return 0


_VERBS = {
    'train': _train,
    'evaluate': _evaluate,
    'translate': _translate,
    'compare': _compare,
    'explore': _explore,
    'history': _history,
}
