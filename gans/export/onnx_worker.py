"""Run in the Python that has jax2onnx: `python -m gans.export.onnx_worker FOLDER` turns what is in FOLDER into ONNX.

It has to import nothing of this project that needs Orbax: jax2onnx needs an older one than this project does.

In FOLDER are order.json ('config', 'step' as `gans.export.stablehlo.size_step` has it), weights.npz
(`gans.export.program.flat`) and trial.npz: inputs by name, and as 'output' what the run makes of them. Written are
model.onnx and result.json: 'levels', by how much the model's own output differs at most, as onnxruntime computes it,
'inputs', their shapes, and the versions of libraries. What fails is the last line of standard error.
"""

import json
import sys
import traceback
from functools import partial
from importlib.metadata import version
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gans.core.build import build
from gans.export.program import apart, nested, program
from gans.export.stablehlo import shapes, symbols_of
from gans.nn import conv
from gans.printing import say

OPSET = 20  # of ONNX; onnxruntime and onnxruntime-web know it since 1.17
LIBRARIES = ('jax', 'jax2onnx', 'onnx', 'onnxruntime')
_IMAGES = 1000  # schedules count epochs by them, and no schedule is looked at here


def convert(folder: Path) -> dict:
    """Writes model.onnx, compares it, and returns what result.json is to hold."""
    import onnx
    import onnxruntime
    from jax2onnx import to_onnx

    order = json.loads((folder / 'order.json').read_text())
    with np.load(folder / 'weights.npz') as file:
        weights = jax.tree.map(jnp.asarray, nested(dict(file)))
    made = program(build(ConfigDict(order['config']), _IMAGES))
    symbols = symbols_of(made, order['step'])
    with conv.for_any_backend():
        model = to_onnx(
            partial(made.function, weights),
            shapes(made, symbols),
            model_name='generator',
            opset=OPSET,
            input_names=[one.name for one in made.inputs],
            output_names=['images'],
        )
    del model.graph.value_info[:]  # shapes inside, some of them wrong: every runtime finds them itself
    onnx.checker.check_model(model)
    (folder / 'model.onnx').write_bytes(model.SerializeToString(deterministic=True))
    with np.load(folder / 'trial.npz') as file:
        trial = dict(file)
    expected = trial.pop('output')
    session = onnxruntime.InferenceSession(folder / 'model.onnx', providers=['CPUExecutionProvider'])
    levels = 0
    for stop in (1, len(expected)):  # one example, and several
        (found,) = session.run(None, {name: x[:stop] for name, x in trial.items()})
        levels = max(levels, apart(found, expected[:stop]))
    return {
        'levels': levels,
        'inputs': {one.name: list(one.shape) for one in session.get_inputs()},
        'versions': {name: version(name) for name in LIBRARIES},
        'opset': OPSET,
    }


def main(folder: Path) -> int:
    """Returns the exit code."""
    try:
        result = convert(folder)
    except Exception as error:  # of any kind: its last line is told to people
        traceback.print_exc()
        say(f'{type(error).__name__}: {f"{error}".strip().partition(chr(10))[0]}', sys.stderr)
        return 1
    (folder / 'result.json').write_text(json.dumps(result))
    return 0


if __name__ == '__main__':
    sys.exit(main(Path(sys.argv[1])))
