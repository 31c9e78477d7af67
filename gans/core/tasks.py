"""Tasks: one image to what the two players get, on the device.

A task sees one example: a key and a float32 image [H, W, 3] in [-1, 1]. Whoever calls it maps it over a batch with
a key for each example, so that an example's flip, boxes and noise do not depend on the number of devices.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtri

from gans.errors import UserError, closest
from gans.image import ops
from gans.nn.noise import DISTRIBUTIONS
from gans.types import Array, Inputs, Task

VARIANCES = {'uniform': 1 / 3, 'normal': 1.0}  # of each number of such a latent; the means are 0
QUANTILES = {'uniform': lambda p: 2 * p - 1, 'normal': ndtri}  # probability -> the number that is not exceeded with it


def colorize(latent: int, flip: bool, unpaired: bool = False) -> Task:
    """Gray image (BT.601 luma) and a random vector in, colour image out. Source: the flower CGAN post, remark v.

    Args:
      latent: the length of the noise vector, 0 for none.
      flip: mirror half of the training images.
      unpaired: the grays and the real colour images come from disjoint halves of the training images, and the
        discriminator sees colour images alone (Curro 2016, chapter 4); else it is shown the gray image too.
    """
    draw = partial(_draw_gray, latent, not unpaired)
    return Task(draw=draw, augment=partial(_augment, flip), parts=2 if unpaired else 1)


def inpaint(latent: int, flip: bool, boxes: int, min_side: float, max_side: float) -> Task:
    """An image with boxes of random size, colour and place in, the whole image out (figure 1 of the CGAN post).

    The boxes are drawn anew at every visit of an image, where the paper prepared three masked versions of each.

    Args:
      latent: the length of the noise vector, 0 for none.
      flip: mirror half of the training images.
      boxes: how many boxes an image gets.
      min_side: the shortest box side as a fraction of the image's height (or width).
      max_side: the longest.
    """
    draw = partial(_draw_boxed, latent, boxes, min_side, max_side)
    return Task(draw=draw, augment=partial(_augment, flip))


def generate(
    latent: int, distribution: str, flip: bool, rotate: bool, hue: float, saturation: float, value: float
) -> Task:
    """A random latent in, an image out; the real image is only what the discriminator compares with.

    Source: the post on DCGANs, WGANs and BEGANs, "Face and flower image generation": latents uniform per component,
    training images varied by mirroring, 90 degree rotations and HSV modulation. The post gives no amounts.

    Args:
      latent: the length of the latent.
      distribution: 'uniform' in [-1, 1] per component, or 'normal'.
      flip: mirror half of the training images.
      rotate: turn them by 0, 90, 180 or 270 degrees, equally often; square images only.
      hue: the hue moves by at most this part of its circle, up to 0.5, either way.
      saturation: the saturation is multiplied by 1 - this to 1 + this, and clipped; up to 1.
      value: the same for the value (brightness).

    Raises:
      UserError: a distribution or an amount that does not exist; and, when it is used, `rotate` of oblong images.
    """
    if distribution not in DISTRIBUTIONS:
        raise UserError(
            f'config.task.distribution is {distribution!r}: choose one of {sorted(DISTRIBUTIONS)}'
            f'{closest(str(distribution), DISTRIBUTIONS)}.'
        )
    if latent < 1:
        raise UserError(f'config.task.latent is {latent}: a generator without an image needs at least one number.')
    for name, amount, most in (('hue', hue, 0.5), ('saturation', saturation, 1.0), ('value', value, 1.0)):
        if not 0 <= amount <= most:
            raise UserError(f'config.task.{name} is {amount}: give 0 (unchanged) to {most}.')
    draw = partial(_draw_latent, DISTRIBUTIONS[distribution], latent)
    return Task(draw=draw, augment=partial(_vary, flip, rotate, (hue, saturation, value)))


def cover_with_boxes(key: Array, image: Array, boxes: int, min_side: float, max_side: float):
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


def _draw_gray(latent, shown, key, image):
    gray = ops.luma(image)
    return Inputs(gen=_with_noise(key, latent, {'image': gray}), real=image, cond=gray if shown else None)


def _draw_boxed(latent, boxes, min_side, max_side, key, image):
    boxing, noise = jax.random.split(key)
    boxed, mask = cover_with_boxes(boxing, image, boxes, min_side, max_side)
    return Inputs(gen=_with_noise(noise, latent, {'image': boxed}), real=image, cond=boxed, mask=mask)


def _draw_latent(distribution, latent, key, image):
    return Inputs(gen={'latent': distribution(key, (latent,))}, real=image)


def _with_noise(key, latent, inputs):
    return inputs | {'latent': jax.random.normal(key, (latent,))} if latent else inputs


def _augment(flip, key, image):
    if not flip:
        return image
    return jnp.where(jax.random.bernoulli(key), image[:, ::-1], image)


def _vary(flip, rotate, modulation, key, image):
    """Mirrored, turned, recoloured; what is off is no part of the program."""
    chance = jax.random.uniform(key, (6,))
    if flip:
        image = jnp.where(chance[0] < 0.5, image[:, ::-1], image)
    if rotate:
        height, width, _ = image.shape
        if height != width:
            raise UserError(
                f'config.task.rotate needs square images, these have {height}x{width}: give one number as '
                'config.size, or --config.task.rotate=False.'
            )
        image = jnp.where(chance[1] < 0.5, jnp.rot90(image, 2), image)
        image = jnp.where(chance[2] < 0.5, jnp.rot90(image), image)
    if any(modulation):
        hue, saturation, value = jnp.array(modulation) * (2 * chance[3:] - 1)
        image = ops.modulate_hsv(image, hue, 1 + saturation, 1 + value)
    return image
