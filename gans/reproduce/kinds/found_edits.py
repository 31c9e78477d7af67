"""Edits of a run's latent space that were found by measuring: drawn, added up, and as morphs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gans.image import files, grids
from gans.latent import measured, space
from gans.latent.drawings import Painter
from gans.latent.edits import choose_edits, edits_text, read_edits
from gans.latent.measured import (
    DISTANCE,
    OTHERS,
    PROPERTIES,
    SEEDS,
    Measure,
    best_sums,
    deviations,
    effects,
    find_edits,
)
from gans.latent.space import Edit
from gans.reproduce.shared import shared
from gans.reproduce.types import Drawn, Place, Table
from gans.run.trained import Trained, load_run, weights_digest

FILE = 'edits.yaml'


def draw(place: Place, sums: int = 0, frames: int = 2, count: int = 6) -> Drawn:
    """Draws some edits of a run (`gans.latent.measured.find_edits`).

    They are looked for once, and kept as the file `edits.yaml`, which `--mode=explore --edits` takes.

    Args:
      place: of one run from noise.
      sums: draws so many sums of two edits, each beside its parts: those whose weaker property rises most. 0 draws all
        edits by themselves.
      frames: 2 draws a sample and its edited versions in a row; more draw for each edit rows of so many images from
        neutral to edited.
      count: samples, seeds 0 to `count` - 1.

    Returns:
      the images; a table of what each edit changes of each property, in standard deviations of the samples; `edits`,
      their names; the number `EDIT` (of a sum `SUM: EDIT`), what it changes of what it is named after; and with more
      frames `EDIT: rising`, the share of steps between frames at which that grows, `rising` being the first edit's.
    """
    run = load_run(place.runs[0])
    painter = Painter(run)
    measure = Measure(painter)
    path = _edits_of(place, run, painter, measure)
    found = read_edits(path, len(painter.space.directions)) if path.stat().st_size else {}
    wanted = best_sums(painter, measure, found, sums) if sums else list(found)
    parts = [part for name in wanted for part in name.split('+')] if sums else []
    drawn = choose_edits(found, list(dict.fromkeys([*parts, *wanted]))) if wanted else {}
    latents = painter.latents(range(count))
    morphs = {name: painter.images(space.morph(painter.space, latents, edit, frames)) for name, edit in drawn.items()}
    samples = painter.images(latents)
    if sums:
        images = _draw_sums(place.folder, samples, {name: made[:, -1] for name, made in morphs.items()})
    else:
        images = _draw(place.folder, samples, morphs, frames) if morphs else []
    table, numbers = _measured(painter, measure, {name: drawn[name] for name in wanted}, frames)
    left_out = [name for name in PROPERTIES if name not in found]
    return Drawn(
        images=images,
        table=table,
        numbers=numbers,
        commands=[_command(place, path, list(drawn), frames, count)],
        notes=[
            'The table: what each edit changes, in standard deviations of the samples, a mean over '
            f'{len(OTHERS)} latents on which it was not looked for.',
            ' '.join(f'{one.name.capitalize()}: {one.what}.' for one in PROPERTIES.values()),
            *([f'No direction raises what {", ".join(left_out)} stands for: no such edit.'] if left_out else []),
        ],
    )


def _edits_of(place: Place, run: Trained, painter: Painter, measure: Measure) -> Path:
    """The file of a run's edits."""

    def make(folder):
        text = _text(find_edits(painter, measure), run.config.name, run.step)
        files.write_whole(folder / FILE, lambda file: file.write(text.encode()))

    decides = [weights_digest(run).encode(), Path(__file__).read_bytes(), Path(measured.__file__).read_bytes()]
    return shared(place, f'edits_{run.folder.name}', decides, make) / FILE


def _text(edits: Mapping[str, Edit], name: str, step: int) -> str:
    """The file of edits with what they are and how they were found."""
    lines = [
        f'Edits of the latent space of {name}, step {step}, for --mode=explore --edits.',
        f'Found by measuring (gans/latent/measured.py): {DISTANCE:g} root eigenvalues along the direction that raises',
        f'a number most, a mean over the seeds {SEEDS[0]} to {SEEDS[-1]}; no direction serves two.',
        *(f'  {edit}: {PROPERTIES[edit].what}' for edit in edits),
    ]
    return ''.join(f'# {line}\n' for line in lines) + edits_text(edits)


def _draw(folder: Path, samples: np.ndarray, morphs: Mapping[str, np.ndarray], frames: int) -> list[tuple[Path, str]]:
    """Writes the images: one of all edits, or the morph of each."""
    if frames == 2:
        path = folder / 'edits.png'
        files.save_png(path, grids.montage([samples, *(made[:, -1] for made in morphs.values())], ['sample', *morphs]))
        return [(path, f'Samples, then the same edited: {", ".join(morphs)}')]
    written = []
    for name, made in morphs.items():
        path = folder / f'morph_{name}.png'
        files.save_png(path, grids.montage(list(made.swapaxes(0, 1)), ['neutral', *[''] * (frames - 2), name]))
        written.append((path, f'Rows of {frames} images from neutral to {name}'))
    return written


def _draw_sums(folder: Path, samples: np.ndarray, edited: Mapping[str, np.ndarray]) -> list[tuple[Path, str]]:
    """Writes an image for each sum: samples, the same with each of its edits, and with all.

    Args:
      edited: uint8 [N, H, W, 3] by the name of an edit or a sum.
    """
    written = []
    for name in (name for name in edited if '+' in name):
        parts = name.split('+')
        path = folder / f'sum_{"_and_".join(parts)}.png'  # a plain address for links
        files.save_png(
            path, grids.montage([samples, *(edited[one] for one in (*parts, name))], ['sample', *parts, 'both'])
        )
        written.append((path, f'Samples, then the same edited: {", ".join(parts)}, and both'))
    return written


def _measured(painter, measure, chosen: Mapping[str, Edit], frames: int) -> tuple[Table | None, dict[str, float]]:
    """(what the edits change in standard deviations, the numbers of what they are named after)."""
    if not chosen:
        return None, {'edits': 'none'}
    latents = painter.latents(OTHERS)
    found = effects(painter.space, measure, latents, list(chosen.values()), frames) / deviations(measure, latents)
    names, rows, numbers = list(PROPERTIES), [], {'edits': ', '.join(chosen)}
    for (name, edit), over in zip(chosen.items(), found, strict=True):
        moves = ', '.join(f'{amount:+.2g} along {k}' for k, amount in edit.items())
        rows.append([name, moves, *(f'{value:+.2f}' for value in over[-1])])
        for part in name.split('+'):
            own = over[:, names.index(part)]
            key = part if part == name else f'{name}: {part}'
            numbers[key] = round(float(own[-1]), 2)
            if frames > 2:
                numbers[f'{key}: rising'] = round(float((np.diff(own) > 0).mean()), 2)
                numbers.setdefault('rising', numbers[f'{key}: rising'])
    return Table(['edit', 'root eigenvalues', *(one.name for one in PROPERTIES.values())], rows), numbers


def _command(place: Place, edits: Path, wanted: Sequence[str], frames: int, count: int) -> list[str]:
    return [
        '--mode=explore',
        f'--workdir={place.runs[0]}',
        '--draw=edits',
        f'--edits={edits}',
        *([f'--apply={",".join(wanted)}'] if wanted else []),
        f'--frames={frames}',
        f'--seeds={",".join(map(str, range(count)))}',
        '--output=edits',
    ]
