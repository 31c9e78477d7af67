"""What is known of a run from its folder alone, without its images and without reading an array: for people.

A run that has no checkpoint yet has `config.json`; one that was copied in part may have its checkpoints alone.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from gans.config import shipped, stored
from gans.config.compare import changes
from gans.config.registry import find_module, section_of
from gans.config.shapes import shape_of
from gans.core.build import make_task
from gans.data.files import printable, read_regular
from gans.errors import UserError
from gans.run import checkpoint, sittings
from gans.run.sittings import Sitting
from gans.run.trained import run_folder
from gans.types import Task

_LARGEST_CONFIG = 2**20  # bytes

# Terms of sets whose authors or publishers state them, by source or by the TFDS name without version.
_TERMS = {
    'embedded': "drawn by this program's own code (Apache-2.0); no photographs, nobody's data",
    'digits': 'CC BY 4.0 (UCI Machine Learning Repository, Optical Recognition of Handwritten Digits)',
    'celeb_a': 'for non-commercial research only, as the authors of CelebA state; photographs of people',
    'celeb_a_hq': 'for non-commercial research only, as the authors of CelebA state; photographs of people',
}
_UNKNOWN_TERMS = 'not stated'


class Facts(NamedTuple):
    """What is known of a run.

    Attributes:
      folder: of the run.
      config: what it was trained with.
      task: the record of its task.
      step: of the newest sound checkpoint, or the one that was wanted; None without any.
      shapes: of the checkpoint's arrays, by name: 'gen/params/up_0/kernel'; {} without one.
      train_images: how many it was trained on; 0 where that is not known.
      sittings: the oldest first; none where sittings.jsonl is not there.
    """

    folder: Path
    config: ConfigDict
    task: Task
    step: int | None
    shapes: Mapping[str, tuple[int, ...]]
    train_images: int
    sittings: Sequence[Sitting]

    @property
    def size(self) -> tuple[int, int]:
        """The images' (height, width) in pixels."""
        return shape_of(self.config)

    @property
    def sitting(self) -> Sitting:
        """The newest sitting, an empty one where none is known."""
        return self.sittings[-1] if self.sittings else Sitting()

    @property
    def command(self) -> str:
        """What trains such a run from the start, for a shell; '' where that is not known.

        Where no sitting tells, it is worked out from a config of the same name that comes with the code.
        """
        return sittings.command(self.sittings) or _worked_out(self.config)


def read_facts(folder: str | Path, step: int | None = None) -> Facts:
    """Reads what is known of a run.

    Args:
      folder: the run's folder.
      step: of which checkpoint; None for the newest sound one, if there is any.

    Raises:
      UserError: it is no run, its config is not one of this version of the code, or there is no checkpoint of `step`.
    """
    folder = run_folder(folder)
    found_step, about, shapes = _read_checkpoint(folder, step)
    config = stored.read_config(_config_text(folder, about), folder)
    known = sittings.read(folder)
    try:
        shape_of(config)
        task = make_task(config.task)
    except UserError:
        raise
    except Exception as error:  # of any kind: what is no config of this code can fail anywhere in it
        raise stored.unusable(folder, error) from error
    images = about.get('train_images')
    if not isinstance(images, int):
        images = known[-1].train_images if known else 0
    return Facts(folder, config, task, found_step, shapes, images, known)


def task_in_words(config: ConfigDict) -> str:
    """What the task is: 'Colorizing: a gray image in, the colour image out', the first sentence of its module."""
    module = find_module('tasks', config.task.name, 'config.task.name', 'make')
    text = ' '.join((module.__doc__ or '').split('\n\n')[0].split())
    sentence = text.partition('. ')[0].partition(' (')[0].rstrip('.')
    return printable(sentence or f'The task {config.task.name}')


def data_in_words(facts: Facts) -> str:
    """What a run was trained on, without the folders that lead there."""
    config, source = facts.config, facts.config.data.source
    section = config.data.get(section_of(source), {})
    place = section.get('path') if 'path' in section else None
    if source == 'embedded':
        said = (
            f'{section.get("count", "")} images of flowers drawn by gans/data/sources/embedded.py (seed {config.seed})'
        )
    elif source == 'digits':
        said = 'the handwritten digits that come with scikit-learn'
    elif source == 'tfds':
        label = f', the class {section.label} alone' if section.get('label') else ''
        said = f'the TensorFlow data set {section.dataset}, split {section.split}{label}'
    elif place:
        said = f"the images in '{Path(f'{place}').name}' (source {source})"
    else:
        said = f'the images of the source {source}'
    return printable(said)


def terms_of_data(config: ConfigDict) -> str:
    """Licence or terms of the images, where they are known; 'not stated' where not."""
    source = config.data.source
    dataset = f'{config.data.tfds.get("dataset")}'.partition(':')[0].partition('/')[0] if source == 'tfds' else ''
    return _TERMS.get(dataset if source == 'tfds' else source, _UNKNOWN_TERMS)


def parameters(facts: Facts, player: str) -> dict[str, tuple[int, ...]]:
    """The shapes of the trained arrays of a player, 'gen' or 'disc', by their names in its network."""
    start = f'{player}/params/'
    return {name.removeprefix(start): shape for name, shape in facts.shapes.items() if name.startswith(start)}


def parameter_count(arrays: Mapping[str, tuple[int, ...]]) -> int:
    """How many numbers arrays of these shapes hold."""
    return sum(map(math.prod, arrays.values()))


def _read_checkpoint(folder, step):
    """(step, about, shapes) of a checkpoint; (None, {}, {}) where a run has none."""
    if not (folder / checkpoint.FOLDER).is_dir():
        if step is not None:
            raise UserError(f'{folder} is not a run folder, as it has no {checkpoint.FOLDER}/ in it: give one.')
        return None, {}, {}
    with checkpoint.Checkpoints(folder, read_only=True) as checkpoints:

        def read(step):
            return checkpoints.about(step), checkpoints.shapes(step)

        if step is not None:
            found = step, checkpoint.of_step(checkpoints, step, read)
        else:
            found = checkpoint.newest(checkpoints, read)
    return (None, {}, {}) if found is None else (found[0], *found[1])


def _worked_out(config):
    """The command that gives this config, '' if none of this clone does."""
    base = shipped.shipped(config.name)
    given = base and shipped.overrides(changes(base[1], config))
    return '' if given is None else sittings.command([Sitting(config=base[0], fields=given)])


def _config_text(folder, about):
    """The config of a checkpoint, or where there is none `config.json`, which is there from the first moment on."""
    if 'config' in about:
        return about['config']
    path = folder / 'config.json'
    try:
        return read_regular(path, _LARGEST_CONFIG).decode()
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise UserError(
            f'{folder} is not a run folder: it has no checkpoint, and {path} cannot be read ({reason}).'
        ) from error
