"""Everything of a run that a report shows, read from its folder: no array of a checkpoint, no training image."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from gans.config import shipped
from gans.data.files import printable
from gans.errors import UserError
from gans.evaluation.stored import Stored, read_evaluation
from gans.model_card import warnings_of
from gans.report.curves import Curves, Summary, read_curves
from gans.report.images import Inlined, pack, read_images
from gans.run.facts import Facts, read_facts
from gans.training.history import CONVERGENCE, equally_spaced, inset, read_sample_grid, sample_grid_paths
from gans.training.metrics_files import METRICS, TIMING

BUDGET = 3_600_000  # bytes of all images in the file, encoded; with the curves and the rest it stays below 5 MB
MOST_POINTS = 1200  # of a curve of one run; several share twice as many
_FEWEST_POINTS = 200
_MOST_GRIDS = 24  # sample grids that are shown; several runs share twice as many
_FEWEST_GRIDS = 4
_SHARES = {'grids': 0.55, 'montages': 0.37, 'insets': 0.08}  # of the budget
_INSETS = 8
_SPEED = ('images_per_second', 'data_wait_fraction', 'memory_gib')  # of timing.jsonl; the rest follows from these


class Record(NamedTuple):
    """A run as it is shown.

    Attributes:
      title: what the run is called beside the others.
      facts: what is known of it.
      metrics: the curves of losses, terms and schedules.
      timing: those of speed and memory.
      grids: the sample grids, by step.
      insets: some of what the generator made, at steps of the curve of BEGAN's convergence measure.
      evaluation: its numbers; None if it was not evaluated.
      montages: the images of the evaluation, by name.
      log: the lines of log.txt; None if it cannot be read.
      base: the config of that name that comes with the code, and its path; None without one.
      problems: sentences on what could not be shown.
      grids_drawn: how many sample grids training has left.
    """

    title: str
    facts: Facts
    metrics: Curves
    timing: Curves
    grids: Mapping[int, Inlined]
    insets: Mapping[int, Inlined]
    evaluation: Stored | None
    montages: Mapping[str, Inlined]
    log: Sequence[str] | None
    base: tuple[str, ConfigDict] | None
    problems: Sequence[str]
    grids_drawn: int

    @property
    def seconds(self) -> float:
        """How long the loop took for the steps in its record, compiling included; 0 where that is not known."""
        rates = self.timing.summaries.get('images_per_second')
        return 0.0 if rates is None else _seconds(self.timing, self.facts.config.batch)

    @property
    def logged(self) -> int:
        """The newest step that was logged."""
        return self.metrics.steps[-1] if self.metrics.steps else 0


def read_record(folder: str | Path, title: str, runs: int) -> Record:
    """Reads a run.

    Args:
      folder: the run's folder.
      title: what it is to be called.
      runs: how many runs share the file.

    Raises:
      UserError: it is no run.
    """
    facts = read_facts(folder)
    points = MOST_POINTS if runs == 1 else max(2 * MOST_POINTS // runs, _FEWEST_POINTS)
    metrics, timing = (read_curves(facts.folder / name, points) for name in (METRICS, TIMING))
    stored, problem = read_evaluation(facts.folder)
    problems = [one for one in (metrics.problem, timing.problem, problem) if one]
    budget = {name: int(BUDGET * share / runs) for name, share in _SHARES.items()}
    paths = sample_grid_paths(facts.folder)
    grids, found = _grids(paths, budget['grids'], runs)
    problems += found
    montages, found = _montages(facts, stored, budget['montages'])
    problems += found
    return Record(
        title,
        facts,
        metrics,
        _only(timing, _SPEED),
        grids,
        _insets(facts, metrics, {step: paths[step] for step in grids}, budget['insets'])
        if CONVERGENCE in metrics.values
        else {},
        stored,
        montages,
        warnings_of(facts.folder),
        shipped.shipped(facts.config.name),
        problems + strange(metrics),
        len(paths),
    )


def strange(curves: Curves) -> list[str]:
    """A sentence for each metric that has values that are not finite."""
    return [
        f'{printable(name)}: {found.strange} of {found.count} values are not finite, the first at step '
        f'{found.strange_at}; the curve has gaps there.'
        for name, found in curves.summaries.items()
        if found.strange
    ]


def constant(summary: Summary) -> bool:
    """Whether a metric has one value from the first line to the last."""
    return not summary.strange and summary.lowest is not None and summary.lowest == summary.highest


def _grids(paths, budget, runs):
    if not paths:
        return {}, []
    most = max(_FEWEST_GRIDS, min(_MOST_GRIDS, 2 * _MOST_GRIDS // runs))
    steps = equally_spaced(list(paths), most) if len(paths) > most else list(paths)
    images, problems = read_images([paths[step] for step in steps], budget)
    return {step: image for step, image in zip(steps, images, strict=True) if image}, problems


def _montages(facts, stored, budget):
    """The images that the evaluation names, if they are below its folder."""
    names = [name for name in (stored.montages if stored else ()) if _is_plain(name)]
    images, problems = read_images([facts.folder / name for name in names], budget)
    return {Path(name).stem: image for name, image in zip(names, images, strict=True) if image}, problems


def _is_plain(name):
    return Path(name).parts[:1] == ('evaluation',) and '..' not in Path(name).parts and len(Path(name).parts) == 2


def _insets(facts, metrics, paths, budget):
    """As `gans.training.history` has them beside the curve: of steps between the first log line and the last."""
    steps = [step for step in paths if metrics.steps[0] <= step <= metrics.steps[-1]]
    steps = equally_spaced(steps, _INSETS) if len(steps) > _INSETS else steps
    found = {}
    for step in steps:
        try:
            image = inset(read_sample_grid(step, paths[step], facts.size, facts.task.from_noise), facts.task.from_noise)
        except UserError:  # of another size for example: the slider shows it all the same
            continue
        found[step] = pack(np.ascontiguousarray(image), budget // len(steps))
    return found


def _only(curves, names):
    kept = [name for name in names if name in curves.values]
    return curves._replace(
        values={name: curves.values[name] for name in kept}, summaries={name: curves.summaries[name] for name in kept}
    )


def _seconds(timing, batch):
    """Images between two lines, divided by their rate; of a long record from the points that are drawn."""
    total, before = 0.0, 0
    for step, rate in zip(timing.steps, timing.values['images_per_second'], strict=True):
        if rate and rate > 0:
            total += max(step - before, 0) * batch / rate
        before = step
    return total
