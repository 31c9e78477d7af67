"""Does BEGAN's measure of convergence follow the quality of the samples?

Source: "Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs" (2018), figure 5; Berthelot et al. 2017.
"""

import itertools
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gans.data.batches import read_whole
from gans.evaluation.samples import draw_samples
from gans.image import ops
from gans.metrics import swd
from gans.run.checkpoint import Checkpoints
from gans.run.generate import held_out
from gans.run.trained import load_run
from gans.training.history import CONVERGENCE, series
from gans.training.metrics_files import read_metrics

BETTER, DIGITS = 'higher', 3

IMAGES = 200  # samples of a checkpoint, and held-out images, at most
FEWEST = 3  # checkpoints: with fewer there is no correlation. Twenty are a number to speak of.


def measure(folder: Path) -> float:
    """Spearman's correlation of the logged measure with the samples' SWD to held-out images, over the checkpoints kept.

    1: checkpoints ordered by the measure are ordered by SWD too. Of the measure the mean of the log lines since the
    checkpoint before is taken. `config.checkpoint.keep` and `config.checkpoint.every` say how many checkpoints there
    are. Both numbers fall during most trainings, and that alone gives a positive correlation. NaN for runs that do not
    log the measure, and for fewer than `FEWEST` checkpoints.

    Raises:
      UserError: it is not a run, or its images are not there.
      Failure: samples that are not finite.
    """
    curves = series(read_metrics(folder))
    with Checkpoints(folder, read_only=True) as checkpoints:
        steps = checkpoints.steps()
    if CONVERGENCE not in curves or len(steps) < FEWEST:
        return float('nan')
    logged, values = curves[CONVERGENCE]
    since = [values[(logged > before) & (logged <= step)] for before, step in itertools.pairwise((0, *steps))]
    means = [part.mean() if len(part) else np.nan for part in since]
    return spearman(means, swd_of_checkpoints(folder, steps))


def swd_of_checkpoints(folder: Path, steps: list[int]) -> list[float]:
    """The SWD of the samples of these checkpoints to the same held-out images, times 1000. Raises as `measure`."""
    shown = held_out(load_run(folder, steps[0]))
    count = min(len(shown.ids), IMAGES)
    real = swd.clouds([ops.to_float(read_whole(shown.source, shown.ids[:count]))], count)
    found = []
    for step in steps:
        samples = ops.to_float(draw_samples(load_run(folder, step), count))
        found.append(1000 * float(np.mean(list(swd.distances(swd.clouds([samples], count, 1), real).values()))))
    return found


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Spearman's rank correlation of two sequences [N], ties at their mean rank, pairs with a NaN left out.

    NaN for fewer than `FEWEST` pairs, and if one of the two is constant.
    """
    from scipy.stats import rankdata

    pairs = np.array([a, b], np.float64)
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    if pairs.shape[1] < FEWEST or (np.ptp(pairs, axis=1) == 0).any():
        return float('nan')
    return float(np.corrcoef([rankdata(values) for values in pairs])[0, 1])
