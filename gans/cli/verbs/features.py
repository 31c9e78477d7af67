"""Draw what the channels of a discriminator or a classifier look for."""

from gans.cli.flags import Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.visualization.features import features

    wanted = {name: flags[name] for name in ('workdir', 'output', 'layers', 'channels', 'guided')}
    say(features(**wanted, moved_to=flags['input']))
    return 0


VERB = Verb(
    'draw what the channels of a discriminator or a classifier look for',
    {
        'workdir': Flag('path', 'the run folder, or that of a classifier', needed=True),
        'layers': Flag('list', 'which layers, as in down_0,down_1/conv; the convolutions by default', ()),
        'channels': Flag('list', 'which channels, from 0; by default the eight that vary most between images', ()),
        'output': Flag('path', "the folder for the results; `features` in the run's by default"),
        'input': Flag('path', 'where the images of the training are now, if moved; for a classifier, images'),
        'guided': Flag('switch', 'projections that depend on the image in every network', False),
    },
    _run,
)
