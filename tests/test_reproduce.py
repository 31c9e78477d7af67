"""The verb reproduce: what documents name, and a document as it is made, stopped, gone on with, refused."""

import inspect
import json
import re
import shutil

import pytest
from command_line import ROOT
from PIL import Image
from reproduced import *  # noqa: F403  fixtures and laws of a document that is made
from reproduced import FIRST, reproduce
from runs_on_disk import refused
from saved_run import save_images, smooth_images

from gans.reproduce.plan import document_names, drawer, make_plan, read_document
from gans.reproduce.types import SCALES

MADE = FIRST


def plan_of(name, scale):
    return make_plan(name, scale, (), None, 'out')


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


def test_sittings_that_are_cut_off_or_stopped_keep_what_is_there(made):
    assert made.begun == ['reproduction.json', 'runs']
    assert made.stopped.code == 143 and made.ended.code == 0
    assert made.drawn and all(path.stat().st_mtime_ns == time for path, time in made.drawn.items())


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


def test_other_runs_draw_the_figures_again(made, tmp_path):
    folder = shutil.copytree(made.folder, tmp_path / 'out')
    with open(folder / 'runs/colorizing/metrics.jsonl', 'a') as file:
        file.write('\n')
    out = reproduce(made.name, folder).out
    drawn = {figure.title for figure in made.document.figures if f'{figure.title} is drawn in' in out}
    assert drawn == {'Figure 5b', 'Figure 8a', 'Figure 8b', 'Figure 10', 'How real the results look'}
    page = (folder / 'index.html').read_text()
    assert f'--workdir={folder}/runs/inpainting ' in page and f'{made.folder}' not in page, 'the folder is a moved one'


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
    assert reproduce('flower_cgans', tmp_path / 'out', f'--input={photos}', '--only=fig1,table2').code == 0
    drawn = Image.open(tmp_path / 'out/figures/fig1/inputs.png').convert('RGB')
    assert drawn.getpixel((70, drawn.height - 40)) == (200, 30, 30)
    page = (tmp_path / 'out/index.html').read_text()
    assert f'The images of runs on photographs are those in {photos}.' in page
    assert 'inpaint.py:tiny --config.devices=1' in page and f'--config.data.folder.path={photos} --dry_run' in page
    small = save_images(tmp_path / 'small', smooth_images(20, 16))
    refused(
        reproduce('flower_cgans', tmp_path / 'other', f'--input={small}', '--only=fig5a'),
        '16x16',
        'larger images as --input',
    )
    assert not (tmp_path / 'other/runs').exists()


OWN = """
from gans.reproduce.types import Document, Drawn, Figure, Run, Said

RUNS = {'one': Run('configs/colorize.py', fields={'batch': '2'}, tiny={'batch': '2'})}
FIGURE = Figure('own', 'My figure', 'What it is.', 'mine.document', ('one',), said=(Said('a number', '6', 'seven'),))
DOCUMENT: Document = Document('Mine', 'About me.', RUNS, (FIGURE,), {})
TRAINED = False


def draw(place):
    return Drawn(numbers={'seven': 7}, commands=[['--config=configs/colorize.py']])
"""


def test_a_document_and_a_kind_of_ones_own_from_another_working_directory(tmp_path, monkeypatch):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine/__init__.py').touch()
    (tmp_path / 'mine/document.py').write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert reproduce('mine.document', 'out').code == 0
    page = (tmp_path / 'out/index.html').read_text()
    assert '<td>6</td><td>7</td>' in page.replace('\n', '')
    assert f'--document=mine.document --scale=tiny --output={tmp_path}/out --only=own' in page
    (tmp_path / 'mine/other.py').write_text('DOCUMENTS = ()')
    refused(reproduce('mine.other', 'more'), 'other.py defines no DOCUMENT')


from reproduced import test_the_page_in_a_browser  # noqa: E402, F401  behind all others: see tests/browser.py
