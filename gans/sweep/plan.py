"""The plan of a sweep in its folder, `sweep.json`: the same command goes on with it, and another one is refused."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from gans.config.compare import MAY_CHANGE, differences
from gans.config.load import from_json, to_json
from gans.data.files import printable, read_regular
from gans.errors import UserError, check_local
from gans.image.files import write_json
from gans.run.folder import Lock
from gans.sweep.cells import Sweep

FILE = 'sweep.json'
LOCK = 'sweep.lock'
RUNS = 'runs'
_MADE_BY = '--mode=sweep'
_VERSION = 1
_MOST_BYTES = 2**26
# Not how often is logged and which checkpoints are kept: measures count log lines, and compare checkpoints.
_MAY_CHANGE = tuple(name for name in MAY_CHANGE if name not in ('log', 'checkpoint'))


class Run(NamedTuple):
    """One run of a sweep.

    Attributes:
      cell: the number of its cell, from 0.
      label: of the cell.
      seed: the config's.
      folder: the run's.
      config_text: what `--config` takes for it.
      fields: the values for fields of the config, for the record.
      config: checked.
    """

    cell: int
    label: str
    seed: int
    folder: Path
    config_text: str
    fields: Mapping[str, str]
    config: ConfigDict

    @property
    def title(self) -> str:
        """'batch, seed 0'."""
        return f'{self.label}, seed {self.seed}'


class Plan:
    """A sweep that is laid out in a folder, and locked against a second one until `close`.

    Attributes:
      sweep: its file.
      folder: for everything that it writes.
      seeds: of every cell.
      minutes: of training for each run; None where all have the steps of their configs.
      features: a network whose features the evaluation compares too.
      diverged: {run's title: the sentence that tells of it}.
      times: {run's title: [steps, seconds that they took]}, of training.
    """

    def __init__(self, sweep: Sweep, folder: Path, seeds: Sequence[int], minutes: float | None, features: str | None):
        """Takes the folder, and what an earlier sitting of the same sweep has found; writes nothing but the lock.

        Raises:
          UserError: the folder is something else's, another sweep's, in use, or cannot be written.
        """
        self.sweep, self.seeds, self.minutes, self.features = sweep, tuple(seeds), minutes, features
        self.folder = _claim(folder)
        self.steps: list[int] = [] if minutes else [cell.config.steps for cell in sweep.cells]
        self.seconds_per_step: list[float] = []
        self.diverged: dict[str, str] = {}
        self.times: dict[str, list[float]] = {}
        self._lock = Lock(self.folder, LOCK, '--output')
        try:
            if (self.folder / FILE).exists():
                self._take_over(_read(self.folder / FILE))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self) -> None:
        """Gives the folder free."""
        self._lock.close()

    def write(self) -> None:
        """Writes `sweep.json`."""
        rows = zip(self.sweep.cells, folder_names([cell.label for cell in self.sweep.cells]), strict=True)
        cells = [
            {
                'label': cell.label,
                'folder': f'{RUNS}/{name}',
                'config': cell.config_text,
                'fields': dict(cell.fields),
                'steps': self.steps[number] if self.steps else None,
                'seconds_per_step': self.seconds_per_step[number] if self.seconds_per_step else None,
                'whole_config': json.loads(to_json(cell.config)),
            }
            for number, (cell, name) in enumerate(rows)
        ]
        plan = {
            'made_by': _MADE_BY,
            'version': _VERSION,
            'config': self.sweep.config,
            'seeds': list(self.seeds),
            'minutes': self.minutes,
            'features': self.features,
            'diverged': self.diverged,
            'times': self.times,
            'cells': cells,
        }
        write_json(self.folder / FILE, plan)

    def took(self, title: str, steps: int, seconds: float) -> None:
        """Notes how long steps of a run took, beside those before."""
        if steps:
            before = self.times.get(title, [0, 0.0])
            self.times[title] = [before[0] + steps, before[1] + seconds]
            self.write()

    def seconds(self, run: Run) -> float | None:
        """How long all steps of a run took, at the pace of those that were timed; None where none was."""
        steps, seconds = self.times.get(run.title, [0, 0.0])
        return run.config.steps * seconds / steps if steps else None

    def runs(self) -> list[Run]:
        """All runs, seed by seed: the first results compare all cells. Needs `steps`."""
        names = folder_names([cell.label for cell in self.sweep.cells])
        return [self._run(number, names[number], seed) for seed in self.seeds for number in range(len(names))]

    def _run(self, number, name, seed):
        cell = self.sweep.cells[number]
        config = cell.config.copy_and_resolve_references().unlock()
        config.seed, config.steps = seed, self.steps[number]
        fields = {**cell.fields, 'seed': f'{seed}'}
        if self.minutes:
            fields['steps'] = f'{config.steps}'
            # As many log lines and checkpoints as the config has at its own steps: measures count and compare them.
            for section, field in (('log', 'every'), ('checkpoint', 'every'), ('checkpoint', 'keep_every')):
                if given := config[section].get(field):
                    every = max(1, round(given * config.steps / cell.config.steps))
                    config[section][field], fields[f'{section}.{field}'] = every, f'{every}'
        folder = self.folder / RUNS / name / f'seed_{seed}'
        return Run(number, cell.label, seed, folder, cell.config_text, fields, config.lock())

    def _take_over(self, found):
        """Goes on with an earlier sitting, if it is one of this very sweep."""
        try:
            different = self._differences(found)
            if not different:
                self._go_on_with(found)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise UserError(f'{self.folder / FILE} is damaged: give another --output.') from error
        if different:
            raise UserError(
                f'{self.folder} has another sweep, so it cannot go on with this one:\n  '
                + '\n  '.join(different)
                + '\nGive those values back, or another --output.'
            )

    def _go_on_with(self, found):
        features = found['features']
        if not isinstance(features, str | None):
            raise TypeError(features)
        self.features = self.features or features
        if self.minutes:
            self.steps = [int(cell['steps']) for cell in found['cells']]
            self.seconds_per_step = [float(cell['seconds_per_step']) for cell in found['cells']]
            if min(self.steps) < 1:
                raise ValueError(self.steps)
        titles = {run.title for run in self.runs() if run.folder.exists()}  # one that was deleted is trained again
        self.diverged = {title: f'{said}' for title, said in found['diverged'].items() if title in titles}
        times = {title: [int(steps), float(seconds)] for title, (steps, seconds) in found['times'].items()}
        self.times = {title: time for title, time in times.items() if title in titles}

    def _differences(self, found) -> list[str]:
        """Lines that say in what the plan of the folder is another one; [] for the same."""
        lines = []
        for name, now in (('seeds', list(self.seeds)), ('minutes', self.minutes)):
            if found[name] != now:
                lines.append(f'--{name}: {_shown(found[name])} -> {_shown(now)}')
        labels, before = [cell.label for cell in self.sweep.cells], [cell['label'] for cell in found['cells']]
        if labels != before:
            return [*lines, f'cells: {"; ".join(before)} -> {"; ".join(labels)}']
        for cell, old in zip(self.sweep.cells, found['cells'], strict=True):
            changed = differences(from_json(json.dumps(old['whole_config'])), cell.config, _MAY_CHANGE)
            if not self.minutes and old['steps'] != cell.config.steps:
                changed.append(f'config.steps: {old["steps"]} -> {cell.config.steps}')
            lines += [f'{cell.label}: {line}' for line in changed]
        return lines


def folder_names(labels: Sequence[str]) -> list[str]:
    """A name for the folder of each cell, of its label: letters, digits and . = + - _ alone, all different."""
    names = []
    for label in labels:
        name = re.sub(r'[^A-Za-z0-9.=+_-]+', '_', label).strip('._-') or 'cell'
        numbered = (f'{name}{f"_{number}" if number > 1 else ""}' for number in range(1, len(labels) + 2))
        taken = {other.casefold() for other in names}
        names.append(next(one for one in numbered if one.casefold() not in taken))
    return names


def _claim(folder: Path) -> Path:
    """Makes the folder of a sweep, or makes sure that it is one."""
    check_local(folder, '--output')
    shown = printable(f'{folder}')
    try:
        if folder.exists() and not folder.is_dir():
            raise UserError(f'{shown} is a file, no folder: give a folder as --output.')
        folder.mkdir(parents=True, exist_ok=True)
        holds = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise UserError(f'Cannot use {shown} for a sweep ({error.strerror}): choose another --output.') from error
    if holds and not holds & {FILE, LOCK}:
        raise UserError(f'{shown} holds files and is no sweep: choose an empty or a new folder as --output.')
    return folder


def _read(path: Path) -> Any:
    try:
        found = json.loads(read_regular(path, _MOST_BYTES))
    except (OSError, ValueError, RecursionError, UserError):
        found = None
    if not isinstance(found, dict) or found.get('made_by') != _MADE_BY or found.get('version') != _VERSION:
        raise UserError(f'{path} was not written by this version of --mode=sweep: give another --output.')
    return found


def _shown(value):
    return ','.join(map(str, value)) if isinstance(value, list) else 'not given' if value is None else f'{value:g}'
