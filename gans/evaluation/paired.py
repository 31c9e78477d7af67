"""Measures for tasks with one right output per input: of all held-out images, beside baselines without a network.

Images are measured as people get them: clipped, rounded to uint8 and read back, so that every number can be computed
again from PNGs; originals go the same way, so that what is equal is exactly equal. Nothing is blurred. Which images
are compared by which measures is decided by the task (`gans.types.PairedEvaluation`). What is random about an input (a
mask, noise) depends on what the image shows and on nothing else, so that every run on the same images, whatever its
seed and their files' names, gets the same inputs.
"""

from collections.abc import Callable, Iterator
from functools import partial

import jax
import numpy as np

from gans.core.programs import once
from gans.core.sampling import sample
from gans.data.batches import read_all
from gans.data.content import by_content, seeds
from gans.data.source import Source
from gans.errors import Failure
from gans.evaluation.image_pairs import perceptual_measure
from gans.evaluation.tables import as_json, ratio_as_json
from gans.features.opening import Features
from gans.image import compose, files, grids, ops
from gans.image.batching import filled_up
from gans.metrics import bootstrap, ssim
from gans.metrics.measures import SSIM
from gans.progress import counted, progress
from gans.run.experiment import Experiment, digest
from gans.run.parallel import shares
from gans.run.trained import Trained
from gans.types import Game, Inputs, PairedEvaluation, TrainState

NOTE = (
    'Means over images as stored (uint8); below each its 95 % bootstrap interval. PSNR: of images that are not\n'
    'equal to the original; of those it would be infinite.'
)
MONTAGE_ROWS = 8
_CHOSEN = ('best', 'typical', 'worst')  # images of the montages
_KEY = 20_260_101  # of every evaluation's boxes and noise; another number would make old evaluations incomparable


class Answers:
    """A generator's answers to the held-out images, in batches of one size, shared by all devices."""

    def __init__(self, game: Game, state: TrainState, source: Source, test: np.ndarray, batch: int, threads: int = 2):
        """`test` are the numbers of the held-out images in `source`; `batch` is how many are answered at once."""
        self.count = len(test)
        self._seeds = seeds(source, test)
        self.batch, shared, everywhere = shares(min(batch, len(test)))
        self._state = jax.device_put(state, everywhere)
        answer, places = partial(_answer, game), (everywhere, shared, shared)
        self._answer = once(game, 'answers', lambda: jax.jit(answer, in_shardings=places))
        self._source, self._test, self._threads = source, test, threads

    def __call__(self, places: np.ndarray) -> Iterator[tuple[Inputs, np.ndarray]]:
        """Yields (Inputs, outputs [n, H, W, 3] in [-1, 1]) of the held-out images at `places`, in order, as NumPy."""
        done = 0
        for chunk in read_all(self._source, self._test[places], self.batch, self._threads):
            count = len(chunk)
            these = self._seeds[places[done : done + count]]
            # The last batch is filled up, so that there is one shape to compile for.
            spare = np.arange(self.batch) % count
            inputs, outputs = jax.device_get(self._answer(self._state, these[spare], chunk[spare]))
            if not np.isfinite(outputs).all():
                raise Failure('The generator makes numbers that are not finite: there is nothing to measure.')
            yield jax.tree.map(lambda x, count=count: x[:count], (inputs, outputs))
            done += count


def _answer(game, state, words, images):
    inputs = jax.vmap(game.task.draw)(jax.vmap(_key_of)(words), ops.to_float(images))
    return inputs, sample(game, state, inputs.gen)


def _key_of(words):
    """The key of an image's boxes and noise, of its seed's two words."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(_KEY), words[0]), words[1])


def answers_of(trained: Trained, experiment: Experiment) -> Answers:
    """The answers of a run to the held-out images of an experiment, in batches as large as those of its training.

    Places are those of `by_content`: the first ones are a random part of the held-out images.
    """
    config, source = trained.config, experiment.source
    test = by_content(source, experiment.test)
    return Answers(trained.game, trained.state, source, test, config.batch, experiment.config.data.threads)


def measure(trained: Trained, experiment: Experiment, features: Features | None) -> tuple[dict, Callable[[], None]]:
    """(The part of the JSON that measures give, where every input has one right output; what writes the montages).

    With features the perceptual distance to the original over their layers is one more measure.
    """
    plan, notes = _that_fits(trained.game.task.evaluation, trained.game.size)
    if features:
        plan = plan._replace(measures=plan.measures | perceptual_measure(features))
    answers = answers_of(trained, experiment)
    images = read_all(experiment.source, experiment.train, threads=experiment.config.data.threads)
    with progress('reading', len(experiment.train)) as advance:
        prepared = plan.prepare(counted(images, advance))
    numbers, masks = _measure(plan, prepared, answers)
    means = {
        row: {name: as_json(bootstrap.interval(values)) for name, values in by_measure.items()}
        for row, by_measure in numbers.items()
    }
    main = {row: numbers[row][plan.main] for row in (*plan.baselines, 'output')}
    ratios = {
        f'{plan.main}: output / {row}': ratio_as_json(bootstrap.ratio_interval(main['output'], main[row]))
        for row in plan.baselines
    }
    measures = {name: {'better': m.better, 'digits': m.digits} for name, m in plan.measures.items()}
    report = {
        'masks': masks,
        'baselines': list(plan.baselines),
        'measures': measures,
        'rows': means,
        'ratios': ratios,
        'montages': [_montage(name) for name in _CHOSEN],
        'notes': notes,
    }
    return report, partial(_draw_montages, plan, numbers, answers, trained.folder)


def _that_fits(plan: PairedEvaluation, shape: tuple[int, int]) -> tuple[PairedEvaluation, list[str]]:
    """(the plan without measures for which images of `shape` are too small, a note about them if there are any)."""
    if min(shape) >= ssim.WINDOW:
        return plan, []
    measures = {name: measure for name, measure in plan.measures.items() if not name.startswith(SSIM)}
    note = f'SSIM is left out: it needs images of {ssim.WINDOW}x{ssim.WINDOW} pixels.'
    return plan._replace(measures=measures), [note]


def _measure(plan, prepared, answers):
    """({row: {measure: [N]}}, a digest of all masks or None)."""
    found: dict[str, dict[str, list]] = {}
    masks = []
    with progress('measuring', answers.count) as advance:
        for inputs, output in answers(np.arange(answers.count)):
            mask, original = inputs.mask, _stored(inputs.real)
            rows = {'original': original} | plan.rows(prepared, inputs, output)
            for row, images in rows.items():
                stored = _stored(images)
                for name, measure in plan.measures.items():
                    if row == 'original' and measure.better:
                        continue  # an original is its own right answer
                    values = filled_up(measure.compute, answers.batch, stored, original, mask)
                    found.setdefault(row, {}).setdefault(name, []).append(values)
            if mask is not None:
                masks += [np.packbits(one > 0.5).tobytes() for one in mask]
            advance(len(output))
    numbers = {row: {n: np.concatenate(v) for n, v in by_measure.items()} for row, by_measure in found.items()}
    return numbers, digest(masks) if masks else None


def _stored(images):
    """Images in [-1, 1] as they are read back from a PNG."""
    return ops.to_float(compose.quantise(images))


def _draw_montages(plan, numbers, answers, folder):
    """Writes input, output and original of the best, the middle and the worst images."""
    errors = numbers['output'][plan.main] * (-1 if plan.measures[plan.main].better == 'higher' else 1)
    known = np.flatnonzero(~np.isnan(errors))  # where nothing is hidden, there is no error in boxes
    ranked = known[np.argsort(errors[known], kind='stable')] if len(known) else np.arange(len(errors))
    rows = min(MONTAGE_ROWS, len(ranked))
    middle = (len(ranked) - rows) // 2
    chosen = (ranked[:rows], ranked[middle : middle + rows], ranked[::-1][:rows])
    for name, places in zip(_CHOSEN, chosen, strict=True):
        seen, output, real = images_of(answers, places)
        files.save_png(folder / _montage(name), grids.montage([seen, output, real], ['input', 'output', 'original']))


def _montage(name):
    return f'evaluation/montage_{name}.png'


def images_of(answers: Answers, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(inputs, outputs, originals) of the held-out images at `places`, uint8 [N, H, W, 3 or 1]."""
    triples = [(inputs.gen['image'][..., :3], output, inputs.real) for inputs, output in answers(places)]
    return tuple(compose.quantise(np.concatenate(part)) for part in zip(*triples, strict=True))
