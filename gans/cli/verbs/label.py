"""Draw samples for a person to mark as acceptable or unacceptable."""

from gans.cli.flags import MOVED, RUN, Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.labelling.label import label

    say(label(flags['workdir'], flags['output'], flags['count'], flags['seed'], flags['input']))
    return 0


VERB = Verb(
    'draw samples and an HTML file on which a person marks them as acceptable or unacceptable',
    {
        'workdir': RUN,
        'output': Flag('path', 'the folder for the samples and label.html', needed=True),
        'count': Flag('whole', 'how many samples', 200, most=5000),
        'seed': Flag('whole', 'they follow from it', 0, most=2**32 - 1),
        'input': MOVED,
    },
    _run,
)
