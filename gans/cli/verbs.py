"""The verbs of the command line and the flags that each of them takes, as data.

A flag belongs to the verbs that list it and is refused by the others. `gans.cli.commands` calls it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Flag(NamedTuple):
    """One flag of a verb.

    Attributes:
      kind: what its text is read as: 'text', 'path', 'address' (host:port), 'whole', 'number', 'switch' (True or
        False), 'list' or 'paths' (separated by commas).
      help: what it is for, in a few words.
      default: its value if it is not given; `()` for the lists.
      most: the largest number that is sensible; the least is checked by the verb, which knows why.
      needed: whether the verb cannot do without it.
    """

    kind: str
    help: str
    default: Any = None
    most: float = 10**9
    needed: bool = False


class Verb(NamedTuple):
    """What `--mode` chooses: what it does in a line, and its flags by name."""

    help: str
    flags: Mapping[str, Flag]


COMMON = {
    'mode': Flag('text', 'what to do, one of the verbs', 'train'),
    'help': Flag('switch', 'show this, or with --mode=VERB the flags of that verb', False),
    'debug': Flag('switch', 'show the traceback of an error', False),
}

_RUN = Flag('path', 'the run folder', needed=True)

VERBS = {
    'train': Verb(
        'train the generator and the discriminator of a config',
        {
            'config': Flag('text', 'a config and, after a colon, its variant: configs/colorize.py:tiny'),
            'config.FIELD': Flag('text', "another value for one of the config's fields: --config.batch=8"),
            'workdir': Flag('path', 'the run folder, runs/00000-NAME by default; without --config a run to go on with'),
            'dry_run': Flag('switch', 'say what would be trained, write nothing', False),
            'coordinator': Flag('address', 'with several processes: host:port of the first, the same for all'),
            'processes': Flag('whole', 'with several processes: how many', most=10**5),
            'index': Flag('whole', 'with several processes: which this one is, from 0', most=10**5),
        },
    ),
    'evaluate': Verb(
        'measure a run on its held-out images',
        {
            'workdir': _RUN,
            'input': Flag('path', 'where the images of the training lie now, if they were moved'),
        },
    ),
    'translate': Verb(
        'use a run on images: colours for what has none, contents for what is masked',
        {
            'workdir': _RUN,
            'input': Flag('path', 'an image or a folder', needed=True),
            'output': Flag('path', 'the folder for the results', needed=True),
            'variants': Flag('whole', 'how many noise vectors to draw for each image', 1, most=1000),
        },
    ),
    'compare': Verb(
        'several runs on the same held-out images, side by side',
        {
            'runs': Flag('paths', 'the run folders, separated by commas', (), needed=True),
            'output': Flag('path', 'the folder for the results; `compare` beside the first run by default'),
        },
    ),
    'explore': Verb(
        'draw what a generator from noise has learned',
        {
            'workdir': _RUN,
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
    ),
    'history': Verb(
        'draw how training went, also while it goes on',
        {
            'workdir': _RUN,
            'output': Flag('path', "the folder for the figures; `history` in the run's by default"),
        },
    ),
}

NOTHING = """\
Nothing to train: give --config=configs/colorize.py, or --workdir of a run to go on with.

  python main.py --config=configs/colorize.py                   train; the run folder is runs/00000-colorize
  python main.py --config=configs/colorize.py:tiny              the same in a few steps, to see that all works
  python main.py --workdir=runs/00000-colorize                  go on with a run
  python main.py --mode=evaluate --workdir=runs/00000-colorize  measure it
  python main.py --help                                         all verbs; with --mode=VERB the flags of one"""


def flags_of(verb: str) -> dict[str, Flag]:
    """All flags that a verb takes, by name."""
    return {**COMMON, **VERBS[verb].flags}


def takers(name: str) -> list[str]:
    """The verbs that take a flag."""
    return [verb for verb in VERBS if name in flags_of(verb)]


def describe(verb: str | None = None) -> str:
    """What --help prints: the verbs or, of one verb, the flags."""
    if verb is None:
        return '\n'.join(
            [
                'python main.py --config=CONFIG[:VARIANT] [--config.FIELD=VALUE ...]    train',
                'python main.py --mode=VERB --workdir=RUN [--FLAG=VALUE ...]            use what was trained',
                '',
                *_rows({name: chosen.help for name, chosen in VERBS.items()}),
                '',
                'Flags of all verbs:',
                *_rows({f'--{name}': flag.help for name, flag in COMMON.items()}),
                '',
                'python main.py --mode=VERB --help    the flags of one verb.',
                'configs/ has the configs; the first lines of each tell its variants. README.md tells the rest.',
            ]
        )
    flags = VERBS[verb].flags
    shown = {f'--{name}{"" if flag.kind == "switch" else "="}': _explain(flag) for name, flag in flags.items()}
    return '\n'.join([f'--mode={verb}: {VERBS[verb].help}.', '', *_rows(shown)])


def _explain(flag):
    if flag.needed:
        return f'{flag.help}; needed'
    return flag.help if flag.default in (None, (), False) else f'{flag.help}; {flag.default} by default'


def _rows(texts):
    width = max(map(len, texts)) + 2
    return [f'  {name.ljust(width)}{text}' for name, text in texts.items()]
