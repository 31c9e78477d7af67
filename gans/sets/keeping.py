"""Samples that a classifier accepts, in the order of their places: the others leave no file.

Source: "Gradually Increasing Image Resolution During GAN Training" (2018), figures 7 and 8: acceptable outputs are
those with a softmax above 0.95.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gans.classifier import trained as classifier
from gans.data.files import printable, read_regular
from gans.errors import UserError, closest
from gans.image.files import write_whole
from gans.progress import progress
from gans.run.generate import Sampler
from gans.sets.sample_folder import KEPT, SampleFolder, name_of

IN_A_ROW = 1000  # so many refused places in a row, and it ends
_LOOK = 64  # places that are looked at together: a part of what decides the bits of their probabilities
_RECORD = 32  # looks between two records of how far it is
_MOST_BYTES = 2**30  # of a kept.csv


class Choice(NamedTuple):
    """What is kept: images to which a classifier gives more than `above` for a class."""

    classifier: classifier.Trained
    number: int  # of the class
    above: float

    @property
    def about(self) -> dict:
        """What decides it, as JSON has it."""
        name = self.classifier.classes[self.number]
        return {'class': name, 'above': self.above, 'classifier': self.classifier.digest}

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """The probability of the class, float [N], of images uint8 [N, H, W, 3]."""
        return classifier.probabilities(self.classifier, images)[:, self.number]


def choose(folder: str | Path, name: str, above: float) -> Choice:
    """Opens the classifier in a folder.

    Raises:
      UserError: there is none, it has no class of that `name`, or `above` is not from 0 to below 1.
    """
    if not 0 <= above < 1:
        raise UserError(f'--keep_above={above} is out of range: give a probability from 0 to below 1.')
    found = classifier.load(folder)
    if name not in found.classes:
        near, has = closest(name, found.classes), ', '.join(found.classes)
        raise UserError(f'The classifier in {folder} has no class {name!r}{near}: it has {has}.')
    return Choice(found, found.classes.index(name), above)


def keep(sampler: Sampler, choice: Choice, samples: SampleFolder, count: int) -> tuple[int, int]:
    """Draws place after place until `count` images are kept; goes on where an earlier call was broken off.

    Which images those are, and their numbers, does not depend on that, nor on the number of devices.

    Returns:
      (how many images were written, how many places were drawn for the first `count`: up to that of the last of them).

    Raises:
      UserError: a thousand places in a row were refused, or there are no more; what was kept stays.
    """
    rows = _read(samples.folder, samples.drawn)
    lost = samples.missing(min(len(rows), count))
    before = len(rows)
    with samples:
        for number, image in zip(lost, _one_by_one(sampler, [rows[i][0] for i in lost]), strict=True):
            samples.put(number, image)
        try:
            why = _go_on(sampler, choice, samples, rows, count)
        finally:
            _record(samples, rows)
    if why:
        raise UserError(
            f'The classifier {why}: {len(rows)} of {count} images were kept, of {samples.drawn} '
            f"drawn. They are in '{printable(str(samples.folder))}'. Give a smaller --count, or a smaller --keep_above "
            'and another --output.'
        )
    return len(lost) + len(rows) - before, rows[count - 1][0] + 1


def cut(samples: SampleFolder, count: int) -> None:
    """Makes a folder say of its first `count` images alone where they are from."""
    rows = _read(samples.folder, samples.drawn)[:count]
    samples.drawn = _after_last(rows)
    _record(samples, rows)


def _go_on(sampler, choice, samples, rows, count) -> str:
    """Draws and keeps until `rows` has `count`; returns why it cannot have so many, else ''."""
    with progress('keeping', max(count - len(rows), 0)) as advance:
        for turn, (places, images) in enumerate(_batches(sampler, samples.drawn, len(rows) < count)):
            before = len(rows)
            _take(choice(images), places, images, choice.above, samples, rows, count)
            advance(len(rows) - before)
            if len(rows) == count:
                return ''
            if samples.drawn - _after_last(rows) >= IN_A_ROW:
                return f'refused the last {IN_A_ROW} in a row'
            if turn % _RECORD == _RECORD - 1:
                _record(samples, rows)
    return '' if len(rows) >= count else 'has seen all that there are'


def _one_by_one(sampler, places) -> Iterator[np.ndarray]:
    for images in sampler(places):
        yield from images


def _batches(sampler, drawn, wanted) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields (places, images) from that of place `drawn` on, a multiple of `_LOOK` at a time, as long as there are any.

    They begin at a multiple of `_LOOK`, however many were drawn, so that the classifier always sees a place in the same
    company.
    """
    first, at_once = drawn // _LOOK * _LOOK, _LOOK * len(sampler.devices)
    while wanted and (sampler.most is None or max(first, drawn) < sampler.most):
        places = np.arange(first, first + at_once)
        places = places if sampler.most is None else places[places < sampler.most]
        yield places, np.concatenate(list(sampler(places)))
        first += at_once


def _take(chances, places, images, above, samples, rows, count):
    """Puts those of the images that are kept, until there are enough or too many were refused in a row."""
    for place, chance, image in zip(places.tolist(), chances.tolist(), images, strict=True):
        if place < samples.drawn:
            continue
        if len(rows) == count or samples.drawn - _after_last(rows) >= IN_A_ROW:
            return
        samples.drawn = place + 1
        if chance > above:
            samples.put(len(rows), image)
            rows.append((place, chance))


def _after_last(rows):
    return rows[-1][0] + 1 if rows else 0


def _record(samples, rows):
    _write(samples.folder, rows)
    samples.write_about()


def _read(folder: Path, drawn: int) -> list[tuple[int, float]]:
    """(place, probability) of each image that was kept, of the places below `drawn`.

    Raises UserError if it is damaged or gone: with other rows the next images would be others than they have to be.
    """
    path = folder / KEPT
    if not path.exists():
        if drawn:
            raise UserError(f"'{printable(str(path))}' is gone, which says what was kept: give another --output.")
        return []
    try:
        lines = read_regular(path, _MOST_BYTES).decode().splitlines()[1:]
        rows = [(int(place), float(chance)) for _, place, chance in (line.split(',') for line in lines)]
        places = [-1, *(place for place, _ in rows)]
        if any(later <= place for place, later in itertools.pairwise(places)):
            raise ValueError('its places do not ascend from 0')
    except ValueError as error:
        raise UserError(f"'{printable(str(path))}' is damaged ({error}): give another --output.") from error
    return [row for row in rows if row[0] < drawn]


def _write(folder: Path, rows: list[tuple[int, float]]) -> None:
    lines = [f'{name_of(i)},{place},{chance:.6f}' for i, (place, chance) in enumerate(rows)]
    text = '\n'.join(['file,place,probability', *lines, ''])
    write_whole(folder / KEPT, lambda file: file.write(text.encode()))
