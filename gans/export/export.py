"""The verb `export`: a run's generator as files that do not need this project."""

import hashlib
import io
import json
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from gans.config.load import to_json
from gans.core import schedules
from gans.data.files import printable
from gans.errors import Failure, UserError, closest
from gans.export import folder as folders
from gans.export import onnx
from gans.export.program import Program, apart, flat, program, trial, weights_of
from gans.export.stablehlo import PLATFORMS, export_program, size_step, symbols_of
from gans.export.texts import FILE, USE, readme
from gans.model_card import model_card
from gans.run.trained import Trained, load_run, weights_digest
from gans.startup import jit_seldom

FORMATS = tuple(FILE)
_TRIED = 3  # examples that an export is compared on
# By how much an export may differ from the run, of 255: onnxruntime adds up in other orders, and a norm that divides
# by what is nearly 0 enlarges that. bfloat16 has 8 bits for a number.
_LEVELS = {'stablehlo': 1, 'onnx': 4, 'npz': 0}
_COARSER = {'float32': 1, 'bfloat16': 16}
_VERSION = 1  # of about.json


class Artifact(NamedTuple):
    """A model file, and what about.json says of it alone.

    Attributes:
      content: its bytes.
      levels: by how much, at most, its output differs from the run's; None if it has none.
      about: its platforms, versions and the like.
      symbols: the shapes of the inputs as text.
      step: of what heights and widths must be multiples; None for one size.
    """

    content: bytes
    levels: int | None
    about: dict
    symbols: tuple[str, ...]
    step: int | None


def export(workdir: str | Path, output: str | Path, format: str = 'stablehlo', onnx_python: str | None = None) -> str:
    """Writes a run's generator with its weights, its pre- and post-processing into a folder.

    Args:
      workdir: the run's folder; its checkpoint is enough.
      output: a new or empty folder, or one of an earlier export, which is replaced.
      format: 'stablehlo', 'npz' or 'onnx'.
      onnx_python: for ONNX, the Python that has jax2onnx.

    Returns:
      what was done, for people.

    Raises:
      UserError: anything that the user can mend; nothing that was there is lost or changed.
      Failure: what would be written does not do what the run does.
    """
    if format not in FORMATS:
        raise UserError(
            f'--format={printable(format)} is unknown{closest(format, FORMATS)}: choose one of {", ".join(FORMATS)}.'
        )
    python = onnx.find_python(onnx_python) if format == 'onnx' else None
    target = Path(output)
    run = load_run(workdir)
    folders.check(target)
    made = _program(run)
    numbers = generator_weights(run)
    if not all(np.isfinite(array).all() for array in flat(numbers).values()):
        raise Failure(f'The generator of {run.folder} has numbers that are not finite: nothing to export.')
    inputs = trial(made, _TRIED)
    own = np.asarray(jit_seldom(made.function)(numbers, *inputs))
    example = {one.name: array for one, array in zip(made.inputs, inputs, strict=True)} | {'output': own}
    artifact = _WRITERS[format](run, made, numbers, example, python)
    _check_levels(artifact.levels, run, format)
    about = _about(run, made, artifact, format)
    files = {
        FILE[format]: artifact.content,
        'example.npz': _npz(example),
        'use.py': USE[format].encode(),
        'README.md': readme(about).encode(),
        'MODEL_CARD.md': model_card(run.folder, run.step).encode(),
    }
    about['files'] = {name: _digest(content) for name, content in files.items()}
    folders.write(target, files, about)
    megabytes = len(artifact.content) / 1e6
    return (
        f"{FILE[format]} ({megabytes:.1f} MB) of step {run.step} in '{printable(str(target))}'; "
        f'{_compared(artifact.levels)}'
    )


def generator_weights(run: Trained) -> dict:
    """The numbers that a run's generator works with, averaged where the run averages (`program.weights_of`)."""
    game, state = run.game, run.state
    scheduled = schedules.read(game.schedules, state.step)
    hyper = {name: scheduled[name] for name in getattr(game.gen, 'needs', ())}
    variables = {**(state.gen.ema or state.gen.variables), **({'hyper': hyper} if hyper else {})}
    return weights_of(variables, partial(game.objective.map_latent, state.carry), game.task.latents.size)


def _program(run: Trained) -> Program:
    task = run.game.task
    if not task.from_noise and (task.on_files is None or task.on_files.traced is None):
        raise UserError(
            f'{run.folder} was trained for {run.config.task.name!r}, which does not say what it makes of an image in '
            'one function (`OnFiles.traced`): it cannot be exported.'
        )
    return program(run.game)


def _as_stablehlo(run, made, numbers, example, python) -> Artifact:
    del python
    found = export_program(run.game, made, numbers, run.config.name)
    inputs = [array for name, array in example.items() if name != 'output']
    call = jit_seldom(jax.export.deserialize(bytearray(found.content)).call)
    about = {'platforms': list(PLATFORMS), 'calling_convention': found.convention}
    levels = apart(np.asarray(call(*inputs)), example['output'])
    return Artifact(found.content, levels, about, found.symbols, found.step)


def _as_npz(run, made, numbers, example, python) -> Artifact:
    del example, python
    step = size_step(run.game, made, numbers)
    about = {'config': json.loads(to_json(run.config))}
    return Artifact(_npz(flat(numbers)), None, about, symbols_of(made, step), step)


def _as_onnx(run, made, numbers, example, python) -> Artifact:
    step = size_step(run.game, made, numbers)
    found = onnx.convert(python, json.loads(to_json(run.config)), step, numbers, example)
    about = {'opset': found.opset, 'onnx_versions': dict(found.versions)}
    return Artifact(found.content, found.levels, about, symbols_of(made, step), step)


_WRITERS = {'stablehlo': _as_stablehlo, 'npz': _as_npz, 'onnx': _as_onnx}


def _check_levels(levels, run, format):
    most = _LEVELS[format] * _COARSER[run.config.dtype]
    if levels is not None and levels > most:
        raise Failure(
            f'The {format} of {run.folder} differs from the run by {levels} of 255 levels, {most} being allowed: '
            'nothing was written.'
        )


def _about(run: Trained, made: Program, artifact: Artifact, format: str) -> dict:
    """about.json: no place and no date, so that equal runs give equal files."""
    inputs = [
        {'name': one.name, 'type': one.dtype, 'shape': shape, 'meaning': one.meaning}
        for one, shape in zip(made.inputs, artifact.symbols, strict=True)
    ]
    size = next((shape.rpartition(',')[0] for shape in artifact.symbols if shape.count(',') == 3), None)
    return {
        'version': _VERSION,
        'format': format,
        'experiment': run.config.name,
        'task': run.config.task.name,
        'step': run.step,
        'averaged': bool(jax.tree.leaves(run.state.gen.ema)),
        'weights': weights_digest(run),
        'inputs': inputs,
        'output': {
            'type': 'uint8',
            'shape': f'{size or f"(n, {run.game.size[0]}, {run.game.size[1]}"}, 3)',
            'meaning': 'RGB, 0 to 255, gamma-coded (sRGB)',
        },
        'sizes': _sizes(run, made, artifact.step),
        'differs': {'levels': artifact.levels, 'of': 255, 'examples': _TRIED, 'backend': jax.default_backend()},
        **artifact.about,
        'versions': {name: version(name) for name in ('jax', 'jaxlib', 'flax', 'numpy')},
    }


def _sizes(run, made, step):
    """A sentence about the sizes of images; '' for a generator from noise."""
    if not any(one.name == 'image' for one in made.inputs):
        return ''
    height, width = run.game.size
    if step is None:
        return f'Images have {height} x {width} pixels (height x width): the network has a layer for that size alone.'
    sides = 'Heights and widths are free' if step == 1 else f'Heights and widths are multiples of {step}'
    return f'{sides}; the network was trained at {height} x {width} pixels.'


def _compared(levels):
    if levels is None:
        return 'weights are numbers: there is nothing to compare.'
    same = 'the same images as the run' if levels == 0 else f'at most {levels} of 255 levels from the run'
    return f'{same}, on {_TRIED} examples.'


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _digest(content):
    return hashlib.sha256(content).hexdigest()
