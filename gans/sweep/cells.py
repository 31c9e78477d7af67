"""The file of a sweep: its cells as checked configs, what its table shows, and what it claims."""

import inspect
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from gans.config.compare import changes
from gans.config.load import failed, find, read_module, split_variant
from gans.config.plain import plain
from gans.config.texts import short
from gans.core.overrides import load_with
from gans.errors import UserError, check_local, closest
from gans.sweep import hyper

_SPECIAL = ('config', 'label')  # keys of a cell that are no fields
_MOST = 100  # cells
_LONGEST = 60  # characters of a label
_CLAIM = ('claim', 'cell', 'than', 'measure', 'better')


class Cell(NamedTuple):
    """One of the configs that are compared.

    Attributes:
      label: what it is called in tables.
      config_text: what `--config` takes for it, without the fields: 'configs/birds.py:tiny+no_blur'.
      fields: {'generator.norm': 'batch'}: the values for fields of the config, those of the command line included.
      config: the config with these values, checked.
    """

    label: str
    config_text: str
    fields: Mapping[str, str]
    config: ConfigDict


class Claim(NamedTuple):
    """That one cell is better than another one, or than a number, in a measure; `better` is 'lower' or 'higher'."""

    claim: str
    cell: str
    than: str | float
    measure: str
    better: str


class Sweep(NamedTuple):
    """What a sweep's file says.

    Attributes:
      config: the file and its variant as they were given.
      title: the first line of its docstring.
      about: the rest of it, without commands.
      cells: the first is the one that others are compared with.
      measures: names of numbers (`gans.sweep.numbers`); () for all that the evaluation has.
      claims: about the cells.
    """

    config: str
    title: str
    about: str
    cells: Sequence[Cell]
    measures: Sequence[str]
    claims: Sequence[Claim]


def read_sweep(config_file: str, fields: Mapping[str, str]) -> Sweep:
    """Reads `configs/sweeps/norms.py` or `configs/sweeps/norms.py:tiny`; the variant is that of every cell.

    Args:
      config_file: the file and, after a colon, a variant of every cell's config.
      fields: {'batch': '8'}: values for fields of every cell's config, from the command line.

    Raises:
      UserError: whatever is wrong with the file, a cell or its config.
    """
    check_local(config_file)
    path, variant = split_variant(config_file)
    path = find(path)
    module = _module(path)
    found = _list_of(module, path)
    cells = [_cell(config_file, path, variant, given, number, fields) for number, given in enumerate(found)]
    labels = _labels(found, [cell.config for cell in cells])
    cells = [cell._replace(label=label) for cell, label in zip(cells, labels, strict=True)]
    _check_different(path, cells)
    title, _, about = (inspect.getdoc(module) or Path(path).stem).partition('\n')
    measures = _measures(module, path)
    about = '\n\n'.join(part for part in about.strip().split('\n\n') if not part.startswith('    '))
    claims = _claims(module, path, labels, measures)
    return Sweep(config_file, title.rstrip('.'), about, cells, measures, claims)


def _module(path: str) -> ModuleType:
    module = read_module(path, 'sweeps')
    if not hasattr(module, 'get_hyper'):
        raise UserError(f'{path} defines no get_hyper(hyper): it is no sweep. To train it, leave out --mode=sweep.')
    return module


def _list_of(module, path) -> list[dict[str, Any]]:
    try:
        found = list(module.get_hyper(hyper))
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        raise failed(error, path, 'sweeps') from error
    if not found or len(found) > _MOST or not all(isinstance(cell, Mapping) and _named(cell) for cell in found):
        raise UserError(
            f'get_hyper() of {path} must return a list of 1 to {_MOST} dicts {{field: value}}, and returns '
            f'{short(found)}.'
        )
    try:
        cells = hyper.chainit([found])
    except ValueError as error:  # 'batch' and 'config.batch'
        raise UserError(f'get_hyper() of {path}: {error}: give it once.') from error
    return [{name: plain(value, f'get_hyper() of {path}: {name}') for name, value in cell.items()} for cell in cells]


def _named(cell):
    return all(isinstance(field, str) for field in cell) and all(isinstance(cell.get(key, ''), str) for key in _SPECIAL)


def _cell(config_file, path, variant, given, number, fields) -> Cell:
    """A cell without its label."""
    where = f'{path}, cell {number + 1}'
    if 'config' in given:
        own, own_variant = split_variant(given['config'])
        config_text = f'{_find(own, path)}:{"+".join(filter(None, (variant, own_variant)))}'.rstrip(':')
    else:
        config_text = config_file
    texts = {field: _text(value) for field, value in given.items() if field not in _SPECIAL}
    for field in ('seed', 'name'):
        if field in texts or field in fields:
            raise UserError(f'config.{field} is not for a sweep: --seeds has the seeds, and folders have their names.')
    for field in fields:
        if field in texts:
            raise UserError(f'--config.{field} is a field that the cells of {path} set themselves: leave it out.')
    try:
        config = load_with(config_text, {**fields, **texts})
    except UserError as error:
        raise UserError(f'{where}: {error}') from error
    return Cell('', config_text, {**fields, **texts}, config)


def _find(name, path):
    """The config of a cell: of this clone, or beside the sweep's file; as short as the working directory allows."""
    found = find(os.path.expanduser(name))
    beside = Path(path).parent / found
    return str(beside) if not os.path.isfile(found) and beside.is_file() else found


def _text(value):
    """A value as the command line takes it."""
    return value if isinstance(value, str) else repr(value)


def _labels(found, configs) -> list[str]:
    """The labels that are given or, where there is none, what of the cell varies; of a long one the beginning."""
    fields = dict.fromkeys(field for cell in found for field in cell if field not in _SPECIAL)
    varying = [field for field in fields if any(_differ(cell, found[0], field) for cell in found)]
    several = any(_differ(cell, found[0], 'config') for cell in found)
    labels = []
    for number, (cell, config) in enumerate(zip(found, configs, strict=True), 1):
        parts = [re.sub(r'^.*/|\.py', '', cell.get('config', config.name))] if several else []
        parts += [f'{field}={cell[field]}' for field in varying if field in cell]
        own = ', '.join(parts) or config.name
        own = own if len(own) <= _LONGEST else f'{own[: _LONGEST - 12]}... ({number})'
        labels.append(cell.get('label') or own)
    return labels


def _differ(cell, other, field):
    return (field in cell) != (field in other) or cell.get(field) != other.get(field)


def _check_different(path, cells):
    for number, cell in enumerate(cells, 1):
        if not cell.label.isprintable() or not cell.label.strip() or len(cell.label) > _LONGEST:
            raise UserError(
                f'{path}, cell {number}: its label is {short(cell.label)}: give a label of 1 to {_LONGEST} characters.'
            )
        for earlier, other in enumerate(cells[: number - 1], 1):
            if not changes(cell.config, other.config):
                raise UserError(
                    f'{path}: the cells {earlier} and {number} ({cell.label}) are equal: change one of them.'
                )
            if cell.label.casefold() == other.label.casefold():
                raise UserError(f'{path}: cells {earlier} and {number} both have the label {cell.label!r}.')


def _measures(module, path) -> tuple[str, ...]:
    found = getattr(module, 'MEASURES', ())
    if not isinstance(found, (list, tuple)) or not all(isinstance(name, str) and name for name in found):
        raise UserError(f'MEASURES of {path} is {short(found)}: give a tuple of names.')
    return tuple(dict.fromkeys(found))


def _claims(module, path, labels, measures) -> tuple[Claim, ...]:
    found = getattr(module, 'CLAIMS', ())
    if not isinstance(found, (list, tuple)):
        raise UserError(f'CLAIMS of {path} is {short(found)}: give a tuple of dicts.')
    claims = []
    for number, given in enumerate(found, 1):
        where = f'{path}, claim {number}'
        if not isinstance(given, Mapping) or set(given) != set(_CLAIM) or not all(map(_fits, given, given.values())):
            raise UserError(f'{where}: give a dict with the texts {", ".join(_CLAIM)}; `than` may be a number.')
        claim = Claim(**given)
        for name in (claim.cell, claim.than):
            if isinstance(name, str) and name not in labels:
                raise UserError(f'{where}: {name!r} is the label of no cell{closest(name, labels)}.')
        if claim.cell == claim.than:
            raise UserError(f'{where}: it compares {claim.cell!r} with itself.')
        if measures and claim.measure not in measures:
            raise UserError(f'{where}: {claim.measure!r} is not in MEASURES{closest(claim.measure, measures)}.')
        if claim.better not in ('lower', 'higher'):
            raise UserError(f"{where}: better is {claim.better!r}: give 'lower' or 'higher'.")
        claims.append(claim)
    return tuple(claims)


def _fits(key, value):
    if key == 'than' and type(value) in (int, float):
        return math.isfinite(value)
    return isinstance(value, str) and bool(value.strip())
