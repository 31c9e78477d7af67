"""What a run warns of and tells, in its `log.txt`."""

import contextlib
import logging
import sys
from pathlib import Path

from gans.printing import Formatter


class LogFile(logging.FileHandler):
    """Warnings and messages of a run in its `log.txt`, from the opening to the closing; the screen has them too.

    `failed` is the OSError of the last line that could not be written, if there was one: it may come from any thread,
    and only the main one can end the run for it.
    """

    def __init__(self, folder: str | Path):
        """Opens the file, and adds itself to the root logger. Raises OSError."""
        self.path = Path(folder) / 'log.txt'
        super().__init__(self.path, encoding='utf-8', errors='backslashreplace')
        self.failed: OSError | None = None
        self.setFormatter(Formatter('%(asctime)s %(message)s', '%Y-%m-%d %H:%M:%S'))
        logging.getLogger().addHandler(self)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Keeps the error, where logging would print a traceback."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif self.failed is None:
            self.failed = error

    def close(self) -> None:
        """Takes itself from the root logger and closes the file. What could not be written was noted when it came."""
        logging.getLogger().removeHandler(self)
        with contextlib.suppress(OSError):
            super().close()
