"""Laws of every document that is reproduced; each is made once at the scale tiny, through main.py."""

import inspect
import json
import os
import re
import shutil
import signal
from pathlib import Path
from urllib.parse import unquote

import jax
import pytest
from browser import PHONE, WIDE, accessibility_faults, faults_of, needs_browser, open_browser, requests_of
from command_line import MAIN, ROOT, main
from PIL import Image
from runs_on_disk import refused
from saved_run import break_after, save_images, smooth_images

from gans.cli import arguments
from gans.cli.commands import parse
from gans.config.load import load
from gans.reproduce.page import number_text
from gans.reproduce.plan import document_names, drawer, make_plan, read_document
from gans.reproduce.types import SCALES

MADE = document_names()
FIRST = 'flower_cgans'  # with which is tested what is the same for all
LARGEST = 8_000_000  # bytes of a page


@pytest.fixture(scope='module', autouse=True)
def clone():
    """Configs are found from the clone, as the commands on a page name them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
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
            with break_after(2, patch):
                reproduce(self.name, self.folder)
            self.begun = sorted(path.name for path in self.folder.iterdir())
            kind = inspect.getmodule(drawer(self.document.figures[-1]))
            patch.setattr(kind, 'draw', lambda place, **options: os.kill(os.getpid(), signal.SIGINT))
            self.stopped = reproduce(self.name, self.folder)
        self.drawn = {path: path.stat().st_mtime_ns for path in self.folder.glob('figures/*/figure.json')}

    def record(self, figure):
        return json.loads((self.folder / 'figures' / figure.name / 'figure.json').read_text())


@pytest.fixture(scope='module')
def make(tmp_path_factory):
    """Makes a document, once for all tests."""
    known = {}

    def made(name):
        if name not in known:
            known[name] = Made(name, tmp_path_factory.mktemp(name) / 'out')
            jax.clear_caches()  # the programs of one document are no use to another
        return known[name]

    return made


@pytest.fixture(params=MADE)
def made(request, make):
    return make(request.param)


def plan_of(name, scale):
    def configured(text, fields):
        return arguments.override(load(text), fields, text)

    return make_plan(name, scale, (), None, 'out', configured)


@pytest.mark.parametrize('name', document_names())
def test_what_a_document_names_exists(name):
    document = read_document(name)
    names = [figure.name for figure in document.figures]
    assert len(names) == len(set(names)) and all(re.fullmatch(r'[a-z0-9_]+', one) for one in names)
    assert {run for figure in document.figures for run in figure.runs} == set(document.runs)
    assert set(document.differs) == set(SCALES)
    for figure in document.figures:
        inspect.signature(drawer(figure)).bind(None, **figure.options)
        assert figure.title and figure.caption.endswith('.') and (not figure.differs or figure.differs.endswith('.'))


@pytest.mark.parametrize('scale', SCALES)
@pytest.mark.parametrize('name', document_names())
def test_every_run_of_a_document_has_a_config_at_every_scale(name, scale):
    plan = plan_of(name, scale)
    assert {run.config.name for run in plan.runs.values()} <= {path.stem for path in (ROOT / 'configs').glob('*.py')}
    if scale == 'tiny':
        assert max(run.config.steps for run in plan.runs.values()) <= 20, 'tiny is for tests'


@pytest.mark.parametrize('made', [FIRST], indirect=True)
def test_sittings_that_are_cut_off_or_stopped_keep_what_is_there(made):
    assert made.begun == ['reproduction.json', 'runs']
    assert made.stopped.code == 130 and made.ended.code == 0
    assert made.drawn and all(path.stat().st_mtime_ns == time for path, time in made.drawn.items())


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
        assert parse([MAIN, *words]).verb
    for figure in made.document.figures:
        assert f'--document={made.name} --scale=tiny --output={made.folder} --only={figure.name}' in page


@pytest.mark.parametrize('made', [FIRST], indirect=True)
def test_a_figure_that_cannot_be_drawn_is_told_and_the_others_are_drawn(made, tmp_path, monkeypatch):
    folder = shutil.copytree(made.folder, tmp_path / 'out')
    for name in ('fig9', 'fig10'):
        (folder / 'figures' / name / 'figure.json').unlink()
    (folder / 'runs/inpainting/evaluation/montage_worst.png').unlink()
    ended = reproduce(made.name, folder, '--only=fig9,fig10')
    refused(ended, 'fig9 was not drawn', 'montage_worst.png')
    assert (folder / 'figures/fig10/figure.json').is_file()
    page, told = (folder / 'index.html').read_text(), json.loads((folder / 'reproduction.json').read_text())
    assert 'It could not be drawn: ' in page and 'montage_worst.png' in told['figures']['fig9']['problem']
    monkeypatch.setattr('gans.reproduce.kinds.montage.draw', lambda place, which: 1 / 0)
    ended = reproduce(made.name, folder, '--only=fig9')
    assert ended.code == 2 and 'ZeroDivisionError' in ended.err.splitlines()[-1]


@pytest.mark.parametrize('made', [FIRST], indirect=True)
def test_other_runs_draw_the_figures_again(made, tmp_path):
    folder = shutil.copytree(made.folder, tmp_path / 'out')
    with open(folder / 'runs/colorizing/metrics.jsonl', 'a') as file:
        file.write('\n')
    out = reproduce(made.name, folder).out
    drawn = {figure.title for figure in made.document.figures if f'{figure.title} is drawn in' in out}
    assert drawn == {'Figure 5b', 'Figure 8a', 'Figure 8b', 'Figure 10', 'How real the results look'}


def test_another_plan_is_refused_in_a_folder(tmp_path):
    out, photos = tmp_path / 'out', save_images(tmp_path / 'photos', smooth_images(20, 32))
    assert reproduce('flower_cgans', out, '--only=table1b').code == 0
    before = {path: path.read_bytes() for path in out.rglob('*') if path.is_file()}
    refused(reproduce('flower_cgans', out, '--scale=bare'), '--scale=tiny, not --scale=bare')
    refused(reproduce('flower_cgans', out, f'--input={photos}'), f'no --input, not --input={photos}')
    assert {path: path.read_bytes() for path in out.rglob('*') if path.is_file()} == before
    refused(reproduce('flower_cgans', photos), 'holds files but no reproduction')
    (photos / 'reproduction.json').write_text('{}')
    refused(reproduce('flower_cgans', photos), 'is no record')


def test_wrong_names_are_answered_with_the_nearest(tmp_path):
    refused(reproduce('flower_gans', tmp_path / 'out'), "did you mean 'flower_cgans'?")
    refused(reproduce('flower_cgans', tmp_path / 'out', '--only=fig3,fig5c'), '--only=fig5c is not in', "'fig5")
    refused(reproduce('flower_cgans', tmp_path / 'out', '--scale=papr'), "did you mean 'paper'?")
    refused(reproduce('flower_cgans', tmp_path / 'out', '--input=nowhere'), '--input=nowhere is not there')
    assert not (tmp_path / 'out').exists()


def test_images_that_are_given_are_those_of_the_runs_on_photographs(tmp_path):
    red = Image.new('RGB', (40, 40), (200, 30, 30))
    photos = tmp_path / 'photos'
    photos.mkdir()
    for i in range(20):
        red.putpixel((0, i), (0, 0, 0))  # no two are equal
        red.save(photos / f'{i}.png')
    assert reproduce('flower_cgans', tmp_path / 'out', f'--input={photos}', '--only=fig1').code == 0
    drawn = Image.open(tmp_path / 'out/figures/fig1/inputs.png').convert('RGB')
    assert drawn.getpixel((70, drawn.height - 40)) == (200, 30, 30)
    assert str(photos) in (tmp_path / 'out/index.html').read_text()
    small = save_images(tmp_path / 'small', smooth_images(20, 16))
    refused(
        reproduce('flower_cgans', tmp_path / 'other', f'--input={small}', '--only=fig5a'),
        '16x16',
        'larger images as --input',
    )
    assert not (tmp_path / 'other/runs').exists()


@needs_browser
def test_the_page_in_a_browser(made):
    """Behind all others: where a browser was open, nothing can be trained (tests/browser.py)."""
    path = made.folder / 'index.html'
    assert path.stat().st_size < LARGEST
    with open_browser() as browser:
        ways = ((WIDE, 'light'), (PHONE, 'dark'))
        for viewport, scheme in ways if made.name == FIRST else ways[1:]:
            page = browser.new_page(viewport=viewport, color_scheme=scheme)
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
            assert not faults and asked == [path.as_uri()] and not accessibility_faults(page)
