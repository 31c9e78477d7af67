"""ONNX by a Python of its own: jax2onnx needs an older Orbax than this project, so that they cannot live together."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gans.errors import Failure, UserError
from gans.export.program import flat
from gans.printing import visible

PYTHON = 'GANS_ONNX_PYTHON'  # environment variable: the Python that has jax2onnx
_ROOT = Path(__file__).parents[2]
_BESIDE = _ROOT / 'onnx-env' / 'bin' / 'python'
_HOW = 'python -m venv onnx-env && onnx-env/bin/pip install -r requirements-onnx.txt'
_LONGEST = 500  # characters of what the worker says


class Converted(NamedTuple):
    """A program in ONNX.

    Attributes:
      content: the bytes of the file.
      levels: by how much, at most, onnxruntime's output differs from the run's.
      inputs: the shape of each input by name, with names for what may vary.
      opset: ONNX's.
      versions: of the libraries in that Python.
    """

    content: bytes
    levels: int
    inputs: Mapping[str, list]
    opset: int
    versions: Mapping[str, str]


def find_python(given: str | None) -> str:
    """The Python that has jax2onnx: `given`, or that of the environment variable, or that in onnx-env.

    Raises:
      UserError: there is none.
    """
    chosen = given or os.environ.get(PYTHON)
    if chosen:
        path = os.path.expanduser(chosen)
        if not os.access(path, os.X_OK) or os.path.isdir(path):
            raise UserError(f"'{chosen}' is no Python that can be run: give one that has jax2onnx, made by `{_HOW}`.")
        return path
    if os.access(_BESIDE, os.X_OK):
        return str(_BESIDE)
    raise UserError(
        f'ONNX needs a Python of its own, since jax2onnx needs an older Orbax than training does: `{_HOW}`, and give '
        f'--onnx_python=onnx-env/bin/python or set {PYTHON}.'
    )


def convert(
    python: str,
    config: Mapping,
    step: int | None,
    weights: Mapping,
    trial: Mapping[str, np.ndarray],
) -> Converted:
    """Lets that Python write ONNX and compare it with the run.

    Args:
      python: as `find_python` returns it.
      config: the run's, as JSON has it.
      step: of what heights and widths are multiples (`gans.export.stablehlo.size_step`).
      weights: as `gans.export.program.weights_of` returns them.
      trial: inputs by name, and as 'output' what the run makes of them.

    Raises:
      UserError: there is no jax2onnx in that Python, or it cannot be started.
      Failure: it cannot write this generator as ONNX.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / 'order.json').write_text(json.dumps({'config': config, 'step': step}))
        np.savez(folder / 'weights.npz', **flat(weights))
        np.savez(folder / 'trial.npz', **trial)
        try:
            done = subprocess.run(
                [python, '-m', 'gans.export.onnx_worker', str(folder)],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise UserError(f"'{python}' cannot be started ({error.strerror}): give another --onnx_python.") from error
        if done.returncode:
            raise _failed(python, done)
        try:
            result = json.loads((folder / 'result.json').read_text())
            return Converted((folder / 'model.onnx').read_bytes(), **result)
        except (OSError, ValueError, TypeError) as error:
            raise Failure(f"'{python}' wrote no model ({type(error).__name__}): nothing was written.") from error


def _environment():
    """This process's, on the CPU; networks of one's own are found as they are here."""
    places = [str(_ROOT), os.environ.get('PYTHONPATH', ''), os.getcwd()]
    return os.environ | {'JAX_PLATFORMS': 'cpu', 'PYTHONPATH': os.pathsep.join(place for place in places if place)}


def _failed(python, done):
    lines = [line.strip() for line in done.stderr.decode(errors='replace').splitlines() if line.strip()]
    said = visible(lines[-1][:_LONGEST]) if lines else f'it ended with {done.returncode}'
    if said.startswith(('ModuleNotFoundError', 'ImportError')):
        return UserError(f"'{python}' cannot write ONNX ({said}): make one that can by `{_HOW}`.")
    return Failure(f'jax2onnx cannot write this generator as ONNX ({said}): nothing was written.')
