"""Inpainting: an image with boxes over it in, the whole image out (figure 1 of the flower CGAN post)."""

from collections.abc import Callable, Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gans.image import compose, ops
from gans.image.large_image import LargeImage, bounds, section, windows
from gans.metrics import measures
from gans.nn.noise import latent_input
from gans.types import Array, Inputs, Latents, OnFiles, PairedEvaluation, Task

MOST_PARTS = 16  # a mask of more parts than this is filled in one go


def make(latent: int, flip: bool, boxes: int, min_side: float, max_side: float) -> Task:
    """An image with boxes of random size, colour and place in, the whole image out.

    The boxes are drawn anew at every visit of an image, where the paper prepared three masked versions of each.

    Args:
      latent: the length of the noise vector, 0 for none.
      flip: mirror half of the training images.
      boxes: how many boxes an image gets.
      min_side: the shortest box side as a fraction of the image's height (or width).
      max_side: the longest.
    """
    return Task(
        draw=partial(_draw, latent, boxes, min_side, max_side),
        augment=partial(ops.random_flip, flip),
        latents=Latents(latent),
        evaluation=PairedEvaluation(
            measures=measures.WHOLE | {f'{name} in boxes': measure for name, measure in measures.IN_MASK.items()},
            main='L1 in boxes',
            baselines=('input', 'border mean'),
            rows=_rows,
        ),
        on_files=OnFiles(partial(paint, max_side), masked=True, traced=paint_traced),
    )


def cover_with_boxes(key: Array, image: Array, boxes: int, min_side: float, max_side: float) -> tuple[Array, Array]:
    """Covers parts of an image [H, W, 3] with boxes of one random colour each.

    Every box lies inside the image; its sides are uniform in [min_side, max_side] of the image's.

    Returns:
      (image [H, W, 3], mask [H, W, 1]: 1 where a box lies).
    """
    height, width, _ = image.shape
    rows, columns = jnp.arange(height)[:, None], jnp.arange(width)[None, :]
    # One draw for everything: every call of the generator of random numbers is a piece of program to compile.
    chance = jax.random.uniform(key, (boxes, 7))
    extent = jnp.array([height, width])
    sides = jnp.round(extent * (min_side + (max_side - min_side) * chance[:, 0:2]))
    firsts = jnp.floor(chance[:, 2:4] * (extent - sides + 1))
    mask = jnp.zeros((height, width, 1), image.dtype)
    for side, first, colour in zip(sides, firsts, 2 * chance[:, 4:7] - 1, strict=True):
        last = first + side
        inside = (rows >= first[0]) & (rows < last[0]) & (columns >= first[1]) & (columns < last[1])
        image = jnp.where(inside[..., None], colour, image)
        mask = jnp.maximum(mask, inside[..., None].astype(mask.dtype))
    return image, mask


def _draw(latent: int, boxes: int, min_side: float, max_side: float, key: Array, image: Array) -> Inputs:
    boxing, noise = jax.random.split(key)
    boxed, mask = cover_with_boxes(boxing, image, boxes, min_side, max_side)
    return Inputs(gen={'image': boxed} | latent_input(noise, latent), real=image, cond=boxed, mask=mask)


def _rows(_: None, inputs: Inputs, output: np.ndarray) -> dict[str, np.ndarray]:
    boxed, mask = inputs.gen['image'], inputs.mask
    filled = [compose.fill_border(image, m[..., 0]) for image, m in zip(boxed, mask, strict=True)]
    return {
        'input': boxed,
        'border mean': np.stack(filled),
        'output': output,
        'output, pasted': np.where(mask > 0.5, output, boxed),
    }


def paint(share: float, network: Callable, image: LargeImage, mask: np.ndarray) -> Iterator[LargeImage]:
    """The image with what the network makes of the true parts of its mask, bool [H, W].

    Every connected part of the mask is filled with its border's mean colour and shown to the network in a section of
    the image of its own, so large that the part takes `share` of a side, which is what was trained, or as much of the
    image as there is.
    """
    labels, places = compose.connected(mask)
    means = compose.border_means(lambda window: ops.to_float(image.seen(window)), labels, places)
    labels = labels.astype(np.min_scalar_type(len(places)))
    if len(places) > MOST_PARTS:
        parts = [(0, bounds(mask))]
    else:
        parts = list(enumerate(places, 1))
    del mask  # a byte per pixel

    def look(window):
        values, part = ops.to_float(image.seen(window)), labels[window]
        values[part > 0] = means[part[part > 0] - 1]
        return values

    answers = [network(look, section(place, image.size, network.shape, share)) for _, place in parts]
    for variant in range(network.variants):
        result = image if variant == network.variants - 1 else image.copy()
        for (number, place), answer in zip(parts, answers, strict=True):
            output = answer(variant)
            for window in windows(place):
                part = labels[window] == number if number else labels[window] > 0
                result.put(window, compose.quantise(output[window]), part)
        yield result


def paint_traced(network: Callable[[Array], Array], images: Array, masks: Array) -> Array:
    """`paint` for images [N, H, W, 3] of the network's size and masks [N, H, W, 1]: what is outside stays as it is."""
    return jnp.where(masks > 0.5, network(ops.fill_border(images, masks)), images)
