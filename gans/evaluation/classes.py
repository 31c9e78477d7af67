"""Measures for generators whose images belong to classes, for example digits: which of them do samples show?

The judge is a classifier that is trained on the labels of the run's own training images, for every evaluation, or once
for those of one sweep: that takes less than half a minute, and the same images give the same judge, whatever their
files are called, so that runs on one set can be compared. How often it is right of images that neither it nor a
generator was trained on stands beside its numbers; so do its numbers on such images.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from gans.data.batches import read_all
from gans.data.content import by_content
from gans.data.opening import open_labels
from gans.data.rows import Rows
from gans.evaluation import classifier
from gans.evaluation.tables import as_json, cell, over_sets, spread, table
from gans.metrics import bootstrap, classes
from gans.metrics.frechet import frechet
from gans.progress import counted, progress
from gans.run.experiment import Experiment
from gans.run.kept import once

COVERED, ENTROPY, CONFIDENCE, FRECHET = 'classes covered', 'label entropy', 'confidence', 'Frechet distance'
MOST = 'the most there can be'
SETS = 4  # sets whose distances say how far chance goes, at most

_MEASURES = {
    COVERED: {'better': 'higher', 'digits': 0},
    ENTROPY: {'better': 'higher', 'digits': 3},
    CONFIDENCE: {'better': '', 'digits': 4},
    FRECHET: {'better': 'lower', 'digits': 2},
}
_NOTE = (
    'Covered are classes with at least a tenth of an equal share; entropy in nats; confidence: the mean probability\n'
    'of the likeliest class, with its 95 % bootstrap interval. The Frechet distance is that of the features of {}\n'
    'images to those of as many held-out ones; below it the lowest and the highest of some sets. Real images,\n'
    'which say what a perfect generator would get: {}.\n'
    'Neither classifier nor generator was trained on them.'
)


class Judge(NamedTuple):
    """A classifier of an experiment's training images, and what it makes of images that it was not trained on.

    Attributes:
      classifier: the trained classifier.
      about: for JSON: on how many images it was trained, with which it was tested, how often it was right of them.
      real: what it makes of real images: those of the set's own part for testing, or the held-out ones.
      reference: float32 [n, F], features of held-out images, with which those of other sets are compared.
      others: sets of features of `real`, each float32 [n, F] and none of an image of `reference`.
    """

    classifier: classifier.Classifier
    about: dict
    real: classifier.Judgement
    reference: np.ndarray
    others: list[np.ndarray]

    def __call__(self, images: np.ndarray) -> classifier.Judgement:
        """What it makes of images uint8 [N, H, W, 3]."""
        return classifier.judge(self.classifier, images)


def open_judge(experiment: Experiment, train: np.ndarray, test: np.ndarray, most: int) -> Judge | None:
    """Trains a judge; None where the images have no labels.

    Args:
      experiment: its source and labels.
      train: the training images, in an order that their files' names do not decide.
      test: the held-out images, in such an order.
      most: how many images a set has at most.
    """
    return once(experiment.source, ('judge', most), lambda: _train_judge(experiment, train, test, most))


def _train_judge(experiment, train, test, most):
    labels = open_labels(experiment.config)
    if labels is None:
        return None
    judge = classifier.train(Rows(experiment.source, train), labels.of_source[train])
    held_out = _judge_all(judge, experiment, experiment.source, test)
    cut = held_out.features[:most]
    if labels.test is None:
        # Half of the held-out images are compared with the other half.
        real, known, where = held_out, labels.of_source[test], f'{len(test)} held-out images'
        half = len(cut) // 2
        reference, others = cut[:half], [cut[half : 2 * half]]
    else:
        ids = by_content(labels.test, np.arange(len(labels.test)))
        real, known, where = _judge_all(judge, experiment, labels.test, ids), labels.of_test[ids], labels.test.where
        reference = cut[: len(ids)]
        others = _sets(real.features, len(reference))
    right = classifier.accuracy(judge, real, known)
    about = {'images': len(train), 'tested_on': where, 'accuracy': as_json(bootstrap.interval(right))}
    return Judge(judge, about, real, reference, others)


def measure(judge: Judge, samples: classifier.Judgement) -> dict:
    """The part of the JSON that is about classes.

    Args:
      judge: of the experiment.
      samples: what it makes of all samples.
    """
    rows, shares = {}, {}
    size = len(judge.reference)
    for row, judged, sets in (
        ('samples', samples, _sets(samples.features, size)),
        ('real images', judge.real, judge.others),
    ):
        parts = classes.shares(judged.which, len(judge.classifier.classes))
        shares[row] = dict(zip(map(str, judge.classifier.classes.tolist()), parts.tolist(), strict=True))
        rows[row] = {
            COVERED: _alone(classes.covered(parts), len(judged.which)),
            ENTROPY: _alone(classes.entropy(parts), len(judged.which)),
            CONFIDENCE: as_json(bootstrap.interval(judged.confidence)),
        }
        if size > 1 and sets:  # a covariance needs two
            rows[row][FRECHET] = over_sets([frechet(some, judge.reference) for some in sets])
    known = len(judge.classifier.classes)
    rows[MOST] = {COVERED: _alone(known, 0), ENTROPY: _alone(float(np.log(known)), 0)}
    return {'classifier': judge.about, 'set': size, 'measures': _MEASURES, 'rows': rows, 'shares': shares}


def describe(report: Mapping) -> list[str]:
    """What `measure` found, as lines for people."""
    judge, right = report['classifier'], report['classifier']['accuracy']
    parts = {
        row: ', '.join(f'{name}: {100 * part:.1f} %' for name, part in by_name.items())
        for row, by_name in report['shares'].items()
    }
    return [
        f'Classes, as a classifier sees them that was trained on the {judge["images"]} training images. Of others\n'
        f'({judge["tested_on"]}) it is right in {cell(right, 4)} {spread(right, 4)}.',
        _NOTE.format(report['set'], judge['tested_on']),
        '',
        table(report['rows'], report['measures']),
        '',
        *(f'{row} by class: {listed}' for row, listed in parts.items()),
    ]


def _judge_all(judge, experiment, source, ids):
    chunks = read_all(source, ids, classifier.AT_ONCE, experiment.config.data.threads)
    with progress('classifying', len(ids)) as advance:
        return classifier.join([classifier.judge(judge, chunk) for chunk in counted(chunks, advance)])


def _sets(features, size):
    """At most `SETS` sets of `size` features each."""
    return [features[i * size : (i + 1) * size] for i in range(min(SETS, len(features) // max(size, 1)))]


def _alone(value, count):
    """A number about a whole set, for JSON."""
    return {'mean': value, 'low': None, 'high': None, 'count': count}
