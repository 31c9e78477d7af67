"""A run's convergence measure, or its losses, over training, with samples of several times above the curve."""

from gans.image import files
from gans.metrics.jumps import MEANING, jumps
from gans.reproduce.types import Drawn, Place
from gans.run.facts import read_facts
from gans.training import history
from gans.training.metrics_files import read_metrics


def draw(place: Place, name: str = history.CONVERGENCE) -> Drawn:
    """Draws the metric with insets, as `convergence.png` of `--mode=history`.

    Args:
      place: of one run from noise.
      name: of the metric.

    Returns:
      one image, and numbers: `first` and `last`, means of the first and last tenth of the log lines, `ratio`, the last
      relative to the first, and `jumps` (`gans.metrics.jumps`).
    """
    folder = place.runs[0]
    facts = read_facts(folder)
    curve = history.series(read_metrics(folder))[name]
    sample_grids = history.sample_grids_of(folder, facts.size, facts.task.from_noise)
    insets = history.insets_of(sample_grids, curve.steps, facts.task.from_noise)
    path = place.folder / 'convergence.png'
    files.save_png(path, history.render(history.draw_insets({name: curve}, insets)))
    few = max(1, len(curve.values) // 10)
    first, last = curve.values[:few].mean(), curve.values[-few:].mean()
    return Drawn(
        images=[(path, f'{name} over {curve.steps[-1]} steps; samples of the steps {", ".join(map(str, insets))}')],
        numbers={
            'first': float(f'{first:.3g}'),
            'last': float(f'{last:.3g}'),
            'ratio': float(f'{last / first:.3g}'),
            'jumps': jumps(curve.values),
        },
        commands=[['--mode=history', f'--workdir={folder}', f'--output={place.folder / "history"}']],
        notes=[MEANING],
    )
