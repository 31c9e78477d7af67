"""The command line: flags, and the verb that they choose. Every verb lives in a module of its own."""

from pathlib import Path

from absl import app, flags
from ml_collections import config_flags

from gans.config import explain_unknown, load
from gans.errors import UserError, closest

_INPUT = 'translate: a picture or a folder; explore: the same, to be found; evaluate: where the pictures lie now.'


def _define_flags(values: flags.FlagValues, arguments: list[str]) -> None:
    flags.DEFINE_flag(app.HelpFlag(), flag_values=values)
    config_flags.DEFINE_config_file(
        'config', None, 'An experiment page, configs/colorize.py:tiny say.', flag_values=values, sys_argv=arguments
    )
    flags.DEFINE_string('mode', 'train', f'What to do: {", ".join(_VERBS)}.', flag_values=values)
    flags.DEFINE_string(
        'workdir', None, 'The run folder; training makes runs/00000-NAME by default.', flag_values=values
    )
    flags.DEFINE_bool('dry_run', False, 'Say what would be trained, write nothing.', flag_values=values)
    flags.DEFINE_bool('debug', False, 'Show the traceback of an error.', flag_values=values)
    flags.DEFINE_string('input', None, _INPUT, flag_values=values)
    flags.DEFINE_string(
        'output', None, 'translate, compare, explore, history: the folder for the results.', flag_values=values
    )
    flags.DEFINE_integer(
        'variants', 1, 'translate: how many noise vectors to draw for each picture.', flag_values=values
    )
    flags.DEFINE_string(
        'coordinator',
        None,
        'train with several processes: host:port of the first, the same for all.',
        flag_values=values,
    )
    flags.DEFINE_integer('processes', None, 'train with several processes: how many.', flag_values=values)
    flags.DEFINE_integer('index', None, 'train with several processes: which this one is, from 0.', flag_values=values)
    flags.DEFINE_list('runs', [], 'compare: the run folders, separated by commas.', flag_values=values)
    flags.DEFINE_list(
        'draw', [], 'explore: some of samples,mean,walks,directions,manifold,edits,arithmetic,find.', flag_values=values
    )
    flags.DEFINE_list('seeds', [], 'explore: the seeds, each one descriptor, separated by commas.', flag_values=values)
    flags.DEFINE_integer(
        'count', None, 'explore: how many seeds, from 0; 64 by default, of which walks take 8.', flag_values=values
    )
    flags.DEFINE_integer('frames', 9, 'explore: how many pictures a walk has.', flag_values=values)
    flags.DEFINE_list(
        'directions', [], 'explore: which principal directions, from 0; the first 8 by default.', flag_values=values
    )
    flags.DEFINE_float(
        'reach', 3.0, 'explore: how far to go along them, in roots of their eigenvalues.', flag_values=values
    )
    flags.DEFINE_integer('side', 20, 'explore: how many pictures each side of the manifold has.', flag_values=values)
    flags.DEFINE_float(
        'span', 0.9, 'explore: how much of the range of the noise the manifold covers, up to 1.', flag_values=values
    )
    flags.DEFINE_string('edits', None, 'explore: a file of edits, lines like grin: {3: +2, 7: -1}.', flag_values=values)
    flags.DEFINE_list('apply', [], 'explore: which edits, grin,lips,grin+lips say; all by default.', flag_values=values)
    flags.DEFINE_string(
        'arithmetic', None, 'explore: means of seeds to be added up, 0,1,2-3,4,5+6,7,8 say.', flag_values=values
    )
    flags.DEFINE_bool(
        'search', False, 'explore: find --input by gradient descent, even if there is an encoder.', flag_values=values
    )


def parse(arguments: list[str]) -> flags.FlagValues:
    """Parses a command line, program name first; a mistake in it becomes a UserError with the nearest right word.

    The flags are in an object of their own, not in absl's global one, so that a process may parse more than once.
    """
    values = flags.FlagValues()
    _define_flags(values, arguments)
    page = next((a.partition('=')[2] for a in arguments if a.lstrip('-').startswith('config=')), None)
    try:
        if page is not None:
            load(page)
        rest = values(arguments)
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError) as error:
        unknown = explain_unknown(page, arguments) if page is not None else ''
        raise UserError(unknown or f'{error}') from error
    if len(rest) > 1:
        raise UserError(f'{rest[1]!r} is not a flag: flags are written --name=value.')
    return values


def run(values: flags.FlagValues) -> int:
    """Does what the flags ask for; returns the exit code."""
    if values.mode not in _VERBS:
        raise UserError(f'--mode={values.mode} is not known{closest(values.mode, _VERBS)}: choose {", ".join(_VERBS)}.')
    return _VERBS[values.mode](values)


def _train(values) -> int:
    from gans import dry_run, hosts, logbook
    from gans.runs import open_experiment
    from gans.train import train

    hosts.join(values.coordinator, values.processes, values.index)
    config = _config_of(values)
    experiment = open_experiment(config)
    if values.dry_run:
        folder = values.workdir or logbook.next_run_name('runs', config.name)
        print(dry_run.describe(experiment, folder))
        return 0
    folder = values.workdir and Path(values.workdir).expanduser()
    return 0 if train(experiment, folder) else 130


def _config_of(values):
    """The page that --config names or, without one, the page that the run in --workdir began with."""
    if values.config is not None:
        return values.config
    if values.workdir is None:
        raise UserError('Nothing to train: give --config=configs/colorize.py, or --workdir of a run to go on with.')
    from gans.runs import read_config

    return read_config(values.workdir)


def _evaluate(values) -> int:
    from gans.evaluate import evaluate

    print(evaluate(_required(values, 'workdir'), values.input))
    return 0


def _translate(values) -> int:
    from gans.translate import translate

    print(translate(*(_required(values, name) for name in ('workdir', 'input', 'output')), values.variants))
    return 0


def _compare(values) -> int:
    from gans.compare import compare

    print(compare(_required(values, 'runs'), values.output))
    return 0


def _explore(values) -> int:
    from gans.explore import Wishes, explore

    wishes = Wishes(*(values[name].value for name in Wishes._fields))
    print(explore(_required(values, 'workdir'), _required(values, 'output'), wishes))
    return 0


def _history(values) -> int:
    from gans.history import history

    for path in history(_required(values, 'workdir'), values.output):
        print(path, flush=True)
    return 0


def _required(values, name):
    if not values[name].value:
        raise UserError(f'--mode={values.mode} needs --{name}.')
    return values[name].value


_VERBS = {
    'train': _train,
    'evaluate': _evaluate,
    'translate': _translate,
    'compare': _compare,
    'explore': _explore,
    'history': _history,
}
