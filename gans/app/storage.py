"""The temporary folder of the page: uploads and results, each in a folder whose name cannot be guessed."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gans.data.eviction import make_room

AGE = 3600  # seconds that a file is kept
MOST = 4 * 2**30  # bytes of all files; the oldest go first


class Storage:
    """Where files of requests are."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time):
        self.folder, self._clock = folder, clock

    def new(self) -> Path:
        """A new empty folder; what has become too old, or too much, is removed first."""
        files = [path for path in self.folder.rglob('*') if path.is_file()]
        for path in files:
            with contextlib.suppress(OSError):  # another request has removed it
                if self._clock() - path.stat().st_mtime > AGE:
                    path.unlink()
        make_room(files, 0, MOST)
        return Path(tempfile.mkdtemp(dir=self.folder))


@contextlib.contextmanager
def temporary() -> Iterator[Storage]:
    """A storage that is gone at the end of the block, however it ends."""
    folder = Path(tempfile.mkdtemp(prefix='gans-app-'))
    try:
        yield Storage(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
