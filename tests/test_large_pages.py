"""A program is started again with large pages, once, as the same process; and only where that does no harm."""

import ast
import os
import subprocess
import sys

import pytest
from command_line import ROOT

from gans import startup
from gans.run import large_pages

PROGRAM = """
import os, sys
from gans.run import large_pages

large_pages.PAGES = os.environ['PAGES']
large_pages.restart_with_large_pages()
print([os.getpid(), os.environ.get('GLIBC_TUNABLES', ''), sys.argv[1:], sys.flags.utf8_mode, __name__])
"""
MADVISE = 'always [madvise] never\n'


def plain(**variables):
    """The environment without what turns large pages on or off, and with these variables."""
    usual = {key: value for key, value in os.environ.items() if key not in (large_pages.TUNABLES, startup.MALLOC)}
    return usual | variables


def result(folder, words, pages=MADVISE, **variables):
    """What PROGRAM prints, [process, tunables, arguments, an option of Python's, its name], and the process begun."""
    (folder / 'pages').write_text(pages)
    (folder / 'program.py').write_text(PROGRAM)
    environment = plain(**{'PAGES': str(folder / 'pages'), 'PYTHONPATH': str(ROOT), **variables})
    with subprocess.Popen([sys.executable, *words], cwd=folder, env=environment, stdout=subprocess.PIPE) as process:
        printed = process.communicate(timeout=180)[0]
    assert process.returncode == 0
    return ast.literal_eval(printed.decode()), process.pid


@pytest.mark.parametrize('given', ['', 'glibc.malloc.tcache_count=5'])
def test_the_same_process_goes_on_with_its_arguments_and_options(tmp_path, given):
    words = ['-X', 'utf8', 'program.py', '--config=a b.py', '-m', '']
    found, process = result(tmp_path, words, GLIBC_TUNABLES=given)
    assert found == [process, f'{given}:{large_pages.SETTING}'.strip(':'), words[3:], 1, '__main__']


@pytest.mark.parametrize(
    ('words', 'pages', 'variables'),
    [
        (['program.py'], 'always madvise [never]\n', {}),
        (['program.py'], MADVISE, {'GANS_MALLOC': '0'}),
        (['program.py'], MADVISE, {'GLIBC_TUNABLES': 'glibc.malloc.hugetlb=0'}),
        (['-m', 'program'], MADVISE, {}),
        (
            ['-c', 'import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0])', 'program.py'],
            MADVISE,
            {},
        ),
    ],
)
def test_all_is_left_alone(tmp_path, words, pages, variables):
    found, process = result(tmp_path, words, pages, **variables)
    assert found[:2] == [process, variables.get('GLIBC_TUNABLES', '')]


def test_the_variable_that_turns_it_off_is_that_of_all_memory():
    assert large_pages.MALLOC == startup.MALLOC


def test_a_system_without_such_a_file_has_no_large_pages(tmp_path):
    assert result(tmp_path, ['program.py'], PAGES=str(tmp_path / 'nothing'))[0][1] == ''


def shown(folder, code):
    """What `main.py --help` does in a Python that runs `code` at every start of its own."""
    (folder / 'sitecustomize.py').write_text(code)
    program = [sys.executable, str(ROOT / 'main.py'), '--help']
    return subprocess.run(program, env=plain(PYTHONPATH=str(folder)), capture_output=True, text=True, timeout=180)


def test_main_has_large_pages_where_the_system_has_them(tmp_path):
    result = shown(
        tmp_path,
        "import os, pathlib\nwith pathlib.Path(__file__).with_name('starts').open('a') as file:\n"
        "    print(os.getpid(), os.environ.get('GLIBC_TUNABLES', ''), file=file)\n",
    )
    assert (result.returncode, '--config' in result.stdout) == (0, True)
    starts = [line.split() for line in (tmp_path / 'starts').read_text().splitlines()]
    assert [words[1:] for words in starts] == ([[], [large_pages.SETTING]] if large_pages._can_have() else [[]])
    assert len({words[0] for words in starts}) == 1


def test_a_signal_while_it_is_started_again_waits_until_it_is_heard(tmp_path):
    result = shown(
        tmp_path,
        "import os, signal\nif 'hugetlb' in os.environ.get('GLIBC_TUNABLES', ''):\n"
        '    os.kill(os.getpid(), signal.SIGINT)\n',
    )
    stopped = (130, 'Stopped by SIGINT: there was nothing to save.')
    assert (result.returncode, result.stderr.strip()) == (stopped if large_pages._can_have() else (0, ''))
