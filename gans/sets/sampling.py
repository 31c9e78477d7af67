"""The verb `sample`: images of a run's generator as single files or as one .zip."""

from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import jax

from gans.data.files import printable
from gans.data.opening import move_data
from gans.errors import UserError
from gans.progress import progress
from gans.run.experiment import digest
from gans.run.generate import BATCH, Sampler
from gans.run.trained import load_run
from gans.sets.keeping import Choice, choose, cut, keep
from gans.sets.sample_folder import SampleFolder
from gans.sets.sample_zip import check_zip, folder_beside, pack, remove

SAMPLES = 1000  # of a generator from noise, if no number is given


class Wishes(NamedTuple):
    """What the flags ask for.

    Attributes:
      count: how many images; by default 1000, or one of each held-out image for generators that are shown one.
      seed: what is drawn for a place follows from it.
      truncation: as `gans.run.generate.Sampler` has it.
      keep_above: keep images to which the classifier gives more than this; None keeps all.
      classifier: its folder.
      kept_class: the name of the class.
      input: where the training images are now, if they were moved.
    """

    count: int | None = None
    seed: int = 0
    truncation: float = 1.0
    keep_above: float | None = None
    classifier: str | None = None
    kept_class: str = 'acceptable'
    input: str | None = None


def sample(workdir: str | Path, output: str | Path, wishes: Wishes) -> str:
    """Writes images of a run's generator; goes on where an earlier call was broken off.

    Args:
      workdir: the run's folder.
      output: a folder for 000000.png, 000001.png, ... or, if it ends in .zip, one file with all of them.
      wishes: how many, and which.

    Returns:
      what was done, for people.

    Raises:
      UserError: anything that the user can mend; nothing that was there is lost or changed.
    """
    if wishes.count is not None and wishes.count < 1:
        raise UserError(f'--count={wishes.count} asks for no image: give at least 1.')
    if (wishes.keep_above is None) != (wishes.classifier is None):
        raise UserError('--keep_above says how sure which --classifier must be: give both.')
    if wishes.classifier is None and wishes.kept_class != Wishes().kept_class:
        raise UserError(f'--class={wishes.kept_class} is one of a --classifier: give that too, or leave --class out.')
    target, zipped = Path(output), Path(output).suffix.lower() == '.zip'
    run = load_run(workdir)
    if wishes.input:
        move_data(run.config, wishes.input)
    sampler = Sampler(run, wishes.seed, wishes.truncation)
    choice = None if wishes.classifier is None else choose(wishes.classifier, wishes.kept_class, wishes.keep_above)
    count = wishes.count or sampler.inputs or SAMPLES
    if choice is None:
        sampler.check_count(count)
    about = _about(sampler, choice)
    found = check_zip(target, about, count) if zipped else None
    if found is not None:
        remove(folder_beside(target))  # of a call that was broken off right at its end
        return _tell(target, count, 0, found['drawn'], count)
    samples = SampleFolder(folder_beside(target) if zipped else target, about)
    made, drawn = (_draw(sampler, samples, count), 0) if choice is None else keep(sampler, choice, samples, count)
    if zipped:
        if choice is not None:
            cut(samples, count)
        pack(samples.folder, target, count)
    return _tell(target, count, made, drawn, count if zipped else samples.count())


def _about(sampler: Sampler, choice: Choice | None) -> dict:
    """What the images follow from, as JSON has it: no place and no date, so that equal samples are equal files."""
    run, shown = sampler.run, sampler.shown
    return {
        'format': 1,
        'experiment': run.config.name,
        'step': run.step,
        'size': list(run.game.size),
        'weights': sampler.digest,
        'shown': digest(shown.source.key(int(i)) for i in shown.ids) if shown else None,
        'seed': sampler.seed,
        'truncation': sampler.truncation,
        'kept': choice and choice.about,
        'versions': {
            'jax': jax.__version__,
            'pillow': version('pillow'),
            'device': jax.default_backend(),
            'batch': BATCH,
        },
    }


def _draw(sampler, samples, count) -> int:
    missing, done = samples.missing(count), 0
    with progress('drawing', len(missing)) as advance, samples:
        for images in sampler(missing):
            for number, image in zip(missing[done:], images, strict=False):
                samples.put(number, image)
            done += len(images)
            advance(len(images))
    return len(missing)


def _tell(target, count, made, drawn, total):
    there = f' ({count - made} were there)' if made < count else ''
    more = f', which has {total}' if total > count else ''
    of = f', kept of {drawn} drawn ({count / drawn:.1%})' if drawn else ''
    return f"{count} images{of} in '{printable(str(target))}'{more}{there}."
