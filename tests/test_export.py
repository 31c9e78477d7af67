"""`--mode=export` through main.py: what is written does what the run does, in a process that knows nothing of it."""

import errno
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
from command_line import ROOT, main
from generators import generator_config
from ml_collections import ConfigDict
from PIL import Image
from runs_on_disk import contents, refused
from saved_run import make_config, save_images, save_run, smooth_images
from variants import CONFIGS

import gans
from gans.config.load import load
from gans.core.build import build
from gans.core.inputs import draw_from_noise
from gans.core.state import state_shapes
from gans.errors import cannot_write
from gans.export import folder as folders
from gans.export.program import apart, flat, nested, program, trial, weights_of
from gans.export.stablehlo import export_program, size_step
from gans.image import compose, ops
from gans.inference.translate import Network
from gans.run.trained import load_run

NAMES = ['MODEL_CARD.md', 'README.md', 'about.json', 'example.npz', 'model.stablehlo', 'use.py']
# What a stranger has: jax and NumPy. For each folder: the inputs that are there -> outputs beside them, and use.py.
STRANGER = """
import os, runpy, sys
import numpy as np
from jax import export

for folder in sys.argv[1:]:
    with open(f'{folder}/model.stablehlo', 'rb') as file:
        model = export.deserialize(bytearray(file.read()))
    assert model.platforms == ('cpu', 'cuda', 'tpu')
    for name in sorted(name for name in os.listdir(f'{folder}-given') if name.startswith('in')):
        with np.load(f'{folder}-given/{name}') as file:
            np.save(f'{folder}-given/out{name[2:-4]}.npy', np.asarray(model.call(*file.values())))
    runpy.run_path(f'{folder}/use.py')
assert not [name for name in sys.modules if name.partition('.')[0] in ('gans', 'flax')]
"""


def export(run, output, *words):
    return main('--mode=export', f'--workdir={run}', f'--output={output}', *words)


def give(place, name, number, *arrays):
    """Puts inputs where the stranger finds them."""
    (place / f'{name}-given').mkdir(exist_ok=True)
    np.savez(place / f'{name}-given/in{number}.npz', *arrays)


def taken(place, name, number):
    return np.load(place / f'{name}-given/out{number}.npy')


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """A generator from noise, a colorizer with noise, one for any size, and an inpainter; three photographs."""
    place = tmp_path_factory.mktemp('export')
    save_run(place / 'noise', load(f'{ROOT}/configs/birds.py:tiny'))
    images = save_images(place / 'images', smooth_images(6))
    save_run(place / 'colors', make_config('colorize', images, latent=8))
    save_run(place / 'holes', make_config('inpaint', images))
    config = load(f'{ROOT}/configs/dilated_colorize.py:tiny')
    save_run(place / 'dilated', config)
    for name in ('noise', 'colors', 'holes', 'dilated'):
        done = export(place / name, place / f'{name}-out')
        assert done.code == 0 and 'model.stablehlo' in done.out, done
        found = contents(place / f'{name}-out')
        assert sorted(found) == NAMES
        assert b'.py' not in found['model.stablehlo']  # no places of this machine
    return place


def as_files(place, run, images, masks=None):
    """What `translate` makes of images, as the files that it writes: uint8 [N, H, W, 3]."""
    source, target = place / f'{run}-photos', place / f'{run}-translated'
    save_images(source, images)
    for i, mask in enumerate([] if masks is None else masks):
        Image.fromarray(mask[..., 0]).save(source / f'{i:02d}_mask.png')
    done = main('--mode=translate', f'--workdir={place / run}', f'--input={source}', f'--output={target}')
    assert done.code == 0, done
    return np.stack([np.asarray(Image.open(target / f'{i:02d}.png')) for i in range(len(images))])


def test_no_folder_is_made_for_what_is_no_run(tmp_path):
    (tmp_path / 'run/checkpoints').mkdir(parents=True)
    refused(export(tmp_path / 'run', tmp_path / 'out'), 'holds no checkpoint yet')
    assert not (tmp_path / 'out').exists()


def test_a_process_without_this_project_makes_what_the_run_makes(place):
    run = load_run(place / 'noise')
    keys = jax.vmap(partial(jax.random.fold_in, jax.random.key(3)))(np.arange(3))
    latents = np.asarray(draw_from_noise(run.game, keys, run.game.size)['latent'])
    drawn = gans.sample_images(run, count=3, seed=3)

    photos = np.stack(smooth_images(3, seed=1))
    noise = np.asarray(Network(load_run(place / 'colors'))._noise(0)['latent'])
    colours = as_files(place, 'colors', photos)

    masks = np.zeros((3, 64, 64, 1), np.uint8)
    masks[:, 10:30, 5:20], masks[1, 40:60, 40:50], masks[2, 30:34, 20:30] = 255, 255, 200  # the last two touch
    filled = as_files(place, 'holes', photos, masks)

    small = np.stack(smooth_images(3, 16))
    any_size = as_files(place, 'dilated', small)
    oblong = np.stack(smooth_images(2, 24, seed=2))[:, :20]
    run = load_run(place / 'dilated')
    gray = compose.luma(ops.to_float(oblong))
    made = np.asarray(jax.jit(partial(run.game.gen.apply, train=False))(run.state.gen.ema, gray))
    other_size = compose.quantise(compose.keep_luma(gray, made))

    cases = [
        ('noise-out', (latents,), drawn),
        ('colors-out', (photos, np.repeat(noise, 3, 0)), colours),
        ('holes-out', (photos, masks), filled),
        ('dilated-out', (small,), any_size),
    ]
    for name, inputs, _ in cases:
        give(place, name, 1, *(x[:1] for x in inputs))
        give(place, name, 3, *inputs)
    give(place, 'dilated-out', 9, oblong)
    environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    elsewhere = place / 'elsewhere'
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, '-I', '-c', STRANGER, *(str(place / name) for name, _, _ in cases)],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('at most 0 levels') + done.stdout.count('at most 1 levels') == len(cases), done.stdout
    assert (elsewhere / 'output.ppm').read_bytes().startswith(b'P6 16 16 255\n')
    for name, _, expected in cases:
        assert expected.std() > 5, name
        assert apart(taken(place, name, 1), expected[:1]) <= 1, name
        assert apart(taken(place, name, 3), expected) <= 1, name
    assert apart(taken(place, 'dilated-out', 9), other_size) <= 1
    np.testing.assert_array_equal(np.where(masks > 0, 0, taken(place, 'holes-out', 3)), np.where(masks > 0, 0, photos))


def test_what_is_beside_the_model(place):
    for name, inputs in (
        ('noise', [('latent', 'float32', '(n, 8)')]),
        ('colors', [('image', 'uint8', '(n, 64, 64, 3)'), ('latent', 'float32', '(n, 8)')]),
        ('holes', [('image', 'uint8', '(n, 64, 64, 3)'), ('mask', 'uint8', '(n, 64, 64, 1)')]),
        ('dilated', [('image', 'uint8', '(n, h, w, 3)')]),
    ):
        about = json.loads((place / f'{name}-out/about.json').read_text())
        assert [(one['name'], one['type'], one['shape']) for one in about['inputs']] == inputs
        assert (about['step'], about['complete'], about['platforms']) == (3, True, ['cpu', 'cuda', 'tpu'])
        assert about['differs']['levels'] <= 1 and about['averaged'] == (name in ('noise', 'dilated'))
        text = (place / f'{name}-out/README.md').read_text()
        assert all(f'`{given}`' in text and shape in text for given, _, shape in inputs)
        assert len((place / f'{name}-out/use.py').read_text().splitlines()) <= 20
        assert 'Model card' in (place / f'{name}-out/MODEL_CARD.md').read_text()


@pytest.mark.parametrize('name', [*CONFIGS, 'mnist:vbn'])
def test_every_config_is_exported(name):
    """A generator of random numbers, in memory; BEGAN's maps its latents by what it remembers."""
    config = load(f'{ROOT}/configs/{name.partition(":")[0]}.py:tiny')
    if name == 'mnist:vbn':
        config.generator.norm = 'virtual'
    game = build(config, 64)
    random = np.random.default_rng(0)
    shapes = state_shapes(game, config)

    def draw(path, x):  # variances are positive
        numbers = random.uniform(0.1, 0.4, x.shape) if 'var' in str(path) else random.normal(0, 0.2, x.shape)
        return numbers.astype(x.dtype)

    variables = jax.tree_util.tree_map_with_path(draw, shapes.gen.ema or shapes.gen.variables)
    hyper = {needed: np.float32(0.7) for needed in getattr(game.gen, 'needs', ())}
    carry = game.objective.init()
    if name == 'began':
        codes = carry.codes._replace(seen=np.int32(100), mean=random.normal(size=8), cov=np.diag(np.arange(1.0, 9)))
        carry = carry._replace(codes=codes)
    size = game.task.latents.size
    map_latent = partial(game.objective.map_latent, carry)
    weights = weights_of(variables | {'hyper': hyper}, map_latent, size)
    assert ('latent' in weights) == (name == 'began')
    made = program(game)
    found = export_program(game, made, weights, name)
    assert found.step == (1 if name == 'dilated_colorize' else None)
    inputs = trial(made, 2)
    got = np.asarray(jax.export.deserialize(bytearray(found.content)).call(*inputs))
    latent = {'latent': map_latent(inputs[-1])} if size else {}
    if game.task.from_noise:
        image = jax.jit(partial(game.gen.apply, variables | {'hyper': hyper}, train=False))(**latent)
        assert apart(got, np.asarray(ops.to_uint8(image))) <= 1
    assert got.std() > 1


def test_weights_as_arrays_give_the_images_again(place, tmp_path):
    assert export(place / 'colors', tmp_path / 'out', '--format=npz').code == 0
    assert sorted(contents(tmp_path / 'out')) == sorted(['weights.npz', *(set(NAMES) - {'model.stablehlo'})])
    about = json.loads((tmp_path / 'out/about.json').read_text())
    with np.load(tmp_path / 'out/weights.npz') as file:
        arrays = dict(file)
    assert arrays['variables/params/out/kernel'].shape == (5, 5, 3, 3)
    with np.load(tmp_path / 'out/example.npz') as file:
        example = dict(file)
    made = program(build(ConfigDict(about['config']), 10))
    again = jax.jit(made.function)(nested(arrays), *(example[one.name] for one in made.inputs))
    assert apart(np.asarray(again), example['output']) <= 1
    told = subprocess.run([sys.executable, '-I', tmp_path / 'out/use.py'], capture_output=True, text=True, check=True)
    assert 'variables/params/out/kernel: float32 [5, 5, 3, 3]' in told.stdout
    assert f'{sum(array.size for array in arrays.values())} numbers; networks: unet' in told.stdout
    assert flat(nested(arrays)).keys() == arrays.keys()


def test_an_export_replaces_an_export_and_nothing_else(place, tmp_path):
    out = tmp_path / 'out'
    assert export(place / 'noise', out).code == 0
    whole = contents(out)
    (out / '.0123456789ab.tmp').write_bytes(b'half')  # of a kill
    assert export(place / 'noise', out, '--format=npz').code == 0
    assert (out / 'weights.npz').exists() and not (out / 'model.stablehlo').exists()
    assert export(place / 'noise', out).code == 0
    (out / '.0123456789ab.tmp').unlink()
    assert contents(out) == whole
    (out / 'output.ppm').write_bytes(b'P6')  # of use.py
    assert export(place / 'noise', out).code == 0
    assert contents(out) == whole | {'output.ppm': b'P6'}

    (tmp_path / 'file').write_text('mine')
    shutil.copytree(place / 'noise', tmp_path / 'run')
    for name in ('README.md', 'about.json', 'use.py'):
        (tmp_path / f'other-{name}').mkdir()
        (tmp_path / f'other-{name}/{name}').write_text('{"mine": 1}')
    shutil.copytree(out, tmp_path / 'more')
    (tmp_path / 'more/notes.txt').write_text('mine')
    shutil.copytree(out, tmp_path / 'link')
    (tmp_path / 'link/use.py').unlink()
    (tmp_path / 'link/use.py').mkdir()
    before = contents(tmp_path)
    for target, said in (
        ('file', 'is a file, no folder'),
        ('run', "holds other files ('checkpoints')"),
        ('other-README.md', "holds other files ('README.md')"),
        ('other-about.json', "holds other files ('about.json')"),
        ('other-use.py', "holds other files ('use.py')"),
        ('more', "holds other files ('notes.txt')"),
        ('link', 'use.py'),
    ):
        refused(export(place / 'noise', tmp_path / target), said, '--output')
    refused(export(place / 'noise', '/proc/gans/out'), 'Cannot write')
    refused(export(place / 'noise', tmp_path / 'new', '--format=onxx'), "did you mean 'onnx'?", 'stablehlo, onnx, npz')
    refused(export(tmp_path / 'none', tmp_path / 'new'), 'no run folder')
    assert {name: content for name, content in contents(tmp_path).items() if name != 'new'} == before


@pytest.mark.parametrize('failure', [errno.ENOSPC, errno.EROFS, None])
def test_what_is_broken_off_is_whole_files_and_is_made_again(place, tmp_path, monkeypatch, failure):
    """A full disk, one that became read-only, or Ctrl-C, at the third file."""
    written, real = [], folders.write_whole

    def write_whole(path, write):
        written.append(path)
        if len(written) == 3:
            raise KeyboardInterrupt if failure is None else cannot_write(path, OSError(failure, ''))
        real(path, write)

    with monkeypatch.context() as patched:
        patched.setattr(folders, 'write_whole', write_whole)
        if failure is None:
            with pytest.raises(KeyboardInterrupt):
                export(place / 'noise', tmp_path / 'out', '--format=npz')
        else:
            refused(export(place / 'noise', tmp_path / 'out', '--format=npz'), 'Cannot write')
    assert json.loads((tmp_path / 'out/about.json').read_text())['complete'] is False
    assert len(contents(tmp_path / 'out')) == 3  # about.json and two files
    assert export(place / 'noise', tmp_path / 'out', '--format=npz').code == 0
    assert export(place / 'noise', tmp_path / 'whole', '--format=npz').code == 0
    assert contents(tmp_path / 'out') == contents(tmp_path / 'whole')


def test_a_model_that_does_something_else_is_not_written(place, tmp_path, monkeypatch):
    monkeypatch.setattr('gans.export.export.apart', lambda *arrays: 2)
    done = export(place / 'noise', tmp_path / 'out')
    assert done.code == 3 and 'differs from the run by 2 of 255 levels, 1 being allowed' in done.err
    assert not contents(tmp_path / 'out')


def test_numbers_that_are_not_finite_and_a_library_that_is_missing(place, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, 'jax._src.export.serialization', raising=False)
    monkeypatch.setitem(sys.modules, 'flatbuffers', None)
    refused(export(place / 'dilated', tmp_path / 'out'), 'need flatbuffers', 'pip install flatbuffers')
    run = load_run(place / 'dilated')
    spoilt = jax.tree.map(lambda x: x.at[:].set(np.nan), run.state.gen.ema)
    spoilt = run._replace(state=run.state.replace(gen=run.state.gen.replace(ema=spoilt)))
    monkeypatch.setattr('gans.export.export.load_run', lambda folder: spoilt)
    done = export(place / 'dilated', tmp_path / 'out')
    assert done.code == 3 and 'numbers that are not finite' in done.err and not contents(tmp_path / 'out')


def test_a_network_that_counts_its_batch_in_python_is_told(tmp_path):
    save_run(tmp_path / 'run', generator_config())
    refused(export(tmp_path / 'run', tmp_path / 'out'), 'cannot be exported for any number', 'x.shape[0] for len(x)')


def test_a_network_of_several_sizes_is_found_by_its_parameters_and_by_tracing():
    game = build(load(f'{ROOT}/configs/dilated_colorize.py:tiny'), 64)

    class Halving(type(game.gen)):
        def __call__(self, image, train=False):
            if image.shape[1] % 4 or image.shape[2] % 4:
                raise ValueError('no multiple of 4')
            return super().__call__(image, train)

    halving = game._replace(gen=Halving(width=4, depth=3))
    made = program(halving)
    weights = {'variables': jax.eval_shape(partial(game.gen.init, jax.random.key(0)), np.zeros((1, 16, 16, 1)))}
    weights = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), weights)
    assert size_step(halving, made, weights) == 4
    unet = build(make_config('colorize', Path('x'), latent=0), 64)
    assert size_step(unet, program(unet), {}) is None
