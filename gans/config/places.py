"""Places on this machine, and addresses that look like them."""

import os
import re

from gans.errors import UserError

# 'gs://bucket/run' as text. pathlib makes one slash of two, and would write into a folder called 'gs:'.
_ADDRESS, _COLLAPSED = re.compile(r'[A-Za-z][A-Za-z0-9+.-]+://'), re.compile(r'[A-Za-z][A-Za-z0-9+.-]+:/')


def check_local(place: str | os.PathLike, where: str = '') -> None:
    """Refuses an address in the place of a file or a folder: gs://, s3://, memory://, https:// and all others.

    Args:
      place: a path as a user gave it, as text or as a `Path`.
      where: from where it is, for the message: '--workdir'.

    Raises:
      UserError: it is an address.
    """
    text = os.fspath(place)
    found = (_ADDRESS if isinstance(place, str) else _COLLAPSED).match(text)
    if found:
        given = f'{where}={text:.1000}' if where else f"'{text:.1000}'"
        raise UserError(
            f'{given} is an address, and only files and folders of this machine can be used: copy what is there, or '
            'mount it (a bucket for example with gcsfuse, Google Drive in Colab), and give its path.'
        )
