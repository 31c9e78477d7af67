"""How far a generator's outputs are behind the discriminator's inputs, which are blurred less and less.

Source: "Gradually Increasing Image Resolution During GAN Training" (2018), figure 4: "a delay of approximately 125
epochs between input and output pictures with comparable" blurriness, of 500 epochs.
"""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gans.config.shapes import shape_of
from gans.core.build import make_task
from gans.image import ops
from gans.run.trained import read_config
from gans.training.history import read_sample_grid, sample_grid_paths

BETTER, DIGITS = '', 3


def measure(folder: Path) -> float:
    """The mean delay as a fraction of training, of a run from noise: `delay` of its sample grids.

    A grid has the samples of a step (as they are, of the averaged generator if there is one), and real images as the
    discriminator sees them at that step. There should be many grids while the blur shrinks (`config.log.grids`), with
    many images (`config.log.grid_images`).

    Returns:
      NaN for a run without blur, and for one whose generator is shown images.

    Raises:
      UserError: it is not a run, or its sample grids cannot be read.
    """
    config = read_config(folder)
    if not make_task(config.task).from_noise:
        return float('nan')
    times, inputs, outputs = [], [], []
    for step, path in sample_grid_paths(folder).items():
        tiles = read_sample_grid(step, path, shape_of(config), True).tiles
        samples = tiles[:-1].reshape(-1, *tiles.shape[2:])[: config.log.grid_images]  # then free places may follow
        times.append(step / config.steps)
        inputs.append(detail(tiles[-1]).mean())
        outputs.append(detail(samples).mean())
    return delay(times, inputs, outputs)


def delay(times: ArrayLike, inputs: ArrayLike, outputs: ArrayLike) -> float:
    """How long ago the inputs were as blurred as the outputs are now: the mean over the outputs.

    The time at which inputs had a given detail is read from the straight lines between the points of their curve; where
    the curve rests on a level, it is the end of the rest, the last time at which they were so blurred. Left out are the
    outputs of time 0, which an untrained generator made, and those with no less detail than the sharpest inputs, or no
    more than the first ones: no input compares with them. Outputs that are sharper than the inputs of their time have
    a negative delay.

    Args:
      times: [N] from 0 to 1, rising.
      inputs: [N], the detail of the inputs at these times, rising but for noise.
      outputs: [N], the detail of the outputs.

    Returns:
      NaN if no output compares with an input.
    """
    times, inputs, outputs = (np.asarray(values, np.float64) for values in (times, inputs, outputs))
    if len(times) < 2:
        return float('nan')
    highest = np.maximum.accumulate(inputs)
    compared = (times > 0) & (outputs > highest[0]) & (outputs < highest[-1])
    if not compared.any():
        return float('nan')
    return float(np.mean(times[compared] - np.interp(outputs[compared], highest, times)))


def detail(images: np.ndarray) -> np.ndarray:
    """How fine the details of images are, uint8 [N, H, W, 3] -> [N]: the higher, the less blurred.

    The root mean square difference of neighbouring pixels, divided by the standard deviation of all pixels, of the luma
    averaged over 2 x 2 pixels. Neither brightness nor contrast matters. White noise blurred by a Gaussian of standard
    deviation s has about sqrt(2) / s, with s in pixels. The averages are there because transposed convolutions leave a
    grid of single pixels in the samples, which the discriminator does not see through the blur. 0 without any contrast.
    """
    luma = np.asarray(ops.luma(ops.to_float(images)), np.float64)[..., 0]
    count, height, width = luma.shape
    luma = luma[:, : height // 2 * 2, : width // 2 * 2].reshape(count, height // 2, 2, width // 2, 2).mean((2, 4))
    change = np.mean([np.square(np.diff(luma, axis=axis)).mean((1, 2)) for axis in (1, 2)], axis=0)
    variance = luma.var((1, 2))
    return np.sqrt(np.divide(change, variance, out=np.zeros(count), where=variance > 0))
