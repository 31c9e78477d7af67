"""One sitting of training as a person begins it: the loop, its record in `sittings.jsonl`, the report at its end."""

import contextlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from gans import signals
from gans.errors import Failure, UserError
from gans.printing import say
from gans.report.report import report
from gans.run import sittings
from gans.run.experiment import Experiment
from gans.training.loop import train


class Sat(NamedTuple):
    """How a sitting ended.

    Attributes:
      folder: the run's; None in all processes but the first.
      finished: whether the run has all its steps; else a pause or a signal (`signals.stopping`) ended the sitting.
      report: the report that was written; None if it could not be, or was not to be.
    """

    folder: Path | None
    finished: bool
    report: Path | None


def sit(
    experiment: Experiment,
    folder: str | Path | None,
    config: str | None = None,
    fields: Mapping[str, str] | None = None,
    pause: Callable[[int], bool] = lambda step: False,
    reported: bool = True,
) -> Sat:
    """Trains, or goes on with a run.

    Args:
      experiment: what to train, on what.
      folder: of the run; None for the next numbered one in `runs`.
      config: the config and its variant as the person gave them, for the record; None goes on with that of the run.
      fields: {'batch': '8'}: the values that the person gave for fields of the config.
      pause: the number of steps done -> whether to save and leave off here. Without an end no report is written.
      reported: whether to write the report at the end of training; False for whoever writes one later.

    Raises:
      UserError, Diverged, gans.signals.Stopped: as `gans.training.loop.train`; the end of the sitting is noted.
    """
    place = []

    def begun(folder, step):
        place.append(folder)
        sittings.begin(folder, step, config, fields or {}, experiment)

    with signals.stopping() as stop:
        try:
            finished = train(experiment, folder, begun, pause)
        except (Failure, UserError) as error:
            if place:
                with contextlib.suppress(Exception):  # the sentence of this error is the one that matters
                    _close(place[0], f'{error}')
            raise
        if not place:  # in the other processes
            return Sat(None, finished, None)
        if not finished and not stop.number:
            sittings.end(place[0], 'a pause')
            return Sat(place[0], False, None)
        if finished and not reported:
            sittings.end(place[0], '')
            return Sat(place[0], True, None)
        return Sat(place[0], finished, _try_to_close(place[0], '' if finished else signals.name_of(stop.number)))


def _close(folder: Path, by: str) -> Path:
    """Writes how a sitting ended, and the report."""
    sittings.end(folder, by)
    return report([folder])


def _try_to_close(folder: Path, by: str) -> Path | None:
    """The same; None where that is not possible, which fails no training."""
    try:
        return _close(folder, by)
    except Exception as error:  # of any kind: the run is safe, and worth more than what tells of it
        say(f'The report of {folder} was not written: {error}', sys.stderr)
        return None
