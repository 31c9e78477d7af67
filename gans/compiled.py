"""The cache of compiled programs mends itself.

JAX writes an entry where it will stay, and never again: what a full disk or a killed process leaves of one is compiled
anew at every start, with a warning each time. `mend` removes such an entry, and the program compiled next is kept.
"""

import builtins
import contextlib
import logging
import re
import warnings
from pathlib import Path

_FAILED = r"Error (reading|writing) persistent compilation cache entry for '(?P<name>.+?)': (?P<error>\w+): (?P<why>.*)"
_WORDS = {
    'reading': 'Compiled programs in {} cannot be read, as a full disk or a killed process leaves them: '
    'they are compiled anew.',
    'writing': 'Compiled programs are not kept in {} ({}): the next start compiles them again.',
}


def mend() -> None:
    """From now on answers JAX's warnings about its cache: removes the entry, and says one sentence of each kind."""
    if getattr(warnings.showwarning, 'mends', False):
        return
    warnings.filterwarnings('always', message='Error (reading|writing) persistent compilation cache entry')
    show, told = warnings.showwarning, set()

    def answer(message, *rest, **named):
        import jax

        found, folder = re.match(_FAILED, str(message), re.DOTALL), jax.config.jax_compilation_cache_dir
        if not found or not folder:
            return show(message, *rest, **named)
        way, by_system = found[1], issubclass(getattr(builtins, found['error'], Exception), OSError)
        with contextlib.suppress(OSError):  # a folder that is read-only by now: a warning must not end the training
            remove(Path(folder), found['name'], sound_ones_stay=by_system or way == 'writing')
        if way not in told:
            told.add(way)
            logging.warning(_WORDS[way].format(folder, found['why']))

    answer.mends = True
    warnings.showwarning = answer


def remove(folder: Path, name: str, sound_ones_stay: bool) -> None:
    """Removes the entries of a program that cannot be unpacked.

    Args:
      folder: the cache.
      name: the program's, as JAX begins the names of its files: 'jit_train_step'.
      sound_ones_stay: False removes all its entries where each can be unpacked: one of them is damaged all the same.

    Raises OSError where an entry cannot be removed.
    """
    entries = list(folder.glob(f'{name}-*-cache'))
    damaged = [entry for entry in entries if not _unpacks(entry)]
    for entry in damaged or ([] if sound_ones_stay else entries):
        entry.unlink(missing_ok=True)


def _unpacks(entry):
    import zstandard

    try:
        zstandard.ZstdDecompressor().decompress(entry.read_bytes())
    except zstandard.ZstdError:
        return False
    except OSError:  # the system's fault, or another process has removed it
        return True
    return True
