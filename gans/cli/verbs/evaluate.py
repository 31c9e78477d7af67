"""Measure a run on its held-out images."""

from gans.cli.flags import FEATURES, MOVED, RUN, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.evaluation.evaluate import evaluate

    say(evaluate(flags['workdir'], flags['input'], flags['features']))
    return 0


VERB = Verb(
    'measure a run on its held-out images',
    {
        'workdir': RUN,
        'input': MOVED,
        'features': FEATURES,
    },
    _run,
)
