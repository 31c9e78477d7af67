"""How good a run's generator is, by the measures of its task: chosen, written and laid out for people here.

The task says how (`gans.types.Task.evaluation`). The numbers are made in `paired`, where every input has one right
output, and in `samples`, where none has.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from gans.data.files import printable
from gans.data.opening import move_data
from gans.errors import UserError
from gans.evaluation import classes, feature_measures, paired, samples
from gans.evaluation.provenance import about, surroundings
from gans.evaluation.stored import FILE
from gans.evaluation.tables import listing, notes, ratio_line, table
from gans.features.opening import Features, open_features
from gans.image.files import write_json
from gans.printing import not_lost
from gans.run.experiment import Experiment, digest
from gans.run.trained import Trained, load_run, open_images, weights_digest
from gans.types import PairedEvaluation, SampleEvaluation

VERSION = 4  # count up when the same run and images give other numbers than before: those are not to be compared


class Kind(NamedTuple):
    """How a task is evaluated.

    Attributes:
      measure: (the measured part of the JSON: 'measures', 'rows', 'ratios', 'montages' and what else there is to keep,
        with features also what is measured over them; what writes the montages).
      note: what the table shows, for people.
    """

    measure: Callable[[Trained, Experiment, Features | None], tuple[dict, Callable[[], None]]]
    note: str


def evaluate(workdir: str | Path, moved_to: str | None = None, features: str | None = None) -> str:
    """Evaluates a run's newest checkpoint on all its held-out images.

    Writes `evaluation.json` and the montages of `evaluation/` (best, typical and worst answers; or samples) into the
    run's folder, each whole or not at all. `moved_to` says where the images of the training are now, if not where
    they lay then. `features` is a network whose features are compared too, as `open_features` has it. Returns the table
    for people. Raises UserError as `evaluate_run`, if the folder is not a run, and if there are no such features.
    """
    network = open_features(features) if features else None
    trained = load_run(workdir)
    if moved_to:
        move_data(trained.config, moved_to)
    return describe(evaluate_run(trained, network), trained)


def evaluate_run(trained: Trained, features: Features | None = None) -> dict:
    """Evaluates a run that has been read; writes what `evaluate` says and returns the JSON.

    Raises:
      UserError: the task has no measures, the images are not those of the training, or nothing can be written.
    """
    kind = _kind_of(trained)
    experiment = open_images(trained)
    report = {
        'version': VERSION,
        'step': trained.step,
        'weights': weights_digest(trained),
        'config': trained.config.name,
        'task': trained.config.task.name,
        'size': list(trained.game.size),
        'data': experiment.source.where,
        'images': len(experiment.test),
        'held_out': digest(sorted(experiment.source.key(int(i)) for i in experiment.test)),
        'features': about(features),
        **surroundings(),
    }
    measured, draw_montages = kind.measure(trained, experiment, features)
    report |= measured
    with not_lost(lambda: numbers(report, trained)):
        draw_montages()
        write_json(trained.folder / FILE, report)
    return report


def describe(report: Mapping, trained: Trained) -> str:
    """The evaluation of a run for people: the numbers, the names of the files."""
    written = (printable(str(trained.folder / name)) for name in (FILE, *report['montages']))
    return '\n'.join([numbers(report, trained), '', ', '.join(written)])


def numbers(report: Mapping, trained: Trained) -> str:
    """The numbers of an evaluation for people: the table, the ratios."""
    by_class = ['', *classes.describe(report['classes'])] if 'classes' in report else []
    return '\n'.join(
        [
            f'{printable(trained.name)}: {report["task"]}, step {report["step"]}, {report["images"]} held-out '
            f'images of {printable(report["data"])}',
            _kind_of(trained).note,
            *report['notes'],
            '',
            *_tables(report),
            '',
            *(ratio_line(name, ratio) for name, ratio in report['ratios'].items()),
            *notes(report['rows']),
            *by_class,
        ]
    )


def _tables(report):
    """The numbers; those over features, of which generators have many, a line each."""
    name, measures = (report['features'] or {}).get('name'), report['measures']
    over_features = feature_measures.measures(name) if name else {}
    plain, others = ({k: m for k, m in measures.items() if (k in over_features) == some} for some in (False, True))
    return [table(report['rows'], plain), *(['', listing(report['rows'], others)] if others else [])]


def _kind_of(trained: Trained) -> Kind:
    """Raises UserError if the run's task has no measures."""
    evaluation = trained.game.task.evaluation
    if evaluation is None:
        raise UserError(
            f'{trained.folder} was trained for the task {trained.config.task.name!r}, which has no measures: it cannot '
            'be evaluated.'
        )
    return _KINDS[type(evaluation)]


_KINDS = {
    PairedEvaluation: Kind(paired.measure, paired.NOTE),
    SampleEvaluation: Kind(samples.measure, samples.NOTE),
}
