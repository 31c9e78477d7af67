"""Make every figure and table of a document again, beside what the document says."""

from gans.cli.flags import Flag, Verb


def _run(flags, config) -> int:
    from gans.reproduce.runner import reproduce

    return reproduce(*(flags[name] for name in ('document', 'scale', 'only', 'input', 'output')))


VERB = Verb(
    'make every figure and table of a document: train what they need, draw them, lay them beside what it says',
    {
        'document': Flag('text', 'the document, flower_cgans for example', needed=True),
        'scale': Flag('text', 'bare (the configs as they are), tiny (for tests) or paper (its own sizes)', 'bare'),
        'only': Flag('list', 'some of its figures: fig6,table2; all by default', ()),
        'input': Flag('path', 'a folder or a .zip of images for the runs on photographs'),
        'output': Flag(
            'path', 'the folder for runs, figures and the page; the same command goes on there', needed=True
        ),
    },
    _run,
)
