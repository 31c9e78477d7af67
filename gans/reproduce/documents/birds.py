"""Document 003: birds from noise by fixed networks, while what the discriminator sees is blurred less and less."""

from gans.reproduce.types import Document, Figure, Run, Said

_LOG = {'log.every': '20'}  # steps: a jump is not averaged away
_GRIDS = {'log.grids': '28'}  # the delay is measured between them

_DISCRIMINATOR = {
    '': '192 x 192 x 3',
    'outer_0': '96 x 96 x 32',
    'outer_1': '48 x 48 x 64',
    'outer_2': '24 x 24 x 128',
    'inner_0': '24 x 24 x 256',
    'down_0': '12 x 12 x 256',
    'inner_1': '12 x 12 x 512',
    'down_1': '6 x 6 x 512',
    'project': '128',
    'out': '1',
}
_GENERATOR = {
    '': '128',
    'expand': '6 x 6 x 512',
    'conv_0': '6 x 6 x 256',
    'up_0': '12 x 12 x 256',
    'conv_1': '12 x 12 x 128',
    'up_1': '24 x 24 x 128',
    'up_2': '48 x 48 x 64',
    'up_3': '96 x 96 x 32',
    'out': '192 x 192 x 3',
}
_ROWS = (
    ('Training images', '11013', 'training images'),
    ('Training epochs', '500', ''),
    ('Training batches', 'not said', 'steps'),
    ('Images in a batch', '64', 'batch'),
    ('Side of the images in pixels', '192', 'size'),
    ('Initial blur radius in pixels', '19.2', 'schedules.blur:first'),
    ('Adam, beta 1', '0.0', 'optimizer.gen.b1'),
    ('Adam, beta 2', '0.99', 'optimizer.gen.b2'),
    ('Learning rate of the generator', '0.0001', 'schedules.learning_rate_gen'),
    ('Learning rate of the discriminator', '0.0001', 'schedules.learning_rate_disc'),
    ('Length of the latent', '128', 'task.latent'),
    ('Standard deviation of initial weights', '0.02', 'generator.init_std'),
    ('Slope of leaky ReLU below zero', '0.2', 'generator.slope'),
)
_NORMS = ('pixelwise norm', 'batch norm', 'layer norm')
_JUDGE = (
    'The document has labels of its author. Without labels of a person, the discriminator of the run stands in. The '
    'notes say how, and how to put labels of a person in its place.'
)


def _with_norm(norm: str) -> Run:
    fields = {'generator.norm': norm, 'discriminator.norm': norm}
    return Run('configs/birds.py', fields=_LOG | fields, tiny=fields)


DOCUMENT = Document(
    title='Gradually Increasing Image Resolution During GAN Training (2018)',
    about=(
        'Networks of a fixed shape learn to generate birds of 192 pixels. All that the discriminator is shown is '
        'blurred, first much, then less and less, so that shapes and colours come before details. Vectors of pixels '
        'are normalized, which the document found far stabler than batch and layer normalization.'
    ),
    runs={
        'birds': Run('configs/birds.py', fields=_LOG | _GRIDS),
        'batch_norm': _with_norm('batch'),
        'layer_norm': _with_norm('layer'),
        'no_blur': Run('configs/birds.py', 'no_blur'),
    },
    figures=(
        Figure(
            name='fig1',
            title='Figure 1',
            caption='Training images.',
            kind='training_images',
            runs=('birds',),
            options={'count': 32, 'columns': 8},
            said=(Said('training images', '11013', 'images'),),
        ),
        Figure(
            name='table1_discriminator',
            title='Table 1, discriminator',
            caption='The layers of the discriminator.',
            kind='networks',
            runs=('birds',),
            options={'player': 'disc', 'document': _DISCRIMINATOR},
            said=(
                Said('trainable variables', '7.1M', 'parameters'),
                Said('outputs of layers', 'those of its table', 'shapes'),
            ),
            differs=(
                'The sigmoid at the end is part of the loss here. The table gives the shape of the first fully '
                'connected layer as Z_dim, which Table 2 has as 128.'
            ),
        ),
        Figure(
            name='table1_generator',
            title='Table 1, generator',
            caption='The layers of the generator.',
            kind='networks',
            runs=('birds',),
            options={'player': 'gen', 'document': _GENERATOR},
            said=(
                Said('trainable variables', '4.9M', 'parameters'),
                Said('outputs of layers', 'those of its table', 'shapes'),
            ),
            differs=(
                'The document says that 125 pixels are the receptive field of both networks. That is right for the '
                "discriminator's convolutions; by the table, a pixel of the generator's first map reaches 173."
            ),
        ),
        Figure(
            name='fig2',
            title='Figure 2',
            caption='The losses of both players over training with pixelwise, batch and layer norm; jumps are marked.',
            kind='losses',
            runs=('birds', 'batch_norm', 'layer_norm'),
            options={'titles': _NORMS},
            said=(
                Said('curves with pixelwise norm (here: jumps)', 'well behaved', 'pixelwise norm: jumps'),
                Said('curves with batch norm (here: jumps)', 'often bad jumps', 'batch norm: jumps'),
                Said('curves with layer norm (here: jumps)', 'often bad jumps', 'layer norm: jumps'),
                Said('pixelwise norm (here: least diversity)', 'well behaved', 'pixelwise norm: diversity'),
                Said('batch norm (here: least diversity)', 'often catastrophic collapse', 'batch norm: diversity'),
                Said('layer norm (here: least diversity)', 'often catastrophic collapse', 'layer norm: diversity'),
            ),
            differs=(
                'The document shows curves of single runs and does not say when a change is a jump. Here it is counted '
                'by one rule, of one seed for each norm: docs/claims.md has the sweeps over three.'
            ),
        ),
        Figure(
            name='table2',
            title='Table 2',
            caption='The hyperparameters: of the document, of its config here, and as trained for this page.',
            kind='hyperparameters',
            runs=('birds',),
            options={'rows': _ROWS},
            differs=(
                'Its config counts 86,000 batches: 500 epochs of the 11,013 images. A tenth of the images is held out '
                'here. The generator is shown as an average of its weights at the scale bare.'
            ),
        ),
        Figure(
            name='fig3',
            title='Figure 3',
            caption="The radius of the blur of what the discriminator sees: as trained, and at the document's sizes.",
            kind='schedules',
            runs=('birds',),
            options={'names': ('blur',), 'units': {'blur': 'blur radius in pixels'}},
            said=(
                Said('radius at the beginning, in pixels', '19.2', 'blur: first'),
                Said('radius at the end, in pixels', '0', 'blur: last'),
                Said('ramps down until, in % of training', '40', 'blur: to %'),
            ),
            differs=(
                'The numbers beside those of the document are at its sizes; the radius follows the size of the images. '
                'It is the standard deviation of the Gaussian. 40 % are 200 of 500 epochs.'
            ),
        ),
        Figure(
            name='fig4',
            title='Figure 4',
            caption='Real images as the discriminator saw them, above samples, at equally spaced times of training.',
            kind='delayed',
            runs=('birds',),
            said=(Said('delay between inputs and outputs of equal blurriness', '125 of 500 epochs (0.25)', 'delay'),),
            differs=(
                'The document estimated the delay by eye. Here it is measured by the detail of images, as a fraction '
                'of training. The grid of dots in the samples counts as detail where it is coarser than a pixel.'
            ),
        ),
        Figure(
            name='fig5',
            title='Figure 5',
            caption='64 samples of the generator; beside them those of one that was trained without blur.',
            kind='samples',
            runs=('birds', 'no_blur'),
            options={'count': 64, 'columns': 8, 'titles': ('blurred less and less', 'no blur')},
            said=(
                Said('successful samples (here: SWD with blur)', 'about one third', 'blurred less and less: SWD'),
                Said('without blur (here: SWD)', 'not shown', 'no blur: SWD'),
            ),
            differs=(
                'The document judges by eye and shows no control. SWD is the sliced Wasserstein distance to held-out '
                'images, times 1000: lower is nearer. One seed each: docs/claims.md has the sweeps over three.'
            ),
        ),
        Figure(
            name='fig7',
            title='Figure 7',
            caption='Samples that were called acceptable (top) and unacceptable (bottom), and a classifier of them.',
            kind='classified',
            runs=('birds',),
            said=(
                Said('acceptable (of figure 5)', 'about one third', 'acceptable'),
                Said('held-out accuracy of the classifier', 'not said', 'accuracy'),
            ),
            differs=_JUDGE,
        ),
        Figure(
            name='fig8',
            title='Figure 8',
            caption='Samples that are acceptable with a probability above 0.95, by the softmax of the classifier.',
            kind='classified',
            runs=('birds',),
            options={'kept': True},
            said=(Said('samples above 0.95 (here: their share)', 'not said', 'kept'),),
            differs=_JUDGE,
        ),
        Figure(
            name='fig9',
            title='Figure 9',
            caption='Samples between samples: each row goes from one latent to the next along a straight line.',
            kind='explore',
            runs=('birds',),
            options={'draw': 'walks', 'show': ('walk_linear',), 'count': 6, 'frames': 9},
            said=(Said('transitions (here: largest step by the mean step)', 'smooth', 'walk_linear: largest step'),),
        ),
    ),
    differs={
        'bare': (
            'The images are flowers that the program draws, or those that were given, in place of 11,013 photographs '
            'of birds; 64 pixels in place of 192; half of the widths; 2800 batches of 32 in place of 86,000 of 64; a '
            'learning rate of the generator of 0.0004 that falls at the end, so that this ends on two cores. Figure 6 '
            'of the document shows images of others (Karras et al. 2018): see the document progressive.'
        ),
        'tiny': (
            'A few steps of very small networks: this shows that every figure can be drawn, and nothing else. Its '
            'images and numbers mean nothing.'
        ),
        'paper': (
            'The sizes and lengths are those of the document. The photographs are those of caltech_birds2011, or those '
            'that were given. Figure 6 of the document shows images of others: see the document progressive.'
        ),
    },
)
