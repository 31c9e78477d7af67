"""Runs on the same held-out images, side by side: input, a column for each run, original."""

import json

from gans.evaluation.compare import compare
from gans.reproduce import tables
from gans.reproduce.types import Drawn, Place


def draw(place: Place) -> Drawn:
    """Draws `compare.png`, with the numbers of all held-out images: see `gans.evaluation.compare`."""
    compare(place.runs, place.folder)
    path = place.folder / 'compare.png'
    found = json.loads((place.folder / 'compare.json').read_text(encoding='utf-8'))
    runs = f'--runs={",".join(map(str, place.runs))}'
    columns = ', '.join(folder.name for folder in place.runs)
    return Drawn(
        images=[(path, f'Held-out images in rows; columns: input, {columns}, original')],
        table=tables.of_measures(found['rows'], found['measures']),
        numbers=tables.means(found['rows'], found['measures']),
        commands=[['--mode=compare', runs, f'--output={place.folder}']],
        notes=[
            f'Measured on all {found["images"]} held-out images; in brackets the 95 % bootstrap interval of each mean.',
            *found['notes'],
        ],
    )
