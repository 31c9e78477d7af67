"""The sample grids of a run over time, and samples beside a curve."""

from gans.report.parts import image_element
from gans.report.record import Record
from gans.web.elements import Html, element, joined

_WIDEST, _BROAD = 720, 1060  # pixels that a grid, and one much broader than high, is magnified to by a whole factor


def slider(record: Record, number: int, heading: bool) -> Html:
    """The sample grids over time; the script moves through them, and without it the last one is shown."""
    if not record.grids:
        return element('p', f'{record.title} has no sample grids: train with --config.log.grids above 0.')
    step = max(record.grids)
    image = record.grids[step]
    widest = _BROAD if image.width > 2 * image.height else _WIDEST
    left_out = record.grids_drawn - len(record.grids)
    packed = any(one.packed for one in record.grids.values())
    notes = [f'{left_out} of {record.grids_drawn} sample grids are left out.'] if left_out > 0 else []
    notes += ['Images are packed to fit into one file; samples/ has the originals.'] if packed else []
    return element(
        'div',
        element('h3', record.title) if heading else '',
        element('figure', image_element(image, grid_alt(record, step), widest, class_='grid')),
        element(
            'div',
            element('p', layout_of(record)),
            element('output', f'step {step:,}', for_=f'slider-{number}', class_='step'),
            _controls(record, number),
            element('p', ' '.join(notes), class_='faint') if notes else '',
            class_='moves',
        ),
        class_='grids',
        data_grids=number,
    )


def _controls(record, number):
    """A slider over the sample grids, and buttons beside it."""
    last, few = len(record.grids) - 1, len(record.grids) < 2
    moves = [('Earlier', {'data_move': '-1'}), ('Later', {'data_move': '1'}), ('Play', {'data_play': True})]
    return element(
        'div',
        element(
            'input',
            type='range',
            id=f'slider-{number}',
            min='0',
            max=last,
            value=last,
            step='1',
            aria_label=f'Step of the sample grid of {record.title}',
            aria_valuetext=f'step {max(record.grids)}',
            disabled=few,
        ),
        *(element('button', text, type='button', disabled=few, **what) for text, what in moves),
        class_='controls',
    )


def layout_of(record: Record) -> str:
    """What a sample grid of this run shows."""
    if record.facts.task.from_noise:
        return (
            'Samples of the same latents at every step; the last row are real images as the discriminator sees them at '
            'that step.'
        )
    return (
        'The same held-out images at every step, one in each column. Rows: what the generator sees, what it makes, '
        'what it should make.'
    )


def grid_alt(record: Record, step: int) -> str:
    """The text in place of a sample grid."""
    what = 'samples above real images' if record.facts.task.from_noise else 'inputs, outputs and originals'
    return f'Sample grid of step {step}: {what}'


def insets(record: Record, number: int, named: bool) -> Html:
    """Samples at steps of a curve; a click shows the step in the curves and the sample grid."""
    items = [
        element(
            'li',
            element('button', image_element(image, '', widest=96), f'step {step:,}', type='button', data_step=step),
        )
        for step, image in record.insets.items()
    ]
    if not items:
        return Html()
    name = element('p', record.title, class_='faint') if named else ''
    return joined([name, element('ul', *items, class_='insets', data_run=number)])
