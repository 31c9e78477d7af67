"""Inpainting: an image with holes in it in, the whole image out (figure 1 of the flower CGAN post)."""

from collections.abc import Callable, Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gans.errors import UserError, closest
from gans.image import compose, ops
from gans.image.holes import SHAPES, cover
from gans.image.large_image import LargeImage, bounds, section, windows
from gans.metrics import measures
from gans.nn.noise import latent_input
from gans.types import Array, Inputs, Latents, OnFiles, PairedEvaluation, Task

MOST_PARTS = 16  # a mask of more parts than this is filled in one go

_COVERED = 0.1  # of a scaled pixel: with more of the hole in it, the pixel is not known


def make(
    latent: int,
    flip: bool,
    boxes: int,
    min_side: float,
    max_side: float,
    holes: str = 'boxes',
    show_mask: bool = False,
) -> Task:
    """An image with holes of random size and place in, the whole image out.

    The holes are drawn anew at every visit of an image, where the paper prepared three masked versions of each. As in
    the paper each is covered with a random colour, the networks have to find them, and the generator makes the known
    part of the image anew too, unless `show_mask` is set.

    Args:
      latent: the length of the noise vector, 0 for none.
      flip: mirror half of the training images.
      boxes: how many holes an image gets.
      min_side: the shortest side of the box that a hole is in, as a fraction of the image's height (or width).
      max_side: the longest.
      holes: their shape, 'boxes' or 'strokes' of a brush.
      show_mask: both players see where the holes are, in a fourth channel, and mid-gray there; the image is finished
        with the known pixels, so that the generator makes what is in the holes and nothing else. Source: Suvorov et al.
        2022, "Resolution-robust Large Mask Inpainting with Fourier Convolutions", section 2.

    Raises:
      UserError: another shape.
    """
    if holes not in SHAPES:
        raise UserError(
            f'config.task.holes is {holes!r}{closest(str(holes), SHAPES)}: choose one of {", ".join(SHAPES)}.'
        )
    hide = partial(cover, shape=holes, count=boxes, min_side=min_side, max_side=max_side)
    seen = 'gray in boxes' if show_mask else 'input'  # not one row where runs of both kinds are compared
    task = Task(
        draw=partial(_draw, latent, hide, show_mask),
        vary=partial(ops.random_flip, flip),
        latents=Latents(latent),
        evaluation=PairedEvaluation(
            measures=measures.WHOLE | {f'{name} in boxes': measure for name, measure in measures.IN_MASK.items()},
            main='L1 in boxes',
            baselines=(seen, 'border mean'),
            rows=partial(_rows, seen),
        ),
        on_files=OnFiles(
            partial(paint, max_side, show_mask=show_mask),
            masked=True,
            traced=partial(paint_traced, show_mask=show_mask),
        ),
    )
    return task._replace(finish=keep_known) if show_mask else task


def masked(image: Array, mask: Array) -> Array:
    """An image [..., 3], mid-gray where `mask` [..., 1] is 1, and the mask as a fourth channel, -1 or 1: [..., 4]."""
    return jnp.concatenate([image * (1 - mask), 2 * mask - 1], axis=-1)


def keep_known(gen: dict[str, Array], output: Array) -> Array:
    """`output` [N, H, W, 3] in the holes of `masked` images, `gen['image']`, and their own pixels elsewhere.

    Both parts are linear in the image and the mask, so that a blurred image and its blurred mask give what the blurred
    real image would be, were the output right.
    """
    image, mask = gen['image'][..., :3], (gen['image'][..., 3:] + 1) / 2
    return image + mask * output


def _draw(latent: int, hide: Callable, show_mask: bool, key: Array, image: Array) -> Inputs:
    boxing, noise = jax.random.split(key)
    shown, mask = hide(boxing, image)
    if show_mask:
        shown = masked(image, mask)
    return Inputs(gen={'image': shown} | latent_input(noise, latent), real=image, cond=shown, mask=mask)


def _rows(seen: str, _: None, inputs: Inputs, output: np.ndarray) -> dict[str, np.ndarray]:
    boxed, mask = inputs.gen['image'][..., :3], inputs.mask
    filled = [compose.fill_border(image, m[..., 0]) for image, m in zip(boxed, mask, strict=True)]
    return {
        seen: boxed,
        'border mean': np.stack(filled),
        'output': output,
        'output, pasted': np.where(mask > 0.5, output, boxed),
    }


def paint(
    share: float, network: Callable, image: LargeImage, mask: np.ndarray, show_mask: bool = False
) -> Iterator[LargeImage]:
    """The image with what the network makes of the true parts of its mask, bool [H, W].

    Every connected part of the mask is filled with its border's mean colour and shown to the network in a section of
    the image of its own, so large that the part takes `share` of a side, which is what was trained, or as much of the
    image as there is. With `show_mask` the network sees `masked` images: all parts in the section are holes.
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
        if not show_mask:
            return values
        return np.concatenate([values, np.where(part > 0, np.float32(1), np.float32(-1))[..., None]], axis=-1)

    show = (_as_trained,) if show_mask else ()
    answers = [network(look, section(place, image.size, network.shape, share), *show) for _, place in parts]
    for variant in range(network.variants):
        result = image if variant == network.variants - 1 else image.copy()
        for (number, place), answer in zip(parts, answers, strict=True):
            output = answer(variant)
            for window in windows(place):
                part = labels[window] == number if number else labels[window] > 0
                result.put(window, compose.quantise(output[window]), part)
        yield result


def _as_trained(small: np.ndarray) -> np.ndarray:
    """A scaled image with its scaled mask [h, w, 4] as in training: a pixel is either known or in a hole.

    What was scaled has soft edges and, by Lanczos' filter, ripples of a few hundredths beside them.
    """
    hidden = small[..., 3:] > 2 * _COVERED - 1
    return np.asarray(masked(small[..., :3], hidden.astype(np.float32)))


def paint_traced(network: Callable[[Array], Array], images: Array, masks: Array, show_mask: bool = False) -> Array:
    """`paint` for images [N, H, W, 3] of the network's size and masks [N, H, W, 1]: what is outside stays as it is."""
    shown = masked(images, masks) if show_mask else ops.fill_border(images, masks)
    return jnp.where(masks > 0.5, network(shown), images)
