"""What is set before JAX is used."""

import ctypes
import os
from importlib.metadata import metadata
from pathlib import Path

import jax
import numpy as np
import pytest
from command_line import ROOT, config, main

from gans import startup
from gans.run import parallel


@pytest.fixture
def environment(monkeypatch):
    before = jax.config.jax_compilation_cache_dir, jax.config.jax_persistent_cache_min_compile_time_secs
    for name in (startup.CACHE, startup.FLAGS, 'XLA_FLAGS'):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    jax.config.update('jax_compilation_cache_dir', before[0])
    jax.config.update('jax_persistent_cache_min_compile_time_secs', before[1])


def prepared(environment, tmp_path, jaxlib='0.10.2', **variables):
    environment.setenv('XDG_CACHE_HOME', str(tmp_path))
    environment.setattr(startup, 'version', lambda package: jaxlib)
    for name, value in variables.items():
        environment.setenv(name, value)
    startup.prepare()
    return os.environ.get('XLA_FLAGS', '')


def test_the_cache_is_in_the_users_folder_and_can_be_moved_or_turned_off(environment, tmp_path):
    prepared(environment, tmp_path)
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / 'gans' / 'compiled')
    prepared(environment, tmp_path, GANS_CACHE=str(tmp_path / 'elsewhere'))
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / 'elsewhere')


def test_a_tilde_that_no_shell_has_read_is_the_home_folder(environment, tmp_path):
    environment.chdir(tmp_path)
    environment.setenv('HOME', str(tmp_path / 'home'))
    prepared(environment, tmp_path, GANS_CACHE='~/x', GANS_DECODED='~/y', GANS_FEATURES='~/z')
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / 'home' / 'x')
    assert startup.decoded_folder() == tmp_path / 'home' / 'y'
    assert startup.features_folder() == tmp_path / 'home' / 'z'
    environment.setenv('XDG_CACHE_HOME', '~/cache')
    assert startup.cache_folder() == tmp_path / 'home' / 'cache' / 'gans'
    assert [path.name for path in tmp_path.iterdir()] == ['home']


def test_an_empty_cache_variable_changes_nothing(environment, tmp_path):
    jax.config.update('jax_compilation_cache_dir', 'untouched')
    prepared(environment, tmp_path, GANS_CACHE='')
    assert jax.config.jax_compilation_cache_dir == 'untouched'


def test_a_cache_that_cannot_be_written_is_turned_off_with_one_sentence(environment, tmp_path, caplog):
    jax.config.update('jax_compilation_cache_dir', 'untouched')
    (tmp_path / 'file').touch()
    prepared(environment, tmp_path, GANS_CACHE=str(tmp_path / 'file' / 'folder'))
    usage = startup.shutil.disk_usage(tmp_path)
    environment.setattr(startup.shutil, 'disk_usage', lambda path: usage._replace(free=1000))
    prepared(environment, tmp_path, GANS_CACHE=str(tmp_path / 'full'))
    assert jax.config.jax_compilation_cache_dir == 'untouched'
    assert [record.message.startswith('Compiled programs are not kept in') for record in caplog.records] == [True, True]


def test_flags_are_added_to_the_users_own_and_never_contradict_them(environment, tmp_path):
    assert prepared(environment, tmp_path, XLA_FLAGS='--a=1') == '--a=1 ' + ' '.join(startup._CPU_FLAGS)
    own = startup._CPU_FLAGS[0].partition('=')[0] + '=OTHER'
    assert prepared(environment, tmp_path, XLA_FLAGS=own) == own


def test_flags_can_be_turned_off_and_are_not_given_to_untried_releases(environment, tmp_path):
    assert prepared(environment, tmp_path, GANS_XLA_FLAGS='0') == ''
    environment.delenv('GANS_XLA_FLAGS')
    assert prepared(environment, tmp_path, jaxlib='0.13.0') == ''


@pytest.mark.parametrize('jaxlib', ['0.10.2', '0.11.2', '0.12.0.1'])
def test_every_release_that_requirements_allow_gets_the_faster_products(environment, tmp_path, jaxlib):
    assert prepared(environment, tmp_path, jaxlib=jaxlib) == ' '.join(startup._CPU_FLAGS)


def test_the_release_that_is_installed_here_is_a_tried_one(environment, tmp_path):
    """An installation would lose a quarter of its speed, and nobody would see it."""
    assert prepared(environment, tmp_path, jaxlib=startup.version('jaxlib'))


def test_a_program_that_is_optimised_less_gives_the_same_numbers_up_to_rounding(environment):
    def weights(key):
        return [jax.random.normal(key, (3, 3, 5, 7)), jax.nn.initializers.he_normal()(key, (11, 13))]

    key = jax.random.key(0)
    for ours, usual in zip(startup.jit_seldom(weights)(key), jax.jit(weights)(key), strict=True):
        np.testing.assert_allclose(ours, usual, rtol=1e-6, atol=1e-7)


def test_other_devices_and_the_users_own_choice_are_left_alone(environment):
    given = []
    environment.setattr(jax, 'jit', lambda function, compiler_options: given.append(compiler_options))
    startup.jit_seldom(abs)
    with environment.context() as elsewhere:
        elsewhere.setattr(jax, 'default_backend', lambda: 'tpu')
        startup.jit_seldom(abs)
    environment.setenv('XLA_FLAGS', '--xla_backend_optimization_level=2')
    startup.jit_seldom(abs)
    assert given == [{'xla_backend_optimization_level': 1}, None, None]


@pytest.mark.skipif(not Path('/proc/self/statm').exists(), reason='glibc, and Linux to see it')
@pytest.mark.parametrize(('variable', 'given_back'), [('1', True), ('0', False)])
def test_what_the_heap_keeps_for_nobody_is_given_back(monkeypatch, variable, given_back):
    monkeypatch.setenv(startup.MALLOC, variable)
    libc = ctypes.CDLL('libc.so.6')
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    blocks = [libc.malloc(100_000) for _ in range(640)]  # too small to be mapped, and free, by themselves
    for block in blocks:
        ctypes.memset(block, 1, 100_000)
    for block in blocks[:-1]:  # the last keeps the others from being the heap's end, which goes back by itself
        libc.free(block)
    before = resident()
    startup.trim_heap()
    assert (before - resident() > 50 * 2**20) == given_back
    libc.free(blocks[-1])


def resident():
    return os.sysconf('SC_PAGE_SIZE') * int(Path('/proc/self/statm').read_text().split()[1])


SMI = '#!/bin/sh\necho "GPU 0: NVIDIA H100 (UUID: GPU-1)"\n'


def plant(root, *files, smi=''):
    for name in files:
        (root / 'dev' / name).parent.mkdir(parents=True, exist_ok=True)
        (root / 'dev' / name).touch()
    if smi:
        (root / 'bin').mkdir(parents=True)
        (root / 'bin/nvidia-smi').write_text(smi)
        (root / 'bin/nvidia-smi').chmod(0o755)
    return {'PATH': f'{root}/bin:/usr/bin:/bin'}


@pytest.mark.parametrize(
    ('files', 'smi', 'variables', 'words'),
    [
        (['nvidia0', 'nvidia1', 'nvidiactl'], '', {}, ('an NVIDIA GPU', 'dev/nvidia0)', 'requirements-cuda.txt')),
        ([], SMI, {}, ('an NVIDIA GPU', 'GPU 0: NVIDIA H100', 'requirements-cuda.txt')),
        (['accel0'], '', {}, ('a TPU', 'dev/accel0)', 'requirements-tpu.txt')),
        (['vfio/0', 'vfio/vfio'], '', {'TPU_WORKER_ID': '0'}, ('a TPU', 'dev/vfio/0)', 'requirements-tpu.txt')),
        (['nvidia0'], SMI, {'CUDA_VISIBLE_DEVICES': ''}, ()),
        (['nvidiactl', 'vfio/0', 'vfio/vfio', 'accel/accel0'], '', {}, ()),
        ([], '#!/bin/sh\necho "No devices were found"; exit 6\n', {}, ()),
        ([], 'no program', {}, ()),
        ([], '', {}, ()),
    ],
)
def test_an_accelerator_that_jax_does_not_use_is_named(files, smi, variables, words, tmp_path):
    sentence = startup.idle_accelerator(tmp_path, plant(tmp_path, *files, smi=smi) | variables)
    assert all(word in sentence for word in words) and bool(sentence) == bool(words)


@pytest.mark.parametrize(('platforms', 'times'), [(None, 1), ('cpu', 0)])
def test_training_beside_an_idle_gpu_says_so_once(platforms, times, tmp_path, monkeypatch, caplog):
    here = plant(tmp_path, 'nvidia0')
    find = startup.idle_accelerator
    monkeypatch.setattr(startup, 'idle_accelerator', lambda: find(tmp_path, here))
    parallel.tell_of_idle_accelerator.cache_clear()
    jax.config.update('jax_platforms', platforms)
    try:
        for flags in (['--dry_run'], [f'--workdir={tmp_path}/run', '--config.steps=1']):
            assert main(config('wgan_gp:tiny'), '--config.devices=1', *flags).code == 0
    finally:
        jax.config.update('jax_platforms', None)
        parallel.tell_of_idle_accelerator.cache_clear()
    assert caplog.text.count('requirements-cuda.txt brings what it needs') == times


def test_requirements_for_accelerators_are_the_requirements_and_an_extra_of_jax():
    for backend, extra in (('cuda', 'jax[cuda13]'), ('tpu', 'jax[tpu]')):
        lines = (ROOT / f'requirements-{backend}.txt').read_text().splitlines()
        assert [line.partition('  #')[0] for line in lines if line[0] != '#'] == ['-r requirements.txt', extra]
        assert extra[4:-1] in metadata('jax').get_all('Provides-Extra')
