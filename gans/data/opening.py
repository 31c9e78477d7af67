"""The source of images that a config names, opened with its section of `config.data`.

A source is a module in `gans/data/sources` with a function `open_source(shape, seed, ...)`. Its further parameters are
the fields of `config.data.<name>`, with their defaults: a config needs no section for it, and the command line takes
`--config.data.<name>.<field>=...` for any config. Parameters called `max_bytes` and `max_pixels` get the limits of
`config.data`; one that says where the images are is called `path` or `data_dir`, and `PLACE` in the module is its name.
"""

import inspect

from ml_collections import ConfigDict

from gans.config.registry import arguments_of, find_module
from gans.config.shapes import shape_of
from gans.data.source import Labels, Source
from gans.errors import UserError

_LIMITS = ('max_bytes', 'max_pixels')  # fields of config.data for every source that reads files
_GIVEN = ('shape', 'seed', *_LIMITS)  # what a source gets from the rest of the config


def open_source(config: ConfigDict) -> Source:
    """Opens the source of images that `config.data` names."""
    return _open(_opener(config.data.source, 'config.data.source'), config)


def fields_of(source: str, where: str) -> dict[str, inspect.Parameter]:
    """The fields that the section of a source may have, by name, with their defaults and annotations.

    Args:
      source: the name of a module in gans/data/sources.
      where: where the name is from, for the message.

    Raises:
      UserError: no such source.
    """
    parameters = inspect.signature(_opener(source, where)).parameters
    return {name: one for name, one in parameters.items() if name not in _GIVEN}


def _opener(source, where):
    module = find_module('data.sources', source, where)
    if not hasattr(module, 'open_source'):
        raise UserError(f'{where} is {source!r}, which is not a source of images.')
    return module.open_source


def open_labels(config: ConfigDict) -> Labels | None:
    """The labels of the source's images; None where the set has none, or its kind of source knows none."""
    module = find_module('data.sources', config.data.source, 'config.data.source')
    return _open(module.open_labels, config) if hasattr(module, 'open_labels') else None


def _open(function, config):
    """Calls a function of a source's module with the shape, the seed and what the config says of that source.

    The limits on files, which the config gives once for all sources, go to those that take them.
    """
    where = f'config.data.{config.data.source}'
    section = config.data.get(config.data.source, {})
    parameters = inspect.signature(function).parameters
    limits = {name: config.data[name] for name in _LIMITS if name in parameters and name in config.data}
    return function(shape_of(config), config.seed, **arguments_of(function, section, where, given=_GIVEN), **limits)


def move_data(config: ConfigDict, place: str) -> None:
    """Says in `config.data` that the same images lie at another place now.

    Raises:
      UserError: the source has no place, being drawn and not read.
    """
    argument = getattr(find_module('data.sources', config.data.source, 'config.data.source'), 'PLACE', None)
    if argument is None:
        raise UserError(f'The images of {config.data.source!r} lie nowhere and were not moved: leave --input out.')
    if config.data.source not in config.data:
        config.data[config.data.source] = ConfigDict()
    config.data[config.data.source][argument] = place
