"""Names and sections of a config to modules and arguments, with the nearest name where one does not exist."""

import importlib
import importlib.util
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from ml_collections import ConfigDict

from gans.errors import UserError, closest


def find_module(package_name: str, name: str, where: str) -> ModuleType:
    """Finds `gans.<package>.<name>`; raises UserError with the nearest name if there is none."""
    package = importlib.import_module(f'gans.{package_name}')
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    if name not in names:
        folder = package_name.replace('.', '/')
        raise UserError(f'{where} is {name!r}, which is not in gans/{folder}{closest(name, names)}.')
    return importlib.import_module(f'{package.__name__}.{name}')


def choose(options, name, where):
    if name not in options:
        raise UserError(f'{where} is {name!r}: choose one of {sorted(options)}{closest(str(name), options)}.')
    return options[name]


def arguments_of(function: Callable, section: Mapping, where: str, given: tuple[str, ...] = ()) -> dict[str, Any]:
    """A config section as keyword arguments of a function, checked against its signature.

    Args:
      function: what is going to be called; a class counts by its constructor.
      section: the arguments; a key `name` is skipped: it chose the function.
      where: the section's place for the message, for example 'config.task'.
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


def kind_of(annotation: Any) -> type:
    """The kind of value that a flag's text is read as for a parameter: bool, int, float or tuple, else str."""
    if isinstance(annotation, types.UnionType):  # `int | None`
        return next((kind for one in typing.get_args(annotation) if (kind := kind_of(one)) is not str), str)
    if typing.get_origin(annotation) in (tuple, Sequence):
        return tuple
    return annotation if annotation in (bool, int, float) else str


def _say(wanted) -> str:
    if isinstance(wanted, types.UnionType):
        return ' or '.join(_say(one) for one in typing.get_args(wanted))
    if typing.get_origin(wanted) in (tuple, Sequence):
        several = {int: 'a tuple of whole numbers', float: 'a tuple of numbers', str: 'a tuple of names'}
        return several.get(typing.get_args(wanted)[0], 'a tuple')
    return _KINDS.get(wanted, 'None' if wanted is None else f'{wanted}')
