"""Installing what the program needs, without breaking a JAX that works: nothing but Python may be there yet."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gans import startup
from gans.errors import UserError
from gans.printing import say

_REQUIREMENTS = Path(__file__).parents[2] / 'requirements-core.txt'
_BACKENDS = {'cuda': 'gpu', 'tpu': 'tpu'}  # what jax.default_backend() says where it works
_CUDA_13 = 580  # the first driver for it; older ones, from 525 on, have CUDA 12
_PARTS = re.compile(r'(jax|libtpu)')  # names of packages that belong to a JAX with its accelerator


class Plan(NamedTuple):
    """What pip is to do.

    Attributes:
      install: requirements, as in a requirements file; () for nothing to do.
      keep: 'jax==0.10.2': what must stay as it is.
    """

    install: tuple[str, ...]
    keep: tuple[str, ...]


def install() -> None:
    """Installs what is missing. A jax that is in the tried range and can use this machine's accelerator stays.

    Where none can, the right one is installed: jax[cuda13], for an older driver jax[cuda12], or jax[tpu].

    Raises:
      UserError: pip failed, or a library changed that this session has imported already: it must be restarted.
    """
    if not _REQUIREMENTS.is_file():  # the package was installed by pip, and what it needs with it
        say('Installed as a package: nothing to do.')
        return
    before = _installed()
    found = startup.accelerator()
    platform = found.platform if found else ''
    wanted = _wanted()
    fits = _meets(wanted['jax'], before)
    backend = _backend() if fits and platform else ''
    todo = plan(wanted, before, platform, backend, _driver() if platform == 'cuda' else 0)
    if todo.install:
        say(f'Installing {", ".join(todo.install)}.')
        if todo.keep:
            say(f'This stays as it is: {", ".join(todo.keep)}.')
        _pip(todo)
        _check_session(before, _installed())
    else:
        say(f'All is installed: nothing to do. jax {before["jax"]}.')


def plan(
    wanted: Mapping[str, str], installed: Mapping[str, str], platform: str = '', backend: str = '', driver: int = 0
) -> Plan:
    """What is to be installed, and what must stay.

    Args:
      wanted: requirements by name, {'jax': 'jax>=0.10,<0.13'}.
      installed: versions by name.
      platform: of the machine's accelerator, 'cuda' or 'tpu'; '' without one.
      backend: what the installed jax runs on, 'gpu', 'tpu' or 'cpu'; '' if it was not asked.
      driver: the first number of the NVIDIA driver's version; 0 if it is not known.
    """
    missing = [text for name, text in wanted.items() if name != 'jax' and not _meets(text, installed)]
    if _meets(wanted['jax'], installed) and (not platform or backend == _BACKENDS[platform]):
        kept = [f'{name}=={version}' for name, version in sorted(installed.items()) if _PARTS.match(name)]
        return Plan(tuple(missing), tuple(kept) if missing else ())
    extra = {'': '', 'tpu': '[tpu]', 'cuda': '[cuda12]' if 0 < driver < _CUDA_13 else '[cuda13]'}[platform]
    return Plan((wanted['jax'].replace('jax', f'jax{extra}', 1), *missing), ())


def devices() -> None:
    """Says which devices JAX sees, and which accelerator it leaves idle, if it does.

    Call `gans.prepare()` before: from then on JAX's flags are fixed.
    """
    import jax

    seen = jax.devices()
    kinds = ', '.join(sorted({device.device_kind for device in seen}))
    say(f'{len(seen)} device{"s"[: len(seen) > 1]} ({jax.default_backend()}: {kinds}), jax {jax.__version__}')
    if jax.default_backend() == 'cpu':
        say(startup.idle_accelerator() or 'No accelerator: this machine has none. Training works, and takes longer.')


def _wanted() -> dict[str, str]:
    lines = [line.partition('#')[0].strip() for line in _REQUIREMENTS.read_text().splitlines()]
    return {_name(line): line for line in lines if line}


def _name(requirement):
    return _normal(re.match(r'[\w.-]+', requirement)[0])


def _normal(name):
    return re.sub(r'[-_.]+', '-', name).lower()


def _installed() -> dict[str, str]:
    found = importlib.metadata.distributions()
    return {_normal(one.metadata['Name']): one.version for one in found if one.metadata['Name']}


def _meets(requirement, installed) -> bool:
    try:
        from packaging.requirements import Requirement
    except ModuleNotFoundError:  # pip has its own
        from pip._vendor.packaging.requirements import Requirement

    version = installed.get(_name(requirement))
    return version is not None and Requirement(requirement).specifier.contains(version, prereleases=True)


def _backend() -> str:
    """What the installed jax runs on; '' if it does not run.

    Asked in a process of its own, so that the jax here can still be replaced; unless it is in use here already, since a
    TPU serves one process at a time.
    """
    if 'jax' in sys.modules:
        return sys.modules['jax'].default_backend()
    command = [sys.executable, '-c', 'import jax; print(jax.default_backend())']
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return ''
    return done.stdout.strip() if done.returncode == 0 else ''


def _driver() -> int:
    """The first number of the NVIDIA driver's version; 0 if nvidia-smi does not tell."""
    command = ['nvidia-smi', '--query-gpu=driver_version', '--format=csv,noheader']
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    number = re.match(r'\d+', said)
    return int(number[0]) if number else 0


def _pip(todo: Plan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / 'constraints.txt'
        constraints.write_text('\n'.join(todo.keep))
        command = [sys.executable, '-m', 'pip', 'install', '--quiet', *todo.install, '-c', os.fspath(constraints)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        say(done.stdout + done.stderr)
        raise UserError(f'pip could not install {", ".join(todo.install)}: its last lines above say why.')


def _check_session(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Raises UserError if a library was replaced that this process has imported."""
    changed = {name for name, version in before.items() if after.get(name) != version}
    homes = importlib.metadata.packages_distributions() if changed else {}
    imported = {name.partition('.')[0] for name in list(sys.modules)}
    stale = sorted(changed & {_normal(home) for name in imported for home in homes.get(name, ())})
    if stale:
        raise UserError(
            f'All is installed, but this session has the old {_listed(stale)} in memory: restart it (in Colab: '
            'Runtime, Restart session) and run the cells from the first one again.'
        )


def _listed(names: Sequence[str]) -> str:
    return ', '.join(names[:5]) + (' and others' if names[5:] else '')
