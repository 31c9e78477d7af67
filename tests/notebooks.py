"""Runs notebooks in a kernel of this Python, in a folder of their own, and keeps what they showed."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
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


def run(notebook: nbformat.NotebookNode, folder: Path, parameters: str, devices: int = 1) -> None:
    """Executes a notebook with other parameters, as if opened in `folder`, on so many simulated devices.

    Raises what a cell raises.
    """
    for cell in notebook.cells:
        if tagged(cell, 'parameters'):
            cell.source = parameters
    client = NotebookClient(
        notebook,
        timeout=360,
        kernel_name='here',
        resources={'metadata': {'path': str(folder)}},
    )
    client.execute(env=os.environ | {'JAX_NUM_CPU_DEVICES': f'{devices}'})


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
