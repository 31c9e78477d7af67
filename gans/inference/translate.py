"""A trained run used on image files of any size; its task says what is made of an image (`gans.types.OnFiles`).

Whatever an image's mode, the result keeps its orientation (upright pixels, without a tag) and its name. What a file
format cannot hold is written as PNG.
"""

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import numpy as np

from gans.core.programs import once
from gans.core.sampling import sample
from gans.data.files import check_no_file
from gans.errors import UserError, check_local
from gans.image import compose
from gans.image.large_image import Enlarged, LargeImage, Window, everything, shrink, windows
from gans.inference.image_files import FORMATS, irregular, read_image, save_image, shown
from gans.inference.image_folders import MASK_END, Notes, find, name_results
from gans.nn import noise
from gans.progress import progress
from gans.run.trained import Trained, load_run
from gans.types import OnFiles

MOST_VARIANTS = 10_000
_MOST_PROBLEMS = 20  # so many are told
_HOPELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # one failed write means that the others will fail


class Network:
    """A run's generator with its noise: images of the training's shape in and out.

    The noise of variant k is the same for every image and in every call.
    """

    def __init__(self, trained: Trained, variants: int = 1):
        """Raises UserError if `variants` are asked of a generator without noise."""
        latents = trained.game.task.latents
        if not 1 <= variants <= MOST_VARIANTS:
            raise UserError(f'--variants={variants}: give 1 to {MOST_VARIANTS}.')
        if variants > 1 and not latents.size:
            raise UserError(
                f'The generator of {trained.folder} has no noise, so that --variants={variants} would be {variants} '
                'equal images: leave --variants out.'
            )
        self.shape, self.variants = trained.game.size, variants
        self._latents = latents
        self._sample = once(trained.game, 'sample', lambda: jax.jit(partial(sample, trained.game)))
        self._state = trained.state

    def __call__(
        self,
        look: Callable[[Window], np.ndarray],
        window: Window,
        show: Callable[[np.ndarray], np.ndarray] = lambda small: small,
    ) -> Callable[[int], Enlarged]:
        """Translates a window of an image, of any size.

        The window is scaled to fit into the training's shape in both directions, in its own proportions, and what is
        left free is filled with its mirror images.

        Args:
          look: window -> float [h, w, C] in [-1, 1], the image there; it is looked at strip by strip.
          window: what to translate.
          show: what was looked at, scaled, [h, w, C] -> what the network is shown of it, [h, w, channels].

        Returns:
          number of a variant, from 0 -> its colours, float in [-1, 1], over the whole window.
        """
        sides = [s.stop - s.start for s in window]
        scale = max(n / most for n, most in zip(sides, self.shape, strict=True))
        inner = [min(max(round(n / scale), 1), most) for n, most in zip(sides, self.shape, strict=True)]
        small = show(np.clip(shrink(look, window, tuple(inner)), -1, 1))
        free = [most - n for n, most in zip(inner, self.shape, strict=True)]
        padded = np.pad(small, [(n // 2, n - n // 2) for n in free] + [(0, 0)], 'symmetric')
        top, left = (n // 2 for n in free)

        def answer(variant):
            output = np.asarray(self._sample(self._state, {'image': padded[None], **self._noise(variant)}))[0]
            return Enlarged(output[top : top + inner[0], left : left + inner[1]], window)

        return answer

    def _noise(self, variant):
        key = jax.random.fold_in(jax.random.key(0), variant)
        size, distribution = self._latents
        return {'latent': noise.draw(key, (1, size), distribution)} if size else {}


def translate(workdir: str | Path, input: str | Path, output: str | Path, variants: int = 1) -> str:
    """Translates an image, or all images under a folder, with a run's generator.

    Args:
      workdir: the run's folder; its checkpoint is enough.
      input: an image or a folder.
      output: the folder for the results, which get the names (and, from a folder, the relative paths) of the images.
      variants: how many noise vectors to draw; above 1 the names end in _1, _2, ...

    Returns:
      what was done, for people.

    Raises:
      UserError: anything that the user can mend. An image that cannot be read does not stop the others: the error
        comes at the end.
    """
    source, target = (Path(os.path.expanduser(place)) for place in (input, output))
    _check_places(source, target)
    trained = load_run(workdir)
    on_files = trained.game.task.on_files
    if on_files is None:
        raise UserError(
            f'{trained.folder} was trained for {trained.config.task.name!r}, which has no use on image files: it '
            'cannot translate.'
        )
    network = Network(trained, variants)
    found = find(source, target, on_files.masked)
    names = name_results(found.images, source, target, variants, on_files.masked)
    notes, problems, done = Notes(), [], 0
    with progress('translating', len(found.images)) as advance:
        for path in found.images:
            try:
                translate_one(on_files, network, path, found.masks_of(path), names[path], notes)
                done += 1
            except UserError as error:
                problems.append(str(error))
                if isinstance(error.__cause__, OSError) and error.__cause__.errno in _HOPELESS:
                    break
            advance(1)
    for why, paths in found.passed.items():
        notes.add(f'Passed over, {why}', paths)
    summary = f'{done} of {len(found.images)} images ({done * variants} files) written to {shown(target)}.'
    if problems and len(found.images) > 1:
        more = [f'And {len(problems) - _MOST_PROBLEMS} more like these.'] if problems[_MOST_PROBLEMS:] else []
        raise UserError('\n'.join([*problems[:_MOST_PROBLEMS], *more, summary, *notes.lines()]))
    if problems:
        raise UserError(problems[0])
    return '\n'.join([summary, *notes.lines()])


def read_mask(path: Path, image: LargeImage, masks: list[Path]) -> np.ndarray:
    """The mask beside an image, bool [H, W]: true where it is lighter than mid-gray and not transparent.

    Args:
      path: the image's, for messages.
      image: it itself.
      masks: the files that are its masks by their names: there must be one.

    Raises:
      UserError: there is none or more than one, it has another size, or it leaves nothing to do or nothing to go by.
    """
    if not masks:
        wanted = path.with_name(path.stem + MASK_END + '.png')
        raise UserError(
            f"'{shown(path)}' has no mask: paint white what is to be filled, and put it at '{shown(wanted)}'."
        )
    if len(masks) > 1:
        both = ' and '.join(f"'{shown(mask.name)}'" for mask in masks)
        raise UserError(f"'{shown(path)}' has {len(masks)} masks, {both}: leave one.")
    read, _ = read_image(masks[0])
    (height, width), (mask_height, mask_width) = image.size, read.size
    name = shown(masks[0])
    if (height, width) != (mask_height, mask_width):
        raise UserError(
            f"'{name}' has {mask_width}x{mask_height} pixels but '{shown(path)}' has {width}x{height}: give the mask "
            'the size of the image (upright).'
        )
    mask = np.empty(read.size, bool)
    for window in windows(everything(read.size)):
        alpha = read.alpha(window)
        light = compose.luma(read.rgb(window))[..., 0]
        mask[window] = (light if alpha is None else light * (alpha / 255)) > 127.5
    if not mask.any():
        raise UserError(f"'{name}' has nothing white: paint white what is to be filled.")
    if mask.all():
        raise UserError(f"'{name}' is white all over: leave black what the image is to keep.")
    return mask


def translate_one(
    on_files: OnFiles, network: Callable, path: Path, masks: list[Path], targets: list[Path], notes: Notes
) -> None:
    """Writes the variants of one image; notes what is not as it was.

    Args:
      on_files: what the run's task makes of an image.
      network: a `Network`, or what behaves like one.
      path: the image.
      masks: the files that are its masks by their names, for a task that needs one.
      targets: the paths of its results, one for each variant.
      notes: where it is noted.

    Raises:
      UserError: the image, its mask or the place of a result will not do.
    """
    image, carried = read_image(path)
    mask = None
    if on_files.masked:
        _check_kept(path, carried)
        mask = read_mask(path, image, masks)
    for result, target in zip(on_files.paint(network, image, mask), targets, strict=True):
        lost = save_image(result, target, carried)
        if target is targets[0]:
            notes.of_image(path, target, carried, result, lost)


def _check_kept(path, carried):
    """Raises UserError if a file has values that no result could keep outside the mask."""
    if carried.mode in ('I', 'F'):
        raise UserError(
            f"'{shown(path)}' has values of {carried.bits} bits of a kind that cannot be kept: convert it to PNG of 16 "
            'or 8 bits.'
        )
    if carried.deep_colour:
        raise UserError(
            f"'{shown(path)}' has colours of {carried.bits} bits per value, which cannot be kept outside the mask: "
            'convert it to 8 bits.'
        )


def _check_places(source, target):
    check_local(source)
    check_local(target)
    if not os.path.lexists(source):
        raise UserError(f"There is no '{shown(source)}': give an image or a folder of images as --input.")
    if not os.path.isdir(source) and irregular(source):
        raise UserError(f"'{shown(source)}' is {irregular(source)}: give an image or a folder of images as --input.")
    check_no_file(target)
    if target.suffix.lower() in FORMATS and not target.exists():
        raise UserError(f"--output='{shown(target)}' is the name of an image: give a folder for the results.")
    if os.path.realpath(source if os.path.isdir(source) else source.parent) == os.path.realpath(target):
        raise UserError(
            f"'{shown(target)}' is where the input lies, and it would be overwritten: give another --output."
        )
