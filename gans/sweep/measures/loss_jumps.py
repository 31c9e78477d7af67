"""How often the losses of the two players jump during training.

Source: "Gradually Increasing Image Resolution During GAN Training" (2018), remark v and figure 2.
"""

from pathlib import Path

from gans.metrics.jumps import jumps
from gans.training.history import LOSSES, series
from gans.training.metrics_files import read_metrics

BETTER, DIGITS = 'lower', 1


def measure(folder: Path) -> float:
    """The jumps of the generator's and of the discriminator's loss, as `gans.metrics.jumps` counts them, added.

    Losses are those of the log lines: with fewer lines (`config.log.every`) there is less that can jump.

    Raises:
      UserError: a folder without log lines.
    """
    curves = series(read_metrics(folder))
    return float(sum(jumps(curves[name].values) for name in LOSSES if name in curves))
