"""Draw how training went."""

from gans.cli.flags import RUN, Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.training.history import history

    for path in history(flags['workdir'], flags['output']):
        say(path)
    return 0


VERB = Verb(
    'draw how training went, also while it goes on',
    {
        'workdir': RUN,
        'output': Flag('path', "the folder for the figures; `history` in the run's by default"),
    },
    _run,
)
