"""Which files of a folder are images, which are masks, what their results are called, and what is told about them."""

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gans.data.sources import folder as folders
from gans.errors import UserError
from gans.image.large_image import LargeImage
from gans.inference.image_files import FORMATS, Carried, irregular, is_image, shown

MASK_END = '_mask'
_NAMED = 10  # so many of a kind are named
_NAME_MAX = 255  # bytes of a name, where the file system does not say


class Found(NamedTuple):
    """What lies at a place.

    Attributes:
      images: the paths of the images to translate, in order.
      masks: (folder, stem of the image) -> the masks of the image of that name.
      passed: why files were passed over -> their paths, relative to the place.
    """

    images: list[Path]
    masks: dict[tuple[Path, str], list[Path]]
    passed: dict[str, list[str]]

    def masks_of(self, image: Path) -> list[Path]:
        return self.masks.get((image.parent, image.stem), [])


def find(source: Path, target: Path, masked: bool) -> Found:
    """Finds the images to translate: `source` itself, or all under it, through links too, each folder once.

    What lies in `target`, where results of an earlier call may be, and hidden files are not looked at.

    Args:
      source: an image or a folder.
      target: the folder for the results.
      masked: files whose names end in _mask, in any format, are masks and no images.

    Raises:
      UserError: there are no images, `source` is a mask, or a folder may not be read.
    """
    if not source.is_dir():
        if not masked:
            return Found([source], {}, {})
        if _is_mask(source):
            raise UserError(f"'{shown(source)}' is a mask: give the image that it belongs to as --input.")
        masks = [path for path in _beside(source) if not irregular(path) and is_image(path)]
        return Found([source], {(source.parent, source.stem): masks}, {})
    images, masks, passed = [], {}, {}
    for path, kind in _under(source, target):
        kind = kind or ('' if is_image(path) else 'not an image')
        if kind:
            passed.setdefault(kind, []).append(str(path.relative_to(source)))
        elif masked and _is_mask(path):
            masks.setdefault((path.parent, path.stem[: -len(MASK_END)]), []).append(path)
        else:
            images.append(path)
    if not images:
        only = next(iter([*passed.values(), *([str(m.name) for m in ms] for ms in masks.values())]), None)
        beside = f' (only other files, such as {shown(only[0])})' if only else ''
        raise UserError(
            f"There are no images in '{shown(source)}'{beside}: give an image or a folder that has some as --input."
        )
    owners = {(path.parent, path.stem) for path in images}
    lone = [str(mask.relative_to(source)) for owner in masks.keys() - owners for mask in masks[owner]]
    if lone:
        passed['a mask without its image'] = sorted(lone)
    return Found(images, masks, passed)


def name_results(
    images: list[Path], source: Path, target: Path, variants: int, lossless: bool
) -> dict[Path, list[Path]]:
    """{image: the paths of its results}: its relative path, with _1, _2, ... if there are several variants.

    What its format cannot hold ends in .png. A name too long for the file system is cut, and gets some digits that tell
    it from others cut at the same place. Raises UserError if two results would meet, or one would replace an image.
    """
    inputs = {os.path.realpath(path) for path in images}
    names, owners, most = {}, {}, _longest_name(target)
    for path in images:
        wanted = target / (path.relative_to(source) if source.is_dir() else path.name)
        kind = FORMATS.get(path.suffix.lower())
        ending = path.suffix if kind and (kind.lossless or not lossless) else '.png'
        ends = [f'_{k}{ending}' for k in range(1, variants + 1)] if variants > 1 else [ending]
        names[path] = [wanted.with_name(_fitting(wanted.stem, end, most)) for end in ends]
        for result in names[path]:
            if os.path.realpath(result) in inputs:
                raise UserError(f"'{shown(result)}' is one of the images to translate: give another --output.")
            if result in owners:
                raise UserError(
                    f"'{shown(owners[result])}' and '{shown(path)}' would both become '{shown(result)}': rename one of "
                    'them.'
                )
            owners[result] = path
    return names


class Notes:
    """What is told at the end: each sentence once, with the files that it is about."""

    def __init__(self):
        self._files: dict[str, list[str]] = {}

    def add(self, sentence: str, names: Iterable[str | Path]) -> None:
        self._files.setdefault(sentence, []).extend(shown(name) for name in names)

    def of_image(self, path: Path, target: Path, carried: Carried, result: LargeImage, lost: list[str]) -> None:
        """Notes what of a file is not in its result, after `lost` was found out in writing it."""
        if target.suffix != path.suffix:
            self.add('Became PNG, since the format of the file cannot hold the result', [path])
        if carried.bits > 8 and result.image.mode != 'I;16':
            self.add(f'{carried.bits} bits per value became 8', [path])
        if carried.frames > 1:
            self.add('Of several frames, pages or sizes in the file only the first became an image', [path])
        if carried.mode in ('CMYK', 'LAB', 'HSV', 'YCbCr', 'RGBa', 'La'):
            self.add(f'{carried.mode} became {result.image.mode}', [path])
        for what in lost:
            self.add(f'Left out: {what}', [path])

    def lines(self) -> list[str]:
        return [f'{sentence}: {_some(names)}.' for sentence, names in self._files.items()]


def _some(names):
    """The first names, and how many more there are."""
    more = f' and {len(names) - _NAMED} more' if names[_NAMED:] else ''
    return ', '.join(f"'{name}'" for name in names[:_NAMED]) + more


def _under(source, target):
    """(path, what it is if it is no regular file, else '') under a folder, but for what lies in `target` inside it."""
    own = os.path.realpath(target)
    with _readable(source):
        names, irregular_ones = folders.walk(source)
    found = irregular_ones | dict.fromkeys(names, '')
    if _inside(source, own):
        own = None  # all of it lies there
    results: dict[Path, bool] = {}
    for path, kind in ((source / name, found[name]) for name in sorted(found)):
        if path.parent not in results:
            results[path.parent] = own is not None and _inside(path.parent, own)
        if not results[path.parent] and path.name[0] != '.':
            yield path, kind


def _inside(folder, real):
    """Whether a folder is `real` or lies somewhere in it."""
    return os.path.join(os.path.realpath(folder), '').startswith(os.path.join(real, ''))


def _is_mask(path):
    return path.stem.lower().endswith(MASK_END)


def _beside(image):
    """The files beside an image that are its masks by their names, in order."""
    with _readable(image.parent), os.scandir(image.parent) as entries:
        paths = [image.with_name(entry.name) for entry in entries]
    return sorted(path for path in paths if _is_mask(path) and path.stem[: -len(MASK_END)] == image.stem)


@contextlib.contextmanager
def _readable(folder):
    try:
        yield
    except OSError as error:
        where = shown(error.filename or folder)
        raise UserError(f"'{where}' may not be read ({error.strerror}): change its permissions.") from error


def _longest_name(folder):
    """How many bytes a name in a folder, which may not exist yet, may have."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        return os.pathconf(folder, 'PC_NAME_MAX')
    except (AttributeError, OSError, ValueError):
        return _NAME_MAX


def _fitting(stem, end, most):
    """stem + end, or, if that has too many bytes, a beginning of the stem with digits of its hash."""
    if len(os.fsencode(stem + end)) <= most:
        return stem + end
    end = f'~{hashlib.blake2b(os.fsencode(stem), digest_size=4).hexdigest()}{end}'
    while len(os.fsencode(stem + end)) > most:
        stem = stem[:-1]
    return stem + end
