"""A folder of samples: PNG files, and what they follow from, so that it is gone on with or left alone."""

import json
import os
import re
import zlib
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from gans.data.files import check_no_file, irregular, printable, read_regular
from gans.errors import UserError
from gans.image.files import save_png, write_json

ABOUT, KEPT = 'sample.json', 'kept.csv'
MOST_BYTES = 2**24  # of a sample.json that is read
# Measured on 30 photographs of 256 px (flowers_256.zip, shared AMD EPYC cores, Pillow 13.0.0, 2026-11-26): 3.7 ms and
# 126,321 bytes an image, where Pillow's defaults take 11.6 ms for 125,148 bytes.
_PNG = {'compress_level': 1, 'compress_type': zlib.Z_RLE}
_NAME = re.compile(r'\d{6,}\.png')
_WAITING = 64  # images that wait for their threads
_SAID = {  # what two folders of samples may differ in, and how it is told
    'weights': 'of another run or checkpoint',
    'shown': 'made of other images',
    'seed': 'of the seed {}',
    'truncation': 'of the truncation {}',
    'kept': 'that were chosen otherwise ({})',
    'versions': 'drawn with {}',
}


class SampleFolder:
    """A folder of samples of one kind, begun or found; in a `with` block threads write into it.

    It holds `000000.png`, `000001.png`, ..., and `sample.json`: what the images follow from, and in `drawn` how many
    places a classifier has looked at for them.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any]):
        """Makes the folder, or makes sure that it holds such samples.

        Args:
          folder: where.
          about: what the images follow from, as JSON has it.

        Raises:
          UserError: it is a file, holds other files or other samples, or cannot be made.
        """
        self.folder, self.about, self.drawn = folder, dict(about), 0
        shown = printable(str(folder))
        check_no_file(folder)
        names = [name for name in os.listdir(folder) if name[0] != '.'] if folder.is_dir() else []
        if ABOUT in names:
            found = read_about(read_regular(folder / ABOUT, MOST_BYTES), shown)
            check_alike(found, about, shown)
            self.drawn = found['drawn']
        elif names:
            other = printable(min(names))
            raise UserError(f"'{shown}' holds other files ('{other}'): give a new or an empty folder as --output.")
        else:
            self.write_about()

    def __enter__(self) -> 'SampleFolder':
        self._pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1), 'png')
        self._waiting: deque = deque()
        return self

    def __exit__(self, kind, *unused):
        try:
            while kind is None and self._waiting:
                self._waiting.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def missing(self, count: int) -> np.ndarray:
        """Which of the first `count` images are not there yet, ascending: int64 [n].

        Raises UserError if something else has the name of one: a folder, a link that leads nowhere.
        """
        with os.scandir(self.folder) as entries:
            found = [entry for entry in entries if is_sample(entry.name)]
        for entry in found:
            if not entry.is_file():
                raise UserError(f"'{printable(entry.path)}' is {irregular(entry.path)}, no image: remove it.")
        return np.setdiff1d(np.arange(count), [int(entry.name[:-4]) for entry in found if entry.stat().st_size])

    def count(self) -> int:
        """How many samples are there, those beyond the ones that are wanted included."""
        return sum(map(is_sample, os.listdir(self.folder)))

    def put(self, number: int, image: np.ndarray) -> None:
        """Writes an image, uint8 [H, W, 3], soon; raises what the writing of an earlier one has raised."""
        self._waiting.append(self._pool.submit(save_png, self.folder / name_of(number), image, **_PNG))
        if len(self._waiting) > _WAITING:
            self._waiting.popleft().result()

    def write_about(self) -> None:
        """Writes what the images follow from, and how many places were drawn for them."""
        write_json(self.folder / ABOUT, {**self.about, 'drawn': self.drawn})


def name_of(number: int) -> str:
    """The name of a file: 000000.png, ..., 999999.png, 1000000.png, ..."""
    return f'{number:06d}.png'


def is_sample(name: str) -> bool:
    """Whether a file has the name of a sample."""
    return bool(_NAME.fullmatch(name))


def check_alike(found: Mapping, about: Mapping, shown: str) -> None:
    """Raises UserError if samples that were found are others than those that are wanted, and says in what."""
    for name, said in _SAID.items():
        if found.get(name) != about[name]:
            raise UserError(
                f"'{shown}' holds samples {said.format(_in_words(found.get(name)))}, and this command gives others "
                f'({name}: {_in_words(about[name])}): give another --output.'
            )


def read_about(content: bytes, shown: str) -> dict:
    """The JSON of a folder or .zip of samples, called `shown` in messages; raises UserError if it is none."""
    try:
        found = json.loads(content)
        if not isinstance(found, dict) or not isinstance(found.get('drawn'), int) or found['drawn'] < 0:
            raise ValueError('it has no number of drawn places')
    except (ValueError, RecursionError) as error:
        raise UserError(f"The {ABOUT} of '{shown}' is damaged ({error}): give another --output.") from error
    return found


def _in_words(value):
    return ', '.join(f'{name} {one}' for name, one in value.items()) if isinstance(value, Mapping) else value
