"""Eight fake devices, a compiler that does not optimise, and one cache of programs for all tests and their children."""

import gc
import importlib
import json
import math
import os
import pkgutil
import re
import sys
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path

# Compiling is most of what the tests do. Without LLVM's optimisations it takes about half the time, without the newer
# of XLA's two generators of code a third of that, and in one piece, as both cores are busy anyway, four fifths of that.
# XLA ends the process at a flag that it does not know.
XLA_FLAGS = ['--xla_backend_optimization_level=0', '--xla_llvm_disable_expensive_passes=true']
XLA_FLAGS.append('--xla_cpu_parallel_codegen_split_count=1')
if version('jaxlib').startswith('0.10.'):
    XLA_FLAGS.append('--xla_cpu_use_fusion_emitters=false')
os.environ['XLA_FLAGS'] = ' '.join(XLA_FLAGS)
os.environ['GANS_XLA_FLAGS'] = '0'
os.environ['OPENBLAS_NUM_THREADS'] = '1'  # of NumPy: threads that wait spinning take the time of the other tests
CACHE = os.environ.setdefault('GANS_CACHE', str(Path(__file__).parent.parent / '.pytest_cache' / 'compiled'))

os.environ['GANS_DECODED'] = os.environ['GANS_FEATURES'] = ''  # tests leave nothing in the user's folders

import jax  # noqa: E402
import pytest  # noqa: E402
from watch import pytest_configure  # noqa: E402, F401

from gans.core import build, programs  # noqa: E402
from gans.core.newest import Newest  # noqa: E402
from gans.data.sources import embedded  # noqa: E402

# Tracing makes millions of objects that live as long as the process: looking for garbage among them as often as Python
# does by default takes a sixth of the time.
gc.set_threshold(50_000, 20, 20)

# The files that take longest, the longest first, so that both processes are busy to the end.
LONG = 'acceptance_docs acceptance_data multihost train evaluate_command reproduce_faces notebooks parallel resume'
LONG += ' reproduce_thesis sweep train_step progressive recorder signals reproduce_progressive extending app_page'
LONG += ' reproduce families_in_the_step least reproduce_birds files_of_others families printing report history'

jax.config.update('jax_num_cpu_devices', 8)
jax.config.update('jax_compilation_cache_dir', CACHE)
jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)
jax.config.update('jax_traceback_in_locations_limit', 1)  # of where an operation was called, one line will do


def pytest_collection_modifyitems(items):
    """Orders the files; pytest-xdist gives them away in this order (`--no-loadscope-reorder`)."""
    places = {f'test_{name}': place for place, name in enumerate(LONG.split())}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))
    gc.collect()
    gc.freeze()  # what is imported stays: looking through it again and again finds no garbage


_NO_PART_OF_A_GAME = 'seed name data log checkpoint steps steps_per_call devices parallel'.split()
_TRACED = re.compile(r'jax\b|gans\.(nn|core|losses|networks|objectives|tasks|types|image\.ops)\b')
_build, _games = build.build, {}


def _build_once(config, images):
    """One game for all equal configs, whose programs are traced once; seeds, data and devices are no part of it.

    Steps and the number of images are where schedules count in fractions of training or in epochs. What is somebody's
    own code, named by its path with dots, may be another in the next test.
    """
    sections = {name: value for name, value in config.to_dict().items() if name not in _NO_PART_OF_A_GAME}
    text = json.dumps(sections, default=repr)
    clock = (config.steps if '"at":' in text else None, images if '"epoch"' in text else None)
    name = f'{text} {clock}'
    if re.search(r'"\w+(\.\w+)+"', name):
        return _build(config, images)
    if name not in _games:
        _games[name] = _build(config, images)
    return _games[name]


build.build = _build_once
_draw = embedded.Flowers.__getitem__


@lru_cache(5000)
def _drawn(*flowers_and_place):
    *flowers, i = flowers_and_place
    image = _draw(embedded.Flowers(*flowers), i)
    image.flags.writeable = False  # it is everybody's
    return image


def _draw_once(flowers, i):
    """A small embedded image is drawn once for all tests of a process: drawing took a fifth of those that train."""
    small = math.prod(flowers.shape) <= 64 * 64
    return _drawn(flowers.shape, flowers.seed, flowers.count, int(i)) if small else _draw(flowers, i)


embedded.Flowers.__getitem__ = _draw_once
programs._kept = Newest(12)  # small ones: a file plays many, one after the other and again


def _forget_games():
    _games.clear()
    programs.forget()


class _Patching(pytest.MonkeyPatch):
    """pytest's own, but that programs which were traced with other code than the project's serve nothing else."""

    traced = False

    def setattr(self, target, *rest, **keywords):
        super().setattr(target, *rest, **keywords)
        names = [target] if isinstance(target, str) else [getattr(target, n, '') for n in ('__module__', '__name__')]
        if any(_TRACED.match(f'{name}') for name in names):
            self.traced = True
            _forget_games()

    def undo(self):
        super().undo()
        if self.traced:
            _forget_games()


@pytest.fixture
def monkeypatch():
    with _Patching.context() as patching:
        yield patching


@pytest.fixture(scope='module', autouse=True)
def programs_and_modules_end_with_their_file(tmp_path_factory):
    """Forgets the programs of a file of tests behind it, which take gigabytes, and the modules that it has written."""
    yield
    _forget_games()
    jax.clear_caches()
    written = str(tmp_path_factory.getbasetemp())
    for name, module in list(sys.modules.items()):
        if str(getattr(module, '__file__', None) or '').startswith(written):
            del sys.modules[name]


@pytest.fixture
def forms_of_accelerators(monkeypatch):
    """Convolutions as a GPU gets them: some of the CPU's forms multiply by zeros on purpose, being faster so."""
    from gans.nn import conv, conv_transpose, resample

    choose, choose_transposed = conv.choose, conv_transpose.choose_transposed
    monkeypatch.setattr(conv, 'choose', lambda *shapes: choose(*shapes[:-1], 'gpu'))
    monkeypatch.setattr(conv_transpose, 'choose_transposed', lambda *shapes: choose_transposed(*shapes[:-1], 'gpu'))
    monkeypatch.setattr(resample, 'by_matrix', lambda *shapes: False)


@pytest.fixture
def as_shipped(monkeypatch):
    """Programs of `jax.jit` with the code that training has: tests that compare rounding need its sums."""
    if '--xla_cpu_use_fusion_emitters=false' in XLA_FLAGS:
        import gans

        for module in pkgutil.walk_packages(gans.__path__, 'gans.'):  # or decorators would meet another `jax.jit`
            importlib.import_module(module.name)
        monkeypatch.setattr(jax, 'jit', partial(jax.jit, compiler_options={'xla_cpu_use_fusion_emitters': True}))


@pytest.fixture
def tiny():
    """Loads the tiny variant of a config, on one device and ready to be changed."""
    from gans.config.load import load

    def load_tiny(config_file: str, **changes):
        config = load(f'{config_file}:tiny').unlock()
        config.devices = 1
        config.update_from_flattened_dict(changes)
        return config

    return load_tiny
