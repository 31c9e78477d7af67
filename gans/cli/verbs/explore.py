"""Draw what a generator from noise has learned."""

from gans.cli.flags import RUN, Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.latent.explore import Wishes, explore

    say(explore(flags['workdir'], flags['output'], Wishes(**{name: flags[name] for name in Wishes._fields})))
    return 0


VERB = Verb(
    'draw what a generator from noise has learned',
    {
        'workdir': RUN,
        'output': Flag('path', 'the folder for the results', needed=True),
        'draw': Flag('list', 'some of samples,mean,walks,directions,manifold,edits,arithmetic,find', ()),
        'seeds': Flag('list', 'the seeds, each one latent, separated by commas', ()),
        'count': Flag('whole', 'how many seeds, from 0; 64 by default, of which walks take 8', most=10_000),
        'frames': Flag('whole', 'how many images a walk has', 9, most=1000),
        'directions': Flag('list', 'which principal directions, from 0; the first 8 by default', ()),
        'reach': Flag('number', 'how far to go along them, in roots of their eigenvalues', 3.0, most=1e6),
        'side': Flag('whole', 'how many images each side of the manifold has', 20, most=200),
        'span': Flag('number', 'how much of the range of the noise the manifold covers, up to 1', 0.9),
        'edits': Flag('path', 'a file of edits, with lines like grin: {3: +2, 7: -1}'),
        'apply': Flag('list', 'which edits, as in grin,lips,grin+lips; all by default', ()),
        'arithmetic': Flag('text', 'means of seeds to be added up, as in 0,1,2-3,4,5+6,7,8'),
        'input': Flag('path', 'an image or a folder whose latents are to be found'),
        'search': Flag('switch', 'find --input by gradient descent, even if there is an encoder', False),
    },
    _run,
)
