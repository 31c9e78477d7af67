"""HTML files that are whole in themselves: style, script, images and data are inside, and nothing is requested.

A document NAME is made of `frame.html`, in it `NAME.html`, where `{{word}}` stands for a text, of `base.css` and
`NAME.css`, and of the scripts and further styles that it names; those in `vendor/` were written by others. It loads
nothing from anywhere: its Content Security Policy forbids it, and lets only this style and these scripts run, by their
digests.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from gans.web.elements import as_html

DATA = 'data'  # the id of the element that holds the data as JSON


def document(name: str, scripts: Sequence[str], texts: Mapping[str, str], data: Any, styles: Sequence[str] = ()) -> str:
    """An HTML file.

    Args:
      name: of its template and its style.
      scripts: names of the scripts, in the order in which they run; one block of code together: 'vendor/uplot'.
      texts: {word: text} for the template. Whatever a text holds, it is shown and not obeyed, unless it is `Html`.
      data: for the scripts, as JSON in the element `data`.
      styles: names of further styles, which come between `base.css` and that of the document.

    Returns:
      the text of the file.

    Raises:
      KeyError: the template has a word without a text, or there is a text without its word.
    """
    style = ''.join(_read(f'{part}.css') for part in ('base', *styles, name))
    script = ''.join(_read(f'{part}.js') for part in scripts)
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    template = _read('frame.html').replace('{{document}}', _read(f'{name}.html'))
    blocks = {
        'name': name,
        'policy': html.escape(policy),
        'style': f'<style>{style}</style>',
        'data': f'<script type="application/json" id="{DATA}">{as_json(data)}</script>',
        'script': f'<script>{script}</script>',
    }
    words = set(re.findall(r'{{(\w+)}}', template))
    if words != {*blocks, *texts}:
        raise KeyError(f'{name}.html has the words {sorted(words)}, and was given {sorted({*blocks, *texts})}')
    filled = blocks | {word: as_html(text) for word, text in texts.items()}
    return re.sub(r'{{(\w+)}}', lambda found: filled[found[1]], template)


def as_json(value: Any) -> str:
    """JSON in ASCII that may stand inside a script element: nothing in it can end the element or open a comment."""
    escapes = {character: f'\\u{ord(character):04x}' for character in '<>&'}
    return json.dumps(value, allow_nan=False).translate(str.maketrans(escapes))


def data_uri(content: bytes, kind: str = 'image/png') -> str:
    """A file inside of a document: what an <img> takes as its address."""
    return f'data:{kind};base64,{base64.b64encode(content).decode()}'


def _read(name: str) -> str:
    return (resources.files('gans.web') / name).read_text(encoding='utf-8')


def _digest(text: str) -> str:
    """What the policy calls an inline style or script."""
    return f'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'
