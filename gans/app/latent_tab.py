"""The tab of a generator from noise: samples, walks, sliders along principal directions, named edits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gans.app.latents import COUNT, MOST_FRAMES, REACH, LatentTool, as_edit, as_seed, as_seeds, keep, seed_after
from gans.app.markup import image
from gans.app.storage import Storage
from gans.image.files import save_gif, save_png, write_whole
from gans.image.grids import grid
from gans.latent.edits import edits_text

_DEVICE = dict(concurrency_id='network', concurrency_limit=1, api_visibility='private')
_COLUMNS = 8  # of the images of a walk


def make(page: Any, tool: LatentTool, storage: Storage, answering: Callable) -> None:
    """Puts the tab's fields into the current place of the page, a Gradio `Blocks`; `answering`: `gans.app.page`."""
    import gradio

    with gradio.Tabs():
        with gradio.Tab('Samples'):
            drawn = _samples(gradio, tool, storage, answering)
        with gradio.Tab('Walk'):
            _walk(gradio, tool, storage, answering)
        with gradio.Tab('Directions'):
            moved = _directions(gradio, tool, storage, answering)
    for function, inputs, outputs in (drawn, moved):  # as soon as the page is open there is something to see
        page.load(function, inputs, outputs, **_DEVICE)


def _offer(gradio, path):
    return gradio.update(value=str(path), interactive=True)


def _samples(gradio, tool, storage, answering):
    with gradio.Row():
        with gradio.Column(scale=1, min_width=280):
            first = gradio.Number(0, label='First seed')
            truncation = gradio.Slider(
                0.05,
                1,
                value=1,
                step=0.05,
                label='Truncation: less is likelier and less varied',
                visible=tool.truncates,
            )
            draw = gradio.Button(f'Draw {COUNT} samples', variant='primary')
            seed = gradio.Number(0, label='Seed of one sample')
            pick = gradio.Button('Show this one')
            download = gradio.DownloadButton('Download as PNG', interactive=False)
        with gradio.Column(scale=2, min_width=320):
            block = gradio.Gallery(
                label='Samples', columns=4, height='auto', object_fit='contain', format='png', buttons=['fullscreen'],
                allow_preview=False, interactive=False, elem_classes='samples',
            )  # fmt: skip
            one = gradio.HTML()
    told = gradio.HTML('', label='Notes')

    shown = gradio.State(None)  # the first seed and the truncation of the samples that this visitor sees

    def many(first, truncation):
        images, first = tool.samples(first, truncation), as_seed(first)
        return ([(image, f'seed {seed_after(first, i)}') for i, image in enumerate(images)], (first, truncation)), []

    def single(seed, truncation):
        path = storage.new() / f'seed_{as_seed(seed)}.png'
        save_png(path, tool.samples(seed, truncation, 1)[0])
        return (image(path, f'The sample of seed {as_seed(seed)}.'), _offer(gradio, path)), []

    def chosen(shown, event: gradio.SelectData):
        first, truncation = shown
        seed = seed_after(first, event.index)
        outputs, sentences = single(seed, truncation)
        return (seed, *outputs), sentences

    drawn = (answering((None, None), many), [first, truncation], [block, shown, told])
    draw.click(*drawn, **_DEVICE)
    alone = ('', gradio.update(value=None, interactive=False))
    pick.click(answering(alone, single), [seed, truncation], [one, download, told], **_DEVICE)
    block.select(answering((gradio.skip(), *alone), chosen), shown, [seed, one, download, told], **_DEVICE)
    return drawn


def _walk(gradio, tool, storage, answering):
    with gradio.Row():
        with gradio.Column(scale=1, min_width=280):
            seeds = gradio.Textbox('0, 1, 2', label='Seeds, separated by commas', max_length=200)
            frames = gradio.Slider(2, MOST_FRAMES, value=9, step=1, label='Images from seed to seed')
            way = gradio.Radio(['straight', 'arc'], value='straight', label='Way')
            go = gradio.Button('Walk', variant='primary')
            strip_file = gradio.DownloadButton('Download the strip as PNG', interactive=False)
            gif_file = gradio.DownloadButton('Download the animation as GIF', interactive=False)
        with gradio.Column(scale=2, min_width=320):
            strip, moving = gradio.HTML(), gradio.HTML()
    told = gradio.HTML('', label='Notes')

    def walk(seeds, frames, way):
        images, place = tool.walk(as_seeds(seeds), int(frames), way == 'arc'), storage.new()
        save_png(place / 'walk.png', grid(images, _COLUMNS))
        save_gif(place / 'walk.gif', images)
        text = f'A walk of {len(images)} images through the seeds {seeds}'
        drawn = (
            image(place / 'walk.png', f'{text}, row by row.', 'strip'),
            image(place / 'walk.gif', f'{text}, moving.'),
        )
        return (*drawn, *(_offer(gradio, place / name) for name in ('walk.png', 'walk.gif'))), []

    no = gradio.update(value=None, interactive=False)
    answer = answering(('', '', no, no), walk)
    go.click(answer, [seeds, frames, way], [strip, moving, strip_file, gif_file, told], **_DEVICE)


def _directions(gradio, tool, storage, answering):
    with gradio.Row():
        with gradio.Column(scale=1, min_width=280):
            mean = gradio.Checkbox(True, label='Start from the mean latent')
            start = gradio.Number(0, label='Or from a seed')
            what = 'Component' if tool.alike else 'Direction'
            sliders = [
                gradio.Slider(-REACH, REACH, value=0, step=0.1, label=f'{what} {k}') for k in range(tool.directions)
            ]
            reset = gradio.Button('All to 0')
        with gradio.Column(scale=1, min_width=320):
            shown = gradio.HTML()
            download = gradio.DownloadButton('Download as PNG', interactive=False)
            name = gradio.Textbox(label='Name of the edit', max_length=60)
            save = gradio.Button('Keep this edit', variant='primary')
            text = gradio.Textbox(label='Edits, as explore reads them', lines=3, interactive=False)
            edits_file = gradio.DownloadButton('Download edits.yaml', interactive=False)
            given = gradio.File(label='Go on with a file of edits', height=140)
    told = gradio.HTML('', label='Notes')
    edits = gradio.State({})  # of this visitor alone

    def move(mean, start, *amounts):
        made = tool.moved(None if mean else as_seed(start), as_edit(amounts))
        path = storage.new() / 'moved.png'
        save_png(path, made)
        return (image(path, 'The image of the latent that the sliders say.'), _offer(gradio, path)), []

    def offer(found):
        path = storage.new() / 'edits.yaml'
        write_whole(path, lambda file: file.write(edits_text(found).encode()))
        return found, edits_text(found), _offer(gradio, path)

    def add(found, name, *amounts):
        return offer(keep(found, name, as_edit(amounts))), []

    def take(found, path):
        read = tool.read_edits(Path(path))
        return offer({**found, **read}), [f'{len(read)} edits were read.']

    moved = answering(('', gradio.update(value=None, interactive=False)), move)
    asked = [mean, start, *sliders]
    for field in asked:
        field.change(moved, asked, [shown, download, told], trigger_mode='always_last', **_DEVICE)
    reset.click(lambda: [0] * len(sliders), None, sliders, api_visibility='private')
    unchanged = (gradio.skip(),) * 3
    kept = [edits, text, edits_file, told]
    save.click(answering(unchanged, add), [edits, name, *sliders], kept, api_visibility='private')
    given.upload(answering(unchanged, take), [edits, given], kept, api_visibility='private')
    return moved, asked, [shown, download, told]
