"""Use a run on image files."""

from gans.cli.flags import RUN, Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.inference.translate import translate

    say(translate(flags['workdir'], flags['input'], flags['output'], flags['variants']))
    return 0


VERB = Verb(
    'use a run on images: colours for what has none, contents for what is masked',
    {
        'workdir': RUN,
        'input': Flag('path', 'an image or a folder', needed=True),
        'output': Flag('path', 'the folder for the results', needed=True),
        'variants': Flag('whole', 'how many noise vectors to draw for each image', 1, most=10_000),
    },
    _run,
)
