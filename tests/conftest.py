"""Eight fake devices, one cache of compiled programs for all tests and their child processes."""

import os
from pathlib import Path

import jax
import pytest

CACHE = os.environ.setdefault('GANS_CACHE', str(Path(__file__).parent.parent / '.pytest_cache' / 'compiled'))

jax.config.update('jax_num_cpu_devices', 8)
jax.config.update('jax_compilation_cache_dir', CACHE)
jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.2)


@pytest.fixture
def tiny():
    """Loads the tiny reading of a page, on one device and ready to be changed."""
    from gans.config import load

    def load_tiny(name: str):
        config = load(f'configs/{name}.py:tiny').unlock()
        config.devices = 1
        return config

    return load_tiny
