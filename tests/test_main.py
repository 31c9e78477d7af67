"""The command line: one sentence and exit code 2 for whatever a user can get wrong."""

import errno
import os
import subprocess
import sys

import pytest
from command_line import main

CASES = [
    (['--config=configs/colourize.py'], "did you mean 'configs/colorize.py'"),
    (['--config=configs/colorize.py:papre'], "did you mean 'paper'"),
    (['--config=configs/colorize.py:tiny', '--config.generator.widhts=(1,)'], "did you mean 'widths'"),
    (['--config=configs/colorize.py:tiny', '--config.batch=many'], 'batch'),
    (['--config=configs/colorize.py', '--config.size=60', '--dry_run'], 'multiples of 64'),
    (['--config=configs/colorize.py:tiny', '--config.batch=0'], 'config.batch'),
    (['--mode=evalute', '--workdir=x'], "did you mean 'evaluate'"),
    (['--mode=evaluate'], '--workdir'),
    (['--mode=evaluate', '--workdir=/nowhere/run'], '/nowhere/run'),
    (['--mode=translate', '--workdir=/nowhere'], '--input'),
    (['--mode=history', '--workdir=/nowhere/run'], '/nowhere/run'),
    (['--workdir=/nowhere/run'], '/nowhere/run'),
    ([], '--config=configs/colorize.py'),
    (['--confg=x'], 'confg'),
    (['colorize'], "'colorize' is not a flag"),
    (['--config=configs/colorize.py:tiny', '--workdir=/dev/null/run'], '/dev/null/run'),
    (['--config=configs/colorize.py:tiny', '--config.data.source=embeded'], "did you mean 'embedded'"),
]


@pytest.mark.parametrize('words, expected', CASES, ids=lambda x: ' '.join(x) if isinstance(x, list) else None)
def test_a_mistake_is_one_sentence_and_exit_code_2(words, expected):
    done = subprocess.run([sys.executable, 'main.py', *words], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert expected in done.stderr and 'Traceback' not in done.stderr
    assert done.stdout == ''


def test_nobody_who_reads_is_no_traceback(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    words = ['--config=configs/colorize.py:tiny', '--dry_run']
    done = subprocess.run([sys.executable, 'main.py', *words], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, '')


def test_an_error_of_the_system_is_one_sentence(monkeypatch):
    for error, sentence in (
        (OSError(errno.ENOSPC, 'x'), "Cannot write 'the output' (the disk is full: free some space).\n"),
        (PermissionError(errno.EACCES, 'x', '/a/b'), "Cannot read or write '/a/b' (permission denied: choose another"),
        (OSError(errno.EIO, 'Input/output error', '/a/b'), "Cannot read or write '/a/b' (Input/output error).\n"),
    ):

        def refuse(*given, error=error):
            raise error

        monkeypatch.setattr('gans.evaluate.load_run', refuse)
        done = main('--mode=evaluate', '--workdir=x')
        assert done.code == 2 and done.err.startswith(sentence)


def test_debug_shows_the_traceback():
    done = subprocess.run(
        [sys.executable, 'main.py', '--debug', '--mode=evaluate', '--workdir=/nowhere'], capture_output=True, text=True
    )
    assert done.returncode == 2 and 'Traceback' in done.stderr


def test_dry_run_tells_everything_and_writes_nothing(tmp_path):
    import pathlib

    words = ['--config=configs/inpaint.py', '--config.size=256', '--dry_run', f'--workdir={tmp_path / "run"}']
    before = sorted(pathlib.Path('.').glob('*'))
    done = subprocess.run([sys.executable, 'main.py', *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for word in ('1,858,811', '3,778,641', '"batch"', 'flowers drawn by', 'held out', '25.6', '0.075'):
        assert word in done.stdout
    assert not (tmp_path / 'run').exists() and sorted(pathlib.Path('.').glob('*')) == before


def test_importing_gans_needs_no_heavy_library():
    code = (
        'import pkgutil, importlib, sys, gans\n'
        'for m in pkgutil.walk_packages(gans.__path__, "gans."): importlib.import_module(m.name)\n'
        'heavy = {"tensorflow", "tensorflow_datasets", "grain", "tensorboardX", "matplotlib", "sklearn"}\n'
        'heavy &= set(sys.modules)\n'
        'assert not heavy, heavy'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
