"""Several runs of one task on the same held-out images, side by side.

Where every input has one right output, their evaluations are laid side by side (`compare_paired`); generators from
noise are measured on samples of the same seed (`compare_samples`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gans.data.files import check_no_file
from gans.errors import UserError
from gans.evaluation import compare_paired, compare_samples
from gans.evaluation.titles import titles_of
from gans.features.opening import open_features
from gans.run.trained import Trained, load_run
from gans.types import PairedEvaluation, SampleEvaluation


def compare(
    runs: Sequence[str | Path],
    output: str | Path | None = None,
    features: str | None = None,
    seed: int | None = None,
) -> str:
    """Compares runs of one task on one set of images; writes `compare.json` and `compare.png` into a folder.

    Args:
      runs: the run folders, at least two.
      output: the folder for the results; by default `compare` beside the first run.
      features: a network whose features are compared too, as `open_features` has it.
      seed: of the samples of generators from noise, and of what measures them; 0 by default.

    Returns:
      the table, for people.

    Raises:
      UserError: fewer than two runs, or runs that were not asked the same questions; features that are not there; a
        seed where there is nothing to draw; and as the modules for the two kinds of tasks say.
    """
    folders = [Path(run).expanduser() for run in runs]
    if len({folder.resolve() for folder in folders}) < max(2, len(folders)):
        raise UserError('--runs needs at least two different run folders, separated by commas.')
    target = Path(folders[0].resolve().parent / 'compare' if output is None else output).expanduser()
    check_no_file(target)
    network = open_features(features) if features else None
    found = dict(zip(titles_of(folders), (load_run(folder) for folder in folders), strict=True))
    _check_alike(found)
    (first_title, first), *_ = found.items()
    if isinstance(first.game.task.evaluation, SampleEvaluation):
        return compare_samples.compare(found, target, network, seed or 0)
    if seed is not None:
        raise UserError(
            f'{first_title} was trained for {first.config.task.name!r}, whose evaluation is of all held-out images and '
            'has no seed: leave --seed out.'
        )
    return compare_paired.compare(found, target, network)


def _check_alike(found: Mapping[str, Trained]) -> None:
    """What can be seen without opening the images."""
    (first_title, first), *rest = found.items()
    evaluation = first.game.task.evaluation
    if evaluation is None:
        raise UserError(
            f'{first_title} was trained for {first.config.task.name!r}, which has no measures: give runs of a task '
            'that has them.'
        )
    for title, trained in rest:
        alike = [('task', first.config.task.name, trained.config.task.name)]
        if isinstance(evaluation, PairedEvaluation):
            alike.append(('size', first.game.size, trained.game.size))
        for what, one, other in alike:
            if one != other:
                raise UserError(
                    f'{first_title} and {title} cannot be compared: their {what} is {one} and {other}. Give runs of '
                    f'the same {what} as --runs.'
                )
