"""How good a classifier of acceptable and unacceptable images is on held-out ones: numbers, for JSON and for people."""

import math
from collections.abc import Mapping

import numpy as np

from gans.labelling.labels_file import CLASSES
from gans.metrics import bootstrap
from gans.metrics.calibration import calibration_error, reliability

KEPT = (0.5, 0.8, 0.95)  # thresholds that are told of; figure 8 of the source has 0.95


def measure(found: np.ndarray, which: np.ndarray, trained_on: np.ndarray) -> dict:
    """The measured part of the JSON.

    Args:
      found: float [N, 2], how probable each class is for the held-out images.
      which: int [N], their classes.
      trained_on: int [M], the classes of the images that it was trained on.
    """
    said = found.argmax(axis=1)
    constant = int(np.bincount(trained_on, minlength=len(CLASSES)).argmax())
    good = which == 0
    bins = reliability(np.clip(found[:, 0], 0, 1), good)
    return {
        'images': {'trained_on': _counts(trained_on), 'held_out': _counts(which)},
        'shares': {name: count / len(which) for name, count in _counts(which).items()},
        'accuracy': _interval(said == which),
        'constant': {'answer': CLASSES[constant], 'accuracy': float((which == constant).mean())},
        'confusion': {name: _counts(said[which == k]) for k, name in enumerate(CLASSES)},
        'calibration': {
            'of': CLASSES[0],
            'error': calibration_error(bins),
            'bins': [{name: _finite(value) for name, value in one._asdict().items()} for one in bins],
        },
        'kept': [_kept(found[:, 0], good, least) for least in KEPT],
    }


def describe(report: Mapping) -> list[str]:
    """What `measure` found, as lines for people."""
    images, right, constant = report['images'], report['accuracy'], report['constant']
    width = max(map(len, CLASSES))
    spread = '' if right['low'] is None else f' [{right["low"]:.3f}, {right["high"]:.3f}]'
    lines = [
        f'Trained on {_listed(images["trained_on"])}; measured on held-out ones: {_listed(images["held_out"])}.',
        '',
        f'accuracy              {right["mean"]:.3f}{spread} (95 % bootstrap interval)',
        f'of a constant answer  {constant["accuracy"]:.3f} ({constant["answer"]})',
        f'calibration error     {report["calibration"]["error"]:.3f} (expected calibration error, 10 bins)',
        '',
        f'{"":{width + 3}}{"".join(f"called {name:<{width + 2}}" for name in CLASSES)}'.rstrip(),
    ]
    for name, called in report['confusion'].items():
        lines.append(f'{name:<{width + 3}}{"".join(f"{called[other]:<{width + 9}}" for other in CLASSES)}'.rstrip())
    lines.append('')
    for one in report['kept']:
        held = f'{one["kept"]} of {one["of"]} held-out images exceed {one["above"]}'
        lines.append(f'{held}, {one["acceptable"]} of them {CLASSES[0]}.' if one['kept'] else f'{held}.')
    return lines


def _counts(which):
    return dict(zip(CLASSES, np.bincount(which, minlength=len(CLASSES)).tolist(), strict=True))


def _interval(right):
    found = bootstrap.interval(right.astype(np.float64))
    return {'mean': found.value, 'low': _finite(found.low), 'high': _finite(found.high), 'count': found.count}


def _kept(probabilities, good, least):
    kept = probabilities > least
    return {'above': least, 'of': len(kept), 'kept': int(kept.sum()), 'acceptable': int((kept & good).sum())}


def _listed(counts):
    return ', '.join(f'{count} {name}' for name, count in counts.items())


def _finite(value):
    return value if math.isfinite(value) else None
