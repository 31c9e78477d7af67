"""Eight fake devices, a compiler that does not optimise, and one cache of programs for all tests and their children."""

import gc
import importlib
import os
import pkgutil
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

# Compiling is most of what the tests do. Without LLVM's optimisations it takes about half the time, and without the
# newer of XLA's two generators of code a third of that; XLA ends the process at a flag that it does not know.
XLA_FLAGS = ['--xla_backend_optimization_level=0', '--xla_llvm_disable_expensive_passes=true']
if version('jaxlib').startswith('0.10.'):
    XLA_FLAGS.append('--xla_cpu_use_fusion_emitters=false')
os.environ['XLA_FLAGS'] = ' '.join(XLA_FLAGS)
os.environ['GANS_XLA_FLAGS'] = '0'
CACHE = os.environ.setdefault('GANS_CACHE', str(Path(__file__).parent.parent / '.pytest_cache' / 'compiled'))

os.environ['GANS_DECODED'] = os.environ['GANS_FEATURES'] = ''  # tests leave nothing in the user's folders

import jax  # noqa: E402
import pytest  # noqa: E402
from watch import pytest_configure  # noqa: E402, F401

# Tracing makes millions of objects that live as long as the process: looking for garbage among them as often as Python
# does by default takes a sixth of the time.
gc.set_threshold(20_000, 20, 20)

jax.config.update('jax_num_cpu_devices', 8)
jax.config.update('jax_compilation_cache_dir', CACHE)
jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)


@pytest.fixture(scope='module', autouse=True)
def programs_and_modules_end_with_their_file(tmp_path_factory):
    """Forgets the programs of a file of tests behind it, which take gigabytes, and the modules that it has written."""
    yield
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
