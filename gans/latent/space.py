"""The geometry of latent spaces: walks, principal directions, edits and sums. Arrays in, arrays out, in float64.

Source: "Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs" (2018), "Synthetic image manipulation";
Radford et al. 2016 (sums); White 2016, "Sampling Generative Networks" (arcs). Z is the length of a latent.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gans.errors import UserError

Edit = Mapping[int, float]  # direction -> how far to go along it, in roots of its eigenvalue
_MOST = 2**32 - 1  # the greatest seed
_PARALLEL = 1e-6  # sines below are those of no angle


class Space(NamedTuple):
    """A space of latents by its mean and the principal directions of its covariance.

    Attributes:
      mean: [Z].
      eigenvalues: [Z], the variances along the directions, largest first.
      directions: [Z, Z], unit eigenvectors as rows; the component with the largest absolute value is positive.
    """

    mean: np.ndarray
    eigenvalues: np.ndarray
    directions: np.ndarray

    @property
    def alike(self) -> bool:
        """Whether all directions have one variance, so that their order and they themselves mean nothing."""
        return bool(np.ptp(self.eigenvalues) <= 1e-5 * self.eigenvalues[0])


class Term(NamedTuple):
    """A part of a sum of latents: its sign (1 or -1), and the seeds whose latents' mean it is."""

    sign: int
    seeds: tuple[int, ...]


def moments(latent: Callable, size: int, variance: float) -> tuple[np.ndarray, np.ndarray]:
    """(mean [Z], covariance [Z, Z]) of `latent(latent)`, an affine map of independent latents.

    Args:
      latent: latents [N, Z] -> latents [N, Z], row by row: b + latent A.
      size: Z.
      variance: of each of a latent's numbers, whose mean is 0.

    Returns:
      b and variance * A^T A.
    """
    # A by its derivative: latent(1) - latent(0) would lose what is small beside the mean.
    means, rows = jax.jvp(latent, (jnp.zeros((size, size)),), (jnp.eye(size),))
    rows = np.asarray(rows, np.float64)
    return np.asarray(means[0], np.float64), variance * rows.T @ rows


def principal(mean: np.ndarray, cov: np.ndarray) -> Space:
    """The space of latents with a mean [Z] and a covariance [Z, Z] (figure 9 of the post).

    Where eigenvalues are equal, any turn of their directions would do as well; those of a multiple of the identity are
    the components in their order.
    """
    values, columns = np.linalg.eigh(np.asarray(cov, np.float64))
    order = np.argsort(-values, kind='stable')
    directions = columns.T[order]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    # Rounding makes the variance of a direction that is not used a little negative.
    return Space(np.asarray(mean, np.float64), np.maximum(values[order], 0), directions * np.sign(largest))


def lerp(first: np.ndarray, last: np.ndarray, frames: int) -> np.ndarray:
    """The straight walk [frames, Z] from a latent [Z] to another, both ends included.

    This is the walk for latents of a BEGAN, or of any space whose variances differ: what lies between two points of
    an ellipsoid lies in it. An arc around the mean keeps its distance also where it turns to directions of small
    variance, and there that distance is far outside.
    """
    part = _parts(frames)
    return (1 - part) * first + part * last


def slerp(first: np.ndarray, last: np.ndarray, frames: int, centre: np.ndarray | float = 0.0) -> np.ndarray:
    """The walk [frames, Z] along the great circle around `centre` from a latent [Z] to another, at equal angles.

    With a, b the ends seen from the centre and w the angle between: (sin((1 - t) w) a + sin(t w) b) / sin(w) (White
    2016, "Interpolation"). Noise of many dimensions lies near a sphere, whose inside a straight walk would cross. Where
    a and b lie on one line there is no such circle, and the walk is straight.
    """
    a, b = np.asarray(first, np.float64) - centre, np.asarray(last, np.float64) - centre
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    angle = np.arccos(np.clip(a @ b / lengths, -1, 1)) if lengths else 0.0
    if np.sin(angle) < _PARALLEL:
        return lerp(first, last, frames)
    part = _parts(frames)
    return centre + (np.sin((1 - part) * angle) * a + np.sin(part * angle) * b) / np.sin(angle)


def along(space: Space, direction: int, amounts: np.ndarray) -> np.ndarray:
    """Latents [N, Z] on the line through the mean along a direction, at `amounts` [N] roots of its eigenvalue."""
    return space.mean + np.asarray(amounts)[:, None] * offset(space, {direction: 1.0})


def flatten(space: Space, latents: np.ndarray, which: Sequence[int]) -> np.ndarray:
    """Latents [N, Z] without what they have, relative to the mean, along the directions `which`; the rest stays."""
    directions = space.directions[list(which)]
    return latents - (latents - space.mean) @ directions.T @ directions


def offset(space: Space, edit: Edit) -> np.ndarray:
    """How far [Z] an edit moves a latent: the sum of its directions, each times its amount and root eigenvalue."""
    which = list(edit)
    amounts = np.array([edit[k] for k in which], np.float64)
    return (amounts * np.sqrt(space.eigenvalues[which])) @ space.directions[which]


def combine(edits: Sequence[Edit]) -> dict[int, float]:
    """The edit that does all of `edits`: amounts along one direction are added (figure 11)."""
    return {k: sum(edit.get(k, 0.0) for edit in edits) for k in sorted({k for edit in edits for k in edit})}


def morph(space: Space, latents: np.ndarray, edit: Edit, frames: int) -> np.ndarray:
    """[N, frames, Z]: from latents [N, Z] flattened along the edit's directions to edited ones (figures 10, 12)."""
    neutral = flatten(space, latents, list(edit))
    return neutral[:, None] + _parts(frames) * offset(space, edit)


def add_up(terms: Sequence[Term], means: np.ndarray) -> np.ndarray:
    """The sum [Z] of the terms' mean latents [K, Z] with their signs (Radford et al. 2016, section 6.3.2).

    With as many pluses as minuses and one more (a - b + c) the sum is again a latent of the space; otherwise it
    lies elsewhere by multiples of the mean.
    """
    return np.array([term.sign for term in terms]) @ means


def read_terms(text: str) -> list[Term]:
    """The terms of '0,1,2-3,4,5+6,7,8'; raises UserError if the text is none."""
    plain = re.sub(r'\s', '', text)
    terms = re.findall('([+-])([^+-]*)', plain if plain[:1] in ('+', '-') else f'+{plain}')
    if not all(seeds for _, seeds in terms):
        raise UserError(
            f'--arithmetic={text!r} has a sign without seeds: write seeds and signs, for example 0,1,2-3,4,5+6,7,8.'
        )
    return [
        Term(-1 if sign == '-' else 1, tuple(read_integers(seeds.split(','), 'arithmetic'))) for sign, seeds in terms
    ]


def read_integers(words: Sequence[str], flag: str, most: int = _MOST) -> list[int]:
    """The whole numbers, 0 to `most`, that a flag lists; raises UserError at the first word that is none."""
    for word in words:
        if not re.fullmatch(r'\s*[0-9]+\s*', word) or int(word) > most:
            raise UserError(f'--{flag} has {word.strip()!r}: give whole numbers from 0 to {most}, separated by commas.')
    return [int(word) for word in words]


def _parts(frames):
    """[frames, 1] from 0 to 1."""
    return np.linspace(0, 1, frames)[:, None]
