"""Image GANs in JAX: the functions that a notebook needs. The command line, `python main.py`, calls the same ones.

    import gans

    gans.prepare()                                       # compiler flags, the cache of compiled programs
    config = gans.load_config('configs/colorize.py')     # or the path of another checkout's, or of your own
    config.steps = 100
    experiment = gans.open_experiment(config)
    gans.train(experiment, 'runs/mine')                  # goes on, if that run has begun
    run = gans.load_run('runs/mine')
    originals = gans.held_out_images(experiment, 8)      # uint8 [8, 64, 64, 3]
    colorized = gans.sample_images(run, originals)       # a generator from noise: sample_images(run, count=8)
    print(gans.evaluate('runs/mine'))

`configs/` is no part of the package: a config is named by the path of its file, whatever the working directory. Each
function is imported when it is first used, so that `import gans` itself is quick and imports no other library.
`gans.errors.UserError` is what they raise for anything that a user can mend.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gans.config.load import load as load_config
    from gans.evaluation.evaluate import evaluate
    from gans.inference.translate import translate
    from gans.run.experiment import held_out_images, open_experiment
    from gans.run.generate import sample_images
    from gans.run.trained import load_run
    from gans.startup import prepare
    from gans.training.loop import train

_FROM = {
    'prepare': 'gans.startup:prepare',
    'load_config': 'gans.config.load:load',
    'open_experiment': 'gans.run.experiment:open_experiment',
    'held_out_images': 'gans.run.experiment:held_out_images',
    'train': 'gans.training.loop:train',
    'load_run': 'gans.run.trained:load_run',
    'sample_images': 'gans.run.generate:sample_images',
    'translate': 'gans.inference.translate:translate',
    'evaluate': 'gans.evaluation.evaluate:evaluate',
}

__all__ = [
    'evaluate',
    'held_out_images',
    'load_config',
    'load_run',
    'open_experiment',
    'prepare',
    'sample_images',
    'train',
    'translate',
]


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    module, _, function = _FROM[name].partition(':')
    globals()[name] = found = getattr(importlib.import_module(module), function)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
