"""The content of one image in the style of another."""

from gans.cli.flags import Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.visualization.choices import Wishes
    from gans.visualization.stylize import stylize

    say(stylize(Wishes(**{name: flags[name] for name in Wishes._fields})))
    return 0


VERB = Verb(
    'give an image the style of another',
    {
        'content': Flag('path', 'the image to keep', needed=True),
        'style': Flag('path', 'the image whose style is taken', needed=True),
        'output': Flag('file', 'the PNG to write; NAME_losses.json is written beside it', needed=True),
        'features': Flag('text', 'the network that looks, as in lite0 or discriminator:RUN', 'lite0'),
        'content_layers': Flag('list', 'its layers that keep the content, as in block_4 or block_4:0.5', ()),
        'style_layers': Flag('list', 'its layers that take the style, as in stem,block_2:2', ()),
        'weights': Flag('list', 'of content (1 by default), style (10) and variation (3), as in style:30', ()),
        'steps': Flag('whole', 'how many steps of Adam', 300, most=1_000_000),
        'size': Flag('whole', 'the longest side in pixels; that of the content by default, at most 256', most=4096),
        'style_size': Flag('whole', 'the longest side that the style is scaled to; as that of the output by default'),
        'seed': Flag('whole', 'of the noise in --start=noise', 0),
        'start': Flag('text', 'what is changed, content or noise', 'content'),
        'keep_colours': Flag('switch', "keep the content's colours, and change its luma alone", False),
    },
    _run,
)
