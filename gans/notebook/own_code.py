"""Modules that a notebook writes itself."""

import importlib
import os
import sys

from gans.errors import UserError
from gans.image.files import write_whole


def own_package(name: str) -> None:
    """Makes a package in the working directory for modules of your own, which `%%writefile NAME/module.py` fills.

    Call it before the first module is written, and again when modules were changed: Python forgets what it has imported
    of them, so that the files count as they are now.

    Raises:
      UserError: the name is that of another package, or the folder cannot be written.
    """
    if not name.isidentifier():
        raise UserError(f'A package cannot be called {name!r}: give letters, digits and underscores.')
    place = os.path.abspath(name)
    known = sys.modules.get(name)
    if known is not None and os.path.dirname(getattr(known, '__file__', None) or '') != place:
        raise UserError(f'There is a package {name!r} elsewhere ({known}): choose another name.')
    for module in [one for one in sys.modules if one == name or one.startswith(f'{name}.')]:
        del sys.modules[module]
    if not os.path.exists(f'{place}/__init__.py'):
        write_whole(f'{place}/__init__.py', lambda file: None)
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    importlib.invalidate_caches()
