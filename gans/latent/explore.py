"""The verb `explore`: what a generator from noise has learned, drawn by `gans.latent.drawings`, as files.

Beside every image (.png) lie its numbers (.npz): `images` uint8 [..., H, W, 3], `latents` float32 [..., Z] of
the same leading shape, and what belongs to them; beside what moves, an animation (.gif).
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gans.data import decode
from gans.data.files import check_no_file
from gans.data.sources import folder
from gans.errors import UserError, closest
from gans.image import files
from gans.latent import space
from gans.latent.drawings import DRAWINGS, Drawing, Painter, Plan
from gans.latent.edits import choose_edits, read_edits
from gans.run.trained import load_run

COUNT = 64  # seeds if none are asked for
_FEW = 8  # of those, so many for walks and edits; and so many directions
_FLAGS = {'edits': 'edits', 'arithmetic': 'arithmetic', 'find': 'input'}  # drawing -> the flag that it needs


class Wishes(NamedTuple):
    """What the flags ask for, as they were given; the names are those of the flags.

    Attributes:
      draw: which drawings; if none are named, those that need no more than a run (the manifold: of latents of two
        numbers), and those that another flag is for.
      seeds: the seeds of samples, walks and edits; 0 to `count` - 1 by default, of which walks and edits take 8.
      count: how many seeds, 64 by default.
      frames: images of a walk, both ends included.
      directions: which principal directions, counted from 0, the largest; by default the first 8.
      reach: how far to go along them, in roots of their eigenvalues.
      side: images along each side of the manifold (20 in figure 13 of the thesis).
      span: how far the middles of its sides lie from its own, in parts of the noise's range. Where that is [-1, 1], the
        thesis's code goes to 0.9, which is the default, and its text to 1.
      edits: a file of edits (`gans.latent.edits`).
      apply: which of them, + between those that are added.
      arithmetic: a sum of seeds' means, for example 0,1,2-3,4,5+6,7,8.
      input: an image, a folder or a zip of images to be found.
      search: find them by gradient descent, also where the discriminator has an encoder.
    """

    draw: Sequence[str] = ()
    seeds: Sequence[str] = ()
    count: int | None = None
    frames: int = 9
    directions: Sequence[str] = ()
    reach: float = 3.0
    side: int = 20
    span: float = 0.9
    edits: str | None = None
    apply: Sequence[str] = ()
    arithmetic: str | None = None
    input: str | None = None
    search: bool = False


def explore(workdir: str | Path, output: str | Path, wishes: Wishes) -> str:
    """Draws what a run's generator makes of chosen latents.

    Args:
      workdir: the run's folder; its checkpoint is enough.
      output: the folder for images (.png), animations (.gif) and numbers (.npz).
      wishes: what to draw.

    Returns:
      what was written, for people.

    Raises:
      UserError: anything that the user can mend, before anything is drawn.
    """
    target = Path(output).expanduser()
    check_no_file(target)
    drawings = _choose_drawings(wishes)
    trained = load_run(workdir)
    painter = Painter(trained)
    drawings = _without_manifold(drawings, wishes, trained) if painter.size != 2 else drawings
    plan = _understand(wishes, drawings, painter)
    lines = [f'{trained.name}: step {trained.step}, {_say_space(painter.space)}']
    for name in drawings:
        for drawing in DRAWINGS[name](painter, plan):
            lines += [f'{_write(target, drawing)}: {drawing.text}.', *drawing.details]
    return '\n'.join([*lines, f'All in {target}.'])


def _choose_drawings(wishes):
    """The drawings that are asked for; raises UserError unless they and the flags that they need go together."""
    for name in wishes.draw:
        if name not in DRAWINGS:
            raise UserError(f'--draw names {name!r}{closest(name, DRAWINGS)}: choose from {", ".join(DRAWINGS)}.')
    chosen = list(wishes.draw) or [name for name in DRAWINGS if name not in _FLAGS or getattr(wishes, _FLAGS[name])]
    for name, flag in _FLAGS.items():
        if name in chosen and not getattr(wishes, flag):
            raise UserError(f'--draw={name} needs --{flag}.')
        if name not in chosen and getattr(wishes, flag):
            raise UserError(f'--{flag} is given, but --draw does not name {name}: add it, or leave --{flag} out.')
    for flag, needed in (('apply', 'edits'), ('search', 'input')):
        if getattr(wishes, flag) and not getattr(wishes, needed):
            raise UserError(f'--{flag} means nothing without --{needed}: give both.')
    return list(dict.fromkeys(chosen))


def _without_manifold(drawings, wishes, trained):
    if 'manifold' in wishes.draw:
        raise UserError(
            f'--draw=manifold needs a generator of latents of 2 numbers, {trained.folder} has '
            f'{trained.game.task.latents.size}: leave it out.'
        )
    return [name for name in drawings if name != 'manifold']


def _understand(wishes, drawings, painter) -> Plan:
    if wishes.frames < 2:
        raise UserError(f'--frames={wishes.frames} is no walk: give at least 2.')
    if not (math.isfinite(wishes.reach) and wishes.reach > 0):
        raise UserError(f'--reach={wishes.reach} goes nowhere: give a number above 0 of root eigenvalues.')
    if wishes.side < 2:
        raise UserError(f'--side={wishes.side} is no manifold: give at least 2 images.')
    if not (0 < wishes.span <= 1 and math.isfinite(painter.quantile((1 + wishes.span) / 2))):
        raise UserError(
            f'--span={wishes.span} is no part of the range of the noise: give a number above 0, up to 1 (below 1 where '
            'the noise is normal).'
        )
    if wishes.seeds and wishes.count is not None:
        raise UserError('--seeds says which and --count how many: give one of them.')
    if wishes.count is not None and wishes.count < 1:
        raise UserError(f'--count={wishes.count} asks for no sample at all: give at least 1.')
    size = painter.size
    seeds = space.read_integers(wishes.seeds, 'seeds') or list(range(wishes.count or COUNT))
    if 'walks' in drawings and len(seeds) < 2:
        raise UserError('A walk needs two ends: give two --seeds or more, or --draw without walks.')
    directions = space.read_integers(wishes.directions, 'directions', size - 1)
    edits = choose_edits(read_edits(wishes.edits, size), wishes.apply) if wishes.edits else {}
    names, images = _read(wishes.input, painter.shape) if wishes.input else ([], None)
    return Plan(
        seeds=seeds,
        few=seeds if wishes.seeds else seeds[:_FEW],
        frames=wishes.frames,
        directions=directions or list(range(min(size, _FEW))),
        amounts=np.linspace(-wishes.reach, wishes.reach, wishes.frames),
        places=np.linspace(-wishes.span, wishes.span, wishes.side),
        edits=edits,
        terms=space.read_terms(wishes.arithmetic) if wishes.arithmetic else [],
        images=images,
        names=names,
        search=wishes.search,
    )


def _read(place, shape):
    """(names, uint8 [N, H, W, 3]) of an image, or of all in a folder or a zip; cut to the run's proportions."""
    path = Path(place).expanduser()
    if not path.exists():
        raise UserError(f"There is no '{path}': give an image or a folder of images as --input.")
    if path.is_dir() or path.suffix.lower() == '.zip':
        found = folder.open_source(shape, 0, str(path), upscale=True)
        return found.names, np.stack([found[i] for i in range(len(found))])
    image = decode.load_image(path, str(path))
    return [str(path)], decode.fit_srgb(image, shape, 'crop', str(path), upscale=True)[None]


def _say_space(space):
    roots, size = np.sqrt(space.eigenvalues), len(space.mean)
    if space.alike:
        return (
            f'latents of {size} numbers, all root eigenvalues {roots[0]:.4g}: the order of the directions says '
            'nothing, they are the components in theirs.'
        )
    return f'latents of {size} numbers, root eigenvalues {roots[0]:.4g} to {roots[-1]:.4g}.'


def _write(target: Path, drawing: Drawing) -> str:
    """Writes a drawing's files; returns their names."""
    place, endings = target / drawing.name, ['png']
    files.save_png(f'{place}.png', drawing.image)
    if drawing.animation is not None:
        files.save_gif(f'{place}.gif', drawing.animation)
        endings.append('gif')
    numbers = {name: np.asarray(value) for name, value in drawing.numbers.items()}
    numbers['latents'] = numbers['latents'].astype(np.float32)
    files.write_whole(f'{place}.npz', lambda file: np.savez_compressed(file, **numbers))
    return f'{drawing.name}.{{{",".join([*endings, "npz"])}}}'
