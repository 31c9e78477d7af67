"""Edits of latents that are found by measuring what moves along principal directions change in images.

In place of a person who looks at every direction and says what it does, as for figures 10 to 12 of "Synthesizing Face
and Flower Images via DCGANs, WGANs and BEGANs" (2018). An edit is named after the number that it raises and claims no
more. The same run gives the same edits.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gans.core.programs import once
from gans.core.sampling import paint
from gans.image import ops
from gans.image.batching import in_batches
from gans.latent import space
from gans.latent.drawings import Painter
from gans.latent.space import Edit, Space
from gans.metrics import colour
from gans.progress import progress

SEEDS = tuple(range(16))  # latents that are moved while edits are looked for
OTHERS = tuple(range(1000, 1064))  # latents on which what an edit changes is measured in the end
DISTANCE = 3.0  # root eigenvalues that an edit moves a latent by

_BATCH = 16
_LEAST = 1e-6  # a deviation that is divided by


class Property(NamedTuple):
    """What an edit is named after.

    Attributes:
      name: 'lightness'.
      what: what is measured, in a few words.
      measure: images float [N, H, W, 3] in [-1, 1] -> [N].
    """

    name: str
    what: str
    measure: Callable[[jax.Array], jax.Array]


def _lightness(images):
    return 127.5 * (1 + ops.luma(images).mean((1, 2, 3)))


def _red(images):
    return 127.5 * ops.rgb_to_yuv(images)[..., 2].mean((1, 2))


def _symmetry(images):
    light = ops.luma(images)
    light -= light.mean((1, 2), keepdims=True)
    return (light * light[:, :, ::-1]).sum((1, 2, 3)) / jnp.maximum((light**2).sum((1, 2, 3)), 1e-6)


def _middle(images):
    light = 127.5 * ops.luma(images)[..., 0]
    inside = light[:, *(slice(side // 4, side - side // 4) for side in light.shape[1:])]
    among = inside[0].size / light[0].size
    middle, whole = inside.mean((1, 2)), light.mean((1, 2))
    return middle - (whole - among * middle) / (1 - among)


PROPERTIES: Mapping[str, Property] = {
    'lighter': Property('lightness', 'mean luma, 0 to 255', _lightness),
    'more_colourful': Property('colourfulness', 'colourfulness of Hasler and Suesstrunk 2003', colour.colourfulness),
    'redder': Property('red', 'mean V of BT.601: red less luma', _red),
    'more_symmetric': Property('symmetry', 'correlation of luma with that of the mirrored image', _symmetry),
    'lighter_middle': Property('middle', 'mean luma of the middle half of both sides less that around it', _middle),
}  # by the names of the edits


class Measure:
    """The properties of a generator's images, as they would be stored but for rounding: latents -> numbers."""

    def __init__(self, painter: Painter):
        self._size = painter.size
        measured = once(painter.game, 'properties', lambda: jax.jit(partial(_measured, painter.game)))
        self._measured = partial(measured, painter.state)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Latents [..., Z] -> float64 [..., P], P in the order of PROPERTIES; images are dropped batch by batch."""
        rows = np.reshape(points, (-1, self._size)).astype(np.float32)
        return in_batches(self._measured, rows, _BATCH).astype(np.float64).reshape(*np.shape(points)[:-1], -1)


def find_edits(painter: Painter, measure: Measure) -> dict[str, Edit]:
    """For each property a direction and a side of it: the one that raises it most, but no direction serves two.

    1. The latents of SEEDS are flattened along one direction, then moved by DISTANCE roots of its eigenvalue to either
       side. The properties are measured on the images before and after. What has changed, a mean over the latents in
       standard deviations of the property over samples, is the effect.
    2. Of all effects of all directions and sides the largest is taken: its direction and side are the edit of its
       property. Then the largest of what is left, without that direction and that property, and so on.

    Returns:
      the edits in the order of PROPERTIES; none for a property that no direction raises.
    """
    latents = painter.latents(SEEDS)
    return choose_directions(effects_of_directions(painter.space, measure, latents) / deviations(measure, latents))


def choose_directions(sides: np.ndarray) -> dict[str, Edit]:
    """The second step of `find_edits`.

    Args:
      sides: [K, 2, P], the effects of -DISTANCE and DISTANCE roots along each direction.
    """
    left, chosen = np.array(sides), {}
    while (left > 0).any():
        k, side, i = np.unravel_index(left.argmax(), left.shape)
        chosen[list(PROPERTIES)[i]] = {int(k): DISTANCE if side else -DISTANCE}
        left[k], left[:, :, i] = 0, 0
    return {name: chosen[name] for name in PROPERTIES if name in chosen}


def effects_of_directions(space_: Space, measure: Callable, latents: np.ndarray) -> np.ndarray:
    """[K, 2, P]: what -DISTANCE and DISTANCE roots along each of K directions change, a mean over latents [N, Z]."""
    found = []
    with progress('measuring directions', len(space_.directions), 'directions') as advance:
        for k in range(len(space_.directions)):
            moves = [{k: -DISTANCE}, {k: DISTANCE}]
            found.append(effects(space_, measure, latents, moves)[:, -1])
            advance(1)
    return np.array(found)


def best_sums(painter: Painter, measure: Measure, edits: Mapping[str, Edit], count: int) -> list[str]:
    """The names, + between them, of the `count` sums of two edits whose weaker property rises most, on SEEDS."""
    pairs = list(itertools.combinations(edits, 2))
    if not pairs:
        return []
    latents = painter.latents(SEEDS)
    sums = [space.combine([edits[name] for name in pair]) for pair in pairs]
    found = effects(painter.space, measure, latents, sums)[:, -1] / deviations(measure, latents)
    places = list(PROPERTIES).index
    weaker = [min(own[places(a)], own[places(b)]) for own, (a, b) in zip(found, pairs, strict=True)]
    return ['+'.join(pairs[i]) for i in np.argsort(-np.array(weaker), kind='stable')[:count]]


def deviations(measure: Measure, latents: np.ndarray) -> np.ndarray:
    """[P], the standard deviation of each property over the images of latents [N, Z]."""
    return np.maximum(measure(latents).std(axis=0), _LEAST)


def effects(
    space_: Space, measure: Callable, latents: np.ndarray, edits: Sequence[Edit], frames: int = 2
) -> np.ndarray:
    """[E, frames, P]: what each edit has changed of each property at each frame of its morph, a mean over latents.

    0 at the first frame, where latents [N, Z] are flattened only.
    """
    found = [measure(space.morph(space_, latents, edit, frames)).mean(axis=0) for edit in edits]
    return np.stack([values - values[:1] for values in found])


def _measured(game, state, latents):
    """[N, P] of latents [N, Z]."""
    images = jnp.clip(paint(game, state, {'latent': latents}), -1, 1)
    return jnp.stack([wanted.measure(images) for wanted in PROPERTIES.values()], axis=1)
