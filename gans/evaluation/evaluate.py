"""How good a run's generator is, by the measures of its task: chosen, written and laid out for people here.

The numbers are made in `measure_pairs` (every input has one right answer) and `measure_samples` (none has).
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from gans.data.files import printable
from gans.data.opening import move_data
from gans.errors import UserError
from gans.evaluation import classes, paired, samples
from gans.evaluation.tables import notes, ratio_line, table
from gans.image.files import write_json
from gans.run.checkpoint import Checkpoints
from gans.run.checkpoint_files import Damaged
from gans.run.experiment import Experiment, digest, fingerprint, open_experiment
from gans.run.trained import Trained, load_run

FILE = 'evaluation.json'
VERSION = 3  # count up when the same run and images give other numbers than before: those are not to be compared


class Kind(NamedTuple):
    """How a task is evaluated.

    Attributes:
      measure: the measured part of the JSON: 'measures', 'rows', 'ratios', 'montages' and what else there is to keep.
      note: what the table shows, for people.
    """

    measure: Callable[[Trained, Experiment], dict]
    note: str


def evaluate(workdir: str | Path, moved_to: str | None = None) -> str:
    """Evaluates a run's newest checkpoint on all its held-out images.

    Writes `evaluation.json` and the montages of `evaluation/` (best, typical and worst answers; or samples) into the
    run's folder, each whole or not at all. `moved_to` says where the images of the training lie now, if not where
    they lay then. Returns the table for people. Raises UserError as `evaluate_run`, and if the folder is not a run.
    """
    trained = load_run(workdir)
    if moved_to:
        move_data(trained.config, moved_to)
    return describe(evaluate_run(trained), trained.folder)


def evaluate_run(trained: Trained) -> dict:
    """Evaluates a run that has been read; writes what `evaluate` says and returns the JSON.

    Raises:
      UserError: the task has no measures, the images are not those of the training, or nothing can be written.
    """
    check_task(trained)
    experiment = open_images(trained)
    report = {
        'version': VERSION,
        'step': trained.step,
        'weights': weights(trained),
        'config': trained.config.name,
        'task': trained.config.task.name,
        'size': list(trained.game.size),
        'data': experiment.source.where,
        'images': len(experiment.test),
        'held_out': digest(sorted(experiment.source.key(int(i)) for i in experiment.test)),
    }
    report |= _EVALUATIONS[trained.config.task.name].measure(trained, experiment)
    write_json(trained.folder / FILE, report)
    return report


def open_images(trained: Trained) -> Experiment:
    """Opens the images that a run was trained with.

    Raises:
      UserError: they cannot be opened, or are other ones by now; or the checkpoint is gone since it was read.
    """
    try:
        with Checkpoints(trained.folder, read_only=True) as checkpoints:
            trained_on = checkpoints.about(trained.step)['data']
    except Damaged as error:  # training goes on, and keeps the newest ones only
        message = f'The checkpoint of step {trained.step} of {trained.folder} is gone by now: try again.'
        raise UserError(message) from error
    try:
        experiment = open_experiment(trained.config)
    except UserError as error:
        raise UserError(f'The images of {trained.folder} cannot be opened: {error}') from error
    if trained_on != fingerprint(experiment):
        raise UserError(
            f'{trained.folder} was trained on other images than {experiment.source.where} has now, so that what is '
            'held out may be known to it: give those images back, or evaluate with --input=PLACE where they lie now.'
        )
    return experiment


def weights(trained: Trained) -> str:
    """A digest of the arrays that the measured images were made with."""
    arrays = jax.tree.leaves(jax.device_get((trained.state.gen.replace(opt_state=()), trained.state.carry)))
    return digest(np.asarray(x).tobytes() for x in arrays)


def check_task(trained: Trained) -> None:
    """Raises UserError unless there are measures for the run's task."""
    name = trained.config.task.name
    if name not in _EVALUATIONS:
        raise UserError(
            f'{trained.folder} was trained for the task {name!r}, which has no measures: '
            f'only {", ".join(_EVALUATIONS)} can be evaluated.'
        )


def describe(report: Mapping, folder: Path) -> str:
    """An evaluation for people: the table, the ratios, where the images lie."""
    by_class = ['', *classes.describe(report['classes'])] if 'classes' in report else []
    return '\n'.join(
        [
            f'{printable(folder.name)}: {report["task"]}, step {report["step"]}, {report["images"]} held-out '
            f'images of {printable(report["data"])}',
            _EVALUATIONS[report['task']].note,
            *report['notes'],
            '',
            table(report['rows'], report['measures']),
            '',
            *(ratio_line(name, ratio) for name, ratio in report['ratios'].items()),
            *notes(report['rows']),
            *by_class,
            '',
            ', '.join(printable(str(folder / name)) for name in (FILE, *report['montages'])),
        ]
    )


_PAIRS = (
    'Means over images as stored (uint8); below each its 95 % bootstrap interval. PSNR: of images that are not\n'
    'equal to the original; of those it would be infinite.'
)

_EVALUATIONS = {
    **{name: Kind(partial(paired.measure, plan), _PAIRS) for name, plan in paired.PLANS.items()},
    'generate': Kind(samples.measure, samples.NOTE),
}
