"""What a document's figures and tables are made of: data in `documents/`, drawn by the modules in `kinds/`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

SCALES = ('bare', 'tiny', 'paper')


class Run(NamedTuple):
    """A run that figures are drawn from. It is trained once, whatever number of figures need it.

    Attributes:
      config: 'configs/inpaint.py'.
      variant: of the config, beside that of the scale: 'l1'; several with + between them.
      fields: {'size': '128'}: other values for fields of the config, at every scale but tiny.
      tiny: the same for the scale tiny.
      paper: the same, beside `fields`, for the scale paper.
      photographs: whether it is trained on the images that `--input` gives, if any; else it keeps its own, as digits.
    """

    config: str
    variant: str = ''
    fields: Mapping[str, str] = {}
    tiny: Mapping[str, str] = {}
    paper: Mapping[str, str] = {}
    photographs: bool = True


class Said(NamedTuple):
    """What the document says of a figure, in our words.

    Attributes:
      what: 'trainable variables of the generator'.
      value: as the document has it: '1.9M'.
      number: the key in `Drawn.numbers` of what stands beside it; '' where nothing is to be compared.
    """

    what: str
    value: str
    number: str = ''


class Figure(NamedTuple):
    """A figure, a table or an equation of a document.

    Attributes:
      name: 'fig5a', 'table2', 'eq84': what `--only` takes.
      title: 'Figure 5a'.
      caption: what our figure shows, in our words.
      kind: the module in `gans/reproduce/kinds` that draws it.
      runs: keys of the document's runs, in the order in which the kind takes them.
      options: keyword arguments of the kind's `draw`.
      said: what the document says.
      differs: what is different here and why, a sentence or more; scale and data are told for the whole document.
    """

    name: str
    title: str
    caption: str
    kind: str
    runs: Sequence[str] = ()
    options: Mapping[str, Any] = {}
    said: Sequence[Said] = ()
    differs: str = ''


class Document(NamedTuple):
    """A document; `DOCUMENT` of a module in `gans/reproduce/documents`.

    Attributes:
      title: as it is cited, with its year.
      about: what it is about, two or three sentences.
      runs: the runs by name.
      figures: in the document's order.
      differs: what is different here in all figures: data, sizes, lengths, by scale.
    """

    title: str
    about: str
    runs: Mapping[str, Run]
    figures: Sequence[Figure]
    differs: Mapping[str, str]


class Table(NamedTuple):
    """A table of texts; the first cell of a row is its heading."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Drawn(NamedTuple):
    """What a kind has made of a figure.

    Attributes:
      images: PNG or GIF files in the figure's folder, each with what it shows for those who cannot see it.
      table: its numbers or shapes; None without one.
      numbers: {key: number}, what stands beside what the document says; texts where a number would say too little.
      commands: what makes this figure alone, each the words behind `python main.py`: ['--mode=history',
        '--workdir=...']; none where only `--mode=reproduce --only` does.
      notes: sentences about what was measured, or could not be drawn.
    """

    images: Sequence[tuple[Path, str]] = ()
    table: Table | None = None
    numbers: Mapping[str, float | str] = {}
    commands: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()


class Place(NamedTuple):
    """What a kind's `draw(place, **options) -> Drawn` gets.

    Attributes:
      folder: for the figure's files; it is there. Files of an earlier drawing may be in it, and may be replaced.
      runs: the folders of the trained runs of `Figure.runs`, in their order. They are evaluated already if their task
        can be.
      configs: for each of them what `--config` takes, with the scale's variant: 'configs/inpaint.py:tiny+l1', and the
        document's own, 'configs/inpaint.py:paper+l1'.
      scale: of `SCALES`.
      loaded: the two configs of `configs`, loaded, with the values of `Run.fields`; the first is what is trained.
      fields: for each of them the values that were given for fields of what is trained: {'size': '128'}.
      shared: a folder for what several figures need (`gans.reproduce.shared`); None for the figure's own.
    """

    folder: Path
    runs: Sequence[Path]
    configs: Sequence[tuple[str, str]]
    scale: str
    loaded: Sequence[tuple[ConfigDict, ConfigDict]] = ()
    fields: Sequence[Mapping[str, str]] = ()
    shared: Path | None = None


# `draw` of a kind. A kind that says TRAINED = False draws from the configs alone: its figures wait for no run. One that
# has `follows_from(place)`, a list of files, has its figures drawn again when one of them changes, comes or goes.
Draw = Callable[..., Drawn]
