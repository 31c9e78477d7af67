"""What a reproduction trains and draws, decided before anything is done."""

import os
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from gans.config.load import CLONE
from gans.config.registry import find_module
from gans.core.overrides import load_with
from gans.errors import UserError, closest
from gans.reproduce import documents
from gans.reproduce.shared import FOLDER
from gans.reproduce.types import SCALES, Document, Draw, Figure, Place, Run

_TINY = {'devices': '1', 'data.embedded.count': '24'}  # evaluating more images is most of the work at this scale


class Planned(NamedTuple):
    """A run at the scale of a plan.

    Attributes:
      folder: where it is trained.
      text: what `--config` takes: 'configs/inpaint.py:tiny+l1'.
      own: the same for the document's own sizes: 'configs/inpaint.py:paper+l1'.
      fields: {'size': '128'}: the values that are given for fields of its config.
      config: what is trained.
      own_config: the document's own.
    """

    folder: Path
    text: str
    own: str
    fields: Mapping[str, str]
    config: ConfigDict
    own_config: ConfigDict


class Plan(NamedTuple):
    """A reproduction.

    Attributes:
      name: of the document: 'flower_cgans'.
      document: its runs and figures.
      scale: of `SCALES`.
      images: the folder or zip that the runs on photographs are trained on; '' for the images of their configs.
      folder: where everything is written, an absolute path: commands on the page go with any working directory.
      chosen: the figures that are drawn, in the document's order.
      runs: by name, those that the document's figures need.
    """

    name: str
    document: Document
    scale: str
    images: str
    folder: Path
    chosen: Sequence[Figure]
    runs: Mapping[str, Planned]

    @property
    def trained(self) -> list[str]:
        """The names of the runs that the chosen figures wait for, in the document's order."""
        wanted = {run for figure in self.chosen if waits(figure) for run in figure.runs}
        return [name for name in self.runs if name in wanted]

    @property
    def words(self) -> list[str]:
        """The words behind `python main.py` that make this reproduction with all its figures."""
        given = [f'--input={self.images}'] if self.images else []
        words = ['--mode=reproduce', f'--document={self.name}', f'--scale={self.scale}', *given]
        return [*words, f'--output={self.folder}']

    def place(self, figure: Figure) -> Place:
        """What the figure's kind gets."""
        runs = [self.runs[name] for name in figure.runs]
        return Place(
            folder=self.folder / 'figures' / figure.name,
            runs=[run.folder for run in runs],
            configs=[(run.text, run.own) for run in runs],
            scale=self.scale,
            loaded=[(run.config, run.own_config) for run in runs],
            fields=[run.fields for run in runs],
            shared=self.folder / FOLDER,
        )


def make_plan(
    name: str,
    scale: str,
    only: Sequence[str],
    images: str | None,
    folder: str | Path,
) -> Plan:
    """The plan that the flags describe; nothing is written.

    Args:
      name: of the document: a module in `gans/reproduce/documents`, or the dotted path of another.
      scale: of `SCALES`.
      only: names of figures; all if there are none.
      images: a folder or a .zip for the runs on photographs.
      folder: of everything that is made.

    Raises:
      UserError: a name that does not exist, with the nearest one; or no such images.
    """
    if scale not in SCALES:
        raise UserError(f'--scale={scale} is not known{closest(scale, SCALES)}: choose {", ".join(SCALES)}.')
    document = read_document(name)
    if images and not os.path.exists(images):
        raise UserError(f'--input={images} is not there: give a folder or a .zip with images.')
    images, folder = os.path.abspath(images) if images else '', Path(os.path.abspath(folder))
    runs = {key: _planned(run, scale, images, folder / 'runs' / key) for key, run in document.runs.items()}
    return Plan(name, document, scale, images, folder, _chosen(name, document, only), runs)


def document_names() -> list[str]:
    """The documents that come with the code."""
    return sorted(module.name for module in pkgutil.iter_modules(documents.__path__))


def read_document(name: str) -> Document:
    """A document by its name.

    Raises:
      UserError: there is none, with the nearest name.
    """
    known = document_names()
    if name not in known and '.' not in name:
        raise UserError(f'--document={name} is not known{closest(name, known)}: choose {", ".join(known)}.')
    return find_module('reproduce.documents', name, '--document', 'DOCUMENT').DOCUMENT


def drawer(figure: Figure) -> Draw:
    """What draws a figure; raises UserError where its kind does not exist."""
    return _kind(figure).draw


def source_of(figure: Figure) -> Path:
    """The file of what draws a figure."""
    return Path(_kind(figure).__file__)


def files_of(figure: Figure, place: Place) -> Sequence[Path]:
    """Files that a figure is drawn from beside its runs; they need not be there."""
    return getattr(_kind(figure), 'follows_from', lambda place: ())(place)


def waits(figure: Figure) -> bool:
    """Whether a figure is drawn from trained runs, and not from their configs alone."""
    return bool(figure.runs) and getattr(_kind(figure), 'TRAINED', True)


def _kind(figure):
    return find_module('reproduce.kinds', figure.kind, f'The kind of {figure.name}', 'draw')


def _chosen(name, document, only):
    names = [figure.name for figure in document.figures]
    for wanted in only:
        if wanted not in names:
            raise UserError(f'--only={wanted} is not in {name}{closest(wanted, names)}: it has {", ".join(names)}.')
    return tuple(figure for figure in document.figures if not only or figure.name in only)


def _planned(run: Run, scale, images, folder) -> Planned:
    fields = {'tiny': _TINY | run.tiny, 'bare': run.fields, 'paper': run.fields | run.paper}
    given = dict(fields[scale])
    if images and run.photographs:
        given |= {'data.source': 'folder', 'data.folder.path': images}
    text, own = _text(run, scale), _text(run, 'paper')
    config, own_config = load_with(str(CLONE / text), given), load_with(str(CLONE / own), fields['paper'])
    return Planned(folder, text, own, given, config, own_config)


def _text(run, scale):
    variants = [name for name in ('' if scale == 'bare' else scale, run.variant) if name]
    return run.config + (f':{"+".join(variants)}' if variants else '')
