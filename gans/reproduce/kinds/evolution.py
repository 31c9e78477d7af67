"""The same inputs at equally spaced times of a training, and what its generator made of them."""

from gans.image import files
from gans.reproduce.detail import detail
from gans.reproduce.types import Drawn, Place, Table
from gans.run.facts import read_facts
from gans.training.history import TIMES, draw_progress, render, sample_grids_of

_REAL = -1  # the row of a sample grid that has real images


def draw(place: Place, times: int = TIMES) -> Drawn:
    """Draws `progress.png` of one run, at so many times: see `gans.training.history.draw_progress`.

    The detail of images is the mean absolute difference of neighbouring pixels. Measured of what the generator made, it
    is given in % of that of the real images in the same sample grid.
    """
    (folder,) = place.runs
    facts = read_facts(folder)
    from_noise = facts.task.from_noise
    found = sample_grids_of(folder, facts.size, from_noise, times)
    steps = [one.step for one in found]
    path = place.folder / 'progress.png'
    files.save_png(path, render(draw_progress(found, from_noise)))
    made = slice(0, 1) if from_noise else slice(1, 2)
    real = detail(found[-1].tiles[_REAL:])
    share = {one.step: 100 * detail(one.tiles[made]) / max(real, 1e-9) for one in found}
    rows = [
        [f'{step:,}', f'{100 * step / facts.config.steps:.0f} %', f'{value:.0f} %'] for step, value in share.items()
    ]
    what = 'real images as the discriminator saw them, above samples' if from_noise else 'inputs, outputs and originals'
    return Drawn(
        images=[(path, f'Columns: steps {", ".join(map(str, steps))} of training; rows: {what}')],
        table=Table(['step', 'of training', 'detail of what the generator makes'], rows),
        numbers={'early detail %': share[steps[min(1, len(steps) - 1)]], 'last detail %': share[steps[-1]]},
        commands=[['--mode=history', f'--workdir={folder}', f'--output={place.folder / "history"}']],
        notes=['Detail: the mean absolute difference of neighbouring pixels, in % of that of real images at the end.'],
    )
