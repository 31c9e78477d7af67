"""A set of images of any origin by one text: a folder, a .zip, a run, a TFDS data set."""

import contextlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gans.data.content import by_content
from gans.data.files import printable
from gans.data.fitting import check_resample
from gans.data.source import Source
from gans.data.sources import folder, tfds
from gans.errors import UserError, check_local
from gans.run import checkpoint
from gans.run.folder import LOCK
from gans.run.generate import Sampler, Shown, check_seed, held_out, trained_on
from gans.run.trained import Trained, load_run
from gans.sets.drawn import Drawn
from gans.sets.image_set import ImageSet

SAMPLES = 2000  # of a generator from noise, if no number is given
_TFDS = 'tfds:'
_DATA_SET = re.compile(r'(?P<name>[^:\[]+(:\d+\.\d+\.\d+)?)(:(?P<split>.+))?')


def open_set(
    text: str,
    size: tuple[int, int] | None = None,
    resample: str = 'lanczos',
    count: int | None = None,
    seed: int = 0,
    role: str = 'real',
    truncation: float = 1.0,
) -> ImageSet:
    """Opens a set of images.

    Args:
      text: one of
        - a folder or a .zip of images, searched to any depth;
        - RUN, a run folder, or RUN@STEP, an older checkpoint of it that is still there: for the role 'real' the images
          that it holds out, at the size of its training; for 'trained on' those that it was trained on; for 'fake'
          samples of its generator, or what it makes of the held-out images where it is shown images;
        - tfds:NAME or tfds:NAME:SPLIT, a TensorFlow data set that is prepared in $TFDS_DATA_DIR or
          ~/tensorflow_datasets; NAME may have a config and a version.
      size: (height, width) of the images; None for the size that all of them have.
      resample: the filter for images of another size, by its name in Pillow: nearest, box, bilinear, hamming, bicubic
        or lanczos. The whole image is stretched to the size, antialiased (but for nearest), as Frechet distances are
        computed in the field (Parmar et al. 2022, "On Aliased Resizing and Surprising Subtleties in GAN Evaluation");
        nothing is cut off.
      count: how many images: samples to draw, or the first ones in the order of `by_content`. None for all: of samples
        from noise 2000.
      seed: of samples; checked whatever the set is.
      role: 'real', 'trained on' (for those who learn from the images, and must not see held-out ones) or 'fake'; only
        runs differ.
      truncation: of samples, as `gans.run.generate.Sampler` has it.

    Raises:
      UserError: there is no such set, it has no images or fewer than `count`, images of several sizes and no `size`, or
        anything else that the user can mend.
    """
    check_resample(resample)
    check_seed(seed)
    if size is not None and min(size) < 1:
        raise UserError(f'--size={size[0]},{size[1]} is no size of an image: give numbers from 1.')
    if count is not None and count < 1:
        raise UserError(f'--count={count} leaves no image: give at least 1.')
    if text.startswith(_TFDS):
        return _of_data_set(text.removeprefix(_TFDS), size, resample, count)
    check_local(text)
    run = _run_of(text)
    if run is None:
        return _of_files(text, size, resample, count)
    if role == 'real':
        return _shown_of(run, held_out(run), 'held-out images', size, resample, count)
    if role == 'trained on':
        return _shown_of(run, trained_on(run), 'training images', size, resample, count)
    return _samples_of(Sampler(run, seed, truncation), size, resample, count)


def is_among(path: Path, text: str) -> bool:
    """Whether an image at `path` would belong to the set `text`, since that is a folder of images, no run."""
    place = Path(text).expanduser()
    return place.is_dir() and path.resolve().is_relative_to(place.resolve()) and not _is_run(place)


def _run_of(text) -> Trained | None:
    """The run that a text names; None if it is no run."""
    path, at, step = text.rpartition('@')
    if at and step.isdecimal() and not Path(text).expanduser().exists():
        return load_run(path, int(step))
    path = Path(text).expanduser()
    return load_run(path) if _is_run(path) else None


def _is_run(path: Path) -> bool:
    return (path / checkpoint.FOLDER).is_dir() or (path / LOCK).is_file()


def _of_files(text, size, resample, count):
    with contextlib.suppress(OSError):  # what may not be looked at is told by the source
        if not Path(text).expanduser().exists():
            raise UserError(
                f"there is no '{printable(text)}': give a folder or a .zip of images, a run folder, RUN@STEP or "
                'tfds:NAME:SPLIT.'
            )
    found = folder.open_source(size, 0, text, fit='resize', upscale=True, resample=resample)
    ids = _first(found, np.arange(len(found)), count)
    names = _without_suffixes(folder.relative_names(found, text))
    return _stored(found, ids, size, resample, None if names is None else [names[i] for i in ids])


def _of_data_set(text, size, resample, count):
    parts = _DATA_SET.fullmatch(text)
    if parts is None:
        raise UserError(f"'{_TFDS}{text}' names no data set: write tfds:NAME or tfds:NAME:SPLIT.")
    name, split = parts['name'], parts['split'] or 'all'
    found = tfds.open_source(size, 0, name, split, fit='resize', upscale=True, resample=resample)
    return _stored(found, _first(found, np.arange(len(found)), count), size, resample, None)


def _stored(found, ids, size, resample, names):
    """Images that their source itself has scaled."""
    sizes = [found.sizes[i] for i in ids]
    return ImageSet(found, ids, size or sizes[0], resample, sizes, names, _told(found.where, len(ids), len(found)))


def _shown_of(run, shown, called, size, resample, count):
    ids = _first(shown.source, shown.ids, count)
    own = run.game.size
    where = f'{called} of {_called(run)}: {len(ids)} of {shown.source.where}'
    return ImageSet(shown.source, ids, size or own, resample, [own] * len(ids), names_of(shown, len(ids)), where)


def _samples_of(sampler, size, resample, count):
    count = count or sampler.inputs or SAMPLES
    sampler.check_count(count)
    run, own = sampler.run, sampler.run.game.size
    names = names_of(sampler.shown, count) if sampler.shown else None
    what = 'outputs on held-out images' if sampler.shown else 'samples'
    cut = '' if sampler.truncation == 1 else f', truncation {sampler.truncation}'
    where = f'{what} of {_called(run)}: {count} images (seed {sampler.seed}{cut})'
    return ImageSet(Drawn(sampler, count), np.arange(count), size or own, resample, [own] * count, names, where)


def names_of(shown: Shown, count: int) -> list[str]:
    """Names of held-out images, or of what is made of them, by their content; those of further rounds end in ~1, ~2."""
    keys = [shown.source.key(int(i)).hex() for i in shown.ids]
    copies: Counter = Counter()
    for i, key in enumerate(keys):
        keys[i] = f'{key}-{copies[key]}' if copies[key] else key
        copies[key] += 1
    rounds = (divmod(place, len(keys)) for place in range(count))
    return [f'{keys[i]}~{turn}' if turn else keys[i] for turn, i in rounds]


def _first(source: Source, ids: np.ndarray, count: int | None) -> np.ndarray:
    """The images `ids`, or the first `count`, in the order of `by_content`."""
    if count is not None and count > len(ids):
        raise UserError(f'{source.where}: there are {len(ids)} images to take, not {count}: give a smaller --count.')
    return by_content(source, ids)[:count]


def _without_suffixes(names: Sequence[str]) -> list[str] | None:
    """Names without the suffix, but where two would be one; None if names are alike with it, too."""
    stems = [re.sub(r'(?<=[^/])\.[^./]*$', '', name) for name in names]
    counts = Counter(stems)
    found = [stem if counts[stem] == 1 else name for stem, name in zip(stems, names, strict=True)]
    return found if len(set(found)) == len(found) else None


def _told(where, count, of):
    return where if count == of else f'{count} of {where}'


def _called(run):
    return f'{run.folder} (step {run.step})'
