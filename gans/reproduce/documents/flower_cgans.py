"""Document 000: inpainting and colorizing flowers with conditional GANs, blurred inputs and changing loss weights."""

from gans.reproduce.types import Document, Figure, Run, Said

_L1, _CHROMA = 'output: L1 in boxes', 'output: chroma error'
_SIDES = (256, 128, 64, 32, 16)
_WIDTHS = (16, 24, 32, 40, 48, 56)


def _shape(side, channels):
    return f'{side} x {side} x {channels}'


def _generator():
    """{layer: its output in Table 1a}, in the table's order."""
    found = {'': _shape(256, 3)}
    for i, (side, width) in enumerate(zip(_SIDES, _WIDTHS, strict=False)):
        found |= {f'encode_{i}': _shape(side, width), f'down_{i}': _shape(side // 2, width)}
    found |= {'encode_5': _shape(8, 56), 'project': '128', 'bottom': _shape(8, 56)}
    for i, side in enumerate(reversed(_SIDES)):
        found |= {f'up_{i}': _shape(side, _WIDTHS[5 - i]), f'merge_{i}': _shape(side, _WIDTHS[4 - i])}
    return found | {'out': _shape(256, 3)}


_DISCRIMINATOR = {
    '': f'{_shape(256, 3)}, {_shape(256, 3)}',
    **{
        f'down_{i}': _shape(side, width)
        for i, (side, width) in enumerate(zip((128, 64, 32, 16, 8, 4), (16, 32, 64, 128, 256, 256), strict=True))
    },
    'out': '1',
}

_ROWS = (
    ('Training images', '41544 [inpainting]; 13848 [colorizing]', 'training images'),
    ('Augmentation: mirrored at random', 'yes', 'task.flip'),
    ('Training batches', '75K [inpainting]; 50K [colorizing]', 'steps'),
    ('Images in a batch', '36', 'batch'),
    ('Side of the images in pixels', '256', 'size'),
    ('Initial blur radius in pixels', '25.6', 'schedules.blur:first'),
    ('Final blur radius in pixels', '0', 'schedules.blur:last'),
    ('Initial weight of L1', '100.0', 'schedules.l1:first'),
    ('Final weight of L1', '85.0', 'schedules.l1:last'),
    ('Initial weight of the CGAN term', '0.0', 'schedules.adversarial:first'),
    ('Final weight of the CGAN term', '0.15', 'schedules.adversarial:last'),
    ('Adam, beta 1', '0.0', 'optimizer.gen.b1'),
    ('Adam, beta 2', '0.99', 'optimizer.gen.b2'),
    ('Learning rate of the generator', '0.0001', 'schedules.learning_rate_gen'),
    ('Learning rate of the discriminator', '0.0001', 'schedules.learning_rate_disc'),
    ('Latent numbers at the bottleneck', '128', 'generator.z_dim'),
    ('Standard deviation of initial weights', '0.02', 'generator.init_std'),
    ('Slope of leaky ReLU below zero', '0.2', 'generator.slope'),
)

_CHOICE = (
    'The document chose its examples by eye. Here a number chooses them, so that nobody can prefer the good ones; the '
    'number does not see what looks real.'
)

DOCUMENT = Document(
    title='Inpainting and Colorizing Flower Pictures via Conditional Image GANs (2018)',
    about=(
        'Conditional GANs fill boxes that hide parts of flower images, and colour gray ones. Their inputs are blurred '
        'at the beginning of training, and the weights of the two terms of the loss change while it goes on.'
    ),
    runs={
        'inpainting': Run('configs/inpaint.py'),
        'inpainting_l1': Run('configs/inpaint.py', 'l1'),
        'inpainting_cgan': Run('configs/inpaint.py', 'cgan'),
        'colorizing': Run('configs/colorize.py'),
    },
    figures=(
        Figure(
            name='fig1',
            title='Figure 1',
            caption='Held-out images, the same with boxes of random size, place and colour, and in gray.',
            kind='inputs',
            runs=('inpainting', 'colorizing'),
            options={'titles': ('original', 'masked', 'gray')},
            said=(Said('part of an image that is hidden, in %', 'not said', 'masked: hidden %'),),
            differs=(
                'The document masked every image three times beforehand and gives no sizes of its boxes. Here every '
                'visit of an image in training draws three new boxes with sides of 20 to 50 % of its own.'
            ),
        ),
        Figure(
            name='table1a',
            title='Table 1a',
            caption='The layers of the generator that inpaints, with skips between layers of one size.',
            kind='networks',
            runs=('inpainting',),
            options={'player': 'gen', 'document': _generator()},
            said=(
                Said('trainable variables', '1.9M', 'parameters'),
                Said('outputs of layers', 'those of its table', 'shapes'),
            ),
            differs=(
                'The table goes from 1 x 1 x 128 to 8 x 8 x 56 without saying how: here a second projection (expand) '
                'leads back. It counts the skips in the output of the upscaling layers; here they join at the input '
                'of the layer behind. Figure 2 of the document is a diagram of this network and has no own entry here.'
            ),
        ),
        Figure(
            name='table1b',
            title='Table 1b',
            caption='The layers of the discriminator, which is shown an image beside its condition.',
            kind='networks',
            runs=('inpainting',),
            options={'player': 'disc', 'document': _DISCRIMINATOR},
            said=(
                Said('trainable variables', '3.8M', 'parameters'),
                Said('outputs of layers', 'those of its table', 'shapes'),
            ),
            differs=(
                'The table alone makes 2.73 million parameters. A projection to 256 numbers before the last one '
                'reaches what the text says. The sigmoid at the end is part of the loss here.'
            ),
        ),
        Figure(
            name='remark2',
            title='Remark ii',
            caption='The losses of both players when inpainting, with pixelwise normalization.',
            kind='curves',
            runs=('inpainting',),
            options={'names': ('gen/loss', 'disc/loss')},
            said=(
                Said("jumps of the generator's loss", 'never', 'inpainting: gen/loss jumps'),
                Said("jumps of the discriminator's loss", 'never', 'inpainting: disc/loss jumps'),
            ),
            differs='The document shows no curve and does not say when a change counts as a jump.',
        ),
        Figure(
            name='fig3',
            title='Figure 3',
            caption='The radius of the blur of all inputs over training: as trained, and at the sizes of the document.',
            kind='schedules',
            runs=('inpainting',),
            options={'names': ('blur',), 'units': {'blur': 'blur radius in pixels'}},
            said=(
                Said('radius at the beginning, in pixels', '25.6', 'blur: first'),
                Said('radius at the end, in pixels', '0', 'blur: last'),
                Said('ramps down until, in % of training', '15', 'blur: to %'),
            ),
            differs=(
                'The numbers beside those of the document are at its sizes; the radius follows the size of the images. '
                'It is the standard deviation of the Gaussian. The target of L1 is blurred as the inputs are.'
            ),
        ),
        Figure(
            name='fig4',
            title='Figure 4',
            caption='The weights of the two terms of the loss over training.',
            kind='schedules',
            runs=('inpainting',),
            options={
                'names': ('l1', 'adversarial'),
                'units': {'l1': 'weight of L1', 'adversarial': 'weight of the CGAN term'},
            },
            said=(
                Said('weight of L1 at the beginning', '100', 'l1: first'),
                Said('weight of L1 at the end', '85', 'l1: last'),
                Said('weight of the CGAN term at the beginning', '0', 'adversarial: first'),
                Said('weight of the CGAN term at the end', '0.15', 'adversarial: last'),
                Said('fixed until, in % of training', '30', 'l1: from %'),
                Said('fixed again from, in % of training', '80', 'l1: to %'),
            ),
            differs=(
                "The weights are the generator's. The discriminator's loss has none: it learns while the generator "
                'does not yet listen. The adversarial loss is the non-saturating one, the document prints the minimax '
                'form.'
            ),
        ),
        Figure(
            name='table2',
            title='Table 2',
            caption='The hyperparameters: of the document, of its config here, and as trained for this page.',
            kind='hyperparameters',
            runs=('inpainting', 'colorizing'),
            options={'rows': _ROWS},
            differs='41544 are three times 13848: the document counts every masked version of an image by itself.',
        ),
        Figure(
            name='fig5a',
            title='Figure 5a',
            caption='Inpainting: one held-out image at equally spaced times of training.',
            kind='evolution',
            runs=('inpainting',),
            said=(
                Said(
                    'early in training (here: detail of outputs in %)',
                    'gross shapes, colours and textures',
                    'early detail %',
                ),
                Said('towards the end (the same)', 'high spatial frequencies', 'last detail %'),
            ),
            differs='Beside the document stands the detail of the outputs at the second and at the last time, in %.',
        ),
        Figure(
            name='fig5b',
            title='Figure 5b',
            caption='Colorizing: one held-out image at equally spaced times of training.',
            kind='evolution',
            runs=('colorizing',),
            said=(
                Said(
                    'early in training (here: detail of outputs in %)',
                    'gross shapes, colours and textures',
                    'early detail %',
                ),
                Said('towards the end (the same)', 'high spatial frequencies', 'last detail %'),
            ),
            differs='Beside the document stands the detail of the outputs at the second and at the last time, in %.',
        ),
        Figure(
            name='fig6',
            title='Figure 6',
            caption=(
                'The same held-out images with the same boxes: masked, inpainted by L1 alone, by the CGAN term alone, '
                'by both, and the originals.'
            ),
            kind='compared',
            runs=('inpainting_l1', 'inpainting_cgan', 'inpainting'),
            said=(
                Said(
                    'L1 alone (here: L1 in the boxes)', 'gross shapes and colours', 'inpainting_l1: output: L1 in boxes'
                ),
                Said('CGAN alone (the same)', 'badly distorted', 'inpainting_cgan: output: L1 in boxes'),
                Said('both (the same)', 'remarkably plausible', 'inpainting: output: L1 in boxes'),
                Said('what no network can do: the mean of the border', 'not said', 'border mean: L1 in boxes'),
            ),
            differs=(
                'The document judges by eye. L1 measures distance to the original, which L1 alone minimises: it does '
                'not see whether a texture looks real. The CGAN term alone has its final weight from the beginning, or '
                'it would stand still for 30 % of training.'
            ),
        ),
        Figure(
            name='fig7',
            title='Figure 7',
            caption='Good inpainting of held-out images: masked, inpainted, original.',
            kind='montage',
            runs=('inpainting',),
            options={'which': 'best'},
            said=(Said('quality (here: L1 in the boxes, of all images)', 'generally successful', _L1),),
            differs=_CHOICE,
        ),
        Figure(
            name='fig8a',
            title='Figure 8a',
            caption='Colours near those of the originals: gray, colorized, original.',
            kind='montage',
            runs=('colorizing',),
            options={'which': 'best'},
            said=(Said('colours (here: chroma error of all images)', 'similar to the originals', _CHROMA),),
            differs=_CHOICE,
        ),
        Figure(
            name='fig8b',
            title='Figure 8b',
            caption='Colours that differ from the originals: gray, colorized, original.',
            kind='montage',
            runs=('colorizing',),
            options={'which': 'typical'},
            said=(Said('colours (here: chroma error of all images)', 'differ, some look more real', _CHROMA),),
            differs=f'{_CHOICE} These are from the middle: their colours differ from the originals as usual.',
        ),
        Figure(
            name='fig9',
            title='Figure 9',
            caption='Bad inpainting of held-out images: masked, inpainted, original.',
            kind='montage',
            runs=('inpainting',),
            options={'which': 'worst'},
            said=(Said('quality', 'highly unrealistic'),),
            differs=_CHOICE,
        ),
        Figure(
            name='fig10',
            title='Figure 10',
            caption='Bad colorizing of held-out images: gray, colorized, original.',
            kind='montage',
            runs=('colorizing',),
            options={'which': 'worst'},
            said=(Said('quality', 'highly unrealistic'),),
            differs=_CHOICE,
        ),
        Figure(
            name='realism',
            title='How real the results look',
            caption='The part of held-out results that people call reasonably realistic.',
            kind='realism',
            runs=('inpainting', 'colorizing'),
            options={'count': 180},
            said=(
                Said('of 180 inpainted images, by the eye of the author', '84 %', 'rate'),
                Said('of 180 colorized images, by the eye of the author', '75 %', 'rate'),
            ),
            differs=(
                'The author judged 180 images of each network, all of them generated. The study mixes real ones among '
                'them, and asks people who do not know which are which.'
            ),
        ),
    ),
    differs={
        'bare': (
            'The images are flowers that the program draws, or those that were given, in place of 13,848 photographs; '
            '64 pixels wide in place of 256; 2,900 and 2,480 batches of 8 and 16 in place of 75,000 and 50,000 of 36, '
            'with learning rates of 0.001 and 0.0004 in place of 0.0001, so that this ends on two cores. The method '
            'and the shapes of the schedules are those of the document, and so are the widths of the networks, but '
            'that the colorizer works at half the resolution inside and has five widths in place of six.'
        ),
        'tiny': (
            'A few steps of very small networks: this shows that every figure can be drawn, and nothing else. Its '
            'images and numbers mean nothing.'
        ),
        'paper': (
            'The sizes and lengths are those of the document. The photographs are those of oxford_flowers102, or those '
            'that were given, since the corpus of the document is not at hand.'
        ),
    },
)
