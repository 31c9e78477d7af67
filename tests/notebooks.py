"""Runs notebooks in a kernel of this Python, in a folder of their own, and keeps what they showed."""

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat
import psutil
from command_line import ROOT
from nbclient import NotebookClient

NOTEBOOKS = sorted((ROOT / 'notebooks').glob('*.ipynb'))
_NEEDED = ('gans', 'configs', 'main.py', 'requirements-core.txt')  # of the project


def set_up(folder: Path, patch) -> None:
    """Gives Jupyter folders below `folder`, and a kernel that is this Python."""
    kernel = folder / 'jupyter' / 'kernels' / 'here'
    kernel.mkdir(parents=True)
    command = [sys.executable, '-m', 'ipykernel_launcher', '-f', '{connection_file}']
    (kernel / 'kernel.json').write_text(json.dumps(dict(argv=command, display_name='here', language='python')))
    for name in ('JUPYTER_PATH', 'JUPYTER_DATA_DIR', 'JUPYTER_CONFIG_DIR', 'JUPYTER_RUNTIME_DIR', 'IPYTHONDIR'):
        patch.setenv(name, str(folder / 'jupyter'))
    patch.setenv('JAX_PLATFORMS', 'cpu')


def project(folder: Path) -> Path:
    """A folder in which a notebook finds the project, and may write; returns that of the notebooks."""
    for name in _NEEDED:
        (folder / name).symlink_to(ROOT / name)
    (folder / 'notebooks').mkdir()
    return folder / 'notebooks'


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / 'notebooks' / f'{name}.ipynb', as_version=4)


def tagged(cell, tag: str) -> bool:
    return tag in cell.metadata.get('tags', ())


class Session:
    """A notebook in a kernel that lives as long as the `with` block, with other parameters, as if opened in `folder`.

    Its cells are executed in their order, as far as a test needs them: so no single test takes as long as all of them.
    """

    def __init__(self, notebook: nbformat.NotebookNode, folder: Path, parameters: str, devices: int = 1):
        self.notebook, self._next, self._open = notebook, 0, contextlib.ExitStack()
        self._client = NotebookClient(
            notebook,
            kernel_name='here',
            resources={'metadata': {'path': str(folder)}},
            timeout=360,
            # By default outputs that a busy machine brings 4 seconds after the cell's end are left out without a word.
            iopub_timeout=360,
            raise_on_iopub_timeout=True,
            startup_timeout=360,
        )
        self._devices = devices
        self.set(parameters)

    def __enter__(self):
        self._open.enter_context(
            self._client.setup_kernel(env=os.environ | {'JAX_NUM_CPU_DEVICES': f'{self._devices}'})
        )
        return self

    def __exit__(self, *error):
        self._open.close()

    def set(self, parameters: str) -> None:
        """Gives the cell of parameters, which may be executed again, another text."""
        for cell in self.notebook.cells:
            if tagged(cell, 'parameters'):
                cell.source = parameters

    def until(self, cell_id: str) -> None:
        """Executes the cells up to this one, but for those that were. Raises what a cell raises."""
        last = self._place(cell_id)
        while self._next <= last:
            self._next += 1
            self._execute(self._next - 1)

    def again(self, cell_id: str) -> None:
        """Executes this cell again, or before its turn."""
        self._execute(self._place(cell_id))

    def stopped(self, cell_id: str, when: Callable[[], bool]) -> None:
        """Executes a cell as `again`, and presses the stop button as soon as `when` is true."""
        ended = threading.Event()

        def press():
            while not ended.wait(0.05):
                if when():
                    os.kill(self._client.km.provisioner.pid, signal.SIGINT)
                    return

        thread = threading.Thread(target=press)
        thread.start()
        try:
            self.again(cell_id)
        finally:
            ended.set()
            thread.join()

    def _place(self, cell_id):
        return next(i for i, cell in enumerate(self.notebook.cells) if cell.id == cell_id)

    def _execute(self, place):
        self._client.execute_cell(self.notebook.cells[place], place)


def run(notebook: nbformat.NotebookNode, folder: Path, parameters: str, devices: int = 1) -> None:
    """Executes a whole notebook as a `Session` does. Raises what a cell raises."""
    with Session(notebook, folder, parameters, devices) as session:
        session.until(notebook.cells[-1].id)


def outputs(notebook: nbformat.NotebookNode, cell_id: str) -> Mapping:
    """What a cell showed: {'text': all that it printed, 'shown': texts, 'images': the bytes of images}."""
    cell = next(cell for cell in notebook.cells if cell.id == cell_id)
    data = [output.data for output in cell.outputs if 'data' in output]
    forms = [(form, bundle[form]) for bundle in data for form in bundle if form.startswith('image/')]
    return {
        'text': ''.join(output.text for output in cell.outputs if output.output_type == 'stream'),
        'shown': [bundle['text/plain'] for bundle in data],
        'images': [base64.b64decode(text) for _, text in forms],
    }


def kernels() -> list[psutil.Process]:
    """The kernels that this process has started and that go on."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            found += [child] if 'ipykernel_launcher' in child.cmdline() else []
        except psutil.Error:  # it ends just now
            continue
    return found


def copy_of_project(folder: Path) -> str:
    """A git repository with the project; returns its address."""
    for name in _NEEDED:
        ignore = shutil.ignore_patterns('__pycache__')
        source = ROOT / name
        shutil.copytree(source, folder / name, ignore=ignore) if source.is_dir() else shutil.copy(source, folder)
    git = ['git', '-C', str(folder), '-c', 'user.name=A', '-c', 'user.email=a@example.org']
    for words in (['init', '--quiet'], ['add', '.'], ['commit', '--quiet', '-m', 'All']):
        subprocess.run([*git, *words], check=True)
    return folder.as_uri()
