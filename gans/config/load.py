"""Experiment configs: finding and loading one, choosing a variant of it, flattening it, JSON."""

import copy
import importlib.util
import json
import os
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ml_collections import ConfigDict

from gans.config.plain import plain_config
from gans.errors import UserError, check_local, closest

CLONE = Path(__file__).resolve().parents[2]  # the folder that main.py, gans/ and configs/ are in


def load(config_file: str) -> ConfigDict:
    """Loads `configs/colorize.py` or `configs/colorize.py:tiny`: see `find`.

    Raises:
      UserError: an address, no such file, no `get_config` in it, no such variant, an exception in it, with its file
        and line, or a value that no config can hold.
    """
    check_local(config_file)
    path, variant = split_variant(config_file)
    path = find(path)
    module = read_module(path)
    try:
        if not hasattr(module, 'get_config'):
            raise UserError(f'{path} defines no get_config(): it is not an experiment config.')
        config = module.get_config(variant) if variant else module.get_config()
        if not isinstance(config, ConfigDict):
            raise UserError(f'get_config() of {path} returns {type(config).__name__}: it must return a ConfigDict.')
        return plain_config(config).lock()
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # it is a program: anything may happen in it
        raise failed(error, path) from error


def split_variant(config_file: str) -> tuple[str, str]:
    """('configs/colorize.py', 'tiny') of 'configs/colorize.py:tiny'; folders may have a colon in their names."""
    path, mark, variant = config_file.partition('.py:')
    if mark or path.endswith('.py'):
        return path + mark.rstrip(':'), variant
    path, _, variant = config_file.partition(':')
    return path, variant


def find(path: str) -> str:
    """A path itself or, where the working directory has no such file, that of the clone's: as short as it can be."""
    own = CLONE / path
    return str(own) if not Path(path).is_file() and own.is_file() else path


def read_module(path: str, kind: str = '') -> ModuleType:
    """Runs a Python file of configs/, or of its folder `kind`, 'sweeps' for example.

    Raises:
      UserError: no such file, with the nearest one; no Python file; or an exception in it, with its line.
    """
    if not Path(path).is_file():
        near = closest(path, _beside(path))
        raise UserError(f'no {"file" if kind else "config file"} {path}{near}: {_others(kind)}.')
    if not path.endswith('.py'):
        raise UserError(f'{path} is no Python file (.py): {_others(kind)}.')
    name = re.sub(r'\W', '_', f'{kind or "config"} of {os.path.abspath(path)}')
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for it
    try:
        spec.loader.exec_module(module)
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # it is a program: anything may happen in it
        raise failed(error, path, kind) from error
    return module


def _beside(path) -> set[str]:
    """The Python files beside a path, of the working directory and of the clone."""
    found = {str(p) for p in Path(path).parent.glob('*.py')}
    if not Path(path).is_absolute():
        found |= {str(p.relative_to(CLONE)) for p in (CLONE / path).parent.glob('*.py')}
    return found


def failed(error: BaseException, path: str, kind: str = '') -> UserError:
    """The error for a config's file that raised one, with its line; `kind` is the folder of such files in configs/."""
    return UserError(
        f'{path}{_line_of(error, path)} cannot be used ({_reason(error)}{_beside_it(error, path)}): correct it, or '
        f'{_others(kind)}.'
    )


def _beside_it(error, path) -> str:
    """How a module is found that lies beside a config, which the search for modules does not look at."""
    folder = Path(path).parent
    if isinstance(error, ModuleNotFoundError) and (folder / f'{error.name}.py').is_file():
        return f', which is found if PYTHONPATH has its folder: PYTHONPATH={shlex.quote(str(folder))}'
    return ''


def _others(kind):
    return f'give one of the {kind or "configs"} in configs/{f"{kind}/" if kind else ""}'


def _line_of(error, path) -> str:
    """', line 7': where in that file an exception comes from; '' if it was never there."""
    file = os.path.abspath(path)  # as importlib calls it
    if isinstance(error, SyntaxError) and os.path.abspath(error.filename or '') == file:
        return f', line {error.lineno}'
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f', line {lines[-1]}' if lines else ''


def _reason(error) -> str:
    if isinstance(error, TypeError) and (field := re.match(r"Could not override field '(\w+)'", f'{error}')):
        return (
            f"the field '{field[1]}' keeps the kind of value that it has: give another kind inside of "
            '`with config.ignore_type():`'
        )
    said = str(error.msg if isinstance(error, SyntaxError) else error).strip().splitlines()
    return f'{type(error).__name__}: {said[0]:.200}' if said else type(error).__name__


def choose_variant(
    config: ConfigDict, variant: str, variants: Mapping[str, Callable[[ConfigDict], None]]
) -> ConfigDict:
    """Applies a config's variants to its bare config.

    Args:
      config: the bare config.
      variant: '' for the bare one, a key of `variants`, or several with + between them, applied in their order.
      variants: name -> a function that changes the config in place.

    Raises:
      UserError: an unknown variant, one that is given twice, or two that do not go together.
    """
    names = variant.split('+') if variant else []
    for name in names:
        if name not in variants:
            known = ', '.join(f':{name}' for name in variants)
            raise UserError(f'no variant :{name} of this config{closest(name, variants)}: it has {known}.')
        if names.count(name) > 1:
            raise UserError(f'the variant :{name} is given {names.count(name)} times in :{variant}: give it once.')
    bare = copy.deepcopy(config) if len(names) > 1 else config
    for place, name in enumerate(names):
        try:
            variants[name](config)
        except Exception as error:  # a variant is a program: anything may happen in it
            earlier = [one for one in names[:place] if _fails(bare, variants[one], variants[name])]
            if isinstance(error, UserError) or not earlier or _fails(bare, variants[name]):
                raise
            raise UserError(
                f'the variants :{earlier[0]} and :{name} of this config do not go together, in this order at least '
                f'({_reason(error)}): leave one of them out.'
            ) from error
    return config


def _fails(bare, *variants) -> bool:
    """Whether variants raise an exception if these alone are applied to the bare config."""
    config = copy.deepcopy(bare)
    try:
        for one in variants:
            one(config)
    except Exception:  # as above
        return True
    return False


def flatten(config: Mapping, prefix: str = '') -> dict[str, Any]:
    """Nested mappings to {'data.source': 'embedded', ...}."""
    flat = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:  # an empty section says something too: a term without arguments
            flat.update(flatten(value, f'{prefix}{key}.'))
        else:
            flat[f'{prefix}{key}'] = value
    return flat


def to_json(config: ConfigDict) -> str:
    """The config as JSON text; `from_json` reads it back (tuples become lists, which mean the same here)."""
    return json.dumps(config.to_dict(), indent=2)


def from_json(text: str) -> ConfigDict:
    """Reads what `to_json` wrote.

    Raises:
      ValueError: a text that is not such a config.
    """
    try:
        return ConfigDict(json.loads(text))
    except (TypeError, AttributeError, RecursionError) as error:
        raise ValueError(_reason(error)) from error
