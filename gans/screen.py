"""The screen of a run: what can go wrong with it is no reason to lose the run."""

import contextlib
import os
import sys


def tell(line: str) -> None:
    """Prints a line for people; a terminal that is gone, a pipe without a reader, a full disk end only these lines."""
    with contextlib.suppress(OSError):
        print(line)
    flush()


def flush() -> None:
    """Writes out what was printed; an output that takes no more is given up for good."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            # What is left in the buffer would fail again at the end of the process.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
