"""Compare two sets of images of any origin."""

from pathlib import Path

from gans.cli.flags import FEATURES, Flag, Verb
from gans.data.files import printable
from gans.image.files import write_json
from gans.printing import say


def _run(flags, config) -> int:
    from gans.evaluation.measure import Wishes, check_output, describe, measure

    output = flags['output'] and Path(flags['output'])
    if output:
        check_output(output)
    report = measure(Wishes(**{name: flags[name] for name in Wishes._fields}))
    say(describe(report))
    if output:
        write_json(output, report)
        say(f'\n{printable(str(output))}')
    return 0


_SET = 'a folder, a .zip, RUN, RUN@STEP or tfds:NAME:SPLIT'
VERB = Verb(
    'compare two sets of images, as sets or image by image',
    {
        'real': Flag('text', f'the right images: {_SET}, of a run those that it holds out', needed=True),
        'fake': Flag('text', f'the images to be measured: {_SET}, of a run what it makes', needed=True),
        'size': Flag('list', 'the size of both, 64 or HEIGHT,WIDTH; that of the images by default', ()),
        'resize': Flag('text', 'the filter for images of another size: lanczos, bicubic, bilinear, box', 'lanczos'),
        'features': FEATURES,
        'count': Flag('whole', 'how many images of each set; all by default, 2000 of a generator from noise'),
        'seed': Flag('whole', 'of samples, and of the patches and directions of SWD', 0, most=2**32 - 1),
        'paired': Flag('switch', 'compare images of the same name, instead of sets', False),
        'output': Flag('file', 'a file for the numbers as JSON'),
    },
    _run,
)
