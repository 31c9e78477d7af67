"""How good a run's generator is, by the measures of its task: chosen, written and laid out for people here.

The numbers are made in `measure_pairs` (every input has one right answer) and `measure_samples` (none has).
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gans import measure_classes, measure_pairs, measure_samples
from gans.build import move_data, shape_of
from gans.checkpoint import Checkpoints
from gans.errors import UserError
from gans.runs import Experiment, Trained, digest, fingerprint, load_run, open_experiment, write_json
from gans.tables import cell, spread, table

FILE = 'evaluation.json'


class Kind(NamedTuple):
    """How a task is evaluated.

    Attributes:
      measure: the measured part of the JSON: 'measures', 'rows', 'ratios', 'montages' and what else there is to keep.
      note: what the table shows, for people.
    """

    measure: Callable[[Trained, Experiment], dict]
    note: str


def evaluate(workdir: str | Path, moved_to: str | None = None) -> str:
    """Evaluates a run's newest checkpoint on all its held-out pictures.

    Writes `evaluation.json` and the montages of `evaluation/` (best, typical and worst answers; or samples) into the
    run's folder, each whole or not at all. `moved_to` says where the pictures of the training lie now, if not where
    they lay then. Returns the table for people. Raises UserError as `evaluate_run`, and if the folder is not a run.
    """
    trained = load_run(workdir)
    if moved_to:
        move_data(trained.config, moved_to)
    return describe(evaluate_run(trained), trained.folder)


def evaluate_run(trained: Trained) -> dict:
    """Evaluates a run that has been read; writes what `evaluate` says and returns the JSON.

    Raises:
      UserError: the task has no measures, the pictures are not those of the training, or nothing can be written.
    """
    check_task(trained)
    experiment = open_experiment(trained.config)
    with Checkpoints(trained.folder, read_only=True) as checkpoints:
        trained_on = checkpoints.about(trained.step)['data']
    if trained_on != fingerprint(experiment):
        raise UserError(
            f'{trained.folder} was trained on other pictures than {experiment.source.where} has now, so that what is '
            'held out may be known to it: give those pictures back, or --input with where they lie now.'
        )
    report = {
        'step': trained.step,
        'config': trained.config.name,
        'task': trained.config.task.name,
        'size': list(shape_of(trained.config)),
        'data': experiment.source.where,
        'pictures': len(experiment.test),
        'held_out': digest(experiment.source.key(int(i)) for i in experiment.test),
    }
    report |= _EVALUATIONS[trained.config.task.name].measure(trained, experiment)
    write_json(trained.folder / FILE, report)
    return report


def check_task(trained: Trained) -> None:
    """Raises UserError unless there are measures for the run's task."""
    name = trained.config.task.name
    if name not in _EVALUATIONS:
        raise UserError(
            f'{trained.folder} was trained for the task {name!r}, which has no measures: '
            f'only {", ".join(_EVALUATIONS)} can be evaluated.'
        )


def describe(report: Mapping, folder: Path) -> str:
    """An evaluation for people: the table, the ratios, where the pictures lie."""
    by_class = ['', *measure_classes.describe(report['classes'])] if 'classes' in report else []
    ratios = [f'{name:<44} {cell(ratio, 3)} {spread(ratio, 3)}' for name, ratio in report['ratios'].items()]
    return '\n'.join(
        [
            f'{folder.name}: {report["task"]}, step {report["step"]}, {report["pictures"]} held-out pictures of '
            f'{report["data"]}',
            _EVALUATIONS[report['task']].note,
            '',
            table(report['rows'], report['measures']),
            '',
            *ratios,
            *by_class,
            '',
            ', '.join(str(folder / name) for name in (FILE, *report['montages'])),
        ]
    )


_PAIRS = 'Means over pictures as stored (uint8); below each its 95 % bootstrap interval.'

_EVALUATIONS = {
    **{name: Kind(partial(measure_pairs.measure, plan), _PAIRS) for name, plan in measure_pairs.PLANS.items()},
    'generate': Kind(measure_samples.measure, measure_samples.NOTE),
}
