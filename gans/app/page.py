"""The page: a tab for each run, in Gradio; what a tab does is in `photos` and `latents`."""

import contextlib
import functools
import html
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gans.app import latent_tab, markup, photo_tab
from gans.app.latents import LatentTool
from gans.app.limits import MOST_WAITING, Limits
from gans.app.photos import PhotoTool
from gans.app.storage import Storage
from gans.errors import UserError
from gans.printing import say

TITLE = 'Image GANs'
CSS = (
    markup.CSS
    + """
.samples .grid-wrap { max-height: none; }
.samples .grid-container { grid-template-columns: repeat(4, minmax(0, 1fr)) !important; }
@media (max-width: 640px) {
  .samples .caption-label { max-width: 100% !important; padding: 0 2px !important; font-size: 11px !important; }
}
.dark { --color-accent: var(--primary-300); }
"""
)


def build(tools: Sequence[PhotoTool | LatentTool], storage: Storage, limits: Limits) -> Any:
    """The page as Gradio's `Blocks`, with a queue. Requests of all visitors use the networks one at a time."""
    import gradio

    with gradio.Blocks(title=TITLE, analytics_enabled=False) as page:
        gradio.Markdown(f'# {TITLE}')
        several = len(tools) > 1
        with gradio.Tabs() if several else contextlib.nullcontext():
            for tool, title in zip(tools, titles([tool.folder for tool in tools]), strict=True):
                with gradio.Tab(title) if several else contextlib.nullcontext():
                    what = html.escape(f'Run {title}, task {tool.task}, step {tool.step}.')
                    gradio.HTML(f'<p>{what}</p>')
                    make = photo_tab.make if isinstance(tool, PhotoTool) else latent_tab.make
                    make(page, tool, storage, functools.partial(answering, storage.folder))
        gradio.HTML(f'<p>{_small_print(limits)}</p>')
    return page.queue(max_size=MOST_WAITING, api_open=False, default_concurrency_limit=1)


def titles(folders: Sequence[Path]) -> list[str]:
    """A name for each run folder: its own, with as much of its path before it as tells it from the others."""
    paths = [folder.resolve() for folder in folders]
    parts, found = [path.parts for path in paths], []
    for path in parts:
        length = 1
        while length < len(path) and sum(other[-length:] == path[-length:] for other in parts) > 1:
            length += 1
        found.append('/'.join(path[-length:]))
    return found


def answering(folder: Path, nothing: Sequence[Any], function: Callable) -> Callable:
    """A function for an event of the page, whose last output is a note: whatever fails is a sentence there.

    Args:
      folder: of temporary files, which sentences must not name.
      nothing: the other outputs if it fails.
      function: inputs -> (outputs, sentences).
    """

    @functools.wraps(function)
    def answer(*inputs):
        try:
            outputs, sentences = function(*inputs)
            return *outputs, markup.note([plain(sentence, folder) for sentence in sentences])
        except UserError as error:
            return *nothing, markup.problem(plain(str(error), folder))
        except Exception:
            say(traceback.format_exc(), sys.stderr)
            return *nothing, markup.problem('This failed, and not by your fault: the terminal of the server says how.')

    return answer


def plain(sentence: str, folder: Path) -> str:
    """A sentence without the places of temporary files: a visitor knows their names."""
    return re.sub(rf"{re.escape(str(folder))}/(?:[^'/]*/)*", '', sentence)


def _small_print(limits):
    return (
        f'Photos have at most {limits.megabytes} MiB and {limits.megapixels} million pixels; a request has '
        f'{limits.seconds} seconds. Uploads and results stay on this computer, and are removed after an hour or when '
        'the page is closed down.'
    )
