"""Augmentation of what a discriminator sees: random changes that real and generated images get alike.

A discriminator that sees few real images learns them by heart. If both kinds of images are changed at random in front
of it, it cannot, and the generator learns nothing of the changes: its images are changed too (Zhao et al. 2020,
"Differentiable Augmentation for Data-Efficient GAN Training", section 3.2). All of it has a gradient by the image.

An augmentation is a function (key, chosen, image [H, W, C]) -> image: as it is, to the bit, where `chosen` is False.
The ranges are those of the paper's code, whose images are in [-1, 1] too.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from gans.errors import UserError, closest

Array = jax.Array


def colour(key: Array, chosen: Array, image: Array) -> Array:
    """Other brightness, saturation and contrast, in this order; not clipped.

    x + b; m + s (x - m), m the mean of a pixel's channels; M + c (x - M), M the mean of the image. b is uniform in
    [-0.5, 0.5], s in [0, 2] and c in [0.5, 1.5].
    """
    brightness, saturation, contrast = jax.random.uniform(key, (3,)) + jnp.array([-0.5, 0.0, 0.5])
    varied = _from_mean(image + brightness, 2 * saturation, axis=-1)
    return jnp.where(chosen, _from_mean(varied, contrast, axis=None), image)


def translation(key: Array, chosen: Array, image: Array) -> Array:
    """Shifted by whole pixels, up to an eighth of each side either way; zeros where nothing is shifted in."""
    most = [_rounded(side, 8) for side in image.shape[:2]]
    shift = jax.random.randint(key, (2,), -jnp.array(most), jnp.array(most) + 1)
    down, right = jnp.where(chosen, shift, 0)
    padded = jnp.pad(image, [(side, side) for side in (*most, 0)])
    return jax.lax.dynamic_slice(padded, (most[0] - down, most[1] - right, 0), image.shape)


def cutout(key: Array, chosen: Array, image: Array) -> Array:
    """Zeros in a rectangle of half of each side. Its middle may be anywhere, so that parts of it may be outside."""
    height, width, _ = image.shape
    rows, columns = (_covered(k, side) for k, side in zip(jax.random.split(key), (height, width), strict=True))
    hidden = chosen & rows[:, None, None] & columns[None, :, None]
    return jnp.where(hidden, 0, image)


AUGMENTATIONS = {'colour': colour, 'translation': translation, 'cutout': cutout}


def compose(names: Sequence[str]) -> Callable[[Array, Array, Array], Array]:
    """(key, probability, image [H, W, C]) -> image, each augmentation with this probability, on its own.

    They follow each other in the order of `AUGMENTATIONS`, and each draws from a key of its own. So whatever is
    changed with the same key is shifted and cut alike, whatever its channels are.

    Args:
      names: keys of `AUGMENTATIONS`.

    Raises:
      UserError: no tuple of such names.
    """
    known = ', '.join(AUGMENTATIONS)
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise UserError(
            f"config.augment is {names!r}: give a tuple of names, ('translation',) for example, of {known}."
        )
    for name in names:
        if name not in AUGMENTATIONS:
            near = closest(name, AUGMENTATIONS)
            raise UserError(f'config.augment has {name!r}, which is no augmentation{near}: choose of {known}.')
    wanted = [(place, vary) for place, (name, vary) in enumerate(AUGMENTATIONS.items()) if name in names]

    def apply(key: Array, probability: Array, image: Array) -> Array:
        for place, vary in wanted:
            chance, amounts = jax.random.split(jax.random.fold_in(key, place))
            image = vary(amounts, jax.random.uniform(chance) < probability, image)
        return image

    return apply


def _from_mean(image, factor, axis):
    mean = jnp.mean(image, axis=axis, keepdims=True)
    return mean + factor * (image - mean)


def _covered(key, side):
    """Which of `side` places an interval of half as many covers, bool [side]."""
    half = _rounded(side, 2)
    middle = jax.random.randint(key, (), 0, side + 1 - half % 2)
    place = jnp.arange(side) - (middle - half // 2)
    return (place >= 0) & (place < half)


def _rounded(side, parts):
    """side / parts to the nearest whole number, halves upwards."""
    return (2 * side + parts) // (2 * parts)
