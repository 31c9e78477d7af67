"""What a sweep has found: numbers of every run, means over seeds, paired differences, verdicts on the claims."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gans.evaluation.tables import as_json
from gans.metrics.bootstrap import Interval
from gans.metrics.student import paired_interval, t_interval
from gans.sweep import numbers
from gans.sweep.cells import Claim, Sweep
from gans.sweep.numbers import Measured
from gans.sweep.plan import Plan

FILE = 'results.json'
VERSION = 1
CONFIRMED, CONTRADICTED, UNDECIDED = 'confirmed', 'contradicted', 'undecided'


def results_of(plan: Plan) -> dict[str, Any]:
    """All that is known of a sweep whose runs are done, as JSON has it; only the keys `seconds` depend on the machine.

    Raises:
      UserError: a measure does not exist, or fails.
    """
    runs = plan.runs()
    found = {run.title: _numbers_of(plan, run) for run in runs}
    of_cell = [[run for run in runs if run.cell == number] for number in range(len(plan.sweep.cells))]
    shown = list(plan.sweep.measures) or [
        name for name in dict.fromkeys(name for own in found.values() for name in own) if numbers.of_generator(name)
    ]
    shown = list(dict.fromkeys([*shown, *wanted(plan.sweep)]))
    by_cell = [_values(found, shown, own) for own in of_cell]
    return {
        'made_by': '--mode=sweep',
        'version': VERSION,
        'config': plan.sweep.config,
        'seeds': list(plan.seeds),
        'minutes': plan.minutes,
        'features': plan.features,
        'interval': "mean over seeds and Student's t interval, 95 %; differences are paired by seed",
        'measures': {name: _about(name, found.values()) for name in shown},
        'cells': [_cell(plan, found, by_cell, number, own) for number, own in enumerate(of_cell)],
        'claims': [_claim(plan, claim, by_cell) for claim in plan.sweep.claims],
    }


def wanted(sweep: Sweep) -> list[str]:
    """The measures that a sweep's file names."""
    return list(dict.fromkeys([*sweep.measures, *(claim.measure for claim in sweep.claims)]))


def verdict(difference: Interval, better: str) -> str:
    """Of a claim that something is better: what the interval of its difference to another says.

    Args:
      difference: of the one that is claimed to be better to the other one.
      better: 'lower' or 'higher'.

    Returns:
      CONFIRMED only if the whole interval is on the right side of zero, CONTRADICTED if it is on the other one, else
      UNDECIDED: also without an interval, which one seed has not.
    """
    low, high = (difference.low, difference.high) if better == 'higher' else (-difference.high, -difference.low)
    if low > 0:
        return CONFIRMED
    return CONTRADICTED if high < 0 else UNDECIDED


def _numbers_of(plan, run) -> dict[str, Measured]:
    """What is shown of a run, and all else that its evaluation has; {} for one that diverged."""
    if run.title in plan.diverged:
        return {}
    known = numbers.of_evaluation(run.folder)
    return known | {name: numbers.by_name(run.folder, name, known) for name in wanted(plan.sweep)}


def _values(found, shown, runs) -> dict[str, list[float]]:
    """{measure: a number for each seed, NaN where there is none} of the runs of a cell."""
    nothing = Measured(math.nan, '', 0)
    return {name: [found[run.title].get(name, nothing).value for run in runs] for name in shown}


def _about(name, runs):
    measured = next((own[name] for own in runs if name in own), Measured(math.nan, '', 4))
    return {'better': measured.better, 'digits': measured.digits}


def _cell(plan, found, by_cell: Sequence[Mapping[str, list[float]]], number, runs):
    cell = plan.sweep.cells[number]
    return {
        'label': cell.label,
        'config': cell.config_text,
        'fields': dict(cell.fields),
        'steps': plan.steps[number],
        'numbers': {name: as_json(t_interval(values)) for name, values in by_cell[number].items()},
        'differences': {
            name: as_json(paired_interval(values, by_cell[0][name])) for name, values in by_cell[number].items()
        }
        if number
        else {},
        'runs': [
            {
                'seed': run.seed,
                'folder': run.folder.relative_to(plan.folder).as_posix(),
                'seconds': plan.seconds(run),
                'diverged': plan.diverged.get(run.title),
                'numbers': {name: _finite(one.value) for name, one in found[run.title].items()},
            }
            for run in runs
        ],
    }


def _claim(plan, claim: Claim, by_cell):
    labels = [cell.label for cell in plan.sweep.cells]
    one, other = (
        by_cell[labels.index(what)][claim.measure] if isinstance(what, str) else [what] * len(plan.seeds)
        for what in (claim.cell, claim.than)
    )
    difference = paired_interval(one, other)
    return {**claim._asdict(), 'difference': as_json(difference), 'verdict': verdict(difference, claim.better)}


def _finite(value):
    return value if math.isfinite(value) else None
