"""Two configs side by side: what of a config may change when its run goes on."""

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from ml_collections import ConfigDict

from gans.config.load import flatten, to_json
from gans.config.registry import section_of

# A run may be resumed with other values of these fields (fnmatch patterns) and of sections: they decide how long
# training goes on, what is reported and where things are, not what a step does. (Schedules in fractions of training
# stretch with `steps`.)
MAY_CHANGE = (
    'steps',
    'log',
    'checkpoint',
    'parallel',
    'steps_per_call',
    'devices',
    'data.*.path',
    'data.*.data_dir',
    'data.threads',
    'data.placement',
    'data.max_bytes',
    'data.max_pixels',
)


ABSENT = 'absent'  # what stands for the value of a field that one of two configs lacks


def changes(old: ConfigDict, new: ConfigDict) -> dict[str, tuple[Any, Any]]:
    """{dotted field: (old value, new value)} of all that differ, by name; `ABSENT` where there is none."""
    before, after = (flatten(json.loads(to_json(one))) for one in (old, new))
    names = sorted(before.keys() | after.keys())
    pairs = {name: (before.get(name, ABSENT), after.get(name, ABSENT)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def differences(old: ConfigDict, new: ConfigDict, may_change: Sequence[str] = MAY_CHANGE) -> list[str]:
    """Lines that say what differs between two configs.

    Left out are the fields and sections that may change (by default those that may in a resumed run), and the sections
    of sources that neither config uses.
    """
    used = {section_of(c.data.source) for c in (old, new)}
    unused = {f'data.{name}' for c in (old, new) for name, value in c.data.items() if isinstance(value, ConfigDict)}
    unused -= {f'data.{name}' for name in used}
    lines = []
    for name, (before, after) in changes(old, new).items():
        if any(fnmatchcase(name, free) or name.startswith(f'{free}.') for free in (*may_change, *unused)):
            continue
        lines.append(f'config.{name}: {before} -> {after}')
    return lines
