"""The verb `label`: samples of a run as image files, and an HTML file on which a person marks them."""

import hashlib
import io
import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gans.config.shipped import program
from gans.data import files
from gans.data.opening import move_data
from gans.errors import UserError
from gans.image.files import save_png, write_whole
from gans.labelling.labels_file import FILE as LABELS
from gans.progress import progress
from gans.run.generate import Sampler
from gans.run.trained import load_run
from gans.sets.sample_folder import name_of
from gans.web.documents import data_uri, document

FILE = 'label.html'
_ROUNDING = 2  # levels of 255 by which a sample may differ that is drawn again, by another process or device


def label(workdir: str | Path, output: str | Path, count: int, seed: int, moved_to: str | None = None) -> str:
    """Draws samples of a run and writes them with `label.html`, which holds them all and needs nothing else.

    Args:
      workdir: the run's folder.
      output: the folder for `000000.png`, ... and `label.html`.
      count: how many samples.
      seed: they follow from it.
      moved_to: where the training images are now, if they were moved.

    Returns:
      what to do next, for people.

    Raises:
      UserError: anything that the user can mend; images of other samples in the folder are left as they are.
    """
    if count < 1:
        raise UserError(f'--count={count} asks for no sample at all: give at least 1.')
    folder = Path(output).expanduser()
    shown = files.printable(str(folder))
    files.check_no_file(folder)
    run = load_run(workdir)
    if moved_to:
        move_data(run.config, moved_to)
    sampler = Sampler(run, seed)
    sampler.check_count(count)
    names = [name_of(i) for i in range(count)]
    for path in sorted(folder.glob('*.png')):
        if path.name not in names:
            raise _other(path)
    with progress('drawing', count) as advance:
        left = iter(names)
        for images in sampler(np.arange(count)):
            for image in images:
                _put(folder / next(left), image)
            advance(len(images))
    about = f'{count} samples of {files.printable(run.name)}, step {run.step}, seed {seed}'
    write_marking(folder, names, about)
    return '\n'.join(
        [
            f'{about}, in {shown}.',
            f'Open {shown}/{FILE} in a browser, mark the images, and save {LABELS} into {shown}. Then:',
            _command(folder, program()),
        ]
    )


def write_marking(folder: Path, names: Sequence[str], about: str) -> None:
    """Writes `label.html` for PNG files in a folder; their bytes are in it.

    What a browser keeps of the marks belongs to names and bytes of the files, so that a folder that was moved, or
    written again with the same images, finds its marks, and another one does not.

    Args:
      folder: where the files are, and the new one goes.
      names: of the files, in the order in which they are shown.
      about: a line on where they come from.
    """
    digest, images = hashlib.blake2b(digest_size=16), []
    for name in names:
        content = (folder / name).read_bytes()
        digest.update(f'{name} {len(content)} '.encode() + content)
        images.append({'file': name, 'source': data_uri(content)})
    texts = {
        'title': 'Acceptable or unacceptable?',
        'about': about,
        'command': _command(Path(folder.resolve().name), 'main.py'),
    }
    text = document('label', ['marks', 'answering', 'label'], texts, {'digest': digest.hexdigest(), 'images': images})
    write_whole(folder / FILE, lambda file: file.write(text.encode()))


def _command(folder: Path, main: str) -> str:
    """What trains a classifier of the labels in a folder, for a shell that calls main.py `main`."""
    table = shlex.quote(files.printable(str(folder / LABELS)))
    return f'python {shlex.quote(main)} --mode=classify --labels={table} --output=CLASSIFIER'


def _put(path: Path, image: np.ndarray) -> None:
    """Writes an image, unless it is there, whatever it was rounded to; raises UserError if another one is."""
    if not path.exists():
        save_png(path, image)
    elif not _shows(path, image):
        raise _other(path)


def _other(path: Path) -> UserError:
    shown = files.printable(str(path))
    return UserError(
        f"'{shown}' is no image of these samples, and labels may belong to it: choose another folder as --output."
    )


def _shows(path: Path, image: np.ndarray) -> bool:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(files.read_regular(path))) as found:
            if found.size != (image.shape[1], image.shape[0]):
                return False
            there = np.asarray(found.convert('RGB'))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # Pillow's, of strangers' files
        return False
    return np.abs(there.astype(int) - image).max() <= _ROUNDING
