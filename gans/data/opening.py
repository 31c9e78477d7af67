"""The source of images that a config names, opened with its section of `config.data`."""

import inspect

from ml_collections import ConfigDict

from gans.config.registry import arguments_of, find_module, section_of
from gans.config.shapes import shape_of
from gans.data.source import Labels, Source
from gans.errors import UserError

_LIMITS = ('max_bytes', 'max_pixels')  # fields of config.data for every source that reads files


def open_source(config: ConfigDict) -> Source:
    """Opens the source of images that `config.data` names."""
    return _open(_module(config).open_source, config)


def open_labels(config: ConfigDict) -> Labels | None:
    """The labels of the source's images; None where the set has none, or its kind of source knows none."""
    module = _module(config)
    return _open(module.open_labels, config) if hasattr(module, 'open_labels') else None


def _module(config):
    return find_module('data.sources', config.data.source, 'config.data.source', 'open_source')


def _open(function, config):
    """Calls a function of a source's module with the shape, the seed and what the config says of that source.

    The limits on files, which the config gives once for all sources, go to those that take them.
    """
    name = section_of(config.data.source)
    where, section = f'config.data.{name}', config.data.get(name, {})
    parameters = inspect.signature(function).parameters
    limits = {name: config.data[name] for name in _LIMITS if name in parameters and name in config.data}
    given = ('shape', 'seed', *_LIMITS)
    needs = [one.name for one in parameters.values() if one.default is one.empty and one.name not in given]
    if needs and name not in config.data:
        known = ', '.join(name for name, value in config.data.items() if isinstance(value, ConfigDict))
        raise UserError(
            f'config.data has no section for the source {config.data.source!r}: choose {known}, or add '
            f'{name}=dict({needs[0]}=...) to data in the config.'
        )
    return function(shape_of(config), config.seed, **arguments_of(function, section, where, given=given), **limits)


def move_data(config: ConfigDict, place: str) -> None:
    """Says in `config.data` that the same images lie at another place now.

    Raises:
      UserError: the source has no place, being drawn and not read.
    """
    argument = getattr(_module(config), 'PLACE', None)
    if argument is None:
        raise UserError(f'The images of {config.data.source!r} lie nowhere and were not moved: leave --input out.')
    config.data[section_of(config.data.source)][argument] = place
