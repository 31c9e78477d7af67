"""Measure a run on its held-out images."""

from gans.cli.flags import RUN, Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.evaluation.evaluate import evaluate

    say(evaluate(flags['workdir'], flags['input'], flags['features']))
    return 0


VERB = Verb(
    'measure a run on its held-out images',
    {
        'workdir': RUN,
        'input': Flag('path', 'where the images of the training lie now, if they were moved'),
        'features': Flag('text', 'a network whose features are compared too: lite0, classifier:FOLDER, inception:FILE'),
    },
    _run,
)
