"""`python main.py ...` for tests: in this process, which has imported and compiled already, or in one of its own."""

import contextlib
import importlib.util
import io
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TextIO

ROOT = Path(__file__).parents[1]
MAIN = str(ROOT / 'main.py')


class Ended(NamedTuple):
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


def main(*words: object) -> Ended:
    """Runs `main.py` with these arguments in this process: quick, with this process's devices and working directory."""
    out, err = io.StringIO(), io.StringIO()
    return Ended(run(words, out, err), out.getvalue(), err.getvalue())


def run(words: Iterable[object], out: TextIO | None, err: TextIO | None) -> int:
    """Runs it in this process with these streams as standard output and error; returns the exit code."""
    spec = importlib.util.spec_from_file_location('main_of_tests', MAIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        return module.main([MAIN, *map(str, words)])


def process(*words: object, cwd: Path | None = None, timeout: float = 300, **environment: str) -> Ended:
    """Runs it in a process of its own: for signals, streams, environments, and whatever ends a process."""
    done = subprocess.run(
        [sys.executable, MAIN, *map(str, words)],
        cwd=cwd or ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def config(name: str) -> str:
    """The flag that names a config of this repository wherever the test's working directory is: 'colorize:tiny' say."""
    config_file, _, variant = name.partition(':')
    return f'--config={ROOT}/configs/{config_file}.py' + (f':{variant}' if variant else '')
