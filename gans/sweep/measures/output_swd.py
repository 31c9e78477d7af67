"""How far a generator's answers are, as a set, from the originals: for those that are shown an image."""

from pathlib import Path

import numpy as np

from gans.evaluation.paired import answers_of
from gans.image import ops
from gans.metrics import swd
from gans.run.trained import load_run, open_images

BETTER, DIGITS = 'lower', 2

IMAGES = 400  # held-out images, at most


def measure(folder: Path) -> float:
    """The sliced Wasserstein distance of the outputs for the held-out images to the originals, times 1000.

    The mean over scales, as `--mode=evaluate` has it for samples. Patches come from the same places of outputs and
    originals, so that outputs equal to the originals have 0. Unlike an error of pixels it does not reward blurred
    outputs, which lack the patches with detail. Images are as they are stored (uint8). NaN for a generator that is
    shown no image, and for images smaller than a patch.

    Raises:
      UserError: it is not a run, or its images are not there.
      Failure: outputs that are not finite.
    """
    run = load_run(folder)
    if run.game.task.from_noise or min(run.game.size) < swd.PATCH:
        return float('nan')
    answers = answers_of(run, open_images(run))
    count = min(answers.count, IMAGES)

    def chunks(which):
        for inputs, outputs in answers(np.arange(count)):
            yield ops.to_float(np.asarray(ops.to_uint8((inputs.real, outputs)[which])))

    originals, outputs = (swd.clouds(chunks(which), count) for which in (0, 1))
    return 1000 * float(np.mean(list(swd.distances(originals, outputs).values())))
