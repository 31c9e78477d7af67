"""What a verb of the command line is, and the flags that all verbs take."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict


class Flag(NamedTuple):
    """One flag of a verb.

    Attributes:
      kind: what its text is read as: 'text', 'path', 'file' (a path of no folder), 'address' (host:port), 'whole',
        'number', 'switch' (True or False), 'list' or 'paths' (separated by commas).
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
    """What `--mode` chooses.

    Attributes:
      help: what it does, in a line.
      flags: its flags by name.
      run: ({name: value} of all its flags, the checked config or None) -> exit code. Only `train` gets a config.
    """

    help: str
    flags: Mapping[str, Flag]
    run: Callable[[dict[str, Any], ConfigDict | None], int]


COMMON = {
    'mode': Flag('text', 'what to do, one of the verbs', 'train'),
    'help': Flag('switch', 'show this, or with --mode=VERB the flags of that verb', False),
    'debug': Flag('switch', 'show the traceback of an error', False),
}

RUN = Flag('path', 'the run folder', needed=True)
MOVED = Flag('path', 'where the training images are now, if they were moved')
FEATURES = Flag('text', 'a network whose features are compared too: lite0, discriminator:RUN, classifier:FOLDER, ...')
