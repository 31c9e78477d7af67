"""Edits of latents that are found by measuring what moves along principal directions do to the images.

A documented stand-in for somebody who looks at each direction and says what it does, which is how figures 10 to 12 of
"Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs" (2018) came about. An edit is named after the number
that it raises, and claims no more than that. Everything follows from the run and the seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gans.core.sampling import paint
from gans.image import ops
from gans.image.batching import in_batches
from gans.latent import space
from gans.latent.drawings import Painter
from gans.latent.space import Edit, Space
from gans.metrics import colour, pixels
from gans.progress import progress

SEEDS = tuple(range(16))  # latents that are moved while edits are looked for
OTHERS = tuple(range(1000, 1064))  # latents on which what an edit changes is measured in the end
DISTANCE = 3.0  # root eigenvalues that an edit moves a latent by
PARTS = 3  # directions of an edit at most

_BATCH = 16


def _lightness(images):
    return 127.5 * (1 + ops.luma(images).mean((1, 2, 3)))


def _redness(images):
    return 127.5 * ops.rgb_to_yuv(images)[..., 2].mean((1, 2))


def _symmetry(images):
    return -255 * pixels.l1(images, images[:, :, ::-1])


def _light_middle(images):
    height, width = images.shape[1:3]
    light = 127.5 * ops.luma(images)[..., 0]
    rows, columns = (slice(side // 4, side - side // 4) for side in (height, width))
    inside, whole = light[:, rows, columns], height * width
    count = inside.shape[1] * inside.shape[2]
    middle = inside.sum((1, 2)) / count
    return middle - (light.sum((1, 2)) - inside.sum((1, 2))) / (whole - count)


# The edits' names -> (what is measured, images float [N, H, W, 3] in [-1, 1] -> [N], in levels of 0 to 255).
PROPERTIES: Mapping[str, tuple[str, Callable]] = {
    'lighter': ('mean luma', _lightness),
    'colourful': ('colourfulness (Hasler and Suesstrunk 2003)', colour.colourfulness),
    'redder': ('mean V of BT.601, red against the rest', _redness),
    'symmetric': ('less the mean absolute difference of left and right', _symmetry),
    'light_middle': ('mean luma of the middle half of both sides, less that of the border', _light_middle),
}


class Measure:
    """The properties of a generator's images, as they would be stored but for rounding: latents -> numbers."""

    def __init__(self, painter: Painter):
        self._size = painter.size
        self._measured = partial(jax.jit(partial(_measured, painter.game)), painter.state)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Latents [..., Z] -> float64 [..., P], P in the order of PROPERTIES; images are dropped batch by batch."""
        rows = np.reshape(points, (-1, self._size)).astype(np.float32)
        return in_batches(self._measured, rows, _BATCH).astype(np.float64).reshape(*np.shape(points)[:-1], -1)


def find_edits(painter: Painter, measure: Measure) -> dict[str, Edit]:
    """For each property the edit that raises it most, of moves of one length; no edit for one that none raises.

    1. The latents of SEEDS are flattened along one direction, then moved by DISTANCE roots of its eigenvalue to either
       side. The property is measured on the images before and after: what has changed, a mean over the latents, is the
       direction's effect, its better side the one that counts.
    2. The direction with the largest effect alone, the two and the three with the largest ones together (in proportion
       to their effects, the length still DISTANCE) are measured in the same way. The move with the largest effect is
       the edit.
    """
    latents = painter.latents(SEEDS)
    sides = effects_of_directions(painter.space, measure, latents)
    edits = {}
    for i, name in enumerate(PROPERTIES):
        moves = candidates(sides[..., i])
        if moves:
            found = effects(painter.space, measure, latents, moves)[:, -1, i]
            edits[name] = moves[int(found.argmax())]
    return edits


def effects_of_directions(space_: Space, measure: Callable, latents: np.ndarray) -> np.ndarray:
    """[K, 2, P]: what -DISTANCE and DISTANCE roots along each of K directions change, a mean over latents [N, Z]."""
    found = []
    with progress('measuring directions', len(space_.directions)) as advance:
        for k in range(len(space_.directions)):
            moves = [{k: -DISTANCE}, {k: DISTANCE}]
            found.append(effects(space_, measure, latents, moves)[:, -1])
            advance(1)
    return np.array(found)


def candidates(sides: np.ndarray) -> list[dict[int, float]]:
    """Edits of length DISTANCE along the one, two, ... PARTS directions whose better side raises a property most.

    Args:
      sides: [K, 2], what -DISTANCE and DISTANCE roots along each direction change of the property.

    Returns:
      edits with directions in their order; none if no side raises it.
    """
    gains, signs = sides.max(axis=1), np.where(sides[:, 1] >= sides[:, 0], 1, -1)
    best = [k for k in np.argsort(-gains, kind='stable')[:PARTS] if gains[k] > 0]
    found = []
    for count in range(1, len(best) + 1):
        some = sorted(best[:count])
        amounts = DISTANCE * signs[some] * gains[some] / np.linalg.norm(gains[some])
        found.append({int(k): round(float(amount), 3) for k, amount in zip(some, amounts, strict=True)})
    return found


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
    return jnp.stack([measure(images) for _, measure in PROPERTIES.values()], axis=1)
