"""What notebooks call, each by itself: the choice of what is installed, the view of a training, files of the user."""

import json
import os
import queue
import subprocess
import sys
import threading
import types

import numpy as np
import pytest
from command_line import ROOT
from PIL import Image
from saved_run import save_images, smooth_images

from gans import notebook
from gans.errors import UserError
from gans.notebook import installing, showing, watching

WANTED = {'jax': 'jax>=0.10,<0.13', 'flax': 'flax>=0.12,<0.14', 'numpy': 'numpy>=2.2,<3'}
HERE = {'jax': '0.10.2', 'jaxlib': '0.10.2', 'jax-cuda12-plugin': '0.10.2', 'flax': '0.12.1', 'numpy': '2.3.0'}


@pytest.mark.parametrize(
    ('machine', 'changes', 'install', 'kept'),
    [
        (('', ''), {}, (), False),
        (('cuda', 'gpu', 550), {}, (), False),
        (('cuda', 'gpu', 550), {'flax': None}, ('flax>=0.12,<0.14',), True),
        (('tpu', 'tpu'), {'numpy': '2.0.2'}, ('numpy>=2.2,<3',), True),
        (('cuda', 'cpu', 580), {}, ('jax[cuda13]>=0.10,<0.13',), False),  # a jax that leaves the GPU idle
        (('cuda', 'cpu', 550), {}, ('jax[cuda12]>=0.10,<0.13',), False),
        (('cuda', '', 0), {'jax': None}, ('jax[cuda13]>=0.10,<0.13',), False),
        (('tpu', ''), {'jax': '0.9.0', 'flax': None}, ('jax[tpu]>=0.10,<0.13', 'flax>=0.12,<0.14'), False),
        (('', ''), {'jax': '0.13.0'}, ('jax>=0.10,<0.13',), False),
    ],
)
def test_a_jax_that_works_stays_and_another_is_replaced(machine, changes, install, kept):
    here = {name: version for name, version in (HERE | changes).items() if version}
    plan = installing.plan(WANTED, here, *machine)
    assert plan.install == install
    assert plan.keep == (('jax==0.10.2', 'jax-cuda12-plugin==0.10.2', 'jaxlib==0.10.2') if kept else ())


def test_pip_gets_the_constraints_and_a_replaced_library_asks_for_a_restart(tmp_path, monkeypatch, capsys):
    (tmp_path / 'pip').mkdir()
    (tmp_path / 'pip' / '__init__.py').touch()
    code = 'import sys, pathlib; pathlib.Path("told").write_text(" ".join(sys.argv[1:]) + open(sys.argv[-1]).read())'
    (tmp_path / 'pip' / '__main__.py').write_text(f'{code}\nsys.exit("broken" in sys.argv)')
    (tmp_path / 'needed.txt').write_text('# a comment\njax>=0.10,<0.13  # kept\nno_such-thing>=1\n')
    monkeypatch.setattr(installing, '_REQUIREMENTS', tmp_path / 'needed.txt')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    notebook.install()
    words = (tmp_path / 'told').read_text()
    assert words.startswith('install --quiet no_such-thing>=1 -c ') and f'jax=={__import__("jax").__version__}' in words
    assert 'Installing no_such-thing>=1.\nThis stays as it is: jax==' in capsys.readouterr().out
    (tmp_path / 'needed.txt').write_text('jax>=0.10,<0.13\nbroken\n')
    with pytest.raises(UserError, match='pip could not install broken'):
        notebook.install()
    with pytest.raises(UserError, match='the old numpy in memory: restart it'):
        installing._check_session({'numpy': '1.0', 'jax': '2'}, {'numpy': '2.3', 'jax': '2'})
    (tmp_path / 'needed.txt').unlink()
    notebook.install()
    assert 'Installed as a package' in capsys.readouterr().out
    installing._check_session({'nobody-imported-this': '1'}, {})


def test_every_name_is_a_documented_function():
    assert set(notebook.__all__) == set(notebook._FROM) and set(notebook.__all__) <= set(dir(notebook))
    assert all(callable(getattr(notebook, name)) and getattr(notebook, name).__doc__ for name in notebook.__all__)
    with pytest.raises(AttributeError, match='trian'):
        _ = notebook.trian


def test_installing_needs_nothing_but_python():
    """The cell comes before anything is installed: without site-packages, but for what Python itself has."""
    code = 'import sys; sys.path.insert(0, "."); from gans import notebook; notebook.install; print("reached")'
    done = subprocess.run([sys.executable, '-S', '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == 'reached\n', done.stderr


def write_step(run, step):
    """What training leaves at a log line."""
    run.mkdir(exist_ok=True)
    (run / 'config.json').write_text(json.dumps({'steps': 3}))
    with open(run / 'timing.jsonl', 'a') as file:
        file.write(json.dumps({'step': step, 'images_per_second': 5.0, 'seconds_left': 3725.0}) + '\n')
    (run / 'samples').mkdir(exist_ok=True)
    Image.new('RGB', (526, 196), (50 * step, 0, 0)).save(run / 'samples' / f'step_{step:06d}.png')
    with open(run / 'metrics.jsonl', 'a') as file:
        file.write(json.dumps({'step': step, 'gen/loss': 1.0 / step, 'disc/loss': 0.5, 'gen/l1': 0.1}) + '\n')


def test_the_view_follows_a_run_while_it_grows(tmp_path):
    run, shown = tmp_path / 'run', queue.Queue()
    with watching.following(run, shown.put, every=0.01, share=0):
        assert shown.get(timeout=60) == ('The first step is compiled, which may take a minute.', None, '')
        for step in (1, 2):
            write_step(run, step)
            while (now := shown.get(timeout=60)).text != f'step {step} of 3, 5.0 images per second, 1:02:05 left':
                assert now.image is None or step == 2 or 'step 1' in now.text
            grid = (now.image[-1] == [50 * step, 0, 0]).all(axis=-1)  # the newest sample grid
            assert grid.sum() > now.image.shape[1] / 2
            assert now.alt == f'Curves of gen/loss, disc/loss; the sample grid of step {step}.'
        with open(run / 'metrics.jsonl', 'a') as file:
            file.write('{"step": 3, "gen/lo')  # being written


def test_a_view_that_cannot_draw_does_not_end_training(tmp_path, caplog):
    write_step(tmp_path / 'run', 1)
    tried = threading.Event()

    def broken(shown):
        tried.set()
        raise ValueError('no display')

    with watching.following(tmp_path / 'run', broken, every=0.01, share=0):
        assert tried.wait(60)
    assert 'cannot be drawn (ValueError: no display)' in caplog.text


def test_a_run_without_grids_and_a_place_that_is_no_run(tmp_path, monkeypatch):
    write_step(tmp_path / 'run', 1)
    os.remove(tmp_path / 'run' / 'samples' / 'step_000001.png')
    now = watching.current(tmp_path / 'run')
    assert now.alt == 'Curves of gen/loss, disc/loss.' and now.image.shape[2] == 3
    assert watching.current(tmp_path / 'none').image is None
    shown = []
    monkeypatch.setattr(watching, 'in_place', lambda: shown.append)
    notebook.look(tmp_path / 'run')
    assert [one.text for one in shown] == [now.text]
    with pytest.raises(UserError, match='There is no run folder'):
        notebook.go_on(tmp_path / 'none')


@pytest.fixture
def colab(monkeypatch):
    """A stand-in for google.colab whose dialog writes an image into the working directory, as Colab's does."""
    called = []
    files = types.ModuleType('google.colab.files')
    files.upload = lambda: Image.new('RGB', (8, 8), 'red').save('chosen.png') or called.append(os.getcwd())
    drive = types.ModuleType('google.colab.drive')
    drive.mount = called.append
    for name, module in (
        ('google', types.ModuleType('google')),
        ('google.colab', types.ModuleType('google.colab')),
        ('google.colab.files', files),
        ('google.colab.drive', drive),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    return called


def test_in_colab_a_dialog_asks_once_and_the_drive_is_mounted(tmp_path, monkeypatch, colab):
    monkeypatch.chdir(tmp_path)
    assert notebook.upload('mine') == notebook.upload('mine') == 'mine'
    assert colab == [str(tmp_path / 'mine')] and os.listdir('mine') == ['chosen.png'] and os.getcwd() == str(tmp_path)
    assert notebook.mount_drive() == '/content/drive/MyDrive' and colab[-1] == '/content/drive'


def test_elsewhere_the_folder_is_taken(tmp_path):
    assert notebook.mount_drive() == '.'
    with pytest.raises(UserError, match='put images there, and run this cell again'):
        notebook.upload(tmp_path / 'empty')
    (tmp_path / 'empty' / 'all.zip').touch()
    assert notebook.upload(tmp_path / 'empty') == str(tmp_path / 'empty' / 'all.zip')


def test_holes_and_what_is_no_hole(tmp_path):
    save_images(tmp_path / 'in', smooth_images(1, 40))
    notebook.with_holes(tmp_path / 'in', tmp_path / 'out', (0, 0.5, 0.25, 1))
    mask = np.asarray(Image.open(tmp_path / 'out' / '00_mask.png'))
    assert mask[:10, 20:].min() == 255 and mask.sum() == 255 * 10 * 20
    assert (tmp_path / 'out' / '00.png').read_bytes() == (tmp_path / 'in' / '00.png').read_bytes()
    with pytest.raises(UserError, match='give another folder'):
        notebook.with_holes(tmp_path / 'in', tmp_path / 'in', (0, 0, 1, 0.5))
    for box in ((0.5, 0, 0.5, 1), (0, 0, 1, 1.1), (0, float('nan'), 1, 1)):
        with pytest.raises(UserError, match='has no inside'):
            notebook.with_holes(tmp_path / 'in', tmp_path / 'out', box)


def test_what_is_shown(tmp_path, monkeypatch):
    put = []
    monkeypatch.setattr(showing, 'put', lambda image, alt, kind='png': put.append((image, alt, kind)))
    save_images(tmp_path / 'in', smooth_images(14, 40))
    Image.new('RGB', (4000, 10)).save(tmp_path / 'wide.png')
    Image.new('RGB', (4, 4)).save(tmp_path / 'a.gif')
    notebook.show(tmp_path / 'in', tmp_path / 'wide.png', tmp_path / 'a.gif', np.zeros((10, 8, 8, 3), np.uint8))
    assert [alt for _, alt, _ in put] == [*(f'{i:02d}.png' for i in range(12)), 'wide.png', 'a.gif', '10 images']
    assert put[0][0].shape == (640, 640, 3) and put[12][0].shape == (4, 1600, 3) and put[13][2] == 'gif'
    put.clear()
    notebook.show(np.zeros((8, 64, 64, 3), np.uint8))
    assert put[0][0].shape[1] > 8 * 120  # not as small as they are
    put.clear()
    save_images(tmp_path / 'out', smooth_images(1, 40))
    notebook.show_pairs(tmp_path / 'in', tmp_path / 'out')
    assert [alt for _, alt, _ in put] == ['00.png, before and after']
    save_images(tmp_path / 'nothing', [])
    for wrong in ('none', 'nothing'):
        with pytest.raises(UserError, match='There is no'):
            notebook.show(tmp_path / wrong)
    (tmp_path / 'out' / '00.png').rename(tmp_path / 'out' / 'other.png')
    with pytest.raises(UserError, match='has the name of one in'):
        notebook.show_pairs(tmp_path / 'in', tmp_path / 'out')


def test_a_changed_module_counts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', list(sys.path))
    for number in (1, 2):
        notebook.own_package('own_of_this_test')
        (tmp_path / 'own_of_this_test' / 'part.py').write_text(f'NUMBER = {number}{" " * number}')
        notebook.own_package('own_of_this_test')
        from own_of_this_test import part

        assert part.NUMBER == number
    for wrong in ('json', 'a.b', ''):
        with pytest.raises(UserError):
            notebook.own_package(wrong)
    assert not (tmp_path / 'json').exists()
