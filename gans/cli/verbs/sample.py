"""Draw images of a run's generator as files."""

from gans.cli.flags import MOVED, RUN, Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.sets.sampling import Wishes, sample

    wishes = {'kept_class' if name == 'class' else name: flags[name] for name in VERB.flags}
    say(sample(wishes.pop('workdir'), wishes.pop('output'), Wishes(**wishes)))
    return 0


VERB = Verb(
    "draw images of a run's generator, as single files or as one .zip",
    {
        'workdir': RUN,
        'output': Flag('path', 'a folder for the images, or a .zip for all of them', needed=True),
        'count': Flag(
            'whole', 'how many; 1000 by default, or one for each held-out image where one is shown', most=10**7
        ),
        'seed': Flag('whole', 'what is drawn follows from it', 0, most=2**32 - 1),
        'truncation': Flag('number', 'how far latents may be from their mean: above 0, up to 1', 1.0),
        'keep_above': Flag('number', 'keep images to which the classifier gives more than this'),
        'classifier': Flag('path', 'the folder of a classifier'),
        'class': Flag('text', 'the class that is kept', 'acceptable'),
        'input': MOVED,
    },
    _run,
)
