"""What can go wrong and is said in one sentence; `main.py` prints it and exits with `code`."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can mend: the message says what, where and what to do."""

    code = 2


class Failure(Exception):
    """Something that is nobody's typing: training diverged, say. The message says what was kept."""

    code = 3


def closest(word: str, options: Iterable[str]) -> str:
    """Returns " (did you mean 'x'?)" for the option nearest to `word`, or "" if none is near."""
    near = difflib.get_close_matches(word, list(options), n=1, cutoff=0.5)
    return f" (did you mean '{near[0]}'?)" if near else ''
