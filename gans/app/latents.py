"""What the page shows of a generator from noise: samples, walks, moves along directions, edits. No Gradio here.

Seeds, walks and edits are those of `--mode=explore`: the same numbers give the same images.
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gans.app.limits import Turns
from gans.errors import UserError
from gans.image.batching import in_batches
from gans.latent import edits as files
from gans.latent import space
from gans.latent.drawings import Painter
from gans.run.trained import Trained

COUNT = 16  # samples on the page, and images that are made at a time
MOST_SEED = 2**32 - 1
MOST_DIRECTIONS = 8
MOST_FRAMES = 24  # of a walk from one seed to the next
MOST_ENDS = 8  # seeds of a walk
MOST_EDITS = 50
REACH = 4.0  # root eigenvalues that a slider goes to either side


class LatentTool:
    """A run whose generator makes images from noise alone."""

    def __init__(self, trained: Trained, turns: Turns):
        self.folder, self.step, self.task = trained.folder, trained.step, trained.config.task.name
        self._painter, self._turns = Painter(trained), turns
        self.directions = min(MOST_DIRECTIONS, self._painter.size)
        self.alike = self._painter.space.alike
        self.truncates = False  # known after `warm_up`

    def warm_up(self) -> None:
        """Compiles the generator, and finds out whether truncation changes anything."""
        with self._turns.turn():
            latents = self._latents(range(COUNT))
            mean = self._painter.space.mean
            whole, half = (self._painter.images(mean + t * (latents - mean)) for t in (1, 0.5))
        self.truncates = bool(np.abs(whole.astype(int) - half).max() > 1)  # one level may be rounding

    def samples(self, first: int, truncation: float = 1.0, count: int = COUNT) -> np.ndarray:
        """uint8 [count, H, W, 3] of the seeds from `first` on.

        Args:
          first: a whole number from 0; after the greatest seed comes 0 again.
          truncation: t pulls latents to their mean, mean + t (z - mean); above 0, up to 1.
          count: how many.

        Raises:
          UserError: a number out of range.
        """
        first = as_seed(first)
        if not 0 < truncation <= 1:
            raise UserError(f'A truncation of {truncation} is out of range: give a number above 0, up to 1.')
        with self._turns.turn():
            mean = self._painter.space.mean
            latents = self._latents([seed_after(first, i) for i in range(count)])
            return self._painter.images(latents if truncation == 1 else mean + truncation * (latents - mean))

    def walk(self, seeds: Sequence[int], frames: int, arc: bool) -> np.ndarray:
        """uint8 [N, H, W, 3]: from seed to seed in `frames` images each; an image where two walks meet is there once.

        `arc` walks along great circles around the mean, else straight.
        """
        if not 2 <= len(seeds) <= MOST_ENDS:
            raise UserError(f'A walk has 2 to {MOST_ENDS} seeds, not {len(seeds)}: write them as 0, 1, 2.')
        if not 2 <= frames <= MOST_FRAMES:
            raise UserError(f'A walk from seed to seed has 2 to {MOST_FRAMES} images, not {frames}.')
        with self._turns.turn() as check:
            ends, parts = self._latents(seeds), []
            for a, b in zip(ends[:-1], ends[1:], strict=True):
                check()
                way = space.slerp(a, b, frames, self._painter.space.mean) if arc else space.lerp(a, b, frames)
                parts.append(self._painter.images(way)[1 if parts else 0 :])
        return np.concatenate(parts)

    def moved(self, start: int | None, edit: Mapping[int, float]) -> np.ndarray:
        """uint8 [H, W, 3]: a latent without what it has along the edit's directions, then moved by the edit.

        As the last image of `explore --edits`. `start` is a seed, or None for the mean latent.
        """
        with self._turns.turn():
            mean = self._painter.space.mean
            latent = mean[None] if start is None else self._latents([start])
            if edit:
                latent = space.morph(self._painter.space, latent, edit, 2)[:, -1]
            return self._painter.images(latent)[0]

    def read_edits(self, path: Path) -> dict[str, space.Edit]:
        """The edits of an uploaded file; raises UserError as `gans.latent.edits.read_edits`, or for too many."""
        found = files.read_edits(path, self._painter.size)
        return check_edits(found)

    def _latents(self, seeds):
        return in_batches(self._painter.latents, np.array(seeds, np.uint32), COUNT)


def as_seed(number: float | None) -> int:
    """A seed from a field of the page; raises UserError for what is none."""
    if number is None or not 0 <= number <= MOST_SEED or int(number) != number:
        raise UserError(f'A seed is a whole number from 0 to {MOST_SEED}: give one.')
    return int(number)


def seed_after(first: int, places: int) -> int:
    """The seed so many places after another; after the greatest one comes 0."""
    return (first + places) % (MOST_SEED + 1)


def as_seeds(text: str) -> list[int]:
    """The seeds in '0, 1, 2'; raises UserError for anything else."""
    words = [word.strip() for word in (text or '').split(',')]
    if not all(re.fullmatch('[0-9]{1,10}', word) for word in words):
        raise UserError(f'{(text or "")[:80]!r} is no list of seeds: write whole numbers as 0, 1, 2.')
    return [as_seed(int(word)) for word in words]


def as_edit(amounts: Sequence[float | None]) -> dict[int, float]:
    """What the sliders of the directions 0, 1, ... say; those at 0 do nothing."""
    if not all(amount is None or math.isfinite(amount) for amount in amounts):
        raise UserError('A slider has no number: move it.')
    return {k: float(amount) for k, amount in enumerate(amounts) if amount}


def keep(edits: Mapping[str, space.Edit], name: str, edit: space.Edit) -> dict[str, space.Edit]:
    """The edits with one more, or with another one of its name; raises UserError for a bad name or an empty edit."""
    name = (name or '').strip()
    if len(name) > 60 or not files.is_name(name):
        raise UserError('Give the edit a name of letters, digits, _ and -, up to 60 of them.')
    if not edit:
        raise UserError('All sliders are at 0: move one first.')
    return check_edits({**edits, name: edit})


def check_edits(edits: Mapping[str, space.Edit]) -> dict[str, space.Edit]:
    """The same; raises UserError for more than can be kept."""
    if len(edits) > MOST_EDITS:
        raise UserError(f'At most {MOST_EDITS} edits are kept here: download them and begin anew.')
    return dict(edits)
