"""All four notebooks, from the first cell to the last, in a kernel: the files that come of it, and what is shown."""

import io
import json
import re

import nbformat
import numpy as np
import pytest
import yaml
from command_line import ROOT
from nbclient.exceptions import CellExecutionError
from PIL import Image, ImageDraw
from saved_run import logged, save_images, smooth_images
from test_words import retired

import notebooks

BADGE = 'https://colab.research.google.com/github/REPOSITORY/blob/main/notebooks/{}.ipynb'
LINES = 14  # of a cell of code


@pytest.fixture(scope='module', autouse=True)
def jupyter(tmp_path_factory):
    """Jupyter's own files are in a folder of the test's; afterwards no kernel is left."""
    with pytest.MonkeyPatch.context() as patch:
        notebooks.set_up(tmp_path_factory.mktemp('jupyter'), patch)
        yield
    assert not notebooks.kernels()


def faces(count, size=20):
    """Simple faces, uint8 [size, size, 3], that differ in colour, width and mouth."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        image = Image.new('RGB', (size, size), tuple(rng.integers(0, 256, 3)))
        draw, wide, skin = ImageDraw.Draw(image), rng.uniform(0.25, 0.45), tuple(rng.integers(120, 256, 3))
        draw.ellipse([size * (0.5 - wide), 1, size * (0.5 + wide), size - 2], fill=skin)
        for x in (0.38, 0.62):
            draw.ellipse([size * x - 1, size * 0.35, size * x + 1, size * 0.45], fill='black')
        draw.line([size * 0.38, size * 0.7, size * 0.62, size * rng.uniform(0.6, 0.8)], fill='red', width=2)
        yield np.asarray(image)


def cell(notebook, cell_id):
    return next(cell for cell in notebook.cells if cell.id == cell_id)


def size_of(image):
    return Image.open(io.BytesIO(image)).size


def trained(notebook, cell_id, steps):
    """Holds that a cell trained: the last state is shown, with an image of curves and grid, and no flood of lines."""
    found = notebooks.outputs(notebook, cell_id)
    assert ''.join(found['shown'][:1]).startswith(f'step {steps} of {steps}, '), found
    assert re.fullmatch(f'Curves of disc/loss, gen/loss.*; the sample grid of step {steps}.', found['shown'][1])
    (image,) = found['images']
    assert min(size_of(image)) > 400 and Image.open(io.BytesIO(image)).getextrema() != ((255, 255),) * 3
    assert 'images/s' not in found['text'] and len(found['text'].splitlines()) < 12, found['text']
    return found


@pytest.fixture(scope='class')
def colab(tmp_path_factory):
    """(the folder of the clone, the session)."""
    clone = tmp_path_factory.mktemp('colab')
    folder = notebooks.project(clone)
    save_images(clone / 'my_images', smooth_images(24, 40))
    garden, old = map(Image.fromarray, smooth_images(2))
    (clone / 'photos').mkdir()
    garden.resize((90, 70)).save(clone / 'photos' / 'garden.jpg')
    old.resize((60, 80)).convert('L').save(clone / 'photos' / 'old.png')
    parameters = "VARIANT = ':tiny'\nSTEPS, INPAINT_STEPS = 4, 2"
    with notebooks.Session(notebooks.read('colab'), folder, parameters) as session:
        yield clone, session
    nbformat.write(session.notebook, clone / 'executed.ipynb')


class TestColab:
    """Its cells are shared by the tests, in one kernel: each goes on where the last one ended."""

    def test_it_trains_on_flowers(self, colab):
        _, session = colab
        session.until('held-out')
        assert 'All is installed' in notebooks.outputs(session.notebook, 'install')['text']
        assert re.match(r'1 device \(cpu: cpu\), jax \d', notebooks.outputs(session.notebook, 'devices')['text'])
        trained(session.notebook, 'flowers', 4)
        originals, colorized = notebooks.outputs(session.notebook, 'held-out')['images']
        assert size_of(originals) == size_of(colorized) and originals != colorized

    def test_it_trains_on_own_images_and_colorizes_a_photo(self, colab):
        clone, session = colab
        session.until('photo')
        trained(session.notebook, 'own', 4)
        assert [line['step'] for line in logged(clone / 'runs' / 'mine')][-1] == 4
        assert len(notebooks.outputs(session.notebook, 'photo')['images']) == 2
        gray = np.asarray(Image.open(clone / 'colorized' / 'old.png'))
        assert gray.shape == (80, 60, 3) and (gray[..., 0] != gray[..., 2]).any()

    def test_it_fills_holes(self, colab):
        clone, session = colab
        session.until('holes')
        trained(session.notebook, 'inpaint', 2)
        assert len(notebooks.outputs(session.notebook, 'holes')['images']) == 2
        before, after = (
            np.asarray(Image.open(clone / name / 'old.png').convert('RGB')) for name in ('holes', 'filled')
        )
        inside = np.asarray(Image.open(clone / 'holes' / 'old_mask.png')) > 127
        assert inside[28:52, 21:39].all() and inside.sum() == 24 * 18
        assert (before != after)[inside].any() and not (before != after)[~inside].any()

    def test_a_run_goes_on_when_the_runtime_was_lost_and_after_the_stop_button(self, colab):
        clone, first = colab
        first.until('flowers')
        notebook, run = notebooks.read('colab'), clone / 'runs' / 'flowers'
        parameters = "VARIANT = ':tiny'\nLONGER = {}".format
        with notebooks.Session(notebook, clone / 'notebooks', parameters(10**6)) as session:
            session.until('place')
            session.stopped('resume', lambda: (run / 'metrics.jsonl').read_bytes().count(b'\n') > 4)
            assert 'Stopped, and all is saved: run this cell again' in notebooks.outputs(notebook, 'resume')['text']
            stopped = logged(run)[-1]['step']
            assert 4 < stopped < 10**6 and 'Going on from step 4.' in notebooks.outputs(notebook, 'resume')['text']
            session.set(parameters(stopped + 2))
            session.again('parameters')
            session.again('resume')
        assert f'Going on from step {stopped}.' in trained(notebook, 'resume', stopped + 2)['text']
        assert [line['step'] for line in logged(run)] == list(range(1, stopped + 3))


def test_tpu_trains_on_all_devices_in_both_ways(tmp_path):
    notebook = notebooks.read('tpu')
    parameters = "VARIANT = ':tiny'\nPER_DEVICE, STEPS, LONGER = 4, 2, 3"
    notebooks.run(notebook, notebooks.project(tmp_path), parameters, devices=2)
    nbformat.write(notebook, tmp_path / 'executed.ipynb')
    assert notebooks.outputs(notebook, 'devices')['text'].startswith('2 devices (cpu: cpu)')
    trained(notebook, 'jit', 2)
    trained(notebook, 'pmap', 2)
    assert 'Going on from step 2.' in trained(notebook, 'one', 3)['text']
    by_jit, by_pmap = (logged(tmp_path / 'runs' / way)[0] for way in ('jit', 'pmap'))
    told = notebooks.outputs(notebook, 'compare')['text']
    for name in ('gen/loss', 'disc/loss'):
        assert by_jit[name] == pytest.approx(by_pmap[name], rel=1e-4)
        assert f'{name} at the first log line: {by_jit[name]:.6g} with jit' in told
    kept = [json.loads((tmp_path / 'runs' / way / 'config.json').read_text()) for way in ('jit', 'pmap')]
    assert [(one['parallel'], one['devices'], one['batch']) for one in kept] == [('jit', 1, 8), ('pmap', 0, 8)]
    assert 'images_per_second' in notebooks.outputs(notebook, 'speed')['text']


def test_latent_walks_edits_and_finds(tmp_path):
    folder = notebooks.project(tmp_path)
    save_images(tmp_path / 'faces', faces(60))
    notebook = notebooks.read('latent')
    notebooks.run(notebook, folder, "VARIANT = ':tiny'\nSTEPS = 4")
    nbformat.write(notebook, tmp_path / 'executed.ipynb')
    trained(notebook, 'train', 4)
    counts = {n: len(notebooks.outputs(notebook, n)['images']) for n in ('walks', 'directions', 'apply', 'find')}
    assert counts == {'walks': 2, 'directions': 1, 'apply': 2, 'find': 1}
    assert np.load(tmp_path / 'explored' / 'directions.npz')['directions'].tolist() == [0, 1, 2, 3]
    both = np.load(tmp_path / 'explored' / 'edit_first+second.npz')
    assert dict(zip(both['directions'], both['coefficients'], strict=True)) == {0: 2, 1: -2, 2: 1}
    found = np.load(tmp_path / 'explored' / 'find.npz')
    held_out = [np.asarray(Image.open(path)) for path in sorted((tmp_path / 'held_out').iterdir())]
    np.testing.assert_array_equal(found['originals'], held_out)
    assert "by the discriminator's encoder" in notebooks.outputs(notebook, 'find')['text']
    assert f'{len(held_out)} codes of 8 numbers' in notebooks.outputs(notebook, 'codes')['text']
    assert yaml.safe_load((tmp_path / 'edits.yaml').read_text())['first'] == {0: 2}


def test_new_experiment_in_an_empty_folder_as_colab_has_it(tmp_path):
    """The one that begins without a clone: with the address of the repository as the only edit."""
    (tmp_path / 'repository').mkdir()
    (tmp_path / 'content').mkdir()
    notebook = notebooks.read('new_experiment')
    clone = cell(notebook, 'clone')
    address = notebooks.copy_of_project(tmp_path / 'repository')
    clone.source = clone.source.replace('https://github.com/REPOSITORY', address)
    parameters = "VARIANT, SIZE, WIDTH, STEPS, RUN = ':tiny', 16, 4, 2, 'runs/own'"
    notebooks.run(notebook, tmp_path / 'content', parameters)
    nbformat.write(notebook, tmp_path / 'executed.ipynb')
    trained(notebook, 'train', 2)
    run = tmp_path / 'content' / 'gans-jax' / 'runs' / 'own'
    lines = logged(run)
    assert all(line['gen/smoothness'] > 0 for line in lines) and lines[-1]['schedule/smoothness'] < 1
    assert json.loads((run / 'config.json').read_text())['generator'] == {'name': 'own_gan.painter', 'width': 4}
    assert len(notebooks.outputs(notebook, 'samples')['images']) == 1


def test_a_mistake_is_one_sentence_and_leaves_no_kernel(tmp_path):
    notebook = notebooks.read('colab')
    cells = {cell.id: cell for cell in notebook.cells}
    notebook.cells = [cells['clone'], nbformat.v4.new_code_cell("from gans import notebook\nnotebook.upload('empty')")]
    with pytest.raises(CellExecutionError):
        notebooks.run(notebook, notebooks.project(tmp_path), '')
    (error,) = notebook.cells[-1].outputs
    assert len(error.traceback) == 1 and 'put images there, and run this cell again' in error.traceback[0]
    assert not notebooks.kernels()


@pytest.mark.parametrize('path', notebooks.NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stripped_and_short(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {'kernelspec', 'language_info', 'accelerator'}
    assert notebook.metadata.kernelspec.name == 'python3' and set(notebook.metadata.language_info) == {'name'}
    assert BADGE.format(path.stem) in notebook.cells[0].source
    for cell in notebook.cells:
        assert set(cell.metadata) <= {'tags'}
        assert cell.cell_type == 'markdown' or (cell.outputs == [] and cell.execution_count is None)
        assert cell.cell_type == 'markdown' or len(cell.source.splitlines()) <= LINES, cell.id
        assert not retired(cell.source), cell.id
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert sum(notebooks.tagged(cell, 'parameters') for cell in notebook.cells) == 1
    assert path.read_text().count("'https://github.com/REPOSITORY'") == 1  # the only edit


def test_there_are_four_and_the_document_names_them():
    names = [path.stem for path in notebooks.NOTEBOOKS]
    assert names == ['colab', 'latent', 'new_experiment', 'tpu']
    text = (ROOT / 'docs' / 'notebooks.md').read_text()
    assert all(f'notebooks/{name}.ipynb' in text for name in names)
