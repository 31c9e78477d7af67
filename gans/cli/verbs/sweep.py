"""Compare configs: several of them, each with several seeds, trained, evaluated and laid side by side."""

from pathlib import Path

from gans.cli.flags import FEATURES, Flag, Verb
from gans.errors import UserError, check_local
from gans.printing import say


def _run(flags, config) -> int:
    from gans.config.texts import expand
    from gans.sweep.sweep import Wishes, sweep

    check_local(flags['config'], '--config')
    seeds = _seeds(flags['seeds'])
    wishes = Wishes(
        expand('--config', flags['config']),
        flags['config.FIELD'],
        Path(flags['output']),
        seeds,
        flags['minutes'],
        flags['features'],
    )
    say(sweep(wishes))
    return 0


def _seeds(texts):
    try:
        return [int(text) for text in texts]
    except ValueError as error:
        raise UserError(f'--seeds={",".join(texts)}: give whole numbers, separated by commas.') from error


VERB = Verb(
    'compare configs: train, evaluate and lay side by side the cells of a file in configs/sweeps, each with some seeds',
    {
        'config': Flag('text', "the sweep's file and, after a colon, a variant of all its configs", needed=True),
        'config.FIELD': Flag('text', 'another value for one of the fields of all its configs: --config.batch=8'),
        'output': Flag('path', 'the folder for the runs and the results; the same command goes on there', needed=True),
        'seeds': Flag('list', 'the seeds of every config, separated by commas', ('0', '1', '2')),
        'minutes': Flag('number', 'so long is each run trained, at the pace of its own steps, instead of config.steps'),
        'features': FEATURES,
    },
    _run,
)
