"""A trained run put to use on any image: colours for what has none, contents for what is masked.

Whatever an image's size and mode, the result has its size, its orientation (upright pixels, without a tag) and its
name. Colorizing keeps the image's own luma at full resolution and takes only chroma from the network; inpainting
keeps every pixel outside the mask. What a file format cannot hold is written as PNG.
"""

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from gans.core.sampling import sample
from gans.errors import UserError
from gans.inference import baselines
from gans.inference.image_files import irregular, read_image, save_image, shown
from gans.inference.image_folders import MASK_END, Notes, find, name_results
from gans.inference.large_image import Enlarged, LargeImage, Window, bounds, everything, shrink, windows
from gans.printing import say
from gans.run.trained import Trained, load_run

MOST_PARTS = 16  # a mask of more parts than this is filled in one go
MOST_VARIANTS = 10_000
_MOST_PROBLEMS = 20  # so many are told
_TELL_EVERY = 10  # seconds between lines about how far it is
_HOPELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # one failed write means that the others will fail


class Task(NamedTuple):
    """What a run's task does with an image.

    Attributes:
      paint: (Network, LargeImage, mask or None) -> the results, one per variant, each used up before the next is made:
        the last one is the image itself, painted over.
      masked: images have masks beside them, and keep every pixel outside, so that the format must be lossless.
    """

    paint: Callable[['Network', LargeImage, np.ndarray | None], Iterator[LargeImage]]
    masked: bool


class Network:
    """A run's generator with its noise: images of the training's shape in and out.

    The noise of variant k is the same for every image and in every call.
    """

    def __init__(self, trained: Trained, variants: int = 1):
        """Raises UserError if `variants` are asked of a generator without noise."""
        task = trained.config.task
        latent = task.get('latent', 0)
        if not 1 <= variants <= MOST_VARIANTS:
            raise UserError(f'--variants={variants}: give 1 to {MOST_VARIANTS}.')
        if variants > 1 and not latent:
            raise UserError(
                f'The generator of {trained.folder} has no noise, so that --variants={variants} would be {variants} '
                'equal images: leave --variants out.'
            )
        self.shape, self.variants = trained.game.size, variants
        self.share = task.get('max_side', 1.0)
        self._latent = latent
        self._sample = jax.jit(partial(sample, trained.game))
        self._state = trained.state

    def __call__(self, look: Callable[[Window], np.ndarray], window: Window) -> Callable[[int], Enlarged]:
        """Translates a window of an image, of any size.

        The window is scaled to fit into the training's shape in both directions, in its own proportions, and what is
        left free is filled with its mirror images.

        Args:
          look: window -> float [h, w, C] in [-1, 1], the image there; it is looked at strip by strip.
          window: what to translate.

        Returns:
          number of a variant, from 0 -> its colours, float in [-1, 1], over the whole window.
        """
        sides = [s.stop - s.start for s in window]
        scale = max(n / most for n, most in zip(sides, self.shape, strict=True))
        inner = [min(max(round(n / scale), 1), most) for n, most in zip(sides, self.shape, strict=True)]
        small = np.clip(shrink(look, window, tuple(inner)), -1, 1)
        free = [most - n for n, most in zip(inner, self.shape, strict=True)]
        padded = np.pad(small, [(n // 2, n - n // 2) for n in free] + [(0, 0)], 'symmetric')
        top, left = (n // 2 for n in free)

        def answer(variant):
            output = np.asarray(self._sample(self._state, {'image': padded[None], **self._noise(variant)}))[0]
            return Enlarged(output[top : top + inner[0], left : left + inner[1]], window)

        return answer

    def _noise(self, variant):
        key = jax.random.fold_in(jax.random.key(0), variant)
        return {'latent': jax.random.normal(key, (1, self._latent))} if self._latent else {}


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
    name = trained.config.task.name
    if name not in _TASKS:
        raise UserError(f'{trained.folder} was trained for {name!r}: only {" and ".join(_TASKS)} translate images.')
    task, network = _TASKS[name], Network(trained, variants)
    found = find(source, target, task.masked)
    names = name_results(found.images, source, target, variants, task.masked)
    notes, problems, done, told = Notes(), [], 0, time.monotonic()
    for path in found.images:
        try:
            _translate_one(task, network, path, found.masks_of(path), names[path], notes)
            done += 1
        except UserError as error:
            problems.append(str(error))
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _HOPELESS:
                break
        if time.monotonic() - told > _TELL_EVERY and path is not found.images[-1]:
            told = time.monotonic()
            say(f'{done + len(problems)} of {len(found.images)} images', sys.stderr)
    for why, paths in found.passed.items():
        notes.add(f'Passed over, {why}', paths)
    summary = f'{done} of {len(found.images)} images ({done * variants} files) written to {shown(target)}.'
    if problems and len(found.images) > 1:
        more = [f'And {len(problems) - _MOST_PROBLEMS} more like these.'] if problems[_MOST_PROBLEMS:] else []
        raise UserError('\n'.join([*problems[:_MOST_PROBLEMS], *more, summary, *notes.lines()]))
    if problems:
        raise UserError(problems[0])
    return '\n'.join([summary, *notes.lines()])


def colorize(network: Network, image: LargeImage, mask: None = None) -> Iterator[LargeImage]:
    """The image's own luma at full resolution with the network's chroma, scaled up bicubically."""
    del mask
    answer = network(lambda window: baselines.luma(_floats(image.seen(window))), everything(image.size))
    for variant in range(network.variants):
        output, result = answer(variant), image.coloured(in_place=variant == network.variants - 1)
        for window in windows(everything(image.size)):
            gray = baselines.luma(_floats(image.rgb(window)))
            result.put(window, baselines.quantise(baselines.keep_luma(gray, output[window])))
        yield result


def inpaint(network: Network, image: LargeImage, mask: np.ndarray) -> Iterator[LargeImage]:
    """The image with what the network makes of the true parts of its mask, bool [H, W].

    Every connected part of the mask is filled with its border's mean colour and shown to the network in a section of
    the image of its own, so large that the part takes the trained share of it, or as much of the image as there is.
    """
    labels, places = baselines.connected(mask)
    means = baselines.border_means(lambda window: _floats(image.seen(window)), labels, places)
    labels = labels.astype(np.min_scalar_type(len(places)))
    if len(places) > MOST_PARTS:
        parts = [(0, bounds(mask))]
    else:
        parts = list(enumerate(places, 1))
    del mask  # a byte per pixel

    def look(window):
        values, part = _floats(image.seen(window)), labels[window]
        values[part > 0] = means[part[part > 0] - 1]
        return values

    answers = [network(look, section(place, image.size, network.shape, network.share)) for _, place in parts]
    for variant in range(network.variants):
        result = image if variant == network.variants - 1 else image.copy()
        for (number, place), answer in zip(parts, answers, strict=True):
            output = answer(variant)
            for window in windows(place):
                part = labels[window] == number if number else labels[window] > 0
                result.put(window, baselines.quantise(output[window]), part)
        yield result


def section(
    place: tuple[slice, slice], size: tuple[int, int], shape: tuple[int, int], share: float
) -> tuple[slice, slice]:
    """The rows and columns of an image to show to a network so that it fills in `place`.

    Args:
      place: the rows and columns to be filled.
      size: the image's (height, width).
      shape: that of the network's images, whose proportions the section has, unless the image ends before.
      share: how much of a side the place takes at most, unless the image ends before.
    """
    need = max((s.stop - s.start) / (share * n) for s, n in zip(place, shape, strict=True))
    whole = max(n / m for n, m in zip(size, shape, strict=True))
    scale = min(max(need, 1), whole)  # never finer than the image itself
    rows_and_columns = []
    for s, n, m in zip(place, size, shape, strict=True):
        length = min(round(scale * m), n)
        start = (s.start + s.stop - length) // 2
        start = min(max(start, 0), n - length)
        rows_and_columns.append(slice(start, start + length))
    return tuple(rows_and_columns)


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
        light = baselines.luma(read.rgb(window))[..., 0]
        mask[window] = (light if alpha is None else light * (alpha / 255)) > 127.5
    if not mask.any():
        raise UserError(f"'{name}' has nothing white: paint white what is to be filled.")
    if mask.all():
        raise UserError(f"'{name}' is white all over: leave black what the image is to keep.")
    return mask


def _translate_one(task, network, path, masks, targets, notes):
    """Writes the variants of one image; notes what is not as it was."""
    image, carried = read_image(path)
    mask = None
    if task.masked:
        _check_kept(path, carried)
        mask = read_mask(path, image, masks)
    for result, target in zip(task.paint(network, image, mask), targets, strict=True):
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
    if not os.path.lexists(source):
        raise UserError(f"There is no '{shown(source)}': give an image or a folder of images as --input.")
    if not os.path.isdir(source) and irregular(source):
        raise UserError(f"'{shown(source)}' is {irregular(source)}: give an image or a folder of images as --input.")
    if os.path.lexists(target) and not os.path.isdir(target):
        raise UserError(f"'{shown(target)}' is no folder: give a folder as --output.")
    if os.path.realpath(source if os.path.isdir(source) else source.parent) == os.path.realpath(target):
        raise UserError(
            f"'{shown(target)}' is where the input lies, and it would be overwritten: give another --output."
        )


def _floats(images):
    return images.astype(np.float32) / 127.5 - 1


# Task name -> what it does with an image.
_TASKS = {
    'colorize': Task(colorize, masked=False),
    'inpaint': Task(inpaint, masked=True),
}
