"""An image in the style of others: figure 11 of Curro 2016, by `--mode=stylize` on images that are drawn here."""

import json

import numpy as np

from gans.data.sources import embedded
from gans.errors import UserError
from gans.features.lite0 import open_features
from gans.image import files, grids
from gans.reproduce.types import Drawn, Place, Table
from gans.visualization.choices import Wishes
from gans.visualization.stylize import stylize

_SIDES = {'tiny': 32, 'bare': 128, 'paper': 128}  # pixels, by scale
_STEPS = {'tiny': 4, 'bare': 300, 'paper': 300}
_FLOWER = 1  # which of the embedded images is the content
_STROKE = 10  # pixels to each side


def draw(place: Place) -> Drawn:
    """A row for each style: content, style, and what each network makes of them.

    The discriminator of the run always looks; EfficientNet-Lite0 (`lite0`), which was trained to tell objects apart as
    the VGG-Net of Gatys et al. was, looks too where it is installed. The scale 'tiny' has one style and no Lite0.
    """
    networks, notes = {'discriminator': f'discriminator:{place.runs[0]}'}, []
    if place.scale != 'tiny' and _is_installed(notes):
        networks['lite0'] = 'lite0'
    side, content = _SIDES[place.scale], place.folder / 'content.png'
    files.save_png(content, embedded.open_source((side, side), 0)[_FLOWER])
    lines, rows, commands = [], [], []
    styles = list(STYLES)[: 1 if place.scale == 'tiny' else None]  # each is compiled
    for name in styles:
        style = place.folder / f'style_{name}.png'
        files.save_png(style, STYLES[name](side, np.random.default_rng(0)))
        line = [content, style]
        for network, features in networks.items():
            output = place.folder / f'{name}_{network}.png'
            words = dict(content=str(content), style=str(style), output=str(output), features=features)
            words['steps'] = _STEPS[place.scale]
            stylize(Wishes(**words))
            line.append(output)
            rows.append([f'{name}, {network}', *_losses(output.with_name(f'{output.stem}_losses.json'))])
            commands.append(['--mode=stylize', *(f'--{flag}={value}' for flag, value in words.items())])
        lines.append([_pixels(path) for path in line])
    path = place.folder / 'styled.png'
    columns = [np.stack(column) for column in zip(*lines, strict=True)]
    files.save_png(path, grids.montage(columns, ['content', 'style', *networks]))
    losses = ['whole loss before', 'after', 'style before', 'after', 'content after']
    return Drawn(
        images=[(path, f'A drawn flower in the styles of {", ".join(styles)}, by {" and by ".join(networks)}.')],
        table=Table(['style, network', *losses], rows),
        commands=commands,
        notes=[
            *notes,
            'Losses are relative: a network whose layers were all 0 would have 1 for content, 10 for style.',
        ],
    )


def _is_installed(notes):
    try:
        open_features()
        return True
    except UserError as error:
        notes.append(f'Only the discriminator looked: {error}')
        return False


def _pixels(path):
    from PIL import Image

    return np.asarray(Image.open(path))


def _losses(path):
    """The first and last losses of the record that `stylize` writes, for the table."""
    losses = json.loads(path.read_text())['losses']
    first, last = losses[0], losses[-1]
    return [f'{x:.3g}' for x in (first['total'], last['total'], first['style'], last['style'], last['content'])]


def _swirls(side, rng):
    """Strokes of blue, white and yellow that turn around some centres: noise, smeared along the strokes."""
    y, x = np.mgrid[:side, :side].astype(float)
    down, across, glow = np.zeros((side, side)), np.full((side, side), 0.3), np.zeros((side, side))
    for row, column in side * rng.random((6, 2)):
        near = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (0.15 * side) ** 2)
        down, across, glow = down + near * (x - column), across - near * (y - row), np.maximum(glow, near**2)
    length = np.hypot(down, across) + 1e-9
    noise, stroke = rng.random((side, side)), 0
    for way in (1, -1):
        row, column = y.copy(), x.copy()
        for _ in range(_STROKE):
            place = np.rint(row).astype(int) % side, np.rint(column).astype(int) % side
            stroke = stroke + noise[place] / (2 * _STROKE)
            row, column = row + way * (down / length)[place], column + way * (across / length)[place]
    stroke = np.clip(0.5 + 4 * (stroke - stroke.mean()), 0, 1)[..., None]
    night, sky, star = np.array([[20, 35, 90], [150, 190, 225], [250, 220, 90]])
    return _stored(night + stroke * (sky + glow[..., None] * (star - sky) - night))


def _mosaic(side, rng):
    """Bright pieces with dark joints between them, as in a church window."""
    points, colours = side * rng.random((70, 2)), rng.integers(0, 2, (70, 3)) * 160 + rng.integers(20, 90, (70, 3))
    y, x = np.mgrid[:side, :side]
    distances = np.hypot(y[..., None] - points[:, 0], x[..., None] - points[:, 1])
    nearest = np.sort(distances, axis=-1)
    return _stored(colours[distances.argmin(axis=-1)] * (nearest[..., 1] - nearest[..., 0] > 2.5)[..., None])


def _dots(side, rng):
    """Dots of pure colours on cream."""
    image = np.full((side, side, 3), [245, 235, 215], float)
    colours = np.array([[220, 60, 40], [240, 170, 30], [40, 110, 170], [60, 150, 80], [120, 60, 140]])
    y, x = np.mgrid[:side, :side]
    for _ in range(900):
        row, column = side * rng.random(2)
        image[np.hypot(y - row, x - column) < side * 0.018] = colours[rng.integers(len(colours))]
    return _stored(image)


def _stored(image):
    return np.rint(np.clip(image, 0, 255)).astype(np.uint8)


STYLES = {'swirls': _swirls, 'mosaic': _mosaic, 'dots': _dots}
