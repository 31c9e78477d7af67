"""A montage of a run's evaluation: its best, middle or worst held-out images."""

from gans.errors import UserError
from gans.evaluation.stored import read_evaluation
from gans.image.files import write_whole
from gans.reproduce import tables
from gans.reproduce.types import Drawn, Place

_TOLD = {'best': 'the smallest', 'typical': 'a middle', 'worst': 'the largest'}


def draw(place: Place, which: str) -> Drawn:
    """Takes `montage_WHICH.png` of the evaluation.

    Args:
      place: one run, of a task whose inputs have one right output.
      which: 'best', 'typical' or 'worst'.
    """
    (folder,) = place.runs
    stored, problem = read_evaluation(folder)
    source = folder / 'evaluation' / f'montage_{which}.png'
    if stored is None or not source.is_file():
        raise UserError(f'{folder} has no {source.name}: {problem or "evaluate the run first"}.')
    path = place.folder / source.name
    write_whole(path, lambda file: file.write(source.read_bytes()))
    main = next(iter(stored.ratios)).partition(':')[0] if stored.ratios else 'error'
    rows = {row: own for row, own in stored.rows.items() if row != 'original'}
    return Drawn(
        images=[(path, f'Held-out images with {_TOLD[which]} error, in rows; columns: input, output, original')],
        table=tables.of_measures(rows, stored.measures),
        numbers=tables.means(rows, stored.measures),
        commands=[['--mode=evaluate', f'--workdir={folder}']],
        notes=[
            f'Chosen by number, not by eye: of {stored.images} held-out images those with {_TOLD[which]} {main}.',
            'The numbers are of all of them. Rows without an output need no network.',
        ],
    )
