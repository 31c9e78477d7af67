"""Train a classifier of acceptable and unacceptable images."""

from gans.cli.flags import Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.labelling.classify import classify

    say(classify(**{name: flags[name] for name in VERB.flags}))
    return 0


VERB = Verb(
    'train a classifier of acceptable and unacceptable images, and measure it on held-out ones',
    {
        'output': Flag('path', 'the folder for the classifier, its numbers and figures', needed=True),
        'labels': Flag('path', 'labels.csv of labelled images, beside them'),
        'good': Flag('text', 'instead: a set of acceptable images, a folder, a .zip or a run with its training images'),
        'bad': Flag('text', 'with --good: a set of unacceptable ones; of RUN or RUN@STEP its samples'),
        'size': Flag('whole', 'pixels of both sides of what the classifier sees; up to 64 by default', most=1024),
        'steps': Flag('whole', 'how long to train; 100 to 600 by default, fewer for fewer images', most=10**6),
        'seed': Flag('whole', 'everything random follows from it', 0, most=2**32 - 1),
    },
    _run,
)
