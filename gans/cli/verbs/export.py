"""Write a run's generator for other programs."""

from gans.cli.flags import RUN, Flag, Verb
from gans.printing import say


def _run(flags, config) -> int:
    from gans.export.export import export

    say(export(flags['workdir'], flags['output'], flags['format'], flags['onnx_python']))
    return 0


VERB = Verb(
    "write a run's generator as one file that runs without this project",
    {
        'workdir': RUN,
        'format': Flag('text', 'stablehlo, npz or onnx', 'stablehlo'),
        'output': Flag('path', 'the folder for the model and what belongs to it', needed=True),
        'onnx_python': Flag('path', 'for onnx: the Python that has jax2onnx'),
    },
    _run,
)
