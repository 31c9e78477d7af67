"""What people read: nothing in it steers a terminal, every stream can hold it, and nobody has to read it to its end."""

import ast
import contextlib
import io
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import MAIN, ROOT, config, main
from PIL import Image

from gans.printing import say, visible

ESCAPE = 'a\x1b[31mb\x07\x9bc\u202ed'  # colours, a bell, a control of eight bits, writing from right to left
SHOWN = r'a\x1b[31mb\x07\x9bc\u202ed'
RUN = 'na\u00efve \U0001f33b ' + ESCAPE


def raw(text):
    return [c for c in text if (ord(c) < 32 and c not in '\n\t') or 127 <= ord(c) < 160 or c == '\u202e']


def main_here():
    """main.py's `main` in this process, with the streams that stand now."""
    namespace = {'__name__': 'main_of_tests'}
    exec(compile(Path(MAIN).read_text(), MAIN, 'exec'), namespace)
    return namespace['main']


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A trained run whose folder has a name with all of that, and what its training printed."""
    folder = tmp_path_factory.mktemp('runs') / RUN
    done = main(config('colorize:tiny'), '--config.devices=1', f'--workdir={folder}')
    assert done.code == 0, done.err
    return folder


def test_control_characters_are_visible_but_for_newline_and_tab():
    assert visible('one\n\ttwo \u00ef \U0001f33b') == 'one\n\ttwo \u00ef \U0001f33b'
    assert visible(ESCAPE) == SHOWN and visible('\r\udce9') == r'\r\udce9' == visible(visible('\r\udce9'))


def test_names_reach_no_terminal_raw(run, tmp_path):
    """Of runs, of flags and their values, of images; in results, errors, tracebacks and log.txt."""
    broken = tmp_path / 'images' / f'{ESCAPE}.png'
    broken.parent.mkdir()
    broken.write_bytes(b'\x89PNG\r\n\x1a\n' + 40 * b'x')
    Image.new('L', (40, 40), 90).save(tmp_path / 'images' / f'sound {ESCAPE}.png')
    translating = ['--mode=translate', f'--workdir={run}', f'--input={broken.parent}', f'--output={tmp_path}/{ESCAPE}']
    for words, code in (
        ([f'--{ESCAPE}=1'], 2),
        ([ESCAPE], 2),
        (['--mode=evaluate', f'--workdir=/nowhere/{ESCAPE}'], 2),
        (['--debug', '--mode=evaluate', f'--workdir=/nowhere/{ESCAPE}'], 2),
        ([f'--config={tmp_path}/{ESCAPE}.py'], 2),
        ([config('colorize:tiny'), '--config.data.source=folder', f'--config.data.folder.path={broken.parent}'], 2),
        (['--mode=history', f'--workdir={run}'], 0),
        (['--mode=evaluate', f'--workdir={run}'], 0),
        ([config('colorize:tiny'), '--config.devices=1', '--config.steps=5', f'--workdir={run}'], 0),
        (translating, 2),
    ):
        done = main(*words)
        assert done.code == code, done
        assert not raw(done.out + done.err), done
        assert r'\x1b[31m' in done.out + done.err or code == 0, done
    assert (tmp_path / ESCAPE / f'sound {ESCAPE}.png').is_file()


def test_log_lines_are_visible_too(run, tmp_path):
    again = tmp_path / RUN
    shutil.copytree(run, again)
    newest = max(again.glob('checkpoints/*'), key=lambda path: int(path.name))
    for path in newest.rglob('*'):
        if path.is_file():
            path.write_bytes(b'')
    done = main(config('colorize:tiny'), '--config.devices=1', '--config.steps=6', f'--workdir={again}')
    assert done.code == 0, done.err
    log = (again / 'log.txt').read_text('utf-8')
    assert SHOWN in log and not raw(log)


@pytest.mark.parametrize('encoding', ['ascii', 'latin-1'])
def test_a_stream_that_is_not_utf_8_ends_no_verb_in_a_traceback(run, encoding, tmp_path):
    """In this process: the streams are what `process` would get from PYTHONIOENCODING."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for words, code in (
            (['--mode=evaluate', f'--workdir={run}'], 0),
            (['--mode=history', f'--workdir={run}'], 0),
            (['--mode=evaluate', f'--workdir={run}/nowhere'], 2),
        ):
            assert main_here()([MAIN, *words]) == code
    assert (run / 'evaluation.json').is_file()
    printed = out.buffer.getvalue().decode(encoding)
    assert r'\U0001f33b' in printed and (r'na\xefve' if encoding == 'ascii' else 'na\u00efve') in printed
    assert r'\U0001f33b' in err.buffer.getvalue().decode(encoding)


def test_streams_of_a_process(tmp_path):
    """One that nobody reads to its end, one on a full disk, none at all, one that is ASCII."""
    command = [sys.executable, MAIN]
    environment = os.environ | {'PYTHONIOENCODING': 'ascii', 'PYTHONUTF8': '0'}
    child = subprocess.Popen([*command, '--help'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    child.stdout.close()  # `| head -0`
    assert (child.wait(timeout=120), child.stderr.read()) == (0, b'')
    child.stderr.close()

    with open('/dev/full', 'w') as full:
        done = subprocess.run([*command, '--help'], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == 2 and done.stderr.splitlines() == [
        "Cannot write 'standard output' (the disk is full: free some space)."
    ]

    closed = f'exec {shlex.quote(sys.executable)} {shlex.quote(MAIN)} --help >&- 2>&-'
    assert subprocess.run(closed, shell=True, cwd=ROOT).returncode == 0

    words = ['--mode=evaluate', f'--workdir={tmp_path}/\u00ef\U0001f33b']
    done = subprocess.run([*command, *words], env=environment, capture_output=True, cwd=ROOT)
    assert done.returncode == 2 and rb'\xef\U0001f33b' in done.stderr and b'Traceback' not in done.stderr


def test_training_goes_on_when_its_reader_has_gone_and_when_the_disk_of_its_log_is_full(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    for name, out in (('gone', os.fdopen(writer, 'w')), ('full', open('/dev/full', 'w'))):
        words = [config('colorize:tiny'), '--config.devices=1', f'--workdir={tmp_path}/{name}']
        err = io.StringIO()
        with out, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            assert main_here()([MAIN, *words]) == 0
        assert (tmp_path / name / 'checkpoints' / '4').is_dir() and err.getvalue() == ''


def test_what_cannot_be_said_is_no_reason_to_fail_twice():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

        def fileno(self):
            return os.open(os.devnull, os.O_WRONLY)

    say('a line', Gone())


def test_everything_for_people_goes_through_printing():
    """A bare print, or a formatter of log lines of one's own, would show names raw."""
    for path in sorted((ROOT / 'gans').rglob('*.py')):
        if path.name in ('printing.py', 'signals.py'):  # the second one's sentences are fixed, and told from any thread
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ''
            assert called not in ('print', 'logging.Formatter', 'sys.stdout.write', 'sys.stderr.write'), path
    for node in ast.walk(ast.parse(Path(MAIN).read_text())):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ''
        assert called != 'print' and not called.startswith('traceback.print')
