"""Measures of whole sets of images, shared by `evaluate` and `measure`: one look at the images, then numbers.

Images pass by in chunks. In memory stay their patches for the sliced Wasserstein distance, at 16 pixels what copies are
found by, the MS-SSIM of pairs, their mean spectrum, and what the caller keeps of each chunk.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gans.evaluation.tables import over_sets
from gans.image import batching, ops
from gans.metrics import swd
from gans.metrics.checkerboard import spectrum
from gans.metrics.diversity import pairwise_ms_ssim
from gans.metrics.neighbours import shrink

DIVERSITY, DISTANCE, CHECKERBOARD = 'MS-SSIM of pairs', 'SWD', 'checkerboard'

_CHUNK = 2**20  # bytes of images that are looked at together


class Seen(NamedTuple):
    """What is kept of a set of images that passed by.

    Attributes:
      clouds: its patches, as `swd.clouds` has them.
      diversity: MS-SSIM of pairs, float [n // 2]; [0] where they were left out.
      small: small versions of the images, as `neighbours.shrink` has them; [0] where they were left out.
      power: their mean spectrum, as `checkerboard.spectrum` has it.
      kept: what the caller wanted of each chunk, in order.
    """

    clouds: dict[int, np.ndarray]
    diversity: np.ndarray
    small: np.ndarray
    power: np.ndarray
    kept: list


def chunk_of(shape: tuple[int, int]) -> int:
    """How many images (height, width) are looked at together: an even number, at least 2."""
    return max(2, _CHUNK // (3 * shape[0] * shape[1]) // 2 * 2)


def look(
    chunks: Iterable[np.ndarray],
    count: int,
    seed: int = 0,
    whole: bool = True,
    keep: Callable[[np.ndarray], Any] | None = None,
) -> Seen:
    """Looks once at `count` images.

    Args:
      chunks: uint8 [n, H, W, 3]; all but the last are equally many, and even.
      count: how many images they are.
      seed: of the places of the patches.
      whole: whether pairs and small versions are looked at too.
      keep: what to keep of each chunk.
    """
    diversity, small, power, kept = [np.zeros(0)], [], [], []
    chunks, longest = iter(chunks), 0

    def passing():
        nonlocal longest
        for chunk in chunks:
            longest = max(longest, len(chunk))
            floats = ops.to_float(chunk)
            power.append(spectrum(floats) * (len(chunk) / count))
            if whole:
                small.append(shrink(chunk))
            if whole and len(chunk) > 1:
                pairs = pairwise_ms_ssim(batching.fill(floats, longest))  # one shape to compile for
                diversity.append(np.asarray(pairs)[: len(chunk) // 2])
            if keep is not None:
                kept.append(keep(chunk))
            yield floats

    clouds = swd.clouds(passing(), count, seed=seed)
    small = np.concatenate(small) if small else np.zeros(0)
    return Seen(clouds, np.concatenate(diversity), small, sum(power), kept)


def distances_over(found: Sequence[Mapping[int, float]]) -> dict[str, dict]:
    """Sliced Wasserstein distances of some pairs of sets, {size: distance} each, times 1000, for JSON.

    By measure, the mean over sizes first: mean, lowest and highest.
    """
    by_name = {DISTANCE: [np.mean(list(one.values())) for one in found]}
    by_name |= {f'{DISTANCE} {size} px': [one[size] for one in found] for size in found[0]}
    return {name: over_sets([1000 * value for value in values]) for name, values in by_name.items()}
