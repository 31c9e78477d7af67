"""How far samples are from real images in the eyes of a classifier, for generators whose images belong to classes."""

import json
from pathlib import Path

from gans.evaluation.classes import FRECHET
from gans.evaluation.samples import SAMPLES
from gans.evaluation.stored import FILE

BETTER, DIGITS = 'lower', 1


def measure(folder: Path) -> float:
    """The Frechet distance of the classifier's features, as the run's evaluation has it; NaN without classes."""
    return of_classes(folder, FRECHET)


def of_classes(folder: Path, name: str) -> float:
    """A number that the evaluation of a run has of the classes of its samples; NaN if it has none."""
    found = json.loads((folder / FILE).read_text()).get('classes', {})
    value = found.get('rows', {}).get(SAMPLES, {}).get(name, {}).get('mean')
    return float('nan') if value is None else float(value)
