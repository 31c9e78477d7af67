"""The verb `sweep`: several configs, each with several seeds, trained, evaluated and compared."""

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gans import signals
from gans.config.load import split_variant
from gans.core.state import check_stages, state_shapes
from gans.data.files import printable
from gans.errors import UserError
from gans.features.opening import open_features
from gans.image.files import save_png, write_json, write_whole
from gans.printing import not_lost, tell
from gans.run.experiment import open_experiment
from gans.run.kept import kept_open
from gans.sweep import figures, numbers, pace, page, results, table
from gans.sweep.cells import Sweep, read_sweep
from gans.sweep.plan import Plan
from gans.sweep.train import Trainer, free_programs

TABLE = 'table.md'
_MOST_SEED = 2**32 - 1
_MOST_STEPS = 10**9


class Wishes(NamedTuple):
    """What the command line asks for.

    Attributes:
      config: the sweep's file and, after a colon, a variant of every cell's config.
      fields: {'batch': '8'}: values for fields of every cell's config.
      output: the folder for everything.
      seeds: of every cell.
      minutes: of training for each run, the steps following from that; None for the steps of the configs.
      features: a network whose features the evaluation compares too; None for none.
    """

    config: str
    fields: Mapping[str, str]
    output: Path
    seeds: Sequence[int] = (0, 1, 2)
    minutes: float | None = None
    features: str | None = None


def sweep(wishes: Wishes) -> str:
    """Trains, evaluates and compares; the same call goes on after whatever has stopped it.

    Returns:
      the results for people, with the names of the files.

    Raises:
      UserError: a mistake in the file, the flags or the folder; a training or an evaluation that cannot go on.
      gans.signals.Stopped: a signal; everything is saved.
    """
    _check(wishes)
    with kept_open():
        return _sweep(read_sweep(wishes.config, wishes.fields), wishes)


def _sweep(found: Sweep, wishes: Wishes) -> str:
    _check_all(found, wishes)
    with Plan(found, wishes.output, wishes.seeds, wishes.minutes, wishes.features) as plan:
        if not plan.steps:
            _set_steps(plan)
        plan.write()
        named = results.wanted(found)

        tried = set()

        def evaluated(folder):
            known = numbers.of_evaluation(folder)
            for name in named:
                if name in tried:
                    numbers.check_known(folder, name, known)
                else:  # one that fails does so now, and not behind the last run
                    numbers.by_name(folder, name, known)
                    tried.add(name)

        trainer = Trainer(plan, evaluated)
        try:
            trainer.run()
            return _write(plan, wishes)
        except signals.Stopped:
            tell(f'{trainer.done} of {len(plan.runs())} runs are done. The same command goes on.')
            raise


def _check(wishes):
    if len(set(wishes.seeds)) < len(wishes.seeds) or not all(0 <= seed <= _MOST_SEED for seed in wishes.seeds):
        given = ','.join(map(str, wishes.seeds))
        raise UserError(f'--seeds={given}: give different whole numbers from 0 to {_MOST_SEED}.')
    if wishes.minutes is not None:
        if not wishes.minutes > 0 or math.isinf(wishes.minutes):
            raise UserError(f'--minutes={wishes.minutes:g}: give more than 0.')
        if 'steps' in wishes.fields:
            raise UserError('--config.steps and --minutes exclude each other: leave one out.')


def _check_all(found: Sweep, wishes):
    """Looks, before anything is trained or written, for what would stop the sweep later."""
    for name in results.wanted(found):
        numbers.check(name)
    if wishes.features:
        open_features(wishes.features)
    for cell in found.cells:
        try:
            game = open_experiment(cell.config).game
            check_stages(game, state_shapes(game, cell.config), cell.config.steps)
        except UserError as error:
            raise UserError(f'{split_variant(found.config)[0]}, {cell.label}: {error}') from error


def _set_steps(plan):
    """The steps that fit into the wished time at each cell's own pace."""
    plan.seconds_per_step = pace.seconds_per_step([cell.config for cell in plan.sweep.cells])
    free_programs()  # those of trainings have other numbers of steps in them
    plan.steps = [min(_MOST_STEPS, max(1, int(60 * plan.minutes / seconds))) for seconds in plan.seconds_per_step]
    for cell, steps, seconds in zip(plan.sweep.cells, plan.steps, plan.seconds_per_step, strict=True):
        tell(printable(f'{cell.label}: {1000 * seconds:.1f} ms for a step, {steps:,} steps in {plan.minutes:g} min.'))


def _write(plan: Plan, wishes) -> str:
    """Writes what was found; returns it for people."""
    found = results.results_of(plan)
    command = _command(wishes._replace(features=plan.features))
    with not_lost(lambda: table.for_terminal(found)):
        write_json(plan.folder / results.FILE, found)
        text = table.markdown(found, plan.sweep.title, plan.sweep.about, command)
        _write_text(plan.folder / TABLE, text)
        images = _draw(plan)
        _write_text(plan.folder / page.FILE, page.page(plan, found, command, images))
    names = [results.FILE, TABLE, *(path.name for path in images.values()), page.FILE]
    written = ', '.join(printable(f'{plan.folder / name}') for name in names)
    return f'{table.for_terminal(found)}\n\n{written}'


def _draw(plan) -> dict[str, Path]:
    drawn = {'Losses': ('curves.png', figures.draw_curves), 'Samples': ('samples.png', figures.draw_samples)}
    images = {}
    for name, (file, draw) in drawn.items():
        image = draw(plan.runs())
        if image is not None:
            save_png(plan.folder / file, image)
            images[name] = plan.folder / file
    return images


def _write_text(path, text):
    write_whole(path, lambda file: file.write(text.encode(errors='backslashreplace')))


def _command(wishes) -> str:
    words = ['python', 'main.py', '--mode=sweep', f'--config={wishes.config}']
    words += [f'--config.{name}={text}' for name, text in wishes.fields.items()]
    words.append(f'--seeds={",".join(map(str, wishes.seeds))}')
    words += [f'--minutes={wishes.minutes:g}'] if wishes.minutes else []
    words += [f'--features={wishes.features}'] if wishes.features else []
    return shlex.join([*words, f'--output={wishes.output}'])
