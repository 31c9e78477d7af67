"""What the notebooks in notebooks/ call, and what a notebook of your own may: installing, watching, files.

    from gans import notebook

    notebook.install()                           # needs nothing but Python; a working accelerator keeps its jax
    notebook.devices()
    notebook.train(experiment, 'runs/mine')      # curves and the newest sample grid, in place, while it trains
    notebook.show('runs/mine/samples')

Each function is imported when it is first used, since `install` runs where nothing is installed yet.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gans.notebook.installing import devices, install
    from gans.notebook.own_code import own_package
    from gans.notebook.showing import show, show_pairs
    from gans.notebook.user_files import mount_drive, upload, with_holes
    from gans.notebook.watching import go_on, look, train

_FROM = {
    'devices': 'installing',
    'go_on': 'watching',
    'install': 'installing',
    'look': 'watching',
    'mount_drive': 'user_files',
    'own_package': 'own_code',
    'show': 'showing',
    'show_pairs': 'showing',
    'train': 'watching',
    'upload': 'user_files',
    'with_holes': 'user_files',
}

__all__ = [
    'devices',
    'go_on',
    'install',
    'look',
    'mount_drive',
    'own_package',
    'show',
    'show_pairs',
    'train',
    'upload',
    'with_holes',
]


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    globals()[name] = found = getattr(importlib.import_module(f'{__name__}.{_FROM[name]}'), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
