"""Names of runs that stand side by side: all different, and short enough for tables and montages."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from gans.data.files import printable
from gans.evaluation.tables import columns, shorten

_LONGEST = 20  # columns of a run's name where it stands before another name


def titles_of(folders: Sequence[Path]) -> list[str]:
    """A name for each run: its folder's, with as many parents as make all of them different."""
    parts = [folder.resolve().parts for folder in folders]
    for length in range(1, max(map(len, parts)) + 1):
        titles = ['/'.join(part[-length:]) for part in parts]
        if len(set(titles)) == len(titles):
            break
    return titles


def short_titles(titles: Iterable[str]) -> dict[str, str]:
    """{title: name that leaves tables and montages readable}: the title, or a part of it behind a number."""
    short = {}
    for number, title in enumerate(titles, 1):
        # Pillow's own font has no letters beyond Latin ones.
        plain = columns(printable(title)) <= _LONGEST and max(map(ord, printable(title))) < 0x250
        short[title] = title if plain else f'{number}: {shorten(printable(title), _LONGEST - 3)}'
    return short


def lines_of(steps: dict[str, int]) -> list[str]:
    """A line for people for each run, of {title: step}: its short name, the whole one where that differs, its step."""
    return [
        f'{name}: {"" if name == title else f"{printable(title)}, "}step {steps[title]}'
        for title, name in short_titles(steps).items()
    ]
