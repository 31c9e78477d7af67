"""Samples that were called acceptable or not, and those that a classifier of them is sure of."""

import json
from functools import partial
from pathlib import Path

import jax
import numpy as np

from gans.classifier.trained import ACCEPTABLE, UNACCEPTABLE
from gans.core.sampling import judge
from gans.data.decode import load_image
from gans.image import grids, ops
from gans.image.batching import in_batches
from gans.image.files import save_png, write_whole
from gans.labelling.classify import REPORT, classify
from gans.labelling.labels_file import CLASSES, FILE, read_labels
from gans.reproduce.shared import shared
from gans.reproduce.types import Drawn, Place, Table
from gans.run.generate import Sampler
from gans.run.trained import Trained, load_run, weights_digest
from gans.sets.keeping import choose
from gans.sets.sample_folder import name_of

BESIDE = 'to_label'  # in the run's folder: where a person's labels are looked for
ABOVE = 0.95  # as in figure 8 of the post
SHARE = 1 / 3  # of the samples: as many as the post regards as successful
_COUNTS = {'tiny': (24, 64, 2)}  # by scale: samples to label, samples drawn at most, steps of the classifier
_MANY = (240, 4000, None)
_COLUMNS, _KEPT = 8, 64
_TOGETHER = 64  # samples that the classifier looks at, as --mode=sample does it
_STAND_IN = (
    'No person judged here. The stand-in: of the samples, the third to which the discriminator of this run gives the '
    'highest scores is called acceptable, the others unacceptable. That is its taste, not that of people.'
)


def draw(place: Place, kept: bool = False) -> Drawn:
    """Labels samples of a run, trains a classifier on them, and draws the labelled ones or those that it keeps.

    Labels of a person are used if they are in `to_label` in the run's folder, as `--mode=label` makes it; else the
    discriminator stands in for people.

    Source: "Gradually Increasing Image Resolution During GAN Training" (2018), figures 7 and 8.

    Args:
      place: of one run.
      kept: whether to draw samples that the classifier gives more than 0.95, in place of the labelled ones.

    Returns:
      the figure; without `kept` the numbers of the classifier as a table, 'acceptable', the share that a person called
      so, and 'accuracy'; with it 'kept', the share of the samples that were drawn for it.
    """
    run = load_run(place.runs[0])
    many, most, steps = _COUNTS.get(place.scale, _MANY)
    beside = run.folder / BESIDE
    by_person = (beside / FILE).is_file()
    labels, classifier = _classifier(place, run, beside / FILE if by_person else None, many, steps)
    commands = [['--mode=classify', f'--labels={labels}', f'--output={classifier}']]
    notes = [f'Labels of a person, in {beside}.'] if by_person else [_STAND_IN, _how_to_label(run.folder, many)]
    if not kept:
        return _labelled(place.folder, labels, classifier, by_person, commands, notes)
    keep = [f'--count={_KEPT}', f'--keep_above={ABOVE}', f'--classifier={classifier}']
    commands.append(['--mode=sample', f'--workdir={run.folder}', *keep, f'--output={place.folder / "kept"}'])
    return _sure_of(place.folder, run, classifier, most, commands, notes)


def follows_from(place: Place) -> list[Path]:
    """The labels of a person: with other ones the figure is drawn again."""
    return [place.runs[0] / BESIDE / FILE]


def _classifier(place: Place, run: Trained, by_person: Path | None, many: int, steps: int | None) -> tuple[Path, Path]:
    """(The table of labels, the folder of the classifier): made once for all figures of the run."""

    def make(folder):
        labels = by_person or _stand_in(run, folder / 'labelled', many) / FILE
        classify(folder / 'classifier', labels=f'{labels}', steps=steps)

    decides = [weights_digest(run).encode(), f'{many} {steps}'.encode(), Path(__file__).read_bytes()]
    decides += [by_person.read_bytes()] if by_person else []
    folder = shared(place, f'classifier_{run.folder.name}', decides, make)
    return by_person or folder / 'labelled' / FILE, folder / 'classifier'


def _how_to_label(run: Path, count: int) -> str:
    beside = run / BESIDE
    return (
        f'With labels of a person: python main.py --mode=label --workdir={run} --output={beside} --count={count}, '
        f'mark the samples in {beside}/label.html, save {FILE} beside it, and give the command of the document again.'
    )


def _stand_in(run: Trained, folder: Path, count: int) -> Path:
    """Writes samples of a run and labels.csv, by the scores of the run's discriminator."""
    images = np.concatenate(list(Sampler(run)(np.arange(count))))
    scores = in_batches(jax.jit(partial(_scores, run.game, run.state)), (images,), min(count, _TOGETHER))
    best = set(np.argsort(-scores, kind='stable')[: max(2, round(SHARE * count))].tolist())
    lines = ['file,label']
    for i, image in enumerate(images):
        save_png(folder / name_of(i), image)
        lines.append(f'{name_of(i)},{ACCEPTABLE if i in best else UNACCEPTABLE}')
    write_whole(folder / FILE, lambda file: file.write('\n'.join([*lines, '']).encode()))
    return folder


def _scores(game, state, rows):
    return judge(game, state, ops.to_float(rows[0]))


def _labelled(folder, labels, classifier, by_person, commands, notes) -> Drawn:
    """A row of acceptable samples above a row of unacceptable ones, and how good the classifier is."""
    found = read_labels(labels)
    names = {name: [file for file, own in found.items() if own == name] for name in CLASSES}
    columns = min(_COLUMNS, *map(len, names.values()))
    rows = [[np.asarray(load_image(labels.parent / file, file)) for file in own[:columns]] for own in names.values()]
    path = folder / 'labelled.png'
    save_png(path, _magnified(np.concatenate(rows), columns))
    report = json.loads((classifier / REPORT).read_text())
    share = round(len(names[ACCEPTABLE]) / len(found), 3) if by_person else 'not measured: a third, by the stand-in'
    return Drawn(
        [(path, 'Samples called acceptable above, unacceptable below')],
        _numbers(report, names),
        {'acceptable': share, 'accuracy': round(report['accuracy']['mean'], 3)},
        commands,
        [*notes, f'{len(found)} samples; a fifth of either class is held out from the classifier.'],
    )


def _sure_of(folder, run, classifier, most, commands, notes) -> Drawn:
    """Samples above the probability, in the order of their places; the most probable ones if there are none."""
    choice = choose(classifier, ACCEPTABLE, ABOVE)
    sampler, images, chances = Sampler(run), [], []
    while len(images) < most and sum(chance > ABOVE for chance in chances) < _KEPT:
        some = np.concatenate(list(sampler(np.arange(len(images), len(images) + _TOGETHER))))
        images += list(some)
        chances += choice(some).tolist()
    sure = [i for i, chance in enumerate(chances) if chance > ABOVE][:_KEPT]
    drawn = sure[-1] + 1 if len(sure) == _KEPT else len(images)
    shown = sure or np.argsort(chances)[::-1][:_COLUMNS].tolist()
    path = folder / 'kept.png'
    save_png(path, _magnified(np.stack([images[i] for i in shown]), _COLUMNS))
    told = f'{len(sure)} of {drawn} samples have more than {ABOVE}.'
    if not sure:
        told += f' Shown are the {len(shown)} most probable ones, the first with {chances[shown[0]]:.3f}.'
    alt = f'Samples to which the classifier gives more than {ABOVE}' if sure else 'The most probable samples'
    return Drawn([(path, alt)], None, {'kept': round(len(sure) / drawn, 4)}, commands, [*notes, told])


def _magnified(images, columns):
    factor = max(1, 96 // min(images.shape[1:3]))
    return grids.grid(grids.enlarge(images, factor), columns)


def _numbers(report, names) -> Table:
    accuracy, constant, last = report['accuracy'], report['constant'], report['kept'][-1]
    spread = '' if accuracy['low'] is None else f' ({accuracy["low"]:.3f} to {accuracy["high"]:.3f})'
    rows = [
        *([f'called {name}', f'{len(own)}'] for name, own in names.items()),
        ['held-out accuracy', f'{accuracy["mean"]:.3f}{spread}'],
        [f'accuracy of the constant answer {constant["answer"]}', f'{constant["accuracy"]:.3f}'],
        ['expected calibration error', f'{report["calibration"]["error"]:.3f}'],
        [
            f'held out, above {last["above"]}',
            f'{last["kept"]} of {last["of"]}, {last["acceptable"]} of them acceptable',
        ],
    ]
    return Table(['samples and their classifier', ''], rows)
