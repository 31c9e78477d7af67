"""The configs in configs/: those that the tests hold everything for, by name, and the variants that they offer.

A further config in configs/ only has to load and to be built (tests/test_config.py). Whoever keeps one here adds it to
`CONFIGS`: then it also needs `:paper` and `:tiny`, a docstring with its commands, and ranges for its numbers.
"""

import ast
import re
from pathlib import Path

from command_line import ROOT

from gans.config.load import flatten, load
from gans.errors import UserError

CONFIGS = (
    'began',
    'birds',
    'colorize',
    'dcgan',
    'dilated_colorize',
    'inpaint',
    'mnist',
    'modern',
    'places',
    'progressive',
    'wgan_gp',
)
CONFIG_FILES = [f'configs/{name}.py' for name in CONFIGS]


def in_folder() -> list[str]:
    """The names of all configs in configs/."""
    return sorted(path.stem for path in Path(ROOT, 'configs').glob('*.py') if 'get_config' in path.read_text())


def variants(name: str) -> list[str]:
    """The variants of a config: an unknown one is answered with those that there are."""
    try:
        load(f'{ROOT}/configs/{name}.py:?')
    except UserError as error:
        return re.findall(r':(\w+)', str(error).partition(' it has ')[2])
    return []  # it takes any


def everything() -> list[str]:
    """'colorize', 'colorize:paper' and so on: `CONFIGS`, bare and in all variants."""
    return [full for name in CONFIGS for full in (name, *(f'{name}:{variant}' for variant in variants(name)))]


def path_of(full: str) -> str:
    """The whole path of 'colorize:tiny', as `load` takes it."""
    name, colon, variant = full.partition(':')
    return f'{ROOT}/configs/{name}.py{colon}{variant}'


def fields(full: str) -> dict:
    """The fields of 'colorize:tiny' by dotted name; sections without any are left out."""
    config = load(path_of(full))
    return {field: value for field, value in flatten(config.to_dict()).items() if value != {}}


def flag(field: str, value: object) -> str:
    """A field as a person gives it by flag."""
    return f'--config.{field}={value}'


def docstring(name: str) -> str:
    """The first words of a config's file."""
    return ast.get_docstring(ast.parse(Path(ROOT, 'configs', f'{name}.py').read_text()))
