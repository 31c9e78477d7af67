"""Edits of a run's latent space that were found by measuring: drawn, added up, and as morphs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gans.image import files, grids
from gans.latent import space
from gans.latent.drawings import Painter
from gans.latent.edits import choose_edits, edits_text
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
from gans.reproduce.types import Drawn, Place, Table
from gans.run.trained import load_run

FILE = 'edits.yaml'


def draw(place: Place, sums: int = 0, frames: int = 2, count: int = 6) -> Drawn:
    """Finds the edits of a run (`gans.latent.measured.find_edits`), saves them as a file, and draws some.

    Writes `edits.yaml`, which `--mode=explore --edits` takes.

    Args:
      place: of one run from noise.
      sums: draws so many sums of two edits, those whose weaker property rises most; 0 draws all edits by themselves.
      frames: 2 draws a sample and its edited versions in a row; more draw a row of so many images from neutral to
        edited for each sample, an image for each edit.
      count: samples, seeds 0 to `count` - 1.

    Returns:
      the images; a table of what each edit changes of each property, in standard deviations of the samples, measured
      on 64 latents that were not used to find it; the numbers `EDIT: PROPERTY`, of each edit those that it is named
      after; and with more frames `EDIT: rising`, the share of frames at which the property grows.
    """
    run = load_run(place.runs[0])
    painter = Painter(run)
    measure = Measure(painter)
    found = find_edits(painter, measure)
    path = place.folder / FILE
    files.write_whole(path, lambda file: file.write(_text(found, run.config.name, run.step).encode()))
    wanted = best_sums(painter, measure, found, sums) if sums else list(found)
    chosen = choose_edits(found, wanted) if wanted else {}
    latents = painter.latents(range(count))
    morphs = {name: painter.images(space.morph(painter.space, latents, edit, frames)) for name, edit in chosen.items()}
    images = _draw(place.folder, painter.images(latents), morphs, frames) if morphs else []
    table, numbers = _measured(painter, measure, chosen, frames)
    left_out = sorted(PROPERTIES.keys() - found.keys())
    return Drawn(
        images=images,
        table=table,
        numbers=numbers,
        commands=[_command(place, wanted, frames, count)],
        notes=[
            f'The table: what each edit changes, in standard deviations of the samples, a mean over {len(OTHERS)} latents '
            'on which it was not looked for.',
            ' '.join(f'{one.name.capitalize()}: {one.what}.' for one in PROPERTIES.values()),
            *([f'No direction raises what {", ".join(left_out)} stands for: no such edit.'] if left_out else []),
        ],
    )


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
    """Writes the images: one of all edits, or one of the morph of each."""
    if frames == 2:
        path = folder / 'edits.png'
        files.save_png(path, grids.montage([samples, *(made[:, -1] for made in morphs.values())], ['sample', *morphs]))
        return [(path, f'samples, then the same edited: {", ".join(morphs)}')]
    written = []
    for name, made in morphs.items():
        path = folder / f'morph_{name}.png'
        titles = ['neutral', *[''] * (frames - 2), name]
        files.save_png(path, grids.montage(list(made.swapaxes(0, 1)), titles))
        written.append((path, f'rows of {frames} images from neutral to {name}'))
    return written


def _measured(painter, measure, chosen: Mapping[str, Edit], frames: int) -> tuple[Table | None, dict[str, float]]:
    """(what the edits change in standard deviations, the numbers of what they are named after)."""
    if not chosen:
        return None, {}
    latents = painter.latents(OTHERS)
    found = effects(painter.space, measure, latents, list(chosen.values()), frames) / deviations(measure, latents)
    names, rows, numbers = list(PROPERTIES), [], {}
    for (name, edit), over in zip(chosen.items(), found, strict=True):
        moves = ', '.join(f'{amount:+.2g} along {k}' for k, amount in edit.items())
        rows.append([name, moves, *(f'{value:+.2f}' for value in over[-1])])
        for part in name.split('+'):
            own = over[:, names.index(part)]
            key = part if part == name else f'{name}: {part}'
            numbers[key] = round(float(own[-1]), 2)
            if frames > 2:
                numbers[f'{key}: rising'] = round(float((np.diff(own) > 0).mean()), 2)
    return Table(['edit', 'root eigenvalues', *(one.name for one in PROPERTIES.values())], rows), numbers


def _command(place: Place, wanted: Sequence[str], frames: int, count: int) -> list[str]:
    return [
        '--mode=explore',
        f'--workdir={place.runs[0]}',
        '--draw=edits',
        f'--edits={place.folder / FILE}',
        *([f'--apply={",".join(wanted)}'] if wanted else []),
        f'--frames={frames}',
        f'--seeds={",".join(map(str, range(count)))}',
        '--output=edits',
    ]
