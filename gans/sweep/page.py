"""`sweep.html`: what a sweep has found, in one file that needs nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gans.data.files import printable
from gans.report import parts
from gans.report.images import read_image
from gans.sweep import table
from gans.sweep.plan import Plan
from gans.web import elements
from gans.web.documents import document
from gans.web.elements import Html, element, joined

FILE = 'sweep.html'
_BUDGET = 4 * 2**20  # bytes of one image


def page(plan: Plan, results: Mapping[str, Any], command: str, images: Mapping[str, Path]) -> str:
    """The file's text.

    Args:
      plan: the sweep.
      results: `gans.sweep.results.results_of`.
      command: that made it, for a shell.
      images: {what it shows: a PNG file}.
    """
    sections = {'Table': _numbers(results)}
    if results['claims']:
        sections['Claims'] = _claims(results)
    sections |= {name: _image(name, path) for name, path in images.items()}
    sections['Runs'] = _runs(plan, results)
    about = [element('p', paragraph) for paragraph in plan.sweep.about.split('\n\n') if paragraph]
    texts = {
        'title': printable(plan.sweep.title),
        'about': joined(about),
        'command': parts.command(command),
        'links': element('ul', *(element('li', element('a', name, href=f'#{_anchor(name)}')) for name in sections)),
        'body': joined(_section(name, inside) for name, inside in sections.items()),
    }
    return document('sweep', [], texts, {}, styles=['sections'])


def _section(name, inside) -> Html:
    return element('section', element('h2', name), inside, id=_anchor(name))


def _anchor(name):
    return name.lower().replace(' ', '-')


def _numbers(results):
    heads = ['cell', 'steps', 'minutes', *table.columns(results)]
    tables = [elements.table(heads, table.means(results), 'Means over seeds', class_='numbers')]
    if len(results['cells']) > 1:
        heads = [f'difference to {results["cells"][0]["label"]}', *table.columns(results)]
        tables += [elements.table(heads, table.differences(results), 'Differences', class_='numbers')]
    said = element('ul', *(element('li', printable(note)) for note in table.notes(results)))
    return joined([*tables, said])


def _claims(results):
    rows = [
        [claim, what, number, element('strong', verdict, class_=verdict)]
        for claim, what, number, verdict in table.claims(results)
    ]
    return elements.table(['claim', 'what is compared', 'difference', 'verdict'], rows, 'Claims')


def _image(name, path):
    image = read_image(path, _BUDGET)
    drawn = element('img', src=image.uri, alt=_SHOWS[name], width=image.width, height=image.height)
    return element('figure', elements.scrolling(drawn, name), element('figcaption', _SHOWS[name], class_='faint'))


_SHOWS = {
    'Losses': 'The losses of both players over training: a colour for each cell, a line for each run.',
    'Samples': 'What the generators made last: a row for each cell, a block for each seed.',
}


def _runs(plan, results):
    rows = [
        [
            f'{one["label"]}, seed {run["seed"]}',
            element('code', run['folder']),
            'diverged' if run['diverged'] else 'done',
            *(_value(run['numbers'].get(name), about['digits']) for name, about in results['measures'].items()),
        ]
        for one in results['cells']
        for run in one['runs']
    ]
    heads = ['run', 'folder', 'state', *table.columns(results)]
    settings = [[one['label'], element('code', _words(one))] for one in results['cells']]
    return joined(
        [
            elements.table(heads, rows, 'Every run', class_='numbers'),
            elements.table(['cell', 'config and fields'], settings, 'The cells'),
        ]
    )


def _words(one):
    return ' '.join([one['config'], *(f'--config.{name}={text}' for name, text in one['fields'].items())])


def _value(value, digits):
    return '-' if value is None else f'{value:.{digits}f}'
