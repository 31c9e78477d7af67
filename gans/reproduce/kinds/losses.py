"""The losses of several runs side by side, their jumps marked and counted."""

from collections.abc import Sequence

from gans.image.files import save_png
from gans.metrics.curves import is_tall
from gans.metrics.jumps import jumps, jumps_at, usual_change
from gans.reproduce.types import Drawn, Place, Table
from gans.run.trained import read_config
from gans.training.history import Series, render, series
from gans.training.metrics_files import read_metrics

PLAYERS = {'disc/loss': 'discriminator', 'gen/loss': 'generator'}
WATCHED = 'diversity'  # of samples, relative to real images: near 0 after a collapse
_DPI = 128


def draw(place: Place, titles: Sequence[str]) -> Drawn:
    """Draws a column for each run, a row for each player; the curves of a player have one scale.

    Args:
      place: of any number of runs.
      titles: what each run is called: 'pixelwise norm'.

    Returns:
      the figure, a table, and for each run the numbers 'TITLE: jumps' of both losses together and 'TITLE: diversity',
      the least in the second half of training: at the beginning all samples are alike.
    """
    curves = [series(read_metrics(run)) for run in place.runs]
    path = place.folder / 'losses.png'
    save_png(path, render(_figure(curves, titles)))
    rows, numbers = [], {}
    for title, own in zip(titles, curves, strict=True):
        counts = [jumps(own[name].values) for name in PLAYERS]
        usual = [usual_change(own[name].values) for name in PLAYERS]
        least = _least(*own[WATCHED]) if WATCHED in own else None
        numbers[f'{title}: jumps'] = sum(counts)
        if least is not None:
            numbers[f'{title}: diversity'] = round(float(least), 3)
        cells = [*map(str, counts), *(f'{value:.3g}' for value in usual), '' if least is None else f'{least:.3f}']
        rows.append([title, *cells])
    columns = ['run', *(f'jumps, {name}' for name in PLAYERS.values())]
    columns += [*(f'usual change, {name}' for name in PLAYERS.values()), 'least diversity']
    every = read_config(place.runs[0]).log.every
    notes = [
        f'A loss is logged every {every} steps, as the mean over them. A jump is a change from one log line to the '
        'next whose modified z-score (Iglewicz and Hoaglin 1993) among all changes of that curve is above 3.5. '
        'Neighbours count once. The fall at the beginning counts too if it is as abrupt.',
        'A curve is its own measure, so that one that is restless all the time has few jumps. That is told by its '
        'usual change, the median from one line to the next. Diversity is how much samples differ, relative to real '
        'images: the least in the second half of training.',
        'One seed for each run.',
    ]
    alt = f'Losses of both players over the steps with {", ".join(titles)}; jumps are marked'
    commands = [['--mode=history', f'--workdir={run}'] for run in place.runs]
    return Drawn([(path, alt)], Table(columns, rows), numbers, commands, notes)


def _least(steps, values):
    return values[steps >= steps[-1] / 2].min()


def _figure(curves: Sequence[dict[str, Series]], titles: Sequence[str]):
    from matplotlib.figure import Figure

    width = max(6.0, 4.0 * len(curves))
    figure = Figure((width, 6.4), dpi=_DPI, facecolor='white', layout='constrained')
    panels = figure.subplots(len(PLAYERS), len(curves), sharex='col', sharey='row', squeeze=False)
    for row, (name, player) in zip(panels, PLAYERS.items(), strict=True):
        for axes, own, title in zip(row, curves, titles, strict=True):
            steps, values = own[name]
            axes.plot(steps, values, '.-' if len(steps) < 3 else '-', color='tab:red' if 'disc' in name else 'tab:blue')
            places = jumps_at(values)
            axes.plot(steps[places], values[places], 'o', color='black', fillstyle='none', label='jumps')
            axes.grid(alpha=0.3)
            if axes in panels[0]:
                axes.set_title(title)
        row[0].set_ylabel(f'loss of the {player}')
        if is_tall([own[name].values for own in curves]):
            row[0].set_yscale('log')
    for axes in panels[-1]:
        axes.set_xlabel('step')
    return figure
