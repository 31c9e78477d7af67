"""A photo that was dropped on the page becomes the files that `--mode=translate` would write of it. No Gradio here."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gans.app.limits import MOST_VARIANTS, Limits, Turns, check_photo
from gans.app.storage import Storage
from gans.errors import UserError
from gans.image import compose, ops
from gans.image.files import save_png, write_whole
from gans.image.large_image import LargeImage, everything, shrink
from gans.inference.image_files import read_image
from gans.inference.image_folders import MASK_END, Notes, name_results
from gans.inference.translate import Network, translate_one
from gans.run.trained import Trained

PREVIEW = 1024  # pixels: the longest side of what the browser shows; downloads have the size of the photo


class Made(NamedTuple):
    """What was made of a photo, as files.

    Attributes:
      results: of its own size, one for each variant.
      before: the photo as the browser shows it, at most `PREVIEW` pixels on a side, and
      after: its results, of the same size.
      notes: sentences about them.
    """

    results: list[Path]
    before: Path
    after: list[Path]
    notes: list[str]


class PhotoTool:
    """A run that is used on photos: a colorizer, an inpainter, or another task that works on files."""

    def __init__(self, trained: Trained, storage: Storage, limits: Limits, turns: Turns):
        """Prepares a run whose task has `on_files`; nothing is compiled yet."""
        self.folder, self.step, self.task = trained.folder, trained.step, trained.config.task.name
        self.masked = trained.game.task.on_files.masked
        self.variants = MOST_VARIANTS if trained.game.task.latents.size else 1
        self._on_files, self._network = trained.game.task.on_files, Network(trained)
        self._storage, self._limits, self._turns = storage, limits, turns

    def warm_up(self) -> None:
        """Compiles the network, so that no visitor has to wait for it."""
        from PIL import Image

        height, width = self._network.shape
        hole = np.zeros((height, width), bool)
        hole[height // 4 : height // 2, width // 4 : width // 2] = True
        with self._turns.turn():
            gray = LargeImage(Image.new('RGB', (width, height), 'gray'))
            list(self._on_files.paint(self._network, gray, hole if self.masked else None))

    def show(self, photo: Path) -> Path:
        """A file with the photo as the browser shows it, upright.

        Raises:
          UserError: the limits or the decoder refuse it.
        """
        check_photo(photo, self._limits)
        return _preview(photo, self._storage.new())

    def translate(self, photo: Path, mask: np.ndarray | None, variants: int) -> Made:
        """Makes the results of a photo: the same bytes as `--mode=translate --variants=...`.

        Args:
          photo: the uploaded file; it stays as it is, and results get its name.
          mask: for tasks that fill holes: bool [h, w] of any size, stretched over the photo, true for the hole.
          variants: how many noise vectors to draw.

        Raises:
          UserError: the limits, the decoder, the mask or the clock refuse it.
        """
        check_photo(photo, self._limits)
        if not 1 <= variants <= self.variants:
            raise UserError(f'{variants} variants are not possible: this run makes 1 to {self.variants}.')
        place, aside = self._storage.new(), self._storage.new()
        results = name_results([photo], photo, place, variants, self.masked)[photo]
        masks = [_write_mask(aside / f'painted{MASK_END}.png', photo, mask)] if self.masked else []
        notes = Notes()
        with self._turns.turn() as check:
            translate_one(self._on_files, _Timed(self._network, variants, check), photo, masks, results, notes)
        before, after = _preview(photo, aside), [_preview(path, aside) for path in results]
        return Made(results, before, after, notes.lines())


class _Timed:
    """The network for one request: its own number of variants, and an end of its time."""

    def __init__(self, network: Network, variants: int, check: Callable[[], None]):
        self.shape, self.variants = network.shape, variants
        self._network, self._check = network, check

    def __call__(self, *question):
        self._check()
        answer = self._network(*question)

        def timed(variant):
            self._check()
            return answer(variant)

        return timed


def small(image: LargeImage) -> np.ndarray:
    """An image on white, scaled down to at most `PREVIEW` pixels on its longer side: uint8 [h, w, 3]."""
    scale = max(1, max(image.size) / PREVIEW)
    size = tuple(max(1, round(n / scale)) for n in image.size)
    return compose.quantise(shrink(lambda window: ops.to_float(image.seen(window)), everything(image.size), size))


def stretch(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A mask [h, w] at another size: each pixel takes the value of the place where it is. bool [*size]."""
    rows, columns = (np.arange(n) * m // n for n, m in zip(size, mask.shape, strict=True))
    return np.asarray(mask, bool)[rows[:, None], columns]


def _preview(path: Path, folder: Path) -> Path:
    """A JPEG of an image file, small, in another folder."""
    from PIL import Image

    shown = Image.fromarray(small(read_image(path)[0]))
    preview = folder / f'{len(list(folder.iterdir()))}.jpg'
    write_whole(preview, lambda file: shown.save(file, 'JPEG', quality=92, subsampling=0))
    return preview


def _write_mask(path, photo, mask):
    """Writes the mask as `translate` reads it: of the size of the upright photo, white where it is to be filled."""
    if mask is None or not np.any(mask):
        raise UserError('Nothing is painted yet: paint over what is to be filled.')
    whole = stretch(mask, read_image(photo)[0].size)
    if whole.all():
        raise UserError('All of the photo is painted over: leave something to go by.')
    save_png(path, np.where(whole, 255, 0).astype(np.uint8))
    return path
