"""What TensorBoard reads of a run, written at once: no queue and no thread that could die of a full disk and block.

A file of events is a row of records: length, its checksum, an `Event` message, its checksum (TFRecord). Format and
messages are those of tensorboardX.
"""

import contextlib
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gans.errors import naming

_PREFIX = 'events.out.tfevents.'


class Events:
    """A new file of events in a run's folder. Its methods raise OSError, which names the file."""

    def __init__(self, folder: Path, step: int):
        """Opens it; what earlier files hold of steps after `step`, all of them if it is 0, is declared void.

        Raises:
          OSError: the folder or the file cannot be made.
        """
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        self._event = Event
        folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads the files in the order of their names: two of one second, or a clock that was set back, must
        # not change it.
        stamps = [path.name.removeprefix(_PREFIX)[:10] for path in folder.glob(f'{_PREFIX}*')]
        last = max((int(stamp) for stamp in stamps if stamp.isdigit()), default=0)
        self.path = folder / f'{_PREFIX}{max(int(time.time()), last + 1):010d}.{socket.gethostname()}'
        self._file = open(self.path, 'xb')
        try:
            self._write(file_version='brain.Event:2')
            if stamps:
                self._write(step=step + 1 if step else 0, session_log=SessionLog(status=SessionLog.START))
        except BaseException:
            with contextlib.suppress(OSError):  # closing tries to write the same once more
                self._file.close()
            raise

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Writes numbers by their names."""
        from tensorboardX.summary import scalar

        for name, value in values.items():
            self._write(step=step, summary=scalar(name, value))

    def image(self, step: int, name: str, array: np.ndarray) -> None:
        """Writes an image, uint8 [H, W, 3]."""
        from tensorboardX.summary import image

        self._write(step=step, summary=image(name, array, dataformats='HWC'))

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _write(self, **fields):
        from tensorboardX.record_writer import masked_crc32c

        record = self._event(wall_time=time.time(), **fields).SerializeToString()
        length = struct.pack('<Q', len(record))
        checks = (struct.pack('<I', masked_crc32c(part)) for part in (length, record))
        with naming(self.path):
            self._file.write(length + next(checks) + record + next(checks))
            self._file.flush()
