"""A table of a network's layers, as the document's own config builds it: shapes and parameters. Nothing is computed."""

import math
from collections.abc import Mapping
from functools import partial

import flax.linen as nn
import jax
import numpy as np

from gans.config.shapes import shape_of
from gans.core.build import build
from gans.core.state import init
from gans.reproduce.types import Drawn, Place, Table

TRAINED = False
_PARTS = 'gans.networks'  # modules of these classes are looked into; others are layers
_KINDS = {
    'Conv': 'convolution',
    'TransposedConv': 'transposed convolution',
    'Dense': 'projection',
    'Expand': 'projection to a map',
}


def draw(place: Place, player: str, document: Mapping[str, str] | None = None) -> Drawn:
    """Counts a network of the first run.

    Args:
      place: at least one run.
      player: 'gen' or 'disc'.
      document: {layer: its output in the document, '256 x 256 x 16'}, to stand beside ours.

    Returns:
      its layers as a table, and the numbers 'parameters', 'of both' (those of both players together), and with
      `document` 'shapes', how many outputs are as it has them.
    """
    config = place.loaded[0][1]
    game = build(config, max(config.batch, 2))
    network = type(getattr(game, player))
    found = []
    with nn.intercept_methods(partial(_note, network, found)):
        state = jax.eval_shape(partial(init, game), jax.random.key(0), np.zeros((1, *game.batch_shape[2:]), np.uint8))
    params = getattr(state, player).params
    rows, alike = [], 0
    for name, what, shape in dict.fromkeys(found):
        size = _size(params, name)
        said = [] if document is None else [document.get(name, '-')]
        alike += said == [shape]
        rows.append([name or 'input', what, shape, *said, f'{size:,}' if name else ''])
    total = _count(params)
    rows.append(['all', '', '', *([] if document is None else ['']), f'{total:,}'])
    columns = ['layer', 'what it is', 'output', *([] if document is None else ['in the document']), 'parameters']
    numbers = {'parameters': total, 'of both': _count([state.gen.params, state.disc.params])}
    if document is not None:
        numbers['shapes'] = f'{alike} of {len(document)}'
    return Drawn(
        table=Table(columns, rows),
        numbers=numbers,
        commands=[[f'--config={place.configs[0][1]}', '--dry_run']],
        notes=[
            f'As {place.configs[0][1]} builds it: {" x ".join(map(str, shape_of(config)))} px, height x width. Its dry '
            "run needs the document's images.",
        ],
    )


def _note(network, found, call, arguments, keywords, context):
    """Notes (name, what it is, shape of its output) of every layer of a network, in their order."""
    module = context.module
    made = call(*arguments, **keywords)
    if context.method_name != '__call__' or not isinstance(_root(module), network):
        return made
    if not module.path:
        given = [x for x in jax.tree.leaves((arguments, keywords)) if hasattr(x, 'shape')]
        found.insert(0, ('', 'shown', ', '.join(map(_shape, given))))
    elif not type(module).__module__.startswith(_PARTS) and _is_outermost(module):
        shapes = [_shape(x) for x in jax.tree.leaves(made) if hasattr(x, 'shape')]
        found.append(('/'.join(module.path), _words(module), ', '.join(shapes)))
    return made


def _root(module):
    while isinstance(module.parent, nn.Module):
        module = module.parent
    return module


def _is_outermost(module):
    """Whether no layer holds this one."""
    while isinstance(module.parent, nn.Module):
        module = module.parent
        if not type(module).__module__.startswith(_PARTS):
            return False
    return True


def _shape(x):
    """The shape of an example: 256 x 256 x 16."""
    return ' x '.join(map(str, x.shape[1:])) or '1'


def _words(module):
    """What a layer is: 'convolution 5 x 5, stride 2, pixelwise norm, leaky relu'."""
    field = partial(getattr, module)
    kind = type(module).__name__
    if kind == 'Superlayer':
        kind = 'TransposedConv' if module.up == 'transposed' else 'Conv'
    words = _KINDS.get(kind, kind)
    if (kernel := field('kernel', 0)) and kind in ('Conv', 'TransposedConv'):
        words += f' {kernel} x {kernel}'
    told = [words]
    told += [f'{name} {field(name)}' for name in ('stride', 'upscale', 'dilation') if field(name, 1) != 1]
    if (norm := field('norm', 'none')) != 'none':
        told.append(f'{norm} norm')
    if activation := field('activation', ''):
        told.append(activation.replace('_', ' '))
    return ', '.join(told)


def _size(params, name):
    """How many numbers the parameters of a layer are."""
    for part in name.split('/') if name else ():
        params = params.get(part, {})
    return _count(params)


def _count(params):
    return sum(math.prod(x.shape) for x in jax.tree.leaves(params))
