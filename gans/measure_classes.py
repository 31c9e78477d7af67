"""Measures for generators whose pictures belong to classes, digits say: which of them do samples show?

The judge is a classifier that is trained on the labels of the run's own training pictures, anew for every evaluation:
that takes less than half a minute, and the same pictures give the same judge, so that runs on one set can be compared.
How often it is right of pictures that neither it nor a generator was trained on stands beside its numbers.
"""

from collections.abc import Mapping

import numpy as np

from gans import classifier
from gans.build import open_labels
from gans.data.batches import read_whole
from gans.metrics import bootstrap, classes
from gans.metrics.frechet import frechet
from gans.runs import Experiment
from gans.tables import as_json, cell, over_sets, spread, table

COVERED, ENTROPY, CONFIDENCE, FRECHET = 'classes covered', 'label entropy', 'confidence', 'Frechet distance'
MOST = 'the most there can be'

_MEASURES = {
    COVERED: {'better': 'higher', 'digits': 0},
    ENTROPY: {'better': 'higher', 'digits': 3},
    CONFIDENCE: {'better': '', 'digits': 4},
    FRECHET: {'better': 'lower', 'digits': 2},
}
_NOTE = (
    'Covered are classes with at least a tenth of an equal share; entropy in nats; confidence: the mean probability\n'
    'of the likeliest class, with its 95 % bootstrap interval. The Frechet distance is that of its features to those\n'
    'of held-out pictures (of training pictures: what a perfect generator would get); below it the lowest and the\n'
    'highest of some sets.'
)


def measure(experiment: Experiment, held_out: np.ndarray, found: Mapping[str, np.ndarray]) -> dict | None:
    """The part of the JSON that is about classes; None where the pictures have no labels.

    Args:
      experiment: whose training pictures the classifier is trained on.
      held_out: uint8 [n, H, W, 3], what features are compared with.
      found: pictures by row, uint8 [sets * n, H, W, 3]: samples, and real pictures in their place.
    """
    labels = open_labels(experiment.config)
    if labels is None:
        return None
    judge, about = _train_judge(experiment, labels)
    rows, shares = {}, {}
    real = classifier.judge(judge, held_out).features
    for row, pictures in found.items():
        judged = classifier.judge(judge, pictures)
        parts = classes.shares(judged.which, len(judge.classes))
        shares[row] = dict(zip(map(str, judge.classes.tolist()), parts.tolist(), strict=True))
        rows[row] = {
            COVERED: _alone(classes.covered(parts), len(pictures)),
            ENTROPY: _alone(classes.entropy(parts), len(pictures)),
            CONFIDENCE: as_json(bootstrap.interval(judged.confidence)),
            FRECHET: over_sets([frechet(some, real) for some in judged.features.reshape(-1, *real.shape)]),
        }
    most = {COVERED: len(judge.classes), ENTROPY: float(np.log(len(judge.classes)))}
    rows[MOST] = {name: _alone(value, 0) for name, value in most.items()}
    return {'classifier': about, 'measures': _MEASURES, 'rows': rows, 'shares': shares}


def describe(report: Mapping) -> list[str]:
    """What `measure` found, as lines for people."""
    judge, right = report['classifier'], report['classifier']['accuracy']
    parts = {
        row: ', '.join(f'{name}: {100 * part:.1f} %' for name, part in by_name.items())
        for row, by_name in report['shares'].items()
    }
    return [
        f'Classes, as a classifier sees them that was trained on the {judge["pictures"]} training pictures. Of others\n'
        f'({judge["tested_on"]}) it is right in {cell(right, 4)} {spread(right, 4)}.',
        _NOTE,
        '',
        table(report['rows'], report['measures']),
        '',
        *(f'{row} by class: {listed}' for row, listed in parts.items()),
    ]


def _train_judge(experiment, labels):
    """(a classifier of the training pictures; what there is to say of it, being tested with others)."""
    train, test = experiment.train, experiment.test
    judge = classifier.train(_read(experiment, experiment.source, train), labels.of_source[train])
    if labels.test is None:
        source, ids, known, where = experiment.source, test, labels.of_source[test], f'{len(test)} held-out pictures'
    else:
        source, ids, known, where = labels.test, np.arange(len(labels.test)), labels.of_test, labels.test.where
    unseen = _read(experiment, source, ids)
    right = classifier.accuracy(judge, classifier.judge(judge, unseen), known)
    return judge, {'pictures': len(train), 'tested_on': where, 'accuracy': as_json(bootstrap.interval(right))}


def _alone(value, count):
    """A number about a whole set, for JSON."""
    return {'mean': value, 'low': None, 'high': None, 'count': count}


def _read(experiment, source, ids):
    return read_whole(source, ids, experiment.config.data.threads)
