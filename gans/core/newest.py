"""A bounded cache: what was used last stays, and what was made for it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Made = TypeVar('Made')


class Newest:
    """What was used last, by a key, up to a total weight. The very last is kept whatever it weighs."""

    def __init__(self, most: float):
        self._most = most
        self._entries = OrderedDict()  # key: (what was made, its weight, {name: what was made once for it})

    def get(self, key: Hashable, make: Callable[[], Made], weigh: Callable[[Made], float] = lambda made: 1) -> Made:
        """What `make` returns, or has returned for this key."""
        if key not in self._entries:
            made = make()
            self._entries[key] = (made, weigh(made), {})
            while len(self._entries) > 1 and sum(weight for _, weight, _ in self._entries.values()) > self._most:
                self._entries.popitem(last=False)
        self._entries.move_to_end(key)
        return self._entries[key][0]

    def clear(self) -> None:
        """Keeps nothing any more."""
        self._entries.clear()

    def beside(self, owner: Any) -> dict | None:
        """The dict that is kept with `owner`, for what is made once for this object; None if `owner` is not kept."""
        return next((once for made, _, once in self._entries.values() if made is owner), None)
