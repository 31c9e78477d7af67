"""The verb `features`: what the channels of a trained discriminator or classifier look for, drawn as files.

Source: Zeiler and Fergus 2014, section 4 and figure 2.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from gans.data.batches import read_whole
from gans.data.content import seeds
from gans.data.files import check_no_file, printable
from gans.errors import UserError
from gans.image import files
from gans.image.batching import in_batches
from gans.progress import progress
from gans.sets.opening import is_among
from gans.visualization import montage
from gans.visualization.activations import MOST, Strongest, at_once, find_strongest, key_of
from gans.visualization.deconvnet import project
from gans.visualization.fields import Fields, receptive_fields
from gans.visualization.subject import Layer, choose_layers, open_subject

FILE = 'features.json'
CHANNELS = 8  # of a layer if none are named


class Found(NamedTuple):
    """What is drawn of a layer: its units, their receptive fields, and the channels."""

    layer: Layer
    strongest: Strongest
    fields: Fields
    channels: list[int]


def features(
    workdir: str | Path,
    output: str | Path | None = None,
    layers: Sequence[str] = (),
    channels: Sequence[str] = (),
    moved_to: str | None = None,
    guided: bool = False,
) -> str:
    """Draws the nine strongest activations of chosen channels over the held-out images, one for each image.

    Writes a montage for each layer (PNG) and `features.json`, each whole or not at all.

    Args:
      workdir: the folder of a run or of a classifier.
      output: the folder for the files; `features` in that folder by default.
      layers: their paths; by default the convolutions, as `choose_layers` has them.
      channels: numbers from 0, of every layer; by default the eight whose strongest activation differs most from image
        to image, by its standard deviation.
      moved_to: where the images of the training are now, if not where they were then; for a classifier: the images.
      guided: projections that depend on the image in every network (`gans.visualization.deconvnet`).

    Returns:
      what was written, for people.

    Raises:
      UserError: anything that the user can mend, before anything is drawn.
    """
    target = Path(output).expanduser() if output else Path(workdir).expanduser() / 'features'
    check_no_file(target)
    if moved_to and is_among(target, moved_to):
        raise UserError(
            f"'{printable(str(target))}' is inside of --input, and the montages would become images of it: give "
            'another folder as --output.'
        )
    subject = open_subject(workdir, moved_to)
    chosen = choose_layers(subject, layers)
    wanted = _read_channels(channels, chosen, subject)
    files.check_folder(target)
    shape = subject.inputs()[0].shape[:2]
    batch = at_once(shape)
    fields = receptive_fields(subject, chosen, batch)
    strongest = find_strongest(subject, chosen, batch)
    found = [
        Found(layer, strong, seen, wanted or most_varied(strong))
        for layer, strong, seen in zip(chosen, strongest, fields, strict=True)
    ]
    run = jax.jit(partial(_project, subject, [layer.path for layer in chosen], guided))
    names = _draw(partial(run, subject.variables), subject, found, shape, batch, target)
    rules = {
        'projection': 'guided' if guided else 'deconvnet',
        'channels': 'as given' if wanted else 'those of the largest spread',
    }
    files.write_json(target / FILE, rules | _as_json(subject, found, shape, names))
    return _describe(subject, found, shape, names, target)


def most_varied(strongest: Strongest) -> list[int]:
    """The channels whose strongest activation differs most from image to image, the most varied first."""
    return np.argsort(-strongest.spread, kind='stable')[:CHANNELS].tolist()


def _read_channels(texts, layers, subject):
    """The numbers that --channels gives, each once; raises UserError for one that a layer does not have."""
    numbers = []
    for text in texts:
        if not (text.isascii() and text.isdigit()):
            raise UserError(f'--channels has {text!r}: give whole numbers from 0, separated by commas.')
        for layer in layers:
            if int(text) >= layer.shape[-1]:
                raise UserError(
                    f'--channels has {text}, but the layer {layer.path} of {subject.folder} has the channels 0 to '
                    f'{layer.shape[-1] - 1}: give some of these, or name other --layers.'
                )
        numbers.append(int(text))
    return list(dict.fromkeys(numbers))


def _draw(run, subject, found, shape, batch, target):
    """Writes the montages; returns their names."""
    total = sum(one.strongest.images[one.channels].size for one in found)
    names = []
    with progress('projecting', total, 'activations') as advance:
        for number, one in enumerate(found):
            blocks = []
            for channel in one.channels:
                blocks.append(_block(run, subject, one, number, channel, shape, batch))
                advance(len(blocks[-1]))
            names.append(f'{one.layer.path.replace("/", ".")}.png')
            titles = [f'channel {channel}' for channel in one.channels]
            files.save_png(target / names[-1], montage.layer_montage(blocks, titles))
    return names


def _project(subject, paths, guided, variables, words, images, layers, places, channels):
    """(inputs, projections), each float [n, h, w, C] for each input of the network, of the units of n images."""

    def one(words, image, *unit):
        inputs = subject.see(key_of(words), image)
        return inputs, project(subject, paths, variables, inputs, *unit, guided)

    return jax.vmap(one)(words, images, layers, places, channels)


def _block(run, subject, one, number, channel, shape, batch):
    """The tiles of a channel's activations, uint8 [n, tiles, h, w, 3]."""
    images, places = one.strongest.images[channel], one.strongest.places[channel]
    ids = subject.ids[images]
    stored = read_whole(subject.source, ids, subject.threads)
    units = [np.full(len(ids), number), places, np.full(len(ids), channel)]
    rows = (seeds(subject.source, ids), stored, *(unit.astype(np.int32) for unit in units))
    inputs, projections = in_batches(lambda rows: run(*rows), rows, min(batch, MOST))
    tiles = []
    for i, place in enumerate(places):
        field = one.fields.of(place)
        patches, signals = (tuple(np.float32(x[i][field]) for x in made) for made in (inputs, projections))
        tiles.append(montage.panels(montage.Shown(patches, signals), one.fields.size, field, shape))
    return np.stack(tiles)


def _as_json(subject, found, shape, names):
    """What was found. `spread`: the standard deviation over the images of a channel's largest activation in each."""
    return {
        subject.what: printable(str(subject.folder)),
        **subject.about,
        'data': printable(subject.source.where),
        'images': len(subject.ids),
        'size': list(shape),
        'scale': 'each projection by its largest absolute value; gray is 0',
        'layers': [
            {
                'layer': one.layer.path,
                'montage': name,
                'map': list(one.layer.shape[:-1]),
                'channels_in_all': one.layer.shape[-1],
                'receptive_field': list(one.fields.size),
                'channels': [_channel_as_json(subject, one, channel) for channel in one.channels],
            }
            for one, name in zip(found, names, strict=True)
        ],
    }


def _channel_as_json(subject, one, channel):
    """The activations of a channel, the strongest first; a receptive field is [from, to) in pixels of the input."""
    strongest, width = one.strongest, len(one.fields.columns)
    activations = []
    for value, image, place in zip(*(x[channel] for x in strongest[:3]), strict=True):
        rows, columns = one.fields.of(place)
        activations.append(
            {
                'image': subject.source.key(int(subject.ids[image])).hex(),
                'place': [int(place) // width, int(place) % width],
                'value': float(value),
                'rows': [rows.start, rows.stop],
                'columns': [columns.start, columns.stop],
            }
        )
    return {'channel': channel, 'spread': float(strongest.spread[channel]), 'activations': activations}


def _describe(subject, found, shape, names, target):
    count = len(subject.ids)
    at = f', step {subject.about["step"]}' if 'step' in subject.about else ''
    images = 'held-out images' if at else 'images'
    few = f'Only {count} for each channel, one for each image, in place of {MOST}.' if count < MOST else ''
    return '\n'.join(
        [
            f'{printable(subject.folder.resolve().name)}{at}: the {subject.what} on {count} {images} of '
            f'{printable(subject.source.where)}.',
            *([few] if few else []),
            *(
                f'{name}: channels {", ".join(map(str, one.channels))} of {one.layer.shape[-1]}; a unit sees '
                f'{one.fields.size[0]} x {one.fields.size[1]} of {shape[0]} x {shape[1]} pixels.'
                for one, name in zip(found, names, strict=True)
            ),
            f'All in {target}, with {FILE}.',
        ]
    )
