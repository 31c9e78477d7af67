"""The verbs of the command line: every module here is one, with a `VERB`, and `--mode` gives its name.

A flag belongs to the verbs that list it and is refused by the others.
"""

import importlib
import pkgutil

from gans.cli.flags import COMMON, Flag, Verb

_FIRST = 'train'  # what is done without --mode


def _all() -> dict[str, Verb]:
    names = sorted((module.name for module in pkgutil.iter_modules(__path__)), key=lambda name: (name != _FIRST, name))
    return {name: importlib.import_module(f'{__name__}.{name}').VERB for name in names}


VERBS = _all()


def flags_of(verb: str) -> dict[str, Flag]:
    """All flags that a verb takes, by name."""
    return {**COMMON, **VERBS[verb].flags}


def takers(name: str) -> list[str]:
    """The verbs that take a flag."""
    return [verb for verb in VERBS if name in flags_of(verb)]
