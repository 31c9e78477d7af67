"""What stands beside an exported model for people: README.md, and use.py, which runs it without this project."""

from collections.abc import Mapping

_USE = '''"""Runs the model beside this file, without the project that made it: pip install {needs}"""

from pathlib import Path

import numpy as np
{imports}

folder = Path(__file__).parent
{load}
with np.load(folder / 'example.npz') as file:
    example = dict(file)  # inputs by name, and what the run made of them
expected = example.pop('output')
{call}
print(images.shape, images.dtype, 'at most', np.abs(images.astype(int) - expected).max(), 'levels from the run')
height, width, _ = images[0].shape
Path('output.ppm').write_bytes(b'P6 %d %d 255\\n' % (width, height) + images[0].tobytes())
'''
_USE_NPZ = '''"""Reads the weights beside this file with NumPy alone: pip install numpy"""

import json
from pathlib import Path

import numpy as np

folder = Path(__file__).parent
about = json.loads((folder / 'about.json').read_text())
with np.load(folder / 'weights.npz') as file:
    weights = dict(file)
for name, array in weights.items():
    print(f'{name}: {array.dtype} {list(array.shape)}')
print(sum(array.size for array in weights.values()), 'numbers; networks:', about['config']['networks'])
'''
USE = {
    'stablehlo': _USE.format(
        needs='"jax>=0.10" flatbuffers numpy',
        imports='from jax import export',
        load="model = export.deserialize(bytearray((folder / 'model.stablehlo').read_bytes()))",
        call='images = np.asarray(model.call(*example.values()))  # uint8 [n, H, W, 3]',
    ),
    'onnx': _USE.format(
        needs='onnxruntime numpy',
        imports='import onnxruntime',
        load="model = onnxruntime.InferenceSession(folder / 'model.onnx', providers=['CPUExecutionProvider'])",
        call='(images,) = model.run(None, example)  # uint8 [n, H, W, 3]',
    ),
    'npz': _USE_NPZ,
}
FILE = {'stablehlo': 'model.stablehlo', 'onnx': 'model.onnx', 'npz': 'weights.npz'}
_WHAT = {
    'stablehlo': 'the model with its weights, for CPU, CUDA and TPU; `jax.export` reads it',
    'onnx': 'the model with its weights; onnxruntime and onnxruntime-web read it',
    'npz': 'the weights by their paths; what is computed with them follows from `config` in about.json',
}


def readme(about: Mapping) -> str:
    """README.md of an export, from what its about.json says."""
    kind, model = about['format'], FILE[about['format']]
    lines = [
        f'# The generator of {about["experiment"]}, step {about["step"]}',
        '',
        f'{"Averaged" if about["averaged"] else "The last"} weights of the run, as it uses them itself. '
        'Anybody can use them without the project that made them.',
        '',
        '| file | contents |',
        '|---|---|',
        f'| `{model}` | {_WHAT[kind]} |',
        '| `about.json` | inputs, outputs, step, digest of the weights, versions |',
        '| `example.npz` | inputs by name, and as `output` what the run makes of them |',
        f'| `use.py` | {"lists the weights" if kind == "npz" else "runs the model on them, and writes output.ppm"} |',
        '| `MODEL_CARD.md` | what it was trained on, its numbers, its limits |',
        '',
        'Inputs, in this order:',
        '',
        '| name | type | shape | meaning |',
        '|---|---|---|---|',
        *(f'| `{one["name"]}` | {one["type"]} | {one["shape"]} | {one["meaning"]} |' for one in about['inputs']),
        '',
        f'Output: {about["output"]["type"]} {about["output"]["shape"]}, {about["output"]["meaning"]}.',
        '',
        *([about['sizes'], ''] if about['sizes'] else []),
        'Nothing else is random: noise that training adds inside the network (dropout, maps of noise) is not there.',
        '',
    ]
    if kind != 'npz':
        lines += ['```bash', 'python use.py', '```', '']
    if about['sizes']:
        lines += ['An image file as input: `numpy.asarray(PIL.Image.open(NAME).convert("RGB"))[None]`.', '']
    return '\n'.join(lines)
