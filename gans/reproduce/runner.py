"""The verb `reproduce`: what a document needs is trained, every figure drawn, all laid beside what it says."""

import sys
import traceback
from collections.abc import Sequence

from gans.data.fitting import ENLARGE
from gans.errors import Failure, Told, UserError, refused
from gans.printing import say
from gans.reproduce import drawing, page, record
from gans.reproduce.plan import Plan, make_plan, waits
from gans.reproduce.types import Drawn, Figure
from gans.run.experiment import open_experiment
from gans.run.kept import kept_open
from gans.sweep.runs import complete, is_done
from gans.sweep.train import free_programs


def reproduce(name: str, scale: str, only: Sequence[str], images: str | None, folder: str) -> int:
    """Trains, draws and writes the page; whatever was made before is kept.

    Args:
      name: of the document.
      scale: of `gans.reproduce.types.SCALES`.
      only: names of figures; all if there are none.
      images: a folder or a .zip for the runs on photographs.
      folder: for runs, figures and the page.

    Returns:
      the exit code: 0, or 2 if a figure could not be drawn, which the page says in its place.

    Raises:
      UserError: as `make_plan` and `record.claim`; or training cannot begin, or nothing can be written.
      gans.signals.Stopped: the same call goes on.
    """
    plan = make_plan(name, scale, only, images, folder)
    record.claim(plan)
    _announce(plan)
    with kept_open():  # several runs and figures have the same images
        failed = _train(plan)
        drawn, problems = _draw(plan, failed)
    record.write(plan, drawn, problems)
    say(page.write(plan, drawn, problems))
    for figure, problem in problems.items():
        say(f'{figure} was not drawn: {problem}', sys.stderr)
    return UserError.code if problems else 0


def _announce(plan: Plan) -> None:
    """Prints which runs will be trained and which figures drawn, a line each."""
    for name in plan.trained:
        run = plan.runs[name]
        done = ', done already' if is_done(run.folder, run.config) else ''
        say(f'run {name}: {run.text}, {run.config.steps} steps{done}')
    for figure in plan.chosen:
        say(f'figure {figure.name}: {figure.title}{", drawn already" if drawing.read(plan, figure) else ""}')


def _train(plan: Plan) -> dict[str, str]:
    """Trains and evaluates the runs that are not done; returns {run: why it failed} of those that diverged."""
    waiting = [name for name in plan.trained if not is_done(plan.runs[name].folder, plan.runs[name].config)]
    _check_images([plan.runs[name].config for name in waiting])
    failed = {}
    for number, name in enumerate(waiting, 1):
        run = plan.runs[name]
        say(f'{number} of {len(waiting)}: {name} is trained in {run.folder}')
        try:
            complete(run.config, run.text, run.fields, run.folder)
        except Failure as error:  # the others may go well
            failed[name] = f'{error}'
            say(f'{name}: {error}', sys.stderr)
        free_programs()
    return failed


def _check_images(configs) -> None:
    """Opens what the runs are trained on, each set once, so that a wrong one ends the work before it begins."""
    seen = set()
    for config in configs:
        wanted = f'{config.data.source} {config.data.get(config.data.source)} {config.size} {config.seed}'
        if wanted not in seen:
            seen.add(wanted)
            try:
                open_experiment(config)
            except UserError as error:
                raise UserError(_in_this_verb(error)) from error


def _in_this_verb(error: Told) -> str:
    """What an error says, without advice that needs fields of configs: this verb takes none."""
    return f'{error}'.replace(ENLARGE, 'give larger images as --input, or leave such small ones out.')


def _draw(plan: Plan, failed: dict[str, str]) -> tuple[dict[str, Drawn], dict[str, str]]:
    """Draws the chosen figures that are not there; returns (all that are there, why the others are not)."""
    drawn, problems = {}, {}
    chosen = {figure.name for figure in plan.chosen}
    for figure in plan.document.figures:
        made = drawing.read(plan, figure)
        if made is None and figure.name in chosen:
            made, problem = _try_to_draw(plan, figure, failed)
            if problem:
                problems[figure.name] = problem
        if made is not None:
            drawn[figure.name] = made
    return drawn, problems


def _try_to_draw(plan: Plan, figure: Figure, failed: dict[str, str]) -> tuple[Drawn | None, str]:
    """(What was drawn, '') or (None, why it could not be)."""
    missing = [run for run in figure.runs if run in failed] if waits(figure) else []
    if missing:
        return None, f'Its run {missing[0]} failed: {failed[missing[0]]}'
    try:
        made = drawing.draw(plan, figure)
        say(f'{figure.title} is drawn in {plan.place(figure).folder}')
        return made, ''
    except Told as error:
        return None, _in_this_verb(error)
    except OSError as error:
        return None, f'{refused(error)}'
    except ModuleNotFoundError as error:
        return None, f'The Python module {error.name} is missing: pip install -r requirements.txt, beside main.py.'
    except Exception as error:  # of any kind: the other figures, and hours of training, are worth more than this one
        say(''.join(traceback.format_exception(error)), sys.stderr)
        return None, f'An error of the program ({type(error).__name__}: {error}).'
