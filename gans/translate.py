"""A trained run put to use on any picture: colours for what has none, contents for what is masked.

Whatever a picture's size and mode, the result has its size, its orientation (upright pixels, without a tag) and its
name. Colorizing keeps the picture's own luma at full resolution and takes only chroma from the network; inpainting
keeps every pixel outside the mask. What a file format cannot hold is written as PNG.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from gans import baselines
from gans.build import shape_of
from gans.errors import UserError
from gans.picture_files import FORMATS, Picture, is_picture, read_picture, save_picture
from gans.runs import Trained, load_run
from gans.train_step import sample

MASK_END = '_mask.png'
MOST_PARTS = 16  # a mask of more parts than this is filled in one go
_STRIP = 256  # rows whose colours are put together at a time: memory, not speed
_GRAY_MODES = ('1', 'L', 'LA', 'La', 'I;16', 'I;16L', 'I;16B')
_LONG_MODES = ('I', 'F')


class Result(NamedTuple):
    """One answer: uint8 [H, W, 3], and where it may differ from the input (bool [H, W]; None for everywhere)."""

    rgb: np.ndarray
    mask: np.ndarray | None = None


class Task(NamedTuple):
    """What a run's task does with a picture.

    Attributes:
      paint: (Network, Picture, its path) -> Results, one per variant.
      lossless: values outside `Result.mask` stay as they are, so the format must keep them.
      beside: a file is no picture of its own if its name ends so; '' for none.
    """

    paint: Callable[['Network', Picture, Path], list[Result]]
    lossless: bool
    beside: str


class Network:
    """A run's generator with its noise: pictures of the training's shape in and out.

    The noise of variant k is the same for every picture and in every call.
    """

    def __init__(self, trained: Trained, variants: int = 1):
        """Raises UserError if `variants` are asked of a generator without noise."""
        task = trained.config.task
        latent = task.get('latent', 0)
        if variants < 1:
            raise UserError(f'--variants={variants} asks for no picture at all: give at least 1.')
        if variants > 1 and not latent:
            raise UserError(
                f'The generator of {trained.folder} has no noise, so that --variants={variants} would be {variants} '
                'equal pictures: leave --variants out.'
            )
        self.shape, self.variants = shape_of(trained.config), variants
        self.share = task.get('max_side', 1.0)
        self._noise = {'latent': jax.random.normal(jax.random.key(0), (variants, latent))} if latent else {}
        self._sample = jax.jit(partial(sample, trained.game))
        self._state = trained.state

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """float [h, w, C] in [-1, 1], of any size -> float32 [variants, h, w, 3].

        The picture is scaled to fit into the training's shape in both directions, in its own proportions, and what is
        left free is filled with its mirror images.
        """
        height, width, _ = picture.shape
        scale = max(height / self.shape[0], width / self.shape[1])
        inner = [min(max(round(n / scale), 1), most) for n, most in zip((height, width), self.shape, strict=True)]
        small = np.clip(_resize(picture, inner, 'LANCZOS'), -1, 1)
        free = [most - n for n, most in zip(inner, self.shape, strict=True)]
        padded = np.pad(small, [(n // 2, n - n // 2) for n in free] + [(0, 0)], 'symmetric')
        outputs = self._sample(self._state, {'image': np.stack([padded] * self.variants), **self._noise})
        top, left = (n // 2 for n in free)
        inside = np.asarray(outputs)[:, top : top + inner[0], left : left + inner[1]]
        return np.stack([_resize(output, (height, width), 'BICUBIC') for output in inside])


def translate(workdir: str | Path, input: str | Path, output: str | Path, variants: int = 1) -> str:
    """Translates a picture, or all pictures under a folder, with a run's generator.

    Args:
      workdir: the run's folder; its checkpoint is enough.
      input: a picture or a folder.
      output: the folder for the results, which get the names (and, from a folder, the relative paths) of the pictures.
      variants: how many noise vectors to draw; above 1 the names end in _1, _2, ...

    Returns:
      what was done, for people.

    Raises:
      UserError: anything that the user can mend. A picture that cannot be read does not stop the others: the error
        comes at the end.
    """
    source, target = Path(input).expanduser(), Path(output).expanduser()
    if not source.exists():
        raise UserError(f"There is no '{source}': give a picture or a folder of pictures as --input.")
    if target.exists() and not target.is_dir():
        raise UserError(f"'{target}' is a file: give a folder as --output.")
    if (source if source.is_dir() else source.parent).resolve() == target.resolve():
        raise UserError(f"'{target}' is where the input lies, and it would be overwritten: give another --output.")
    trained = load_run(workdir)
    name = trained.config.task.name
    if name not in _TASKS:
        raise UserError(f'{trained.folder} was trained for {name!r}: only {" and ".join(_TASKS)} translate pictures.')
    task, network = _TASKS[name], Network(trained, variants)
    pictures, others = _find(source, target, task)
    names = _name_results(pictures, source, target, task, variants)
    notes, problems = [], []
    for path in pictures:
        try:
            notes += _translate_one(task, network, path, names[path])
        except UserError as error:
            problems.append(str(error))
    done = len(pictures) - len(problems)
    if others:
        notes.append(f'Other files passed over: {others}.')
    summary = f'{done} of {len(pictures)} pictures ({done * variants} files) written to {target}.'
    if problems and len(pictures) > 1:
        raise UserError('\n'.join([*problems, summary, *notes]))
    if problems:
        raise UserError(problems[0])
    return '\n'.join([summary, *notes])


def colorize(network: Network, picture: Picture, path: Path) -> list[Result]:
    """The picture's own luma at full resolution with the network's chroma, scaled up bicubically."""
    del path
    outputs = network(baselines.luma(_floats(picture.seen)))
    results = []
    for output in outputs:
        rgb = np.empty_like(picture.rgb)
        for top in range(0, len(rgb), _STRIP):
            rows = slice(top, top + _STRIP)
            gray = baselines.luma(_floats(picture.rgb[rows]))
            rgb[rows] = baselines.quantise(baselines.keep_luma(gray, output[rows]))
        results.append(Result(rgb))
    return results


def inpaint(network: Network, picture: Picture, path: Path) -> list[Result]:
    """The picture with what the network makes of the white parts of its mask.

    Every connected part of the mask is filled with its border's mean colour and shown to the network in a section of
    the picture of its own, so large that the part takes the trained share of it, or as much of the picture as there is.
    """
    mask = read_mask(path, picture)
    filled = baselines.fill_border(_floats(picture.seen), mask)
    labels, places = baselines.connected(mask)
    if len(places) > MOST_PARTS:
        labels, places = mask.astype(int), [_bounds(mask)]
    results = [picture.rgb.copy() for _ in range(network.variants)]
    for number, place in enumerate(places, 1):
        around = section(place, mask.shape, network.shape, network.share)
        part = labels[around] == number
        for result, output in zip(results, network(filled[around]), strict=True):
            result[around][part] = baselines.quantise(output[part])
    return [Result(result, mask) for result in results]


def section(
    place: tuple[slice, slice], size: tuple[int, int], shape: tuple[int, int], share: float
) -> tuple[slice, slice]:
    """The rows and columns of a picture to show to a network so that it fills in `place`.

    Args:
      place: the rows and columns to be filled.
      size: the picture's (height, width).
      shape: that of the network's pictures, whose proportions the section has, unless the picture ends before.
      share: how much of a side the place takes at most, unless the picture ends before.
    """
    need = max((s.stop - s.start) / (share * n) for s, n in zip(place, shape, strict=True))
    whole = max(n / m for n, m in zip(size, shape, strict=True))
    scale = min(max(need, 1), whole)  # never finer than the picture itself
    rows_and_columns = []
    for s, n, m in zip(place, size, shape, strict=True):
        length = min(round(scale * m), n)
        start = (s.start + s.stop - length) // 2
        start = min(max(start, 0), n - length)
        rows_and_columns.append(slice(start, start + length))
    return tuple(rows_and_columns)


def read_mask(path: Path, picture: Picture) -> np.ndarray:
    """The mask beside a picture, bool [H, W]: true where it is lighter than mid-gray and not transparent.

    Raises:
      UserError: there is none, it has another size, or it leaves nothing to do or nothing to go by.
    """
    where = mask_of(path)
    if not where.is_file():
        raise UserError(f"'{path}' has no mask: paint white what is to be filled, and put it at '{where}'.")
    read = read_picture(where)
    (height, width), (mask_height, mask_width) = picture.rgb.shape[:2], read.rgb.shape[:2]
    if (height, width) != (mask_height, mask_width):
        raise UserError(
            f"'{where}' has {mask_width}x{mask_height} pixels but '{path}' has {width}x{height}: give the mask the "
            'size of the picture (upright).'
        )
    alpha = 1 if read.alpha is None else read.alpha / 255
    mask = baselines.luma(read.rgb)[..., 0] * alpha > 127.5
    if not mask.any():
        raise UserError(f"'{where}' has nothing white: paint white what is to be filled.")
    if mask.all():
        raise UserError(f"'{where}' is white all over: leave black what the picture is to keep.")
    return mask


def mask_of(path: Path) -> Path:
    """Where the mask of a picture lies: NAME.jpg -> NAME_mask.png."""
    return path.with_name(path.stem + MASK_END)


def _translate_one(task, network, path, targets):
    """Writes the variants of one picture; returns notes about what is not as it was."""
    picture = read_picture(path)
    if task.lossless and picture.mode in _LONG_MODES:
        raise UserError(f"'{path}' has values of 32 bits, which cannot be kept: convert it to 16 or 8 bits.")
    for result, target in zip(task.paint(network, picture, path), targets, strict=True):
        save_picture(_assemble(picture, result), target, picture.profile)
    notes = []
    if targets[0].suffix != path.suffix:
        notes.append(f"'{path}' became PNG ({targets[0].name}), since its own format cannot hold the result.")
    if picture.deep is not None and not task.lossless:
        notes.append(f"'{path}' has 16 bits per value; its colours have 8.")
    return notes


def _find(source, target, task):
    """(the pictures to translate, in order; how many other files lie among them)."""
    if not source.is_dir():
        if task.beside and source.name.endswith(task.beside):
            raise UserError(f"'{source}' is a mask: give the picture that it belongs to as --input.")
        return [source], 0
    pictures, others = [], 0
    for folder, subfolders, files in os.walk(source):
        folder = Path(folder)
        # Results of an earlier call may lie in a folder inside the input.
        subfolders[:] = sorted(
            name for name in subfolders if name[0] != '.' and (folder / name).resolve() != target.resolve()
        )
        for name in sorted(files):
            if name[0] == '.' or (task.beside and name.endswith(task.beside)):
                continue
            found = is_picture(folder / name)
            pictures += [folder / name] if found else []
            others += not found
    if not pictures:
        raise UserError(f"There are no pictures in '{source}': give a picture or a folder that has some as --input.")
    return pictures, others


def _name_results(pictures, source, target, task, variants):
    """{picture: the paths of its results}; raises UserError if two would meet, or one would replace an input."""
    inputs = {path.resolve() for path in pictures}
    names, owners = {}, {}
    for path in pictures:
        wanted = target / (path.relative_to(source) if source.is_dir() else path.name)
        kind = FORMATS.get(path.suffix.lower())
        if kind is None or (task.lossless and not kind.lossless):
            wanted = wanted.with_suffix('.png')
        ends = [f'_{k}' for k in range(1, variants + 1)] if variants > 1 else ['']
        names[path] = [wanted.with_name(f'{wanted.stem}{end}{wanted.suffix}') for end in ends]
        for result in names[path]:
            if result.resolve() in inputs:
                raise UserError(f"'{result}' is one of the pictures to translate: give another --output.")
            if result in owners:
                raise UserError(f"'{owners[result]}' and '{path}' would both become '{result}': rename one of them.")
            owners[result] = path
    return names


def _assemble(picture, result):
    """A result as a Pillow image; what is only filled in stays gray, 16 bits deep and transparent if it was."""
    from PIL import Image

    kept_gray = result.mask is not None and picture.mode in _GRAY_MODES
    if kept_gray and picture.deep is not None:
        values = picture.deep.copy()
        values[result.mask] = np.rint(baselines.luma(result.rgb[result.mask])[:, 0] * 257)
        return Image.fromarray(values)
    if kept_gray:
        image = Image.fromarray(np.rint(baselines.luma(result.rgb)[..., 0]).astype(np.uint8))
    else:
        image = Image.fromarray(result.rgb)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    return image


def _floats(pictures):
    return pictures.astype(np.float32) / 127.5 - 1


def _resize(picture, size, filter_name):
    """float [H, W, C] -> float32 [*size, C]; antialiased where it shrinks."""
    from PIL import Image

    height, width = size
    kind = Image.Resampling[filter_name]
    planes = [Image.fromarray(np.ascontiguousarray(p, np.float32)) for p in np.moveaxis(picture, -1, 0)]
    return np.stack([np.asarray(plane.resize((width, height), kind)) for plane in planes], axis=-1)


def _bounds(mask):
    """The rows and columns that hold all of a mask."""
    return tuple(slice(int(n[0]), int(n[-1]) + 1) for n in (np.flatnonzero(mask.any(axis=a)) for a in (1, 0)))


# Task name -> what it does with a picture.
_TASKS = {
    'colorize': Task(colorize, lossless=False, beside=''),
    'inpaint': Task(inpaint, lossless=True, beside=MASK_END),
}
