"""Turns of a game, with only what a loss looks at."""

from gans.types import Turn


def make_turn(**values) -> Turn:
    """A turn without augmentation: what is not given is None, and the discriminator sees the images as they are."""
    rest = dict.fromkeys(Turn._fields) | {'carry': (), 'hyper': {}}
    rest |= {f'{name}_seen': values.get(name) for name in ('real', 'fake', 'mask')}
    return Turn(**(rest | values))
