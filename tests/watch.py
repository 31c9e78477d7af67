"""The suite cannot hang: whatever a worker of pytest-xdist does, the run ends, red, with the worker's last words.

pytest itself ends the process of a test that takes longer than `faulthandler_timeout` (pyproject.toml) and writes where
all its threads are. What it cannot see is watched here: a worker that is stopped or dead to the world. A worker's own
file descriptor 2, where C++ writes before it aborts, goes to a file (hence `--capture=sys`: pytest's own capturing of
the descriptor dies with the process), which is shown when the worker ends before its time.

A dead worker is not replaced (`--max-worker-restart=0`): with `--dist loadfile` xdist 3.8 may wait for ever for the
new one (pytest-dev/pytest-xdist issues 784, 1323, 1327).
"""

import os
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

_SHOWN = 20_000  # bytes of a worker's last words
_START = 300  # seconds in which workers must have imported and collected the tests
_FAREWELL = 60  # seconds in which the run must have ended after its workers were


@pytest.hookimpl(tryfirst=True)  # before pytest's faulthandler makes its copy of the descriptor
def pytest_configure(config):
    if hasattr(config, 'workerinput'):
        words = os.open(config.workerinput['words'], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(words, 2)
        os.close(words)
    elif config.getoption('numprocesses', None):
        config.pluginmanager.register(Watch(config, 1.5 * float(config.getini('faulthandler_timeout'))), 'watch')


class Watch:
    """In the process that gives the tests to the workers: ends them when none reports for `limit` seconds."""

    def __init__(self, config, limit):
        self._plugins = config.pluginmanager
        self._folder = Path(tempfile.mkdtemp(prefix='gans-tests-'))
        self._limit, self._allowed, self._heard = limit, max(limit, _START), time.monotonic()
        threading.Thread(target=self._watch, daemon=True).start()

    def pytest_configure_node(self, node):
        node.workerinput['words'] = str(self._words(node.gateway.id))

    def pytest_xdist_node_collection_finished(self):
        self._allowed, self._heard = self._limit, time.monotonic()

    def pytest_runtest_logreport(self):
        self._heard = time.monotonic()

    def pytest_testnodedown(self, node, error):
        self._heard = time.monotonic()
        words = self._words(node.gateway.id)
        if error:
            text = words.read_bytes()[-_SHOWN:].decode(errors='replace') if words.exists() else ''
            self._say(f'last words of {node.gateway.id}', text or '(none)')
        words.unlink(missing_ok=True)

    def pytest_unconfigure(self):
        for left in self._folder.iterdir():
            left.unlink()
        self._folder.rmdir()

    def _words(self, worker):
        return self._folder / worker

    def _watch(self):
        while (left := self._heard + self._allowed - time.monotonic()) > 0:
            time.sleep(min(left, 1))
        self._say('no worker has reported', f'for {self._allowed:g} seconds: they are ended.')
        for worker in psutil.Process().children():
            worker.kill()
        time.sleep(_FAREWELL)
        self._say('the run did not end', f'within {_FAREWELL} seconds after its workers: it is ended.')
        os._exit(1)

    def _say(self, title, text):
        terminal = self._plugins.getplugin('terminalreporter')
        terminal.write_sep('=', title)
        terminal.write_line(text)
        terminal.flush()
