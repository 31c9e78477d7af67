"""Whether a colorizer's colours vary as much with the noise as they should: 1 if they do, 0 if they do not at all."""

from pathlib import Path

import numpy as np

from gans.sweep.measures.chroma_variety import chroma, variants

BETTER, DIGITS = '', 3


def measure(folder: Path) -> float:
    """The root mean square difference in chroma of two outputs for one image, divided by that of output and original.

    The original is one of the colourings that its gray image may have. If outputs are draws from the same distribution,
    an output is as far from another one as from the original, and the ratio is 1. The images are those of
    `chroma_variety`. 0 if the generator has no noise, NaN if it is shown no image or always gives the original.

    Raises:
      UserError: as `chroma_variety.measure`.
    """
    between, off = [], []
    for original, outputs in variants(folder):
        found = chroma(outputs)
        between.append(2 * np.var(found, axis=0, ddof=1).mean())
        off.append(np.square(found - chroma(original)).mean())
    return float(np.sqrt(np.mean(between) / np.mean(off))) if np.any(off) else float('nan')
