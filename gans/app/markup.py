"""HTML of the page: images with a text for those who do not see them, a comparison, sentences."""

import html
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

CSS = """
.problem { border-left: 4px solid #c02020; padding: 0.5em 0.8em; }
.note { border-left: 4px solid #808080; padding: 0.5em 0.8em; }
.shown { width: 100%; max-width: 512px; }
.strip { width: 100%; }
.compared > div { display: grid; position: relative; width: fit-content; margin: auto; }
.compared img { grid-area: 1 / 1; max-width: 100%; max-height: 70vh; }
.compared img + img { clip-path: inset(0 0 0 var(--at)); }
.compared > div::after {
  content: ''; position: absolute; inset: 0 auto 0 var(--at); border-left: 2px solid white; outline: 1px solid black;
}
.compared label { display: flex; gap: 0.8em; align-items: center; margin-top: 0.5em; }
.compared input { flex: 1; min-width: 0; min-height: 1.5em; accent-color: var(--color-accent); }
"""


def image(path: Path, alternative: str, kind: str = 'shown') -> str:
    """HTML that shows a file of the storage, with a text for those who do not see it; `kind` is a class of `CSS`."""
    address = html.escape(f'/gradio_api/file={quote(str(path))}')
    return f'<img class="{kind}" src="{address}" alt="{html.escape(alternative)}">'


def comparison(before: Path, after: Path, number: int, count: int) -> str:
    """HTML with two images of one size over each other, and a slider, for mouse, finger and keys, that parts them.

    Args:
      before: a file of the storage.
      after: another one: of its results the one with this number, from 1.
      number: see there.
      count: how many results there are.
    """
    what = 'The result' if count == 1 else f'Variant {number} of {count}'
    return (
        f'<div class="compared" style="--at: 50%"><div>{image(before, "The photo as it was dropped.", "before")}'
        f'{image(after, f"{what}.", "after")}</div><label>Before <input type="range" min="0" max="100" value="50" '
        'aria-label="How much of the photo before is shown, from the left, in percent" '
        """oninput="this.closest('.compared').style.setProperty('--at', this.value + '%')"> After</label></div>"""
    )


def problem(sentence: str) -> str:
    """HTML that says what went wrong, and is read out at once."""
    return f'<p class="problem" role="alert">{html.escape(sentence)}</p>'


def note(sentences: Sequence[str]) -> str:
    """HTML with sentences about a result; '' for none."""
    return f'<p class="note" role="status">{html.escape(" ".join(sentences))}</p>' if sentences else ''
