"""Documents that are reproduced at the scale tiny, through main.py, each once; and the laws of every one of them.

Each document has a file of tests (tests/test_reproduce*.py), so that two processes can share them. The file names its
document in `MADE`, imports fixtures and laws by a star, and at its end the law with a browser.
"""

import inspect
import json
import os
import re
import signal
from pathlib import Path
from urllib.parse import unquote

import pytest
from browser import PHONE, WIDE, accessibility_faults, faults_of, needs_browser, open_browser, open_context, requests_of
from command_line import MAIN, ROOT, main
from PIL import Image
from saved_run import break_after

from gans.cli.commands import read, with_config
from gans.reproduce import runner
from gans.reproduce.page import number_text
from gans.reproduce.plan import drawer, read_document

# What the files import by a star: fixtures and laws, but for the one that has to be the last.
__all__ = [
    'clone',
    'make_document',
    'test_what_is_made_is_not_made_again',
    'test_before_training_it_is_told_what_will_be_made',
    'test_every_figure_is_there',
    'test_what_is_measured_stands_beside_what_the_document_says',
    'test_every_command_that_is_shown_is_one',
]

FIRST = 'flower_cgans'  # with which is tested what is the same for all
LARGEST = 8_000_000  # bytes of a page


@pytest.fixture(scope='module', autouse=True)
def clone():
    """Configs are found from the clone, as the commands on a page name them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(runner, 'free_programs', lambda: None)  # figures need again what the runs have compiled
        yield


def reproduce(name, folder, *words):
    return main('--mode=reproduce', f'--document={name}', '--scale=tiny', f'--output={folder}', *words)


class Made:
    """A document as it was made; `FIRST` was cut off while training, then stopped while drawing, and gone on with."""

    def __init__(self, name, folder):
        self.name, self.folder, self.document = name, folder, read_document(name)
        if name == FIRST:
            self.interrupt()
        self.ended = reproduce(name, folder)

    def interrupt(self):
        with pytest.MonkeyPatch.context() as patch:
            with break_after(2):
                reproduce(self.name, self.folder)
            self.begun = sorted(path.name for path in self.folder.iterdir())
            kind = inspect.getmodule(drawer(self.document.figures[-1]))
            patch.setattr(kind, 'draw', lambda place, **options: os.kill(os.getpid(), signal.SIGTERM))
            self.stopped = reproduce(self.name, self.folder)
        self.drawn = {path: path.stat().st_mtime_ns for path in self.folder.glob('figures/*/figure.json')}

    def said(self, figure):
        """What the document says of a figure, each with ours beside it."""
        return json.loads((self.folder / 'reproduction.json').read_text())['figures'][figure]['said']

    def record(self, figure):
        return json.loads((self.folder / 'figures' / figure.name / 'figure.json').read_text())


@pytest.fixture(scope='module', name='made')
def make_document(request, tmp_path_factory):
    """The document of the file of tests, made once."""
    return Made(request.module.MADE, tmp_path_factory.mktemp('made') / 'out')


def test_what_is_made_is_not_made_again(made):
    assert made.ended.code == 0, made.ended
    for name in made.document.runs:
        assert (made.folder / 'runs' / name / 'report.html').is_file()
    done = reproduce(made.name, made.folder)
    assert done.code == 0 and done.out.count('done already') == len(made.document.runs)
    assert done.out.count('drawn already') == len(made.document.figures) and ' is drawn in ' not in done.out


def test_before_training_it_is_told_what_will_be_made(made):
    for name in made.document.runs:
        assert f'run {name}: configs/' in made.ended.out
    for figure in made.document.figures:
        assert f'figure {figure.name}: {figure.title}' in made.ended.out


def test_every_figure_is_there(made):
    for figure in made.document.figures:
        found = made.record(figure)
        for one in found['images']:
            image = Image.open(made.folder / 'figures' / figure.name / one['file'])
            assert max(high - low for low, high in image.convert('RGB').getextrema()) > 9, f'{figure.name} is empty'
            assert one['alt']
        assert found['images'] or found['table'] or found['commands'], figure.name


def test_what_is_measured_stands_beside_what_the_document_says(made):
    record, page = (made.folder / 'reproduction.json').read_text(), (made.folder / 'index.html').read_text()
    figures = json.loads(record)['figures']
    assert list(figures) == [figure.name for figure in made.document.figures]
    for figure in made.document.figures:
        found = figures[figure.name]
        for said, told in zip(figure.said, found['said'], strict=True):
            assert told['document'] == said.value
            assert not said.number or told['here'] is not None, f'{figure.name} has no {said.number!r}'
            assert not said.number or number_text(told['here']) in page
        assert f'id="{figure.name}"' in page


def test_every_command_that_is_shown_is_one(made):
    page = (made.folder / 'index.html').read_text()
    shown = len(re.findall('<code class="command">', page))
    commands = [words for figure in made.document.figures for words in made.record(figure)['commands']]
    assert shown == len(commands) + len(made.document.figures) + len(made.document.runs) + 1
    for words in commands:
        assert with_config(read([MAIN, *words])).verb
    for figure in made.document.figures:
        assert f'--document={made.name} --scale=tiny --output={made.folder} --only={figure.name}' in page


@needs_browser
def test_the_page_in_a_browser(made):
    """Behind all others: where a browser was open, nothing can be trained (tests/browser.py)."""
    path = made.folder / 'index.html'
    assert path.stat().st_size < LARGEST
    with open_browser() as browser:
        ways = ((WIDE, 'light'), (PHONE, 'dark'))
        for viewport, scheme in ways if made.name == FIRST else ways[1:]:
            page = open_context(browser, viewport=viewport, color_scheme=scheme).new_page()
            faults, asked = faults_of(page), requests_of(page)
            page.goto(path.as_uri())
            assert page.evaluate('document.documentElement.scrollWidth <= innerWidth')
            assert page.evaluate('[...document.images].every(image => image.naturalWidth > 0 && image.alt)')
            images = sum(len(made.record(figure)['images']) for figure in made.document.figures)
            assert page.locator('section img').count() == images
            titles = page.locator('section h2').all_inner_texts()
            assert titles == ['Summary', 'Runs', *(figure.title for figure in made.document.figures)]
            for address in page.locator('main a').evaluate_all('links => links.map(link => link.href)'):
                assert Path(unquote(address.removeprefix('file://'))).exists(), address
            small = page.locator('img.magnified').evaluate_all(
                'all => all.map(x => getComputedStyle(x).imageRendering)'
            )
            assert set(small) <= {'pixelated'}
            page.emulate_media(media='print')
            cut = '[...document.querySelectorAll(".scrolls")].filter(x => x.scrollWidth > x.clientWidth + 1).length'
            assert page.evaluate(cut) == 0, 'paper does not scroll'
            assert not faults and asked == [path.as_uri()] and not accessibility_faults(page)
