"""How colourful a colorizer's outputs are beside the originals: are some of them washed out (Curro 2016, 4.0.1)?"""

import numpy as np

from gans.evaluation.paired import answers_of
from gans.image import compose, files, grids, ops
from gans.metrics.colour import colourfulness
from gans.reproduce.types import Drawn, Place, Table
from gans.run.trained import load_run, open_images
from gans.training.history import render

_LITTLE = (
    15.0  # 'slightly colourful' in the words of Hasler and Suesstrunk 2003: below it an image counts as washed out
)
_SHOWN = 6


def draw(place: Place) -> Drawn:
    """The colourfulness of all held-out outputs and originals as histograms, and the least colourful outputs."""
    trained = load_run(place.runs[0])
    answers = answers_of(trained, open_images(trained))
    made, real = [], []
    for inputs, output in answers(np.arange(answers.count)):
        for found, images in ((made, output), (real, inputs.real)):
            found.append(np.asarray(colourfulness(ops.to_float(compose.quantise(images)))))
    made, real = np.concatenate(made), np.concatenate(real)
    chart, examples = place.folder / 'colourfulness.png', place.folder / 'least_colourful.png'
    files.save_png(chart, render(_figure(made, real)))
    files.save_png(examples, _examples(answers, np.argsort(made, kind='stable')[:_SHOWN]))
    rows = []
    for name, values in (('output', made), ('original', real)):
        quartiles = np.percentile(values, [0, 25, 50, 75, 100])
        rows.append([name, *(f'{x:.1f}' for x in quartiles), f'{np.mean(values < _LITTLE):.1%}'])
    return Drawn(
        images=[
            (chart, 'Histograms of the colourfulness of outputs and originals.'),
            (examples, 'The least colourful outputs: gray input, output, original.'),
        ],
        table=Table(['images', 'least', '25 %', 'median', '75 %', 'most', f'below {_LITTLE:g}'], rows),
        numbers={
            'washed out': f'{np.sum(made < _LITTLE)} of {len(made)}',
            'median': float(np.median(made)),
        },
        notes=[
            f'Measured on {len(made)} held-out images by the measure of Hasler and Suesstrunk 2003, in which 15 is '
            'slightly and 33 moderately colourful.'
        ],
    )


def _examples(answers, places):
    parts = [(inputs.gen['image'], output, inputs.real) for inputs, output in answers(places)]
    columns = [compose.quantise(np.concatenate(part)) for part in zip(*parts, strict=True)]
    return grids.montage(columns, ['input', 'output', 'original'])


def _figure(made, real):
    from matplotlib.figure import Figure

    figure = Figure((8, 4), dpi=100, facecolor='white', layout='constrained')
    axes = figure.subplots()
    edges = np.linspace(0, max(made.max(), real.max(), 1), 31)
    axes.hist(made, edges, alpha=0.6, label='output')
    axes.hist(real, edges, histtype='step', color='black', label='original')
    axes.axvline(_LITTLE, color='gray', linestyle='--', linewidth=0.8)
    axes.set_xlabel('colourfulness')
    axes.set_ylabel('images')
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc='upper right')
    return figure
