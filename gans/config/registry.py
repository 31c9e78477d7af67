"""Names and sections of a config to modules and arguments, with the nearest name where one does not exist."""

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from ml_collections import ConfigDict

from gans.errors import UserError, closest


def find_module(package_name: str, name: str, where: str, wanted: str) -> ModuleType:
    """Finds the module that a config names.

    Args:
      package_name: 'tasks' for `gans.tasks`, for example.
      name: a module of that package, or the dotted path of a module elsewhere: 'my_package.my_task'.
      where: the name's place in the config, for messages.
      wanted: the function, class or value that the module has to define.

    Raises:
      UserError: no such module, with the nearest name; or a module that does not define it or cannot be imported.
    """
    if '.' in name and all(part.isidentifier() for part in name.split('.')):
        return _find_elsewhere(name, where, wanted)
    folder = f'gans/{package_name}'.replace('.', '/')
    package = importlib.import_module(f'gans.{package_name}')
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    if name not in names:
        raise UserError(f'{where} is {name!r}, which is not in {folder}{closest(name, names)}.')
    module = importlib.import_module(f'{package.__name__}.{name}')
    if not hasattr(module, wanted):
        raise UserError(f'{where} is {name!r}, which defines no {wanted}: it only helps the other modules of {folder}.')
    return module


def section_of(name: str) -> str:
    """The name of the config section for a module that `find_module` finds: the last part of a dotted path."""
    return name.rpartition('.')[2]


def _find_elsewhere(name, where, wanted):
    """Imports a module by its dotted path.

    The name may come from a stranger's checkpoint. So only modules that were written for this are imported: the source
    must define `wanted`, and its folders must have an `__init__.py`, which the folder of a run has not.
    """
    path = _source_of(name)
    if path is None:
        raise UserError(
            f'{where} is {name!r}, which is not found: give the name of a module in a package that Python can import '
            '(every folder with an __init__.py, the outermost one beside main.py, in PYTHONPATH or installed).'
        )
    try:
        defined = {one for node in ast.parse(path.read_bytes()).body for one in _names_of(node, name)}
        module = importlib.import_module(name) if wanted in defined else None
    except Exception as error:  # it is a program: anything may happen in it
        reason = f'{type(error).__name__}: {error}'.splitlines()[0]
        raise UserError(f'{where} is {name!r}, but {path} cannot be imported ({reason}): correct it.') from error
    if module is None:
        raise UserError(f'{where} is {name!r}, but {path} defines no {wanted}.')
    return module


def _names_of(node: ast.stmt, module: str) -> list[str]:
    """The names that a statement of a module defines: of a function or class, or of what a value is given to.

    What it imports counts if it is from this project or from its own package: `from typing import Generator` is none.
    """
    if isinstance(node, ast.ImportFrom):
        ours = node.level > 0 or f'{node.module}'.partition('.')[0] in ('gans', module.partition('.')[0])
        return [one.asname or one.name for one in node.names] if ours else []
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, 'target', node)]
    return [name for one in targets if (name := getattr(one, 'id', getattr(one, 'name', '')))]


def _source_of(name) -> Path | None:
    """The file of a module in packages that have an `__init__.py`; None if there is none. Runs nothing."""
    first, *rest = name.split('.')
    try:
        spec = importlib.util.find_spec(first)
    except ValueError:  # __main__
        return None
    for part in rest:
        if spec is None or spec.origin is None or not spec.submodule_search_locations:
            return None
        spec = PathFinder.find_spec(part, spec.submodule_search_locations)
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith('.py') else None


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
    parameters = parameters_of(function)
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


def parameters_of(function: Callable) -> dict[str, inspect.Parameter]:
    """What a function, or the constructor of a class, takes: by name, with annotations that are types.

    Python keeps an annotation as text in a module with `from __future__ import annotations`. One that cannot be
    evaluated, for example of a type that is imported for type checkers alone, stays as it is.
    """
    found = dict(inspect.signature(function).parameters)
    return {name: one.replace(annotation=_evaluated(one.annotation, name, function)) for name, one in found.items()}


def _evaluated(annotation, name, function):
    owner = function
    if isinstance(function, type):  # a field's annotation belongs to the class that declares it
        owner = next((one for one in function.__mro__ if name in inspect.get_annotations(one)), function)
    holder = types.SimpleNamespace(__annotations__={name: annotation})
    try:
        return typing.get_type_hints(holder, vars(sys.modules[inspect.unwrap(owner).__module__]))[name]
    except Exception:  # it is a program: anything may happen in it
        return annotation


_KINDS = {bool: 'True or False', int: 'a whole number', float: 'a number', str: 'a name', type(None): 'None'}


def _fits(value, wanted) -> bool:
    """Whether a config's value can be an argument with that annotation; what a config cannot hold always fits."""
    if _is_union(wanted):
        return any(_fits(value, one) for one in typing.get_args(wanted))
    if _is_several(wanted):
        return isinstance(value, (list, tuple)) and all(_fits(part, typing.get_args(wanted)[0]) for part in value)
    if wanted not in _KINDS:
        return wanted is not None or value is None
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, (int, float) if wanted is float else wanted)


def _is_union(annotation):
    return typing.get_origin(annotation) in (types.UnionType, typing.Union)


def _is_several(annotation):
    return typing.get_origin(annotation) in (tuple, list, Sequence) and bool(typing.get_args(annotation))


def kind_of(annotation: Any) -> type:
    """The kind of value that a flag's text is read as for a parameter: bool, int, float or tuple, else str."""
    if _is_union(annotation):  # `int | None`
        kinds = [kind_of(one) for one in typing.get_args(annotation)]
        return next((kind for kind in (tuple, float, int, bool) if kind in kinds), str)
    if _is_several(annotation):
        return tuple
    return annotation if annotation in (bool, int, float) else str


def _say(wanted) -> str:
    if _is_union(wanted):
        return ' or '.join(_say(one) for one in typing.get_args(wanted))
    if _is_several(wanted):
        several = {int: 'a tuple of whole numbers', float: 'a tuple of numbers', str: 'a tuple of names'}
        return several.get(typing.get_args(wanted)[0], 'a tuple')
    return _KINDS.get(wanted, 'None' if wanted is None else f'{wanted}')
