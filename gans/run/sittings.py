"""The sittings of a run: when training began or went on there, with which command, on which machine, how it ended.

`sittings.jsonl` in the run's folder has two JSON lines for each: one at its beginning, one at its end. A sitting that
was killed has no second one. Nothing that trains or measures reads this file.
"""

import json
import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import jax

from gans.data.files import read_regular
from gans.errors import UserError, cannot_write, naming
from gans.run.experiment import Experiment

FILE = 'sittings.jsonl'
_PACKAGES = ('gans', 'jax', 'jaxlib', 'flax', 'optax', 'orbax-checkpoint', 'ml_collections', 'numpy', 'pillow')
_MOST_BYTES = 2**24  # of the file
_KEPT = 1000  # sittings that are read, the newest


class Sitting(NamedTuple):
    """One sitting, as it was written; what is missing or of another type is '', 0 or {}.

    Attributes:
      begun: date and time in UTC.
      ended: the same; '' if it goes on, or was killed.
      by: what stopped it, a signal or a sentence; '' for the end of training.
      step: how many steps were done before.
      config: the config and its variant as given, configs/colorize.py:tiny.
      fields: {'batch': '8'}: other values for fields of the config, as given.
      data: what was trained on, a line for people.
      train_images: how many were trained on.
      held_out_images: how many were held out.
      versions: of Python and of libraries.
      machine: 'system', 'processor', 'cores', 'devices', 'processes', as texts.
    """

    begun: str = ''
    ended: str = ''
    by: str = ''
    step: int = 0
    config: str = ''
    fields: Mapping[str, str] = {}
    data: str = ''
    train_images: int = 0
    held_out_images: int = 0
    versions: Mapping[str, str] = {}
    machine: Mapping[str, str] = {}


def begin(folder: Path, step: int, config: str | None, fields: Mapping[str, str], experiment: Experiment) -> None:
    """Writes that a sitting begins. Without a config, the one of the sitting before goes on, with its fields.

    Raises:
      UserError: it cannot be written.
    """
    if config is None:
        before = next((one for one in reversed(read(folder)) if one.config), Sitting())
        config, fields = before.config, {**before.fields, **fields}
    new = Sitting(
        begun=_now(),
        step=step,
        config=config,
        fields=dict(fields),
        data=experiment.source.where,
        train_images=len(experiment.train),
        held_out_images=len(experiment.test),
        versions=versions(),
        machine=_machine(),
    )
    _append(folder, {name: value for name, value in new._asdict().items() if name not in ('ended', 'by')})


def end(folder: Path, by: str) -> None:
    """Writes that the newest sitting ended; `by` is what stopped it, '' for the end of training.

    Raises:
      UserError: it cannot be written.
    """
    _append(folder, {'ended': _now(), 'by': by})


def read(folder: Path) -> list[Sitting]:
    """The sittings of a run, oldest first. Lines that are damaged, or a stranger's, are passed over."""
    try:
        lines = read_regular(folder / FILE, _MOST_BYTES).split(b'\n')
    except (OSError, UserError):
        return []
    found = []
    for line in lines:
        try:
            given = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(given, dict) and 'begun' in given:
            found.append(Sitting(**_checked(given)))
        elif isinstance(given, dict) and 'ended' in given and found:
            found[-1] = found[-1]._replace(**{name: _checked(given).get(name, '') for name in ('ended', 'by')})
    return found[-_KEPT:]


def command(sittings: Sequence[Sitting]) -> str:
    """The command that trains such a run from the start, for a shell; '' if no sitting tells."""
    for one in reversed(sittings):
        if one.config:
            fields = [f'--config.{name}={text}' for name, text in one.fields.items()]
            return shlex.join(['python', 'main.py', f'--config={one.config}', *fields])
    return ''


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that training rests on."""
    found = {'python': platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a clone that was not installed
            continue
    return found


def _machine():
    devices = jax.devices()
    return {
        'system': platform.platform(),
        'processor': _processor(),
        'cores': str(os.cpu_count() or ''),
        'devices': f'{len(devices)} x {devices[0].device_kind} ({devices[0].platform})',
        'processes': str(jax.process_count()),
    }


def _processor():
    try:
        for line in Path('/proc/cpuinfo').read_text().splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _now():
    return datetime.now(UTC).strftime('%Y-%m-%d %H:%M:%S UTC')


def _append(folder: Path, record: Mapping[str, Any]) -> None:
    path = folder / FILE
    try:
        with naming(path), open(path, 'ab+') as file:
            # A line that a kill or a full disk cut off ends here, so that the new one is whole.
            begins = file.tell() == 0 or _last_byte(file) == b'\n'
            file.write((b'' if begins else b'\n') + json.dumps(record).encode() + b'\n')
    except OSError as error:
        raise cannot_write(path, error) from error


def _last_byte(file):
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def _checked(given: Mapping) -> dict[str, Any]:
    """Of what a file says the fields of a sitting that have the right type."""
    found = {}
    for name, default in Sitting._field_defaults.items():
        value = given.get(name)
        if isinstance(default, Mapping):
            if isinstance(value, Mapping) and len(value) <= 1000:
                found[name] = {f'{k}'[:200]: f'{v}'[:2000] for k, v in value.items()}
        elif type(value) is type(default):
            found[name] = value[:2000] if isinstance(value, str) else value
    return found
