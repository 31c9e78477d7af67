"""The tab of a run that is used on photos: drop one, paint the hole if there is to be one, compare, download."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gans.app.markup import comparison
from gans.app.photos import PREVIEW, PhotoTool
from gans.app.storage import Storage
from gans.errors import UserError

HOLE = '#ff00c8'  # the brush: a colour that few photos have


def make(page: Any, tool: PhotoTool, storage: Storage, answering: Callable) -> None:
    """Puts the tab's fields into the current place of the page, a Gradio `Blocks`; `answering`: `gans.app.page`."""
    import gradio

    del page, storage  # what other tabs need
    photo, painting, variants, start, compared, choice, download, told = _fields(gradio, tool)
    made = gradio.State(None)  # of this visitor alone
    outputs = [compared, download, choice, made, told]
    empty = ('', gradio.update(value=None, interactive=False))
    nothing = (*empty, gradio.update(visible=False), None)

    def shown(found, place):
        return (
            comparison(found.before, found.after[place], place + 1, len(found.after)),
            gradio.update(value=str(found.results[place]), interactive=True),
        )

    def apply(photo, variants, painting=None):
        if photo is None:
            raise UserError('There is no photo yet: drop one first.')
        found = tool.translate(_still_there(photo), hole(painting), int(variants))
        words = [str(k + 1) for k in range(len(found.results))]
        return (*shown(found, 0), gradio.update(choices=words, value='1', visible=len(words) > 1), found), found.notes

    def choose(found, number):
        _still_there(found.before)
        return shown(found, int(number) - 1), found.notes

    device = dict(concurrency_id='network', concurrency_limit=1, api_visibility='private')
    inputs = [photo, variants, painting] if tool.masked else [photo, variants]
    start.click(answering(nothing, apply), inputs, outputs, **device)
    choice.input(
        answering(empty, choose),
        [made, choice],
        [compared, download, told],
        api_visibility='private',
    )
    if tool.masked:

        def show(photo):
            path = str(tool.show(_still_there(photo)))
            return (*nothing, {'background': path, 'layers': [], 'composite': path}), []  # results were another photo's

        photo.upload(answering((*nothing, None), show), photo, [*outputs[:-1], painting, told], **device)
    else:
        photo.upload(answering(nothing, apply), inputs, outputs, **device)
    emptied = [*outputs, painting] if tool.masked else outputs
    photo.clear(lambda: (*nothing, '', None)[: len(emptied)], None, emptied, api_visibility='private')


def hole(painting: dict[str, Any] | None) -> np.ndarray | None:
    """What was painted in the editor, bool [h, w]: where a layer is rather opaque than not; None for no layer."""
    layers = [np.asarray(layer)[..., 3] > 127 for layer in (painting or {}).get('layers') or [] if layer is not None]
    return np.any(layers, axis=0) if layers else None


def _fields(gradio, tool):
    with gradio.Row():
        with gradio.Column(scale=1, min_width=320):
            photo = gradio.File(label='Photo: drop it here', height=140)
            painting = _editor(gradio) if tool.masked else None
            variants = gradio.Slider(
                1, max(2, tool.variants), value=1, step=1, label='How many variants', visible=tool.variants > 1
            )
            start = gradio.Button('Fill what is painted' if tool.masked else 'Apply', variant='primary')
        with gradio.Column(scale=1 if tool.masked else 2, min_width=320):
            compared = gradio.HTML()
            choice = gradio.Radio([], label='Variant', visible=False)
            download = gradio.DownloadButton('Download at full size', interactive=False)
    told = gradio.HTML('', label='Notes')
    return photo, painting, variants, start, compared, choice, download, told


def _editor(gradio):
    return gradio.ImageEditor(
        label='Paint the hole',
        type='numpy',
        sources=(),
        transforms=(),
        layers=False,
        brush=gradio.Brush(colors=[HOLE], color_mode='fixed'),
        canvas_size=(PREVIEW, PREVIEW),
        height=520,
        format='png',
        buttons=['fullscreen'],
    )


def _still_there(photo):
    if not Path(photo).is_file():
        raise UserError('The photo was removed, since it was an hour old: drop it again.')
    return Path(photo)
