"""The source of images that a config names, opened with its section of `config.data`.

A source is a module in `gans/data/sources` with a function `open_source(shape, seed, ...)`. Its further parameters are
the fields of `config.data.<name>`, with their defaults: a config needs no section for it, and the command line takes
`--config.data.<name>.<field>=...` for any config. Parameters called `max_bytes` and `max_pixels` get the limits of
`config.data`; one called `resample` is no field, but for measures (`gans.sets`); one that says where the images are is
called `path` or `data_dir`, and `PLACE` in the module is its name. `SEEDED = False` in the module says that the seed
decides nothing: what was opened for one seed may serve others.
"""

import inspect
import json

import numpy as np
from ml_collections import ConfigDict

from gans.config.load import to_json
from gans.config.registry import arguments_of, find_module, parameters_of, section_of
from gans.config.shapes import shape_of
from gans.data.source import Labels, Source
from gans.errors import UserError

_LIMITS = ('max_bytes', 'max_pixels')  # fields of config.data for every source that reads files
# What a section of a source cannot say: what it gets from the rest of the config, and what is for measures alone.
_GIVEN = ('shape', 'seed', *_LIMITS, 'resample')


def open_source(config: ConfigDict) -> Source:
    """Opens the source of images that `config.data` names."""
    return _open(_module(config.data.source).open_source, config)


def check_images(source: Source, config: ConfigDict) -> None:
    """Raises UserError if the first image of a config's source, or its key, is not what training takes it for."""
    if not len(source):
        return
    name, shape = config.data.source, shape_of(config)
    image, key = source[0], source.key(0)
    wanted = (np.dtype(np.uint8), (*shape, 3))
    is_array = isinstance(image, np.ndarray)
    if not is_array or (image.dtype, image.shape) != wanted:
        found = f'{image.dtype} {list(image.shape)}' if is_array else f'an object of type {type(image).__name__}'
        raise UserError(
            f'The source {name!r} of config.data.source returns {found} for image 0: its images must be NumPy arrays '
            f'uint8 {[*shape, 3]}, which is height, width and RGB.'
        )
    if not isinstance(key, bytes):
        raise UserError(
            f'The source {name!r} of config.data.source returns a key of type {type(key).__name__} for image 0: a '
            'key must be bytes, equal for equal images.'
        )


def identity(config: ConfigDict) -> str:
    """What `open_source` and all else about the images follow from: equal texts mean equal images."""
    seed = config.seed if getattr(_module(config.data.source), 'SEEDED', True) else None
    return json.dumps([json.loads(to_json(config))['data'], shape_of(config), seed], sort_keys=True)


def fields_of(source: str, where: str) -> dict[str, inspect.Parameter]:
    """The fields that the section of a source may have, by name, with their defaults and annotations.

    Args:
      source: the name of a module in gans/data/sources, or the dotted path of another.
      where: where the name is from, for the message.

    Raises:
      UserError: no such source.
    """
    parameters = parameters_of(_module(source, where).open_source)
    return {name: one for name, one in parameters.items() if name not in _GIVEN}


def open_labels(config: ConfigDict) -> Labels | None:
    """The labels of the source's images; None where the set has none, or its kind of source knows none."""
    module = _module(config.data.source)
    return _open(module.open_labels, config) if hasattr(module, 'open_labels') else None


def _module(source, where='config.data.source'):
    return find_module('data.sources', source, where, 'open_source')


def _open(function, config):
    """Calls a function of a source's module with the shape, the seed and what the config says of that source.

    The limits on files, which the config gives once for all sources, go to those that take them.
    """
    name = section_of(config.data.source)
    where, section = f'config.data.{name}', config.data.get(name, {})
    parameters = inspect.signature(function).parameters
    limits = {name: config.data[name] for name in _LIMITS if name in parameters and name in config.data}
    return function(shape_of(config), config.seed, **arguments_of(function, section, where, given=_GIVEN), **limits)


def move_data(config: ConfigDict, place: str) -> None:
    """Says in `config.data` that the same images lie at another place now.

    Raises:
      UserError: the source has no place, being drawn and not read.
    """
    argument = getattr(_module(config.data.source), 'PLACE', None)
    if argument is None:
        raise UserError(f'The images of {config.data.source!r} are not read from a file: leave --input out.')
    name = section_of(config.data.source)
    if name not in config.data:
        config.data[name] = ConfigDict()
    config.data[name][argument] = place
