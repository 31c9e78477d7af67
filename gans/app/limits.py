"""What the web page takes and how long it works: sizes and kinds of uploads, numbers of results, seconds."""

import contextlib
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from gans.errors import UserError
from gans.inference.image_files import shown

KINDS = ('PNG', 'JPEG', 'WEBP', 'TIFF', 'BMP', 'GIF', 'PPM')  # Pillow's names; its other readers are never called
MOST_VARIANTS = 8
MOST_WAITING = 32  # requests in the queue; one more is told to come back


class Limits(NamedTuple):
    """The flags of the verb.

    Attributes:
      megabytes: of an upload, in units of 2**20 bytes.
      megapixels: of a photo, in units of 10**6 pixels.
      seconds: that one request may wait for the network, and then use it.
    """

    megabytes: int = 32
    megapixels: int = 40
    seconds: int = 120

    def check(self) -> None:
        """Raises UserError for a limit that lets nothing through."""
        for name, value in self._asdict().items():
            if value < 1:
                raise UserError(f'--max_{name}={value} lets nothing through: give at least 1.')


def check_photo(path: Path, limits: Limits) -> None:
    """Looks at the header of an uploaded file, without decoding it.

    Raises:
      UserError: it is too large, is no image of one of the `KINDS`, or has too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    name, size = shown(path.name), path.stat().st_size
    if size > limits.megabytes * 2**20:
        raise UserError(
            f"'{name}' has {size / 2**20:.1f} MiB, and at most {limits.megabytes} are taken: make it smaller."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            with Image.open(path, formats=KINDS) as image:
                width, height = image.size
    except UnidentifiedImageError as error:
        raise UserError(f"'{name}' is no image that can be read here: give a {_either(KINDS)} file.") from error
    except Image.DecompressionBombError as error:
        raise UserError(f"'{name}' has more than {limits.megapixels} million pixels: make it smaller.") from error
    except Exception as error:  # a header can break a decoder in any way
        raise UserError(f"'{name}' is damaged ({type(error).__name__}): give another file.") from error
    if width * height > limits.megapixels * 10**6:
        raise UserError(
            f"'{name}' has {width} x {height} pixels, and at most {limits.megapixels} million are taken: make it "
            'smaller.'
        )


class Turns:
    """The network is used by one request at a time, each for a limited time."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic):
        self._seconds, self._clock = seconds, clock
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def turn(self) -> Iterator[Callable[[], None]]:
        """Waits for its turn. Yields a function to call between the parts of the work: it raises when time is up.

        Raises:
          UserError: the turn did not come in time, or was over.
        """
        if not self._lock.acquire(timeout=self._seconds):
            raise UserError(f'Others have used the network for {self._seconds} seconds: try again.')
        end = self._clock() + self._seconds

        def check() -> None:
            if self._clock() > end:
                raise UserError(
                    f'This took more than {self._seconds} seconds and was broken off: take a smaller photo or fewer '
                    'results, or start the page with a larger --max_seconds.'
                )

        try:
            yield check
        finally:
            self._lock.release()


def _either(names):
    return f'{", ".join(names[:-1])} or {names[-1]}'
