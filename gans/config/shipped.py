"""The configs that come with the code, beside which a run's config is laid: `configs/NAME.py` of the clone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from gans.config.compare import ABSENT
from gans.config.load import CLONE, load
from gans.errors import UserError


def program() -> str:
    """What a shell calls main.py here: 'main.py' in the clone, its whole path in any other working directory."""
    path = CLONE / 'main.py'
    return 'main.py' if Path.cwd().resolve() == CLONE or not path.is_file() else str(path)


def shipped(name: str) -> tuple[str, ConfigDict] | None:
    """('configs/NAME.py', that config) of a config that comes with the code, else None.

    Only a file of the clone that this code is in is run: a run may be a stranger's.
    """
    path = f'configs/{name}.py'
    if not name.isidentifier() or not (CLONE / path).is_file():
        return None
    try:
        return path, load(str(CLONE / path))
    except UserError:  # somebody is at work on it
        return None


def overrides(changed: Mapping[str, tuple[Any, Any]]) -> dict[str, str] | None:
    """{field: text} that makes these changes on the command line; None where it takes no such change."""
    given = {}
    for name, (before, after) in changed.items():
        if ABSENT in (before, after) or isinstance(before, Mapping) or isinstance(after, Mapping):
            return None
        given[name] = _text(after)
    return given


def _text(value):
    return f'({", ".join(map(repr, value))}{"," * (len(value) == 1)})' if isinstance(value, list) else f'{value}'
