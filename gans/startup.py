"""What must be set before JAX is used: compiler flags, the cache of compiled programs, how memory is kept.

And what JAX leaves idle: `idle_accelerator`.

`main.py` calls `prepare` first of all. In a notebook, call it in the first cell; nothing in `gans` depends on that.
"""

import ctypes
import logging
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from gans import compiled, printing

CACHE = 'GANS_CACHE'  # environment variable: the cache's folder; empty turns it off
DECODED = 'GANS_DECODED'  # environment variable: where decoded images are kept; empty turns it off
FEATURES = 'GANS_FEATURES'  # environment variable: where features of images are kept; empty turns it off
FLAGS = 'GANS_XLA_FLAGS'  # environment variable: '0' leaves XLA's flags alone
MALLOC = 'GANS_MALLOC'  # environment variable: '0' leaves the C library's allocator alone

# The library behind this flag multiplies matrices on the CPU faster than XLA's own loops (an inpainting step of 16
# images: 0.73 of the time with jaxlib 0.11, 0.74 with 0.12); other backends ignore it. XLA ends the process at a flag
# that it does not know, so it is set only for the releases of jaxlib that it was tried with. The libraries of their
# CUDA plugins and of libtpu 0.0.52 have it too.
_CPU_FLAGS = ('--xla_cpu_experimental_ynn_fusion_type=LIBRARY_FUSION_TYPE_DOT',)
_TRIED = ('0.10.', '0.11.', '0.12.')

# mallopt(3): blocks of any size come from the heap, and the heap is not given back. By default glibc maps every large
# block anew, and a step on the CPU spends an eighth of its time on the page faults of the same scratch memory.
_MALLOPT = {'M_MMAP_MAX': (-4, 0), 'M_TRIM_THRESHOLD': (-1, -1)}

_ROOM = 64 * 2**20  # bytes that must be free where compiled programs are kept

_FASTER_COMPILED = {'xla_backend_optimization_level': 1}


def prepare() -> None:
    """Sets XLA's flags and JAX's compilation cache, where the environment does not say otherwise."""
    screen = printing.Screen()
    screen.setFormatter(printing.Formatter('%(message)s'))
    logging.basicConfig(level=logging.WARNING, handlers=[screen])
    for noisy in ('jax', 'jax._src'):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    for noisy in ('absl', 'orbax'):  # Orbax logs a traceback of every failed write, and raises it too
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    if os.environ.get(FLAGS) != '0' and version('jaxlib').startswith(_TRIED):
        given = os.environ.get('XLA_FLAGS', '')
        missing = [flag for flag in _CPU_FLAGS if flag.partition('=')[0] not in given]
        os.environ['XLA_FLAGS'] = ' '.join([given, *missing]).strip()
    if os.environ.get(MALLOC) != '0':
        _keep_memory()
    folder = _in_cache(CACHE, 'compiled')
    if folder is None and CACHE not in os.environ:
        logging.warning('There is no home folder (HOME is not set): compiled programs are not kept. See %s.', CACHE)
    if folder is not None and _takes_programs(folder):
        import jax

        jax.config.update('jax_compilation_cache_dir', str(folder))
        # Small programs too: a start has dozens of them, which take a second together to compile.
        jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)
        compiled.mend()


def jit_seldom(function: Callable) -> Callable:
    """`jax.jit` for what runs a few times in a run, so that compiling is most of its cost.

    On the CPU LLVM optimises it less, unless XLA_FLAGS says how much: the first weights of a colorizing run compile in
    7 s instead of 21. Results may differ in the last bit; the first weights of no config did.
    """
    import jax

    chosen = any(name in os.environ.get('XLA_FLAGS', '') for name in _FASTER_COMPILED)
    return jax.jit(function, compiler_options=None if chosen or jax.default_backend() != 'cpu' else _FASTER_COMPILED)


def idle_accelerator(root: Path = Path('/'), environment: Mapping[str, str] = os.environ) -> str:
    """A sentence about the accelerator that a JAX with nothing but its CPU backend leaves idle; '' if there is none.

    Arguments as `accelerator` has them.
    """
    found = accelerator(root, environment)
    if found is None:
        return ''
    return (
        f'This machine has {found.name} ({found.where}), but the installed jax uses only the CPU: pip install -r '
        f'requirements-{found.platform}.txt brings what it needs. Where that is done already, '
        f'JAX_PLATFORMS={found.platform} makes jax say why it fails; JAX_PLATFORMS=cpu chooses the CPU and silences '
        'this.'
    )


class Accelerator(NamedTuple):
    """What this machine has beside its CPU.

    Attributes:
      name: 'an NVIDIA GPU' or 'a TPU'.
      where: the device file or the line of nvidia-smi by which it was found.
      platform: its name for JAX: 'cuda' or 'tpu'.
    """

    name: str
    where: str
    platform: str


def accelerator(root: Path = Path('/'), environment: Mapping[str, str] = os.environ) -> Accelerator | None:
    """The accelerator of this machine, whether JAX can use it or not; None if there is none. JAX is not imported.

    An NVIDIA GPU is a device file, or what nvidia-smi lists; a TPU has device files of its own, or those of VFIO beside
    the variables that its machines set. None counts where the environment hides it (CUDA_VISIBLE_DEVICES).

    Args:
      root: where the file system begins.
      environment: the process's variables.
    """
    for name, found, platform in (('an NVIDIA GPU', _nvidia, 'cuda'), ('a TPU', _tpu, 'tpu')):
        where = found(root / 'dev', environment)
        if where:
            return Accelerator(name, where, platform)
    return None


def _nvidia(devices, environment):
    if environment.get('CUDA_VISIBLE_DEVICES', '0') in ('', '-1'):
        return ''
    files = sorted(devices.glob('nvidia[0-9]*'))
    tool = shutil.which('nvidia-smi', path=environment.get('PATH', ''))
    if files or not tool:
        return str(files[0]) if files else ''
    try:
        listed = subprocess.run([tool, '-L'], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return next((line for line in listed.splitlines() if line.startswith('GPU ')), '')


def _tpu(devices, environment):
    files = sorted(devices.glob('accel[0-9]*'))
    if not files and any(name.startswith('TPU_') for name in environment):
        files = sorted(devices.glob('vfio/[0-9]*'))
    return str(files[0]) if files else ''


def trim_heap() -> None:
    """Returns to the system what the C library's heap keeps for nobody: after a step was compiled, about a GiB.

    The next step maps anew what it needs, in some milliseconds.
    """
    if os.environ.get(MALLOC) != '0':
        _in_glibc('malloc_trim', 0)


def _keep_memory() -> None:
    for parameter, value in _MALLOPT.values():
        _in_glibc('mallopt', parameter, value)


def _in_glibc(function, *arguments):
    try:
        found = getattr(ctypes.CDLL('libc.so.6'), function)
    except (OSError, AttributeError):
        return  # another system or another C library: nothing to mend
    found(*arguments)


def decoded_folder() -> Path | None:
    """Where decoded images are kept for the next start; None where the environment turns that off."""
    return _in_cache(DECODED, 'decoded')


def features_folder() -> Path | None:
    """Where features of images are kept for the next measurement; None where the environment turns that off."""
    return _in_cache(FEATURES, 'features')


def _in_cache(variable, name):
    """The folder that an environment variable names, or `name` in the user's cache; None if there is none."""
    if variable in os.environ:
        return _path(os.environ[variable]) if os.environ[variable] else None
    folder = cache_folder()
    return folder and folder / name


def _path(text):
    """A path from the environment, where a `~` is still one if no shell has read it: in Docker's ENV, in YAML."""
    return Path(os.path.expanduser(text))


def cache_folder() -> Path | None:
    """This user's folder for what can be made again: $XDG_CACHE_HOME/gans or ~/.cache/gans; None without a home."""
    if os.environ.get('XDG_CACHE_HOME'):
        return _path(os.environ['XDG_CACHE_HOME']) / 'gans'
    try:
        return Path.home() / '.cache' / 'gans'
    except RuntimeError:  # HOME is not set, and the system does not know the user, as in some containers
        return None


def _takes_programs(folder):
    """Whether the cache of compiled programs can be written; says so if not. JAX would warn once for every program."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        why = '' if os.access(folder, os.W_OK) else 'permission denied'
        if free < _ROOM:
            why = f'{free / 2**20:.0f} MiB are free there'
    except OSError as error:
        why = error.strerror
    if why:
        logging.warning('Compiled programs are not kept in %s (%s): every start compiles. See %s.', folder, why, CACHE)
    return not why
