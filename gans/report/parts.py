"""What all parts of a report are made of: headings, commands, images, values."""

from typing import Any

from gans.data.files import printable
from gans.report.images import Inlined
from gans.web.elements import Html, element, scrolling

_WIDEST = 720  # pixels that an image is magnified to by a whole factor


def section(title: str, *inside: Html, name: str = '') -> Html:
    """A part with its heading; `name` is the anchor."""
    name = name or title.lower().replace(' ', '-')
    return element(
        'section', element('h2', title, id=f'{name}-title'), *inside, id=name, aria_labelledby=f'{name}-title'
    )


def command(text: str) -> Html:
    """A command to copy."""
    return scrolling(element('code', printable(text), class_='command'), 'A command')


def short_value(value: Any) -> str:
    """A value of a config for a table: numbers with six digits."""
    if isinstance(value, list):
        return f'[{", ".join(map(short_value, value))}]'
    return f'{value:.6g}' if isinstance(value, float) else printable(f'{value}')


def image_element(image: Inlined, alt: str, widest: int = _WIDEST, **attributes: Any) -> Html:
    """An <img> at a whole multiple of its size, if it is small."""
    factor = max(1, widest // image.width)
    return element(
        'img', src=image.uri, alt=alt, width=image.width * factor, height=image.height * factor, **attributes
    )
