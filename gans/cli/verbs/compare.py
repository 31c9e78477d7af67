"""Several runs on the same held-out images, side by side."""

from gans.cli.flags import FEATURES, Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.evaluation.compare import compare

    say(compare(flags['runs'], flags['output'], flags['features'], flags['seed']))
    return 0


VERB = Verb(
    'several runs on the same held-out images, side by side',
    {
        'runs': Flag('paths', 'the run folders, separated by commas', (), needed=True),
        'output': Flag('path', 'the folder for the results; `compare` beside the first run by default'),
        'features': FEATURES,
        'seed': Flag('whole', 'of samples of generators, and of what measures them; 0 by default', most=2**32 - 1),
    },
    _run,
)
