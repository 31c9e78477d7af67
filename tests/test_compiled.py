"""A cache of compiled programs with damaged entries: what the next start says, and that it mends them."""

import os
import warnings

import jax
import pytest
import zstandard
from command_line import config, process

from gans import compiled


def test_a_cache_that_a_full_disk_has_cut_is_told_of_once_and_is_whole_after_the_next_start(tmp_path):
    def train(run):
        words = config('dcgan:tiny'), '--config.devices=1', '--config.steps=1', f'--workdir={tmp_path / run}'
        done = process(*words, GANS_CACHE=str(tmp_path / 'cache'))
        assert done.code == 0, done.err
        return done.err

    def entries():
        return {entry.name: entry.stat().st_size for entry in (tmp_path / 'cache').glob('*-cache')}

    train('first')
    whole = entries()
    for name in list(whole)[::2]:
        os.truncate(tmp_path / 'cache' / name, whole[name] // 2)
    assert train('second').count('Compiled programs in') == 1
    assert entries().keys() == whole.keys()
    assert all(zstandard.decompress((tmp_path / 'cache' / name).read_bytes()) for name in whole)
    told = train('third')
    assert 'Compiled programs' not in told and 'persistent compilation cache' not in told


@pytest.fixture
def cache(tmp_path):
    """A folder with a sound entry of `jit_a`, a cut one and an empty one; and one of `jit_ab`, cut too."""
    sound = zstandard.compress(bytes(1000))
    for name, content in {'jit_a-1': sound, 'jit_a-2': sound[:-3], 'jit_a-3': b'', 'jit_ab-4': sound[:9]}.items():
        (tmp_path / f'{name}-cache').write_bytes(content)
    before = jax.config.jax_compilation_cache_dir
    jax.config.update('jax_compilation_cache_dir', str(tmp_path))
    with warnings.catch_warnings():
        warnings.showwarning = lambda *given, **named: told.append(str(given[0]))
        told = []
        compiled.mend()
        compiled.mend()
        yield tmp_path, told
    jax.config.update('jax_compilation_cache_dir', before)


def numbers(folder):
    return {entry.name.split('-')[1] for entry in folder.iterdir()}


@pytest.mark.parametrize(
    'way, error, words',
    [
        ('reading', 'ZstdError: decompression error', 'cannot be read, as a full disk or a killed process leaves them'),
        ('writing', 'OSError: [Errno 28] No space left on device', '([Errno 28] No space left on device): the next'),
    ],
)
def test_what_is_cut_goes_and_what_is_sound_stays(cache, way, error, words, caplog):
    folder, told = cache
    for _ in range(2):
        (folder / 'jit_a-5-cache').touch()
        warnings.warn(f"Error {way} persistent compilation cache entry for 'jit_a': {error}", stacklevel=1)
        assert numbers(folder) == {'1', '4'} and told == []
    assert [words in record.message and str(folder) in record.message for record in caplog.records] == [True]


def test_entries_that_unpack_and_cannot_be_loaded_go_all_but_not_for_a_fault_of_the_system(cache):
    folder, told = cache
    for number in '23':
        (folder / f'jit_a-{number}-cache').unlink()
    text = "Error reading persistent compilation cache entry for 'jit_a': {}"
    warnings.warn(text.format('PermissionError: [Errno 13] Permission denied'), stacklevel=1)
    warnings.warn(text.format('ValueError: cannot be serialized').replace('reading', 'writing'), stacklevel=1)
    assert numbers(folder) == {'1', '4'}
    warnings.warn(text.format('XlaRuntimeError: INVALID_ARGUMENT: Deserialization failed'), stacklevel=1)
    assert numbers(folder) == {'4'}
    warnings.warn('Something else', stacklevel=1)
    assert told == ['Something else']


def test_what_cannot_be_removed_ends_nothing(cache, monkeypatch, caplog):
    monkeypatch.setattr(compiled, 'remove', refuse)
    warnings.warn("Error reading persistent compilation cache entry for 'jit_a': ZstdError: no frame", stacklevel=1)
    assert 'cannot be read' in caplog.text


def refuse(*given, **named):
    raise PermissionError(13, 'Permission denied')
