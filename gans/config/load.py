"""Experiment pages: loading one, choosing a reading of it, comparing it with the one that a run began with."""

import importlib.util
import inspect
import json
import traceback
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from gans.errors import UserError, closest

# A run may be resumed with other values of these: they decide how long training goes on, what is reported and where
# things lie, not what a step does. (Schedules in fractions of training stretch with `steps`.)
MAY_CHANGE = (
    'steps',
    'log',
    'checkpoint',
    'parallel',
    'steps_per_call',
    'devices',
    'data.folder.path',
    'data.tfds.data_dir',
    'data.mnist.path',
    'data.threads',
    'data.placement',
    'data.max_bytes',
    'data.max_pixels',
)

# What it means that a page, written before there was such a field, lacks it.
DEFAULTS = {'ema': 0.0}


def load(page: str) -> ConfigDict:
    """Loads `configs/colorize.py` or `configs/colorize.py:tiny`.

    Raises:
      UserError: no such file, no `get_config` in it, no such reading, or an exception in it: with its file and line.
    """
    path, _, reading = page.partition(':')
    if not Path(path).is_file():
        near = closest(path, (str(p) for p in Path(path).parent.glob('*.py')))
        raise UserError(f'no config file {path}{near}: give one of the pages in configs/.')
    if not path.endswith('.py'):
        raise UserError(f'{path} is no Python file (.py): give one of the pages in configs/.')
    spec = importlib.util.spec_from_file_location('config_page', path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        if not hasattr(module, 'get_config'):
            raise UserError(f'{path} defines no get_config(): it is not an experiment page.')
        config = module.get_config(reading) if reading else module.get_config()
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # it is a program: anything may happen in it
        raise UserError(
            f'{path}{_line_of(error, path)} cannot be used ({_reason(error)}): correct it, or give one of the pages '
            'in configs/.'
        ) from error
    if not isinstance(config, ConfigDict):
        raise UserError(f'get_config() of {path} returns {type(config).__name__}: it must return a ConfigDict.')
    return config.lock()


def _line_of(error, path) -> str:
    """', line 7': where in that file an exception comes from; '' if it was never there."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return f', line {error.lineno}'
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f', line {lines[-1]}' if lines else ''


def _reason(error) -> str:
    said = str(error.msg if isinstance(error, SyntaxError) else error).strip().splitlines()
    return f'{type(error).__name__}: {said[0]:.200}' if said else type(error).__name__


def read_as(config: ConfigDict, reading: str, readings: Mapping[str, Callable[[ConfigDict], None]]) -> ConfigDict:
    """Applies one of a page's readings to its bare config.

    Args:
      config: the bare config.
      reading: '' for the bare one, or a key of `readings`.
      readings: name -> a function that changes the config in place.

    Raises:
      UserError: an unknown reading.
    """
    if reading:
        if reading not in readings:
            known = ', '.join(f':{name}' for name in readings)
            raise UserError(f'no reading :{reading} of this config{closest(reading, readings)}: it has {known}.')
        readings[reading](config)
    return config


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


def differences(old: ConfigDict, new: ConfigDict) -> list[str]:
    """Lines that say what differs between two configs, but for the fields that may change in a resumed run."""
    before, after = (DEFAULTS | flatten(json.loads(to_json(c))) for c in (old, new))
    lines = []
    for name in sorted(before.keys() | after.keys()):
        if any(name == free or name.startswith(f'{free}.') for free in MAY_CHANGE):
            continue
        if before.get(name) != after.get(name):
            lines.append(f'config.{name}: {before.get(name, "absent")} -> {after.get(name, "absent")}')
    return lines


def arguments_of(function: Callable, section: Mapping, where: str, given: tuple[str, ...] = ()) -> dict[str, Any]:
    """A config section as keyword arguments of a function, checked against its signature.

    Args:
      function: what is going to be called; a class counts by its constructor.
      section: the arguments; a key `name` is skipped: it chose the function.
      where: the section's place, 'config.task' say, for the message.
      given: parameters that the caller supplies.

    Raises:
      UserError: an argument that the function does not take, or lacks, or of another type than it is annotated with.
    """
    if not isinstance(section, Mapping) and not isinstance(section, ConfigDict):
        raise UserError(f'{where} is {section!r}: give a section of fields.')
    parameters = inspect.signature(function).parameters
    known = [name for name in parameters if name not in (*given, 'parent', 'name')]
    found = {key: value for key, value in section.items() if key != 'name'}
    for key in found:
        if key not in known:
            raise UserError(f'{where}.{key} is not known{closest(key, known)}: it takes {", ".join(known)}.')
    for key in known:
        if found.get(key) is None and parameters[key].default is inspect.Parameter.empty:
            raise UserError(f'{where}.{key} is missing: give it with --{where}.{key}=...')
    for key, value in found.items():
        wanted = parameters[key].annotation
        if not _fits(value, wanted):
            raise UserError(f'{where}.{key} is {value!r}: give {_say(wanted)}.')
    return found


_KINDS = {bool: 'True or False', int: 'a whole number', float: 'a number', str: 'a name', type(None): 'None'}


def _fits(value, wanted) -> bool:
    """Whether a config's value can be an argument with that annotation; what a config cannot hold always fits."""
    if isinstance(wanted, types.UnionType):
        return any(_fits(value, one) for one in typing.get_args(wanted))
    if typing.get_origin(wanted) in (tuple, Sequence):
        return isinstance(value, (list, tuple)) and all(_fits(part, typing.get_args(wanted)[0]) for part in value)
    if wanted not in _KINDS:
        return wanted is not None or value is None
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, (int, float) if wanted is float else wanted)


def _say(wanted) -> str:
    if isinstance(wanted, types.UnionType):
        return ' or '.join(_say(one) for one in typing.get_args(wanted))
    if typing.get_origin(wanted) in (tuple, Sequence):
        several = {int: 'a tuple of whole numbers', float: 'a tuple of numbers', str: 'a tuple of names'}
        return several.get(typing.get_args(wanted)[0], 'a tuple')
    return _KINDS.get(wanted, 'None' if wanted is None else f'{wanted}')
