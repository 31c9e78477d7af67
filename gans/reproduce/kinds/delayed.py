"""What the discriminator sees above what the generator makes, and how far these are behind in sharpness."""

import math

from gans.reproduce.kinds import evolution
from gans.reproduce.types import Drawn, Place
from gans.sweep.measures.blur_delay import measure


def draw(place: Place) -> Drawn:
    """The kind `evolution` of a run from noise, with the number 'delay', a fraction of training.

    Source: "Gradually Increasing Image Resolution During GAN Training" (2018), figure 4.
    """
    made, delay = evolution.draw(place), measure(place.runs[0])
    told = 'no output compares with an input' if math.isnan(delay) else round(delay, 3)
    note = 'Delay: how long ago inputs had the detail that outputs have now, the mean over sample grids.'
    return made._replace(numbers={**made.numbers, 'delay': told}, notes=[*made.notes, note])
