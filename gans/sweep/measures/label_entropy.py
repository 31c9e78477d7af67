"""How evenly samples are spread over the classes of the real images, for example digits."""

from pathlib import Path

from gans.evaluation.classes import ENTROPY
from gans.sweep.measures.class_frechet import of_classes

BETTER, DIGITS = 'higher', 3


def measure(folder: Path) -> float:
    """The entropy in nats of the classes that a classifier sees, of the run's evaluation; NaN without classes."""
    return of_classes(folder, ENTROPY)
