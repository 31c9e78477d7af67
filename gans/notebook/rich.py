"""Images as outputs of cells, with their text alternatives."""

import base64
from collections.abc import Callable

import numpy as np

from gans.image.files import png


def put(image: np.ndarray | bytes, alt: str, kind: str = 'png') -> None:
    """Adds an image to the output of the cell that runs now.

    Args:
      image: uint8 [H, W, 3], or the bytes of a file.
      alt: what it shows, for those who do not see it.
      kind: of the bytes: 'png' or 'gif'.
    """
    from IPython.display import display

    data, metadata = _bundle(image, alt, kind)
    display(data, raw=True, metadata=metadata)


class Place:
    """A place in the output of the cell that runs now, whose content is replaced."""

    def __init__(self):
        from IPython.display import DisplayHandle

        self._handle, self._begun = DisplayHandle(), False

    def text(self, text: str) -> None:
        """Shows text."""
        self._show({'text/plain': text}, {})

    def image(self, image: np.ndarray, alt: str) -> None:
        """Shows an image, uint8 [H, W, 3]."""
        self._show(*_bundle(image, alt, 'png'))

    def _show(self, data, metadata):
        show: Callable = self._handle.update if self._begun else self._handle.display
        show(data, raw=True, metadata=metadata)
        self._begun = True


def _bundle(image, alt, kind):
    data = image if isinstance(image, bytes) else png(image)
    form = f'image/{kind}'
    return {form: base64.b64encode(data).decode(), 'text/plain': alt}, {form: {'alt': alt}}
