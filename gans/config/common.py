"""The fields that every config shares: data, numbers, devices, log and checkpoints, with a default and a comment each.

A config in configs/ states its method whole (size, batch, steps, task, networks, losses, optimizer, schedules) and, of
the fields here, only those that differ:

    config = with_defaults(name='mine', size=64, ..., data=dict(tfds=dict(dataset='celeb_a')), log=dict(every=20))

This module is a part of the package, and not a file in configs/, so that it can be imported wherever `gans` can: a
config is found by its path, and may be kept in any folder and loaded from any working directory.
docs/configs.md lists every field.
"""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder

from gans.errors import UserError, closest


def defaults() -> dict[str, Any]:
    """The shared fields, in new dicts at every call, because the placeholders in them belong to one config."""
    return dict(
        # int: everything random follows from it: initial weights, order of the images, noise, embedded images.
        seed=0,
        data=_data(),
        # str: what the networks compute in, 'float32' or 'bfloat16'; parameters and losses are float32 always.
        dtype='float32',
        # int: turns of the generator and of the discriminator in one step.
        turns=dict(gen=1, disc=1),
        # float, from 0 below 1: decay per step of an average of the generator's weights, which is then what is shown,
        # evaluated and used; 0 for none.
        ema=0.0,
        # float, images: half-life of such an average, in place of a decay per step; 0 for none.
        ema_half_life=0.0,
        # float, a fraction of the images seen so far: the half-life is no longer than this; 0 for no such bound.
        ema_ramp=0.05,
        # tuple of str: random changes of what the discriminator sees, real and generated images alike: 'colour',
        # 'translation', 'cutout'. Their probability is the schedule `augment`, 1 where there is none.
        augment=(),
        # str: 'jit' runs one program over all devices, 'pmap' one on each.
        parallel='jit',
        # int, devices: how many to use; 0 for all of them.
        devices=0,
        # int, steps: how many one call runs, which saves dispatching where steps are very short; on the CPU always 1.
        steps_per_call=1,
        log=dict(
            # int, steps: from one log line to the next.
            every=50,
            # int, files: how many sample grids training writes.
            grids=8,
            # int, images: how many samples, or held-out images, a grid has.
            grid_images=36,
        ),
        checkpoint=dict(
            # int, steps: from one checkpoint to the next.
            every=400,
            # int, checkpoints: how many of the newest are kept.
            keep=2,
            # int, steps: beside them, the first checkpoint in every so many steps is kept for good; 0: none.
            keep_every=0,
        ),
    )


def _data():
    return dict(
        # str: the source of the images, a module in gans/data/sources; its own fields are in the section of its
        # name. Sources without a section here have the defaults of their `open_source`.
        source='embedded',
        # float, a fraction of the images: held out of training, for evaluation.
        held_out=0.1,
        # str: 'host' reads every batch on the CPU; 'device' keeps the whole training set on every device.
        placement='host',
        # int: threads that read ahead with placement 'host'; 0 reads in the training thread.
        threads=2,
        # int, bytes: the most that a file may have, unpacked; larger ones are refused.
        max_bytes=2**28,
        # int, pixels: the most that an image in a file may have; larger ones are refused.
        max_pixels=178_956_970,
        # Images of flowers, drawn by the program.
        embedded=dict(
            # int, images: how many.
            count=4000,
        ),
        # A folder or a .zip with images.
        folder=dict(
            # str: where it is; needed.
            path=placeholder(str),
            # str: 'crop' cuts the middle out of images of another shape, 'resize' stretches them.
            fit='crop',
            # bool: enlarge images that are smaller than `size`; False refuses them.
            upscale=False,
            # bool: leave out files that cannot be read; False refuses the folder.
            skip_bad=False,
        ),
        # TensorFlow Datasets.
        tfds=dict(
            # str: the set, 'mnist', 'celeb_a:2.1.0' or 'celeb_a_hq/1024'; needed.
            dataset=placeholder(str),
            # str: the split in the notation of TFDS, 'train' or 'train[:10%]'; 'all' for everything.
            split='all',
            # str: where prepared sets are; None for $TFDS_DATA_DIR or ~/tensorflow_datasets.
            data_dir=placeholder(str),
            # str, bool: as for a folder.
            fit='crop',
            upscale=False,
            # str: the one class whose images are taken; None for all.
            label=placeholder(str),
        ),
    )


def with_defaults(**fields: Any) -> ConfigDict:
    """A config of these fields and of the shared ones that they leave out.

    Args:
      fields: the config's fields. A section that is shared (`data`, `turns`, `log`, `checkpoint`, and the sources in
        `data`) names only what differs; `data` may have sections of further sources.

    Raises:
      UserError: a field of a shared section that does not exist.
    """
    return ConfigDict(_merge(defaults(), fields))


# What every experiment states itself, beside the shared fields.
OWN = ('name', 'size', 'batch', 'steps', 'task', 'networks', 'generator', 'discriminator', 'objective', 'optimizer')
OWN += ('schedules',)


def check_known(config: Mapping) -> None:
    """Refuses fields that nothing would read: at the top, in `turns`, `log`, `checkpoint`, and single ones in `data`.

    What the other sections may have is decided by what is chosen there (`gans.config.registry.arguments_of`).

    Raises:
      UserError: the first such field.
    """
    shared = defaults()
    _check_fields(config, {*OWN, *shared}, '')
    for name in ('turns', 'log', 'checkpoint', 'data'):
        _check_fields(config[name], shared[name], f'{name}.')


def levels(top: int, part: float, unit: str) -> dict[str, Any]:
    """A growth schedule: a rest at level 0, then a fading and a rest for each further one up to `top`.

    Each of them takes `part` of the unit (`gans.core.schedules`): 1 / 9 in 'fraction', or 800_000 in 'image'.
    """
    return dict(
        at=tuple(part * i for i in range(1, 2 * top + 1)),
        value=tuple(float(i // 2) for i in range(1, 2 * top + 1)),
        unit=unit,
    )


def _check_fields(section, known, where):
    """Refuses what is not known of a section, whose place is 'log.' for example; `data` has sections of any name."""
    for name, value in section.items():
        if name not in known and not (where == 'data.' and isinstance(value, Mapping)):
            raise UserError(f'config.{where}{name} is not a field{closest(name, known)}: see docs/configs.md.')


def _merge(shared, given, where=''):
    merged = dict(shared)
    if where:  # a config's own fields are beside the shared ones
        _check_fields(given, shared, where)
    for name, value in given.items():
        nested = isinstance(value, Mapping) and isinstance(shared.get(name), Mapping)
        merged[name] = _merge(shared[name], value, f'{where}{name}.') if nested else value
    return merged
