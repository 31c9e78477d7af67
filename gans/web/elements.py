"""HTML elements as text, in which every other text is escaped: what a file is called can end no element."""

import html
from collections.abc import Iterable, Sequence
from typing import Any

_EMPTY = ('img', 'input', 'br', 'col')  # elements without an end


class Html(str):
    """A text that is HTML already, made by `element`."""


def as_html(text: Any) -> Html:
    """The text as HTML that shows it; what is HTML stays as it is."""
    return text if isinstance(text, Html) else Html(html.escape(str(text)))


def joined(parts: Iterable[Any], between: str = '') -> Html:
    """Texts and elements, one after the other."""
    return Html(between.join(as_html(part) for part in parts))


def element(name: str, *children: Any, **attributes: Any) -> Html:
    """An element.

    Args:
      name: its tag.
      children: elements, and texts to be shown.
      attributes: `class_='x'` is class="x", `aria_label` aria-label; True is an attribute without a value, and None or
        False none at all.
    """
    given = {key.rstrip('_').replace('_', '-'): value for key, value in attributes.items()}
    written = ''.join(
        f' {key}' if value is True else f' {key}="{html.escape(str(value))}"'
        for key, value in given.items()
        if value is not None and value is not False
    )
    return Html(f'<{name}{written}>' if name in _EMPTY else f'<{name}{written}>{joined(children)}</{name}>')


def table(columns: Sequence[Any], rows: Iterable[Sequence[Any]], label: str, **attributes: Any) -> Html:
    """A table with a heading for each column and row, which scrolls by itself where it is too wide.

    Args:
      columns: the headings.
      rows: of as many cells, the first the row's heading; elements or texts.
      label: what the table is, for those who hear it.
      attributes: of the table.
    """
    head = element('tr', *(element('th', column, scope='col') for column in columns))
    body = (
        element('tr', element('th', first, scope='row'), *(element('td', cell) for cell in rest))
        for first, *rest in rows
    )
    made = element('table', element('thead', head), element('tbody', *body), **attributes)
    return scrolling(made, label)


def scrolling(inside: Html, label: str) -> Html:
    """A region that scrolls by itself, by keyboard too."""
    return element('div', inside, class_='scrolls', tabindex='0', role='region', aria_label=label)


def folded(summary: Any, *inside: Any, **attributes: Any) -> Html:
    """What is shown when its summary is chosen."""
    return element('details', element('summary', summary), *inside, **attributes)
