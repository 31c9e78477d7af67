"""Train the generator and the discriminator of a config, or go on with a run."""

from pathlib import Path

from gans import signals
from gans.cli.flags import Flag, Verb
from gans.errors import UserError
from gans.printing import say, tell


def _run(flags, config) -> int:
    from gans.cli.next_steps import next_steps
    from gans.run import multihost
    from gans.run.experiment import open_experiment
    from gans.run.folder import next_run_name
    from gans.sitting import sit
    from gans.training import dry_run

    multihost.join(flags['coordinator'], flags['processes'], flags['index'])
    experiment = open_experiment(config)
    if flags['dry_run']:
        if flags['workdir'] and Path(flags['workdir']).exists() and not Path(flags['workdir']).is_dir():
            raise UserError(f'{flags["workdir"]} is a file, and no run folder: choose another --workdir.')
        folder = flags['workdir'] or next_run_name('runs', config.name)
        say(dry_run.describe(experiment, folder))
        return 0
    with signals.stopping() as stop:
        done = sit(experiment, flags['workdir'] and Path(flags['workdir']), flags['config'], flags['config.FIELD'])
        if done.folder and done.finished:
            tell(next_steps(done.folder, experiment.game.task, done.report))
        return 0 if done.finished else signals.code_of(stop.number)


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
