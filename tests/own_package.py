"""A package of one's own beside the working directory's files, as a user has it."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest


def own_package(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, modules: Mapping[str, str]) -> None:
    """Works in a folder that has a package with these modules, and forgets one of its name that another test had."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    for known in [known for known in sys.modules if known.partition('.')[0] == name]:
        del sys.modules[known]
    for module, text in {'__init__': '', **modules}.items():
        path = folder / name / f'{module}.py'
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
