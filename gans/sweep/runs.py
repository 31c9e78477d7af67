"""A run as one of many: trained to its end or gone on with, and evaluated, in a process that makes others too."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from ml_collections import ConfigDict

from gans import signals
from gans.config.compare import differences
from gans.errors import Failure, UserError
from gans.evaluation.evaluate import evaluate_run
from gans.evaluation.stored import read_evaluation
from gans.features.opening import open_features
from gans.printing import hushed
from gans.report.report import FILE as REPORT
from gans.report.report import report
from gans.run import checkpoint
from gans.run.experiment import Experiment, open_experiment
from gans.run.trained import load_run, read_config
from gans.sitting import sit
from gans.training.loop import Diverged

_FLAG = re.compile(r'--workdir(?!=)')  # names the folder of a run where it is trained alone


def complete(
    config: ConfigDict,
    config_text: str,
    fields: Mapping[str, str],
    folder: Path,
    pause: Callable[[int], bool] | None = None,
    features: str | None = None,
    doing: Callable[[str], None] = lambda what: None,
    opened: Callable[[Experiment], None] = lambda experiment: None,
) -> bool:
    """Trains a run to its end, or goes on with it; then evaluates it, if its task can be and it was not.

    What is done already is not done again. What training says goes into the run's `log.txt`; its warnings are on the
    screen too. Signals are obeyed at any moment, with everything saved.

    Args:
      config: checked, as `gans.config.load.load` and its overrides have made it.
      config_text: what `--config` takes for it, for the run's record: 'configs/birds.py:tiny+no_blur'.
      fields: {'batch': '8'}: the values that were given for fields of the config, for the record.
      folder: the run's, made if need be.
      pause: the number of steps done -> whether to save and leave off here.
      features: a network whose features the evaluation compares too: 'lite0'.
      doing: is told what begins, 'training' or 'evaluating'.
      opened: is given what is going to be trained, before `pause` is asked.

    Returns:
      whether all is done; False if `pause` stopped it.

    Raises:
      UserError: as training and evaluating do.
      gans.training.loop.Diverged: a loss, a parameter or an image of the trained generator is not finite.
      gans.signals.Stopped: SIGINT, SIGTERM or SIGHUP; the same call goes on.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f'{folder} is a file, and is to be the folder of a run: move it away.')
    if is_done(folder, config, features):
        return True
    trained = _trained(folder, config)
    if trained is None:
        doing('training')
        with signals.stopping() as stop, hushed(f'{folder}'):
            try:
                experiment = open_experiment(config)
                opened(experiment)
                evaluated = experiment.game.task.evaluation is not None
                done = sit(experiment, folder, config_text, fields, pause or (lambda step: False), not evaluated)
            except UserError as error:
                raise UserError(_FLAG.sub('--output', f'{error}')) from error
            finally:
                stop.go_on()
        if not done.finished:
            return False
        trained = load_run(folder)
    if trained.game.task.evaluation is not None:
        doing('evaluating')
        _evaluate(trained, features)
    return True


def is_done(folder: Path, config: ConfigDict, features: str | None = None) -> bool:
    """Whether a run of this config has all its steps, an evaluation of the last one, with these features if any, and a
    report, which is written last.

    Raises:
      UserError: the folder has a run of another config.
    """
    if steps_done(folder) != config.steps:
        return False
    _check_config(folder, read_config(folder), config)
    found, _ = read_evaluation(folder)
    if found is None or found.step != config.steps or not (folder / REPORT).is_file():
        return False
    return not features or found.features == open_features(features).name


def steps_done(folder: Path) -> int:
    """The steps of a run's newest checkpoint, sound or not; 0 without one."""
    if not (folder / checkpoint.FOLDER).is_dir():
        return 0
    with checkpoint.Checkpoints(folder, read_only=True) as checkpoints:
        return max(checkpoints.steps(), default=0)


def _evaluate(trained, features):
    """Evaluates a run, and writes its report."""
    network = open_features(features) if features else None
    try:
        evaluate_run(trained, network)
    except Failure as error:  # its images are not finite, although its losses were
        report([trained.folder])
        raise Diverged(f'{error}') from error
    report([trained.folder])


def _trained(folder, config):
    """The run, read whole, if it has all its steps and its last checkpoint is sound; else None."""
    if steps_done(folder) != config.steps:
        return None
    trained = load_run(folder)
    _check_config(folder, trained.config, config)
    return trained if trained.step == config.steps else None


def _check_config(folder, found, config):
    changed = differences(found, config)
    if changed:
        raise UserError(
            f'{folder} was trained with another config:\n  ' + '\n  '.join(changed) + '\nGive another --output.'
        )
