"""What the channels of a run's discriminator look for, projected down to pixels."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from flax.traverse_util import flatten_dict

from gans.reproduce.types import Drawn, Place, Table
from gans.visualization.features import FILE, features
from gans.visualization.subject import choose_layers, open_subject

_FOLDERS = {False: 'plain', True: 'guided'}
_ABOUT = ('map', 'channels_in_all', 'receptive_field')


def draw(place: Place, layers: Sequence[str] = (), most: int = 3) -> Drawn:
    """Draws the strongest activations of channels and their projections, plain and guided.

    Source: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", figure 2.

    Args:
      place: of one run.
      layers: by their paths; by default some of the convolutions of `--mode=features`, spread evenly behind the first.
      most: how many, if none are named.

    Returns:
      for each layer a figure with the plain and one with the guided projections, and a table of the layers.
    """
    run = place.runs[0]
    layers = list(layers) or _some(run, most)
    images, commands = [], []
    for guided, name in _FOLDERS.items():
        folder = place.folder / name
        features(run, folder, layers, guided=guided)
        told = json.loads((folder / FILE).read_text())
        for layer in told['layers']:
            alt = f'Layer {layer["layer"]}: projections ({name}) of the strongest activations, above their patches'
            images.append((folder / layer['montage'], alt))
        flags = [f'--layers={",".join(layers)}', *(['--guided'] if guided else [])]
        commands.append(['--mode=features', f'--workdir={run}', *flags, f'--output={folder}'])
    pairs = [image for pair in zip(images[: len(layers)], images[len(layers) :], strict=True) for image in pair]
    rows = [[layer['layer'], *map(_text, (layer[key] for key in _ABOUT))] for layer in told['layers']]
    columns = ['layer', 'map', 'channels', 'pixels that a unit sees']
    notes = [
        f'{told["images"]} held-out images, of which a channel shows at most nine, one activation of each.',
        'These networks have strides or means in place of max-pooling, so that nothing in a plain projection depends '
        'on the image: the nine of a channel are alike but at borders. The guided ones differ '
        '(Springenberg et al. 2015).',
    ]
    return Drawn(pairs, Table(columns, rows), {}, commands, notes)


def _text(value):
    return ' x '.join(map(str, value)) if isinstance(value, list) else f'{value}'


def _some(run: Path, most: int) -> list[str]:
    """Layers of `--mode=features` that see more than single pixels, at most so many, the first left out."""
    subject = open_subject(run)
    filters = {'/'.join(path): x for path, x in flatten_dict(subject.variables['params']).items() if x.ndim == 4}
    paths = [
        layer.path
        for layer in choose_layers(subject, ())
        if any(name.startswith(f'{layer.path}/') and max(x.shape[:2]) > 1 for name, x in filters.items())
    ]
    return [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, most + 1).round().astype(int)[1:])]
