"""The verb `classify`: a classifier of acceptable and unacceptable images, and how good it is on held-out ones."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np

from gans.classifier import training
from gans.classifier.trained import Trained, probabilities, save
from gans.data import files
from gans.data.batches import read_all
from gans.data.cache import remember
from gans.data.rows import Rows
from gans.data.source import Source
from gans.errors import UserError
from gans.image.files import check_folder, save_png, write_json
from gans.labelling import drawings, report
from gans.labelling.examples import Examples, labelled, of_sets
from gans.labelling.labels_file import CLASSES
from gans.printing import not_lost
from gans.progress import progress
from gans.run.checkpoint import FOLDER as CHECKPOINTS
from gans.run.experiment import digest
from gans.run.generate import check_seed
from gans.sets.opening import is_among

REPORT = 'report.json'
_MEMORY = 4 * 2**30  # bytes of images that are kept rather than read again in every round
_CHUNK = 64  # images that are looked at together


def classify(
    output: str | Path,
    labels: str | None = None,
    good: str | None = None,
    bad: str | None = None,
    size: int | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> str:
    """Trains a classifier and measures it on images that it was not trained on.

    Writes into the folder `output`: the classifier (`gans.classifier.trained`), `report.json`, `calibration.png`, and
    of either class held-out images from the most to the least acceptable ones, in the eyes of the classifier:
    `montage_acceptable.png`, `montage_unacceptable.png`.

    Args:
      output: the folder; made if need be.
      labels: a table of labels beside its images; or None, with
      good: a set of acceptable images, and
      bad: a set of unacceptable ones.
      size: pixels of the sides of the images as the classifier sees them; see `gans.labelling.examples`.
      steps: of training; by default `gans.classifier.training.steps_for` the number of images.
      seed: everything random follows from it.

    Returns:
      the numbers, for people.

    Raises:
      UserError: anything that the user can mend.
    """
    check_seed(seed)
    folder = _checked(output, size, steps)
    examples = _open(folder, labels, good, bad, size, seed)
    check_folder(folder)
    examples = examples._replace(source=_in_memory(examples.source))
    trained, found = _train(examples, steps, seed)
    which = examples.which
    measured = report.measure(found, which[examples.test], which[examples.train])
    sees = f'{examples.source.where}; the classifier sees {examples.size[1]}x{examples.size[0]} pixels.'
    numbers = '\n'.join([sees, *report.describe(measured)])
    with not_lost(lambda: numbers):
        save(folder, trained)
        write_json(folder / REPORT, _about(trained) | measured)
        names = _draw(folder, examples, found, measured)
    shown = files.printable(str(folder))
    written = ', '.join(f'{shown}/{name}' for name in (REPORT, *names))
    return f'{numbers}\n\nThe classifier is in {shown}; {written}.'


def _checked(output, size, steps) -> Path:
    folder = Path(output).expanduser()
    files.check_no_file(folder)
    if (folder / CHECKPOINTS).is_dir():
        raise UserError(f"'{files.printable(str(folder))}' is a run folder: give another folder as --output.")
    if steps is not None and steps < 1:
        raise UserError(f'--steps={steps} trains nothing: give at least 1.')
    if size is not None and size < 1:
        raise UserError(f'--size={size} is no size of an image: give at least 1.')
    return folder


def _train(examples: Examples, steps: int | None, seed: int) -> tuple[Trained, np.ndarray]:
    """The classifier, and how probable each class is for the held-out images, float32 [N, 2]."""
    train, which = examples.train, examples.which
    steps = training.steps_for(len(train)) if steps is None else steps
    _, params = training.train(Rows(examples.source, train), which[train], len(CLASSES), seed, steps)
    about = {'images': examples.source.where, 'digest': _digest(examples), 'seed': seed, 'steps': steps}
    trained = Trained(CLASSES, examples.size, jax.device_get(params), about)
    return trained, np.concatenate([probabilities(trained, chunk) for chunk in _read(examples.source, examples.test)])


def _digest(examples: Examples) -> str:
    """A digest of the training images and their classes, whatever their order and their files' names."""
    which = examples.which[examples.train].tolist()
    keys = (examples.source.key(int(i)) for i in examples.train)
    return digest(sorted(CLASSES[k].encode() + b' ' + key for k, key in zip(which, keys, strict=True)))


def _about(trained: Trained) -> dict:
    return {
        'classifier': trained.digest,
        'classes': list(trained.classes),
        'size': list(trained.size),
        'trained': trained.about,
        'versions': {name: version(name) for name in ('jax', 'flax', 'optax', 'numpy', 'pillow')},
    }


def _open(folder, labels, good, bad, size, seed) -> Examples:
    if labels is not None and (good is not None or bad is not None):
        raise UserError('--labels is given, and --good or --bad too: give a table of labels, or two sets.')
    if labels is not None:
        if Path(labels).expanduser().resolve().parent == folder.resolve():
            raise UserError(
                f"'{files.printable(str(folder))}' has the images that --labels is about, and the figures would be "
                'among them: give another folder as --output, for example one inside of it.'
            )
        return labelled(labels, size)
    if good is None or bad is None:
        raise UserError('--mode=classify needs --labels=FOLDER/labels.csv, or both --good and --bad.')
    for flag, text in (('good', good), ('bad', bad)):
        if is_among(folder, text):
            raise UserError(
                f"'{files.printable(str(folder))}' is inside of --{flag}, and the figures would become images of that "
                'set: give another folder as --output.'
            )
    return of_sets(good, bad, size, seed)


def _in_memory(source: Source) -> Source:
    """The source with its images in memory, read once in their order, if they are not too large for that."""
    kept = remember(source, _MEMORY)
    if kept is not source:
        with progress('reading', len(source)) as advance:
            for chunk in _read(kept, np.arange(len(source))):
                advance(len(chunk))
    return kept


def _read(source: Source, ids: np.ndarray) -> Iterator[np.ndarray]:
    return read_all(source, ids, _CHUNK)


def _draw(folder: Path, examples: Examples, found: np.ndarray, measured: dict) -> list[str]:
    """Writes the figures; returns their names."""
    names = ['calibration.png']
    save_png(folder / names[0], drawings.calibration(measured))
    for k, name in enumerate(CLASSES):
        mine = np.flatnonzero(examples.which[examples.test] == k)
        ids = examples.test[mine[drawings.chosen(found[mine, 0])]]
        names.append(f'montage_{name}.png')
        save_png(folder / names[-1], drawings.montage(np.concatenate(list(_read(examples.source, ids)))))
    return names
