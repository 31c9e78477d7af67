"""Ask people: a study of runs as an HTML file, and the rates from its answers."""

from gans.cli.flags import MOVED, Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.study.study import study

    say(study(flags))
    return 0


VERB = Verb(
    'ask people how real images of runs look: a study as an HTML file, and the rates from its answers',
    {
        'workdir': Flag('paths', 'the run folders, separated by commas', ()),
        'output': Flag('path', 'the folder for the study; with --answers a file for the rates as JSON'),
        'protocol': Flag('text', 'realistic (one image, yes or no), pairs (which is real) or both', 'both'),
        'count': Flag('whole', 'how many images are judged one by one; 180 by default', most=5000),
        'pairs': Flag('whole', 'how many pairs, a sixth of them practice; 60 by default', most=5000),
        'seed': Flag('whole', 'samples, choice and order follow from it', 0, most=2**32 - 1),
        'input': MOVED,
        'answers': Flag('paths', 'files of answers, patterns or folders, separated by commas', ()),
        'key': Flag('path', 'the folder of the study, if the answers are not in it'),
    },
    _run,
)
