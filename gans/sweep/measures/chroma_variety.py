"""How much the colours differ that a colorizer gives one image with different noise.

Source: "Inpainting and Colorizing Flower Pictures via Conditional Image GANs" (2018), figures 8a and 8b: noise in the
bottleneck "to encourage synthetic image variety".
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gans.data.batches import read_whole
from gans.image import ops
from gans.run.generate import Sampler, held_out
from gans.run.trained import load_run

BETTER, DIGITS = 'higher', 4

IMAGES = 64  # held-out images, at most
VARIANTS = 8  # outputs for each of them


def measure(folder: Path) -> float:
    """The root mean square distance of an output's chroma from the mean of the outputs for the same image.

    Over pixels, `VARIANTS` outputs and `IMAGES` held-out images, in units of rgb in [0, 1], where U spans +-0.436 and V
    +-0.615; unbiased. 0 if the generator has no noise, NaN if it is shown no image.

    Raises:
      UserError: it is not a run, or its images are not there.
    """
    found = [np.var(chroma(outputs), axis=0, ddof=1).sum(-1).mean() for _, outputs in variants(folder)]
    return float(np.sqrt(np.mean(found))) if found else float('nan')


def variants(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields held-out images, uint8 [H, W, 3], each with what the generator makes of it, uint8 [`VARIANTS`, H, W, 3].

    Nothing for a generator that is shown no image. Raises as `measure`.
    """
    run = load_run(folder)
    if run.game.task.from_noise:
        return
    shown = held_out(run)
    shown = shown._replace(ids=shown.ids[:IMAGES])
    sampler, count = Sampler(run, shown=shown), len(shown.ids)
    rounds = VARIANTS if sampler.most is None else 1  # else nothing that the generator gets is random
    outputs = np.concatenate(list(sampler(np.arange(rounds * count)))).reshape(rounds, count, *run.game.size, 3)
    for place, original in enumerate(read_whole(shown.source, shown.ids)):
        yield original, np.broadcast_to(outputs[:, place], (VARIANTS, *original.shape))


def chroma(images: np.ndarray) -> np.ndarray:
    """U and V of uint8 images [..., 3] in units of rgb in [0, 1]: float64 [..., 2]."""
    return np.asarray(ops.rgb_to_yuv(ops.to_float(images) / 2)[..., 1:], np.float64)
