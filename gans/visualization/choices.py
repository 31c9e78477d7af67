"""What `stylize` is told: files, sizes, layers and weights, each checked; every mistake is one sentence."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from gans.data import profiles
from gans.errors import UserError, closest
from gans.features.opening import Features
from gans.image import compose, ops
from gans.image.large_image import everything, shrink
from gans.inference.image_files import irregular, read_image, shown

SIZE = 256  # pixels: the longest side of the output that has no size of its own is at most this
MOST = 4096  # pixels of a side
LEAST = 8
HEAVIEST = 10**9  # of weights: losses stay far from the end of float32
STARTS = ('content', 'noise')
WEIGHTS = {'content': 1.0, 'style': 10.0, 'variation': 3.0}  # by eye, of lite0: docs/commands.md


class Wishes(NamedTuple):
    """What to make, in the words of the command line.

    Attributes:
      content: an image file.
      style: another one.
      output: the PNG to write.
      features: the network, as `gans.features.opening.open_features` takes it.
      content_layers: the layers whose maps are kept, 'block_4', or with what each counts beside the others,
        'block_4:0.5'; () for those of `default_layers`.
      style_layers: the same for those whose Gram matrices are imitated.
      weights: 'content:1', 'style:10', 'variation:0.1'; what is left out is as in WEIGHTS.
      steps: of the optimizer.
      size: the longest side of the output in pixels; None for the content's, at most SIZE.
      style_size: the longest side that the style is scaled to, which decides how large its textures become; None for
        that of the output.
      seed: of the noise to start from.
      start: one of STARTS.
      keep_colours: the result has the content's chroma, and only its luma is new.
    """

    content: str
    style: str
    output: str
    features: str = 'lite0'
    content_layers: Sequence[str] = ()
    style_layers: Sequence[str] = ()
    weights: Sequence[str] = ()
    steps: int = 300
    size: int | None = None
    style_size: int | None = None
    seed: int = 0
    start: str = STARTS[0]
    keep_colours: bool = False


def check(wishes: Wishes) -> None:
    """Raises UserError for numbers, names and paths without sense, before anything is read."""
    if wishes.steps < 1:
        raise UserError(f'--steps={wishes.steps}: give 1 or more.')
    if wishes.seed < 0:
        raise UserError(f'--seed={wishes.seed}: give 0 or more.')
    if wishes.start not in STARTS:
        raise UserError(f'--start={wishes.start}{closest(wishes.start, STARTS)}: choose one of {", ".join(STARTS)}.')
    for flag, size in (('size', wishes.size), ('style_size', wishes.style_size)):
        if size is not None and not LEAST <= size <= MOST:
            raise UserError(f'--{flag}={size}: give the longest side in pixels, {LEAST} to {MOST}.')
    for flag, path in (('content', wishes.content), ('style', wishes.style)):
        if not os.path.lexists(path):
            raise UserError(f"There is no '{shown(path)}': give an image as --{flag}.")
        if irregular(path):
            raise UserError(f"'{shown(path)}' is {irregular(path)}: give an image as --{flag}.")
    output = Path(wishes.output)
    if output.suffix.lower() != '.png':
        raise UserError(f"'{shown(output)}' does not end in a name like STYLED.png: give the PNG to write as --output.")
    if os.path.isdir(output):
        raise UserError(f"'{shown(output)}' is a folder: give a PNG as --output.")
    if os.path.realpath(output) in (os.path.realpath(wishes.content), os.path.realpath(wishes.style)):
        raise UserError(f"'{shown(output)}' is one of the images, and it would be overwritten: give another --output.")


def read(path: str, size: int | None, most: int = MOST) -> np.ndarray:
    """Reads an image file of any mode, upright, on white where it is transparent, its colours in sRGB.

    Args:
      path: the file.
      size: what its longest side becomes, in pixels; None leaves it as it is, but makes it `most` where it is longer.
      most: see `size`.

    Returns:
      float32 [H, W, 3] in [-1, 1], whole levels of 8 bits; scaled by Lanczos' filter in its own proportions.

    Raises:
      UserError: it cannot be read, is no image, or has too many pixels.
    """
    image, carried = read_image(Path(path))
    size = size or min(max(image.size), most)
    shape = tuple(max(1, round(n * size / max(image.size))) for n in image.size)
    small = shrink(lambda window: ops.to_float(image.seen(window)), everything(image.size), shape)
    pixels = compose.quantise(small)
    profile = carried.options.get('icc_profile')
    if profile and profiles.kind(profile) == 'other' and profiles.space(profile) == ('GRAY' if image.gray else 'RGB'):
        pixels = profiles.to_srgb(pixels, profile)
    return ops.to_float(pixels)


def maps_of(features: Features, size: tuple[int, int]) -> dict[str, tuple[int, int, int]]:
    """{layer: (height, width, channels)} from the first to the last, for images of `size` (height, width).

    Raises UserError if the network cannot look at such images.
    """
    found = jax.eval_shape(features.layers, jax.ShapeDtypeStruct((1, *size, 3), np.float32))
    return {name: found[name].shape[1:] for name in features.about['layers']}


def default_layers(maps: dict[str, tuple[int, int, int]]) -> tuple[dict[str, float], dict[str, float]]:
    """The layers that are taken where none are named: ({layer: share} for the content, the same for the style).

    The style is in all layers of the three finest sizes of maps, the content in the last of these. By eye, of lite0:
    docs/commands.md.
    """
    sizes = list(dict.fromkeys(shape[:2] for shape in maps.values()))[:3]
    names = [name for name, shape in maps.items() if shape[:2] in sizes]
    return {names[-1]: 1.0}, dict.fromkeys(names, 1.0)


def shares_of(flag: str, texts: Sequence[str], known: Sequence[str]) -> dict[str, float]:
    """{name: number} of 'name' (1) and 'name:number'.

    Raises UserError for a name that is not `known` or is given twice, and for a number below 0 or above HEAVIEST;
    `flag` is named.
    """
    shares = {}
    for text in texts:
        name, colon, number = text.partition(':')
        if name not in known:
            raise UserError(f'--{flag} has {name!r}{closest(name, known)}: choose from {", ".join(known)}.')
        if name in shares:
            raise UserError(f'--{flag} has {name!r} twice: leave one out.')
        try:
            shares[name] = float(number) if colon else 1.0
        except ValueError as error:
            raise UserError(f'--{flag} has {text!r}: give a number after the colon, as in {name}:0.5.') from error
        if not 0 <= shares[name] <= HEAVIEST:
            raise UserError(f'--{flag} has {text!r}: give a number from 0 to {HEAVIEST}.')
    return shares


def layers_of(wishes: Wishes, maps: dict[str, tuple[int, int, int]]) -> tuple[dict[str, float], dict[str, float]]:
    """The layers that were chosen, by `shares_of`, or those of `default_layers`; of shares of 0 none is left.

    Raises UserError if nothing is left.
    """
    chosen = []
    for flag, texts, default in zip(
        ('content_layers', 'style_layers'),
        (wishes.content_layers, wishes.style_layers),
        default_layers(maps),
        strict=True,
    ):
        shares = shares_of(flag, texts, list(maps)) if texts else default
        shares = {name: share for name, share in shares.items() if share}
        if not shares:
            raise UserError(f'--{flag} has nothing above 0: give one layer at least, or set its weight to 0.')
        chosen.append(shares)
    return chosen[0], chosen[1]


def weights_of(wishes: Wishes) -> dict[str, float]:
    """WEIGHTS with what `--weights` says; raises UserError for what `shares_of` refuses, and where none is above 0."""
    weights = WEIGHTS | shares_of('weights', wishes.weights, list(WEIGHTS))
    if not any(weights.values()):
        raise UserError('--weights has nothing above 0: there would be nothing to do.')
    return weights
