"""Train the generator and the discriminator of a config, or go on with a run."""

import contextlib
import sys
from pathlib import Path

from gans import signals
from gans.cli.flags import Flag, Verb
from gans.cli.next_steps import next_steps
from gans.errors import Failure, UserError
from gans.printing import say, tell


def _run(flags, config) -> int:
    from gans.run import multihost, sittings
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
    place = []

    def begun(folder, step):
        place.append(folder)
        sittings.begin(folder, step, flags['config'], flags['config.FIELD'], experiment)

    with signals.stopping() as stop:
        try:
            finished = train(experiment, flags['workdir'] and Path(flags['workdir']), begun)
        except (Failure, UserError) as error:
            if place:
                with contextlib.suppress(Exception):  # the sentence of this error is the one that matters
                    _close(place[0], f'{error}')
            raise
        if place:  # not in the other processes
            written = _try_to_close(place[0], '' if finished else signals.name_of(stop.number))
            if finished:
                tell(next_steps(place[0], experiment.game.task, written))
        return 0 if finished else signals.code_of(stop.number)


def _close(folder: Path, by: str) -> Path:
    """Writes how a sitting ended, and the report."""
    from gans.report.report import report
    from gans.run import sittings

    sittings.end(folder, by)
    return report([folder])


def _try_to_close(folder: Path, by: str) -> Path | None:
    """The same; None where that is not possible, which fails no training."""
    try:
        return _close(folder, by)
    except Exception as error:  # of any kind: the run is safe, and worth more than what tells of it
        say(f'The report of {folder} was not written: {error}', sys.stderr)
        return None


VERB = Verb(
    'train the generator and the discriminator of a config',
    {
        'config': Flag('text', 'a config and, after a colon, its variant: configs/colorize.py:tiny'),
        'config.FIELD': Flag('text', "another value for one of the config's fields: --config.batch=8"),
        'workdir': Flag('path', 'the run folder, runs/00000-NAME by default; without --config a run to go on with'),
        'dry_run': Flag('switch', 'say what would be trained, write nothing', False),
        'coordinator': Flag('address', 'with several processes: host:port of the first, the same for all'),
        'processes': Flag('whole', 'with several processes: how many', most=10**5),
        'index': Flag('whole', 'with several processes: which this one is, from 0', most=10**5),
    },
    _run,
)
