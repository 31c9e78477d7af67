"""Every config of the repository and the variants that it offers, found by asking: no list has to be kept."""

import ast
import re
from pathlib import Path

from command_line import ROOT

from gans.config.load import flatten, load
from gans.errors import UserError

CONFIGS = sorted(path.stem for path in Path(ROOT, 'configs').glob('*.py') if 'get_config' in path.read_text())


def variants(name: str) -> list[str]:
    """What may stand behind the colon of a config: an unknown one is answered with those that there are."""
    try:
        load(f'{ROOT}/configs/{name}.py:?')
    except UserError as error:
        return re.findall(r':(\w+)', str(error).partition(' it has ')[2])
    raise AssertionError(f'configs/{name}.py takes any variant')


def everything() -> list[str]:
    """'colorize', 'colorize:paper' and so on: all configs, bare and in all variants."""
    return [full for name in CONFIGS for full in (name, *(f'{name}:{variant}' for variant in variants(name)))]


def fields(full: str) -> dict:
    """The fields of 'colorize:tiny' by dotted name; sections without any are left out."""
    name, _, variant = full.partition(':')
    config = load(f'{ROOT}/configs/{name}.py' + (f':{variant}' if variant else ''))
    return {field: value for field, value in flatten(config.to_dict()).items() if value != {}}


def flag(field: str, value: object) -> str:
    """A field as a person gives it by flag."""
    return f'--config.{field}={value}'


def docstring(name: str) -> str:
    """The first words of a config's file."""
    return ast.get_docstring(ast.parse(Path(ROOT, 'configs', f'{name}.py').read_text()))
