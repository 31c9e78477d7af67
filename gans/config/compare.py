"""Two configs side by side: what of a config may change when its run goes on."""

import json

from ml_collections import ConfigDict

from gans.config.load import flatten, to_json

# A run may be resumed with other values of these: they decide how long training goes on, what is reported and where
# things lie, not what a step does. (Schedules in fractions of training stretch with `steps`.)
MAY_CHANGE = (
    'steps',
    'log',
    'checkpoint',
    'parallel',
    'steps_per_call',
    'devices',
    'data.folder.path',
    'data.tfds.data_dir',
    'data.mnist.path',
    'data.threads',
    'data.placement',
    'data.max_bytes',
    'data.max_pixels',
)


# What it means that a config, written before there was such a field, lacks it.
DEFAULTS = {'ema': 0.0}


def differences(old: ConfigDict, new: ConfigDict) -> list[str]:
    """Lines that say what differs between two configs, but for the fields that may change in a resumed run."""
    before, after = (DEFAULTS | flatten(json.loads(to_json(c))) for c in (old, new))
    lines = []
    for name in sorted(before.keys() | after.keys()):
        if any(name == free or name.startswith(f'{free}.') for free in MAY_CHANGE):
            continue
        if before.get(name) != after.get(name):
            lines.append(f'config.{name}: {before.get(name, "absent")} -> {after.get(name, "absent")}')
    return lines
