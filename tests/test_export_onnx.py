"""`--mode=export --format=onnx`: the Python that it needs, what that may do, and, where there is one, the model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from command_line import ROOT, main
from runs_on_disk import contents, refused
from saved_run import make_config, save_images, save_run, smooth_images

from gans.config.load import load
from gans.export import onnx
from gans.export.export import generator_weights
from gans.export.program import apart, program
from gans.run.trained import load_run

_FOUND = os.environ.get(onnx.PYTHON) or (str(onnx._BESIDE) if onnx._BESIDE.exists() else '')
needs_onnx = pytest.mark.skipif(
    not _FOUND, reason=f'no Python with jax2onnx here: make onnx-env beside the project, or set {onnx.PYTHON}'
)
RUNS = """
import json, sys
import numpy as np, onnxruntime
for folder in sys.argv[1:]:
    model = onnxruntime.InferenceSession(f'{folder}/model.onnx', providers=['CPUExecutionProvider'])
    with np.load(f'{folder}/given.npz') as file:
        (images,) = model.run(['images'], dict(file))
    np.save(f'{folder}/made.npy', images)
assert 'jax' not in sys.modules
"""


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """An inpainter, and a colorizer for any size."""
    place = tmp_path_factory.mktemp('onnx')
    images = save_images(place / 'images', smooth_images(6))
    save_run(place / 'holes', make_config('inpaint', images))
    save_run(place / 'dilated', load(f'{ROOT}/configs/dilated_colorize.py:tiny'))
    return place


@pytest.fixture
def stand_in(tmp_path):
    """Makes a Python of a few lines of shell; $3 is the folder of the worker."""

    def make(script):
        path = tmp_path / 'python'
        path.write_text(f'#!/bin/sh\n{script}\n')
        path.chmod(0o755)
        return f'--onnx_python={path}'

    return make


def export(run, output, *words):
    return main('--mode=export', f'--workdir={run}', f'--output={output}', '--format=onnx', *words)


def test_without_such_a_python_one_sentence_says_how_to_make_it(place, tmp_path, monkeypatch):
    monkeypatch.delenv(onnx.PYTHON, raising=False)
    monkeypatch.setattr(onnx, '_BESIDE', Path('nowhere'))
    how = 'python -m venv onnx-env && onnx-env/bin/pip install -r requirements-onnx.txt'
    refused(export(place / 'dilated', tmp_path / 'out'), how, '--onnx_python=onnx-env/bin/python', onnx.PYTHON)
    for nothing in (tmp_path / 'none', tmp_path):
        refused(export(place / 'dilated', tmp_path / 'out', f'--onnx_python={nothing}'), 'no Python that can be run')
        monkeypatch.setenv(onnx.PYTHON, str(nothing))
        refused(export(place / 'dilated', tmp_path / 'out'), 'no Python that can be run', how)
    assert (ROOT / 'requirements-onnx.txt').is_file() and not (tmp_path / 'out').exists()


def test_what_that_python_says_is_told_in_one_sentence(place, tmp_path, stand_in):
    for script, code, said in (
        ('echo "ModuleNotFoundError: No module named \'jax2onnx\'" >&2; exit 1', 2, 'make one that can by'),
        ('echo Traceback >&2; echo "ValueError: no such operation" >&2; exit 1', 3, 'no such operation'),
        ('kill -9 $$', 3, 'it ended with -9'),
        ('echo "{" > $3/result.json; echo m > $3/model.onnx', 3, 'wrote no model'),
    ):
        done = export(place / 'dilated', tmp_path / 'out', stand_in(script))
        assert done.code == code and said in done.err and 'Traceback (most' not in done.err, done
        assert not contents(tmp_path / 'out')
    (tmp_path / 'python').write_bytes(b'\x7fELF')
    done = export(place / 'dilated', tmp_path / 'out', f'--onnx_python={tmp_path / "python"}')
    refused(done, 'cannot be started')


def test_what_that_python_gets_and_gives(place, tmp_path, stand_in):
    def answers(levels):
        result = {'levels': levels, 'inputs': {}, 'opset': 20, 'versions': {'jax2onnx': '1'}}
        keep = f'cp $3/order.json $3/weights.npz $3/trial.npz {tmp_path}; echo "$2 $PYTHONPATH" > {tmp_path}/told'
        return stand_in(f"{keep}; echo '{json.dumps(result)}' > $3/result.json; echo model > $3/model.onnx")

    done = export(place / 'dilated', tmp_path / 'out', answers(5))
    assert (
        done.code == 3
        and 'differs from the run by 5 of 255 levels, 4 being allowed' in done.err
        and not contents(tmp_path / 'out')
    )
    done = export(place / 'dilated', tmp_path / 'out', answers(1))
    assert done.code == 0 and 'at most 1 of 255 levels from the run, on 3 examples' in done.out, done
    found = contents(tmp_path / 'out')
    assert found['model.onnx'] == b'model\n' and b'onnxruntime' in found['use.py']
    about = json.loads(found['about.json'])
    assert about['inputs'][0]['shape'] == '(n, h, w, 3)' and about['onnx_versions'] == {'jax2onnx': '1'}
    worker, _, places = (tmp_path / 'told').read_text().partition(' ')
    assert (ROOT / f'{worker.replace(".", "/")}.py').is_file() and places.startswith(str(ROOT))
    order = json.loads((tmp_path / 'order.json').read_text())
    assert order['step'] == 1 and order['config']['networks'] == 'dilated'
    with np.load(tmp_path / 'trial.npz') as file:
        assert sorted(file) == ['image', 'output'] and file['output'].shape == (3, 16, 16, 3)
    with np.load(tmp_path / 'weights.npz') as file:
        assert 'variables/params/out/kernel' in file


def test_the_worker_imports_nothing_that_needs_orbax():
    code = 'import sys, gans.export.onnx_worker; print([name for name in sys.modules if "orbax" in name])'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == '[]\n'


@needs_onnx
def test_models_in_onnx_do_what_the_run_does(place, tmp_path):
    photos = np.stack(smooth_images(2, seed=1))
    masks = np.zeros((2, 64, 64, 1), np.uint8)
    masks[:, 10:30, 5:20], masks[1, 40:60, 40:50] = 255, 255
    oblong = np.stack(smooth_images(2, 24, seed=2))[:, :20]
    given = {'holes': (photos, masks), 'dilated': (oblong,)}
    for name, inputs in given.items():
        assert export(place / name, tmp_path / name, f'--onnx_python={_FOUND}').code == 0
        about = json.loads((tmp_path / name / 'about.json').read_text())
        assert about['differs']['levels'] <= 4 and about['opset'] == 20
        names = [one['name'] for one in about['inputs']]
        np.savez(tmp_path / name / 'given.npz', **dict(zip(names, inputs, strict=True)))
    subprocess.run([_FOUND, '-c', RUNS, *(tmp_path / name for name in given)], check=True)
    for name, inputs in given.items():
        run = load_run(place / name)
        own = jax.jit(program(run.game).function)(generator_weights(run), *inputs)
        assert apart(np.load(tmp_path / name / 'made.npy'), np.asarray(own)) <= 4
    done = subprocess.run([_FOUND, tmp_path / 'holes/use.py'], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert '(3, 64, 64, 3) uint8 at most' in done.stdout
