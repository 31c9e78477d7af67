"""`index.html`: the document's figures in its order, ours in place of its own, beside what it says."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from gans.config.shapes import shape_of
from gans.data.files import printable
from gans.image.files import write_whole
from gans.report.images import Inlined, read_images
from gans.report.parts import command, image_element, section
from gans.report.report import FILE as REPORT
from gans.report.sections import duration
from gans.reproduce.drawing import numbers_of
from gans.reproduce.plan import Plan
from gans.reproduce.record import command_of, seconds_of
from gans.reproduce.types import Drawn, Figure
from gans.run import sittings
from gans.sweep.runs import steps_done
from gans.web.documents import document
from gans.web.elements import Html, element, folded, joined, table

FILE = 'index.html'
BUDGET = 7_000_000  # bytes of all images in the file, encoded; with tables and text it stays below 8 MB
_WIDEST = 720  # pixels that a small image is magnified to
_DIGITS = 4


def write(plan: Plan, drawn: Mapping[str, Drawn], problems: Mapping[str, str]) -> Path:
    """Writes the page.

    Args:
      plan: what is reproduced.
      drawn: the figures that are there, by name.
      problems: {figure: a sentence} of those that could not be drawn.

    Returns:
      the file.

    Raises:
      UserError: it cannot be written.
    """
    shown = [figure for figure in plan.document.figures if figure.name in drawn or figure.name in problems]
    images = _images(shown, drawn)
    parts = {'summary': ('Summary', _summary(plan, drawn, problems)), 'runs': ('Runs', _runs(plan))}
    for figure in shown:
        if figure.name in drawn:
            inside = _figure(plan, figure, drawn[figure.name], images[figure.name])
        else:
            inside = _missing(plan, figure, problems[figure.name])
        parts[figure.name] = (figure.title, inside)
    text = document(
        'reproduce',
        [],
        {
            'title': f'Reproduction: {plan.document.title}',
            'about': plan.document.about,
            'links': element('ul', *(element('li', _link(title, name)) for name, (title, _) in parts.items())),
            'body': joined(section(title, inside, name=name) for name, (title, inside) in parts.items()),
        },
        {},
        styles=['sections', 'report'],
    )
    path = plan.folder / FILE
    write_whole(path, lambda file: file.write(text.encode(errors='xmlcharrefreplace')))
    return path


def number_text(value: float | int | str | None) -> str:
    """A number for people: 1,858,811 or 0.08412; a text as it is."""
    if value is None:
        return '-'
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, int) or (abs(value) >= 10**_DIGITS and value == round(value)):
        return f'{value:,.0f}'
    return f'{value:,.0f}' if abs(value) >= 10**_DIGITS else f'{value:.{_DIGITS}g}'


def _images(shown: Sequence[Figure], drawn: Mapping[str, Drawn]) -> dict[str, list[Inlined | str]]:
    """{figure: its images, or why one cannot be shown}, all within the budget."""
    paths = [path for figure in shown if figure.name in drawn for path, _ in drawn[figure.name].images]
    found, problems = read_images(paths, BUDGET)
    told = iter(problems)
    every = iter([image or next(told) for image in found])
    return {figure.name: [next(every) for _ in drawn[figure.name].images] for figure in shown if figure.name in drawn}


def _summary(plan, drawn, problems):
    scale = plan.document.differs.get(plan.scale, '')
    left = [f for f in plan.document.figures if f.name not in drawn and f.name not in problems]
    words = [*plan.words]
    given = f'The images of runs on photographs are those in {printable(plan.images)}.' if plan.images else ''
    return joined(
        [
            element('p', f'Scale {plan.scale}. {scale}', class_='lead'),
            element('p', given) if given else '',
            element('p', f'{len(drawn)} of {len(plan.document.figures)} figures and tables are drawn.'),
            *(
                element('p', f'{figure.title} could not be drawn: {problems[figure.name]}', class_='problem')
                for figure in plan.document.figures
                if figure.name in problems
            ),
            element('p', f'Not drawn so far: {", ".join(figure.title for figure in left)}.') if left else '',
            element('p', 'All of them together (commands on this page are given in the folder of main.py):'),
            _command(words),
        ]
    )


def _runs(plan):
    there = {name: run for name, run in plan.runs.items() if steps_done(run.folder)}
    if not there:
        return element('p', 'No run was needed so far: what is drawn follows from configs alone.')
    columns = ['run', 'config', 'steps', 'batch', 'size', 'training images', 'time', '']
    sat = {name: sittings.read(run.folder) for name, run in there.items()}
    rows = [_run_row(plan, name, run, sat[name]) for name, run in there.items()]
    where = dict.fromkeys(_machine(found[-1]) for found in sat.values() if found)
    commands = joined(joined([element('p', f'{name}:'), command(command_of(run))]) for name, run in there.items())
    return joined(
        [
            table(columns, rows, 'The runs', class_='runs'),
            *(element('p', line, class_='faint') for line in where),
            folded('The command of each run', commands),
        ]
    )


def _run_row(plan, name, run, found):
    seconds, report = seconds_of(found), run.folder / REPORT
    least = '' if all(one.ended for one in found) else 'at least '  # a sitting that was killed has no end
    return [
        name,
        joined([element('code', run.text), element('small', _changed(run)) if _changed(run) else '']),
        f'{steps_done(run.folder):,} of {run.config.steps:,}',
        f'{run.config.batch}',
        ' x '.join(map(str, dict.fromkeys(shape_of(run.config)))),
        f'{found[-1].train_images:,}' if found else '-',
        f'{least}{duration(seconds)}' if seconds else '-',
        element('a', f'report of {name}', href=_address(plan, report)) if report.is_file() else '-',
    ]


def _changed(run):
    """The fields in which a run differs from its config, but for where its images are, which the page says above."""
    told = {name: value for name, value in run.fields.items() if name != 'devices' and not name.startswith('data.')}
    return printable(' '.join(f'{name}={value}' for name, value in told.items()))


def _machine(sitting):
    about = sitting.machine
    return printable(
        f'Trained on {about.get("processor", "")}, {about.get("cores", "")} cores, devices: '
        f'{about.get("devices", "")}, jax {sitting.versions.get("jax", "")}.'
    )


def _figure(plan: Plan, figure: Figure, made: Drawn, images: Sequence[Inlined | str]) -> Html:
    shown, words = [], []
    for image, (path, alt) in zip(images, made.images, strict=True):
        if isinstance(image, str):
            shown.append(element('p', image, class_='problem'))
            continue
        full = element('a', _image(image, alt), href=_address(plan, path))
        moves = element('figcaption', 'It moves in the file that this image links.') if path.suffix == '.gif' else ''
        shown.append(element('figure', full, moves))
    if figure.said:
        words += [element('h3', 'The document, and here'), _comparison(figure, made)]
    words += [element('p', note) for note in made.notes]
    if figure.differs:
        words.append(element('p', element('strong', 'What differs: '), figure.differs))
    if made.table:
        words += [element('h3', 'In numbers'), table(made.table.columns, made.table.rows, f'{figure.title}: table')]
    words += [element('h3', 'Commands'), *_commands(plan, figure, made)]
    images = element('div', *shown, class_='drawn') if shown else ''
    told = element('div', images, element('div', *words, class_='words'), class_='beside')
    return joined([element('p', figure.caption), told])


def _image(image, alt):
    magnified = {'class_': 'magnified'} if 2 * image.width <= _WIDEST else {}  # its pixels are to be seen as squares
    return image_element(image, alt, _WIDEST, **magnified)


def _comparison(figure, made):
    numbers = numbers_of(made)
    rows = [
        [one.what, one.value, number_text(numbers.get(one.number)) if one.number else 'see the figure']
        for one in figure.said
    ]
    return table(['', 'the document', 'here'], rows, f'{figure.title}: the document, and here')


def _commands(plan, figure, made):
    alone = [element('p', 'This figure alone:'), _command([*plan.words, f'--only={figure.name}'])]
    others = [element('p', 'Its parts, with verbs of their own:')] if made.commands else []
    return [*alone, *others, *(_command(words) for words in made.commands)]


def _missing(plan, figure, problem):
    return joined(
        [
            element('p', figure.caption),
            element('p', f'It could not be drawn: {problem}', class_='problem'),
            *_commands(plan, figure, Drawn()),
        ]
    )


def _command(words: Sequence[str]) -> Html:
    return command(shlex.join(['python', 'main.py', *map(str, words)]))


def _link(title, name):
    return element('a', title, href=f'#{name}')


def _address(plan, path):
    """A file of the reproduction, as a link of the page has it."""
    from urllib.parse import quote

    return quote(str(path.relative_to(plan.folder)))
