"""Document 001: faces and flowers from noise, by DCGAN, WGAN-GP and BEGAN, and the latent space of a BEGAN."""

from gans.reproduce.types import Document, Figure, Run, Said

_NAMES = ('DCGAN', 'WGAN-GP', 'BEGAN')
_FACES = ('dcgan_faces', 'wgan_gp_faces', 'began_faces')
_FLOWERS = ('dcgan_flowers', 'wgan_gp_flowers', 'began_flowers')


def _shape(side, channels):
    return f'{side} x {side} x {channels}'


_MAPS = ((32, 128), (16, 256), (8, 512), (4, 1024))  # sides and channels of Table 1

_TABLE_1_DISC = {
    '': _shape(64, 3),
    **{f'down_{i}': _shape(*shape) for i, shape in enumerate(_MAPS)},
    'out': '1',
}
_TABLE_1_GEN = {
    '': '128',
    'expand': _shape(*_MAPS[-1]),
    **{f'up_{i}': _shape(*shape) for i, shape in enumerate(reversed(_MAPS[:-1]))},
    'out': _shape(64, 3),
}


def _decoder():
    """{layer: its output in the lower half of Table 2}."""
    found = {'project': f'{8 * 8 * 128}'}
    for i, side in enumerate((8, 16, 32, 64)):
        found |= {f'conv_{i}_{j}': _shape(side, 128) for j in range(3)}
    return {f'decoder/{name}': shape for name, shape in (found | {'out': _shape(64, 3)}).items()}


def _encoder():
    """{layer: its output in the upper half of Table 2}."""
    found = {}
    for i, (side, width) in enumerate(((64, 128), (32, 256), (16, 384), (8, 512))):
        found |= {f'encoder/conv_{i}_{j}': _shape(side, width) for j in range(2 if i else 3)}
        if side > 8:
            found[f'encoder/down_{i}'] = _shape(side // 2, width)
    return found | {'encoder/project': '64'}


_ROWS = (
    ('Number of training images', '202599', 'training images'),
    ('Minibatch size', '128 [DCGAN, WGAN]; 48 [BEGAN]', 'batch'),
    ('Adam, beta 1', '0.5 [DCGAN, BEGAN]; 0.0 [WGAN]', 'optimizer.gen.b1'),
    ('Adam, beta 2', '0.999 [DCGAN, BEGAN]; 0.9 [WGAN]', 'optimizer.gen.b2'),
    ('Base learning rate: generator', '0.0002 [DCGAN]; 0.0001 [WGAN, BEGAN]', 'schedules.learning_rate_gen'),
    ('Base learning rate: discriminator', '0.0002 [DCGAN]; 0.0001 [WGAN, BEGAN]', 'schedules.learning_rate_disc'),
    ('Numbers of a latent', '128 [DCGAN, WGAN]; 64 [BEGAN]', 'task.latent'),
    ('Standard deviation of initial weights', '0.02', 'generator.init_std'),
    ('Slope of leaky ReLU below zero', '0.2', 'discriminator.slope'),
    ('Diversity ratio gamma (in the text)', '0.5 [BEGAN]', 'objective.gamma'),
    ('Critic turns in a step (not in the document)', '-', 'turns.disc'),
    ('Training steps (not in the document)', '-', 'steps'),
    ('Side of the images in pixels', '64', 'size'),
)

_ENLARGED = {'data.folder.upscale': 'True'}  # given images may be smaller than 128 px
# Layers as narrow as those of the scale tiny swallow the signal with smaller weights, and images would be flat.
_SEEN = {'generator.init_std': '0.2', 'discriminator.init_std': '0.2'}
_DETAIL = 'high spatial frequencies (here: detail of samples), {}'
_NAMED = (
    'The document looked for directions by eye and named them after what faces do: red lips, wide grins, mustaches. '
    'Nobody looks here. Every direction is tried to both sides, numbers are measured on the images, and the direction '
    'that raises a number most gets its name: it promises that number and nothing else. The file edits.yaml that the '
    'command names holds them, for --mode=explore.'
)


def _counted(both):
    """What the document says of a network; `both`: the parameters of both players."""
    return (
        Said('trainable parameters of both networks', both, 'of both'),
        Said('of this one', 'not said', 'parameters'),
        Said('outputs of layers', 'those of its table', 'shapes'),
    )


def _families(*more):
    """What the document says of samples of the three families."""
    return (
        *(Said(_DETAIL.format(name), 'more than of the BEGAN', f'{name}: detail') for name in _NAMES[:2]),
        Said(_DETAIL.format(_NAMES[2]), 'the least', 'BEGAN: detail'),
        *more,
    )


DOCUMENT = Document(
    title='Synthesizing Face and Flower Images via DCGANs, WGANs and BEGANs (2018)',
    about=(
        'Three families of GANs make faces and flowers from noise. The latents of the third, BEGAN, follow the codes '
        'of real images, so that their mean and the principal directions of their covariance can be drawn and used to '
        'edit images.'
    ),
    runs={
        'dcgan_faces': Run('configs/dcgan.py'),
        'wgan_gp_faces': Run('configs/wgan_gp.py'),
        'began_faces': Run('configs/began.py', tiny=_SEEN),
        'dcgan_flowers': Run('configs/dcgan.py', 'augmented', photographs=False),
        'wgan_gp_flowers': Run('configs/wgan_gp.py', 'augmented', photographs=False),
        'began_flowers': Run('configs/began.py', 'augmented', tiny=_SEEN, photographs=False),
        'began_128': Run(
            'configs/began.py',
            'side_128',
            fields=_ENLARGED,
            tiny=_ENLARGED | _SEEN | {'size': '32', 'generator.levels': '1', 'discriminator.widths': '4,4'},
        ),
    },
    figures=(
        Figure(
            name='fig1',
            title='Figure 1',
            caption='Images that the runs called faces are trained on, from all over the set.',
            kind='training_images',
            runs=('dcgan_faces',),
            options={'count': 32, 'columns': 8},
            said=(Said('training images', '202599', 'images'), Said('side in pixels', '64', 'side')),
            differs='A tenth of every set is held out here. The text gives about 220,000 faces, Table 3 202,599.',
        ),
        Figure(
            name='fig2',
            title='Figure 2',
            caption='Images of the runs called flowers, first in each row, and what the augmentation makes of them.',
            kind='training_images',
            runs=('dcgan_flowers',),
            options={'count': 6, 'varied': 7},
            said=(
                Said('photographs before augmentation', 'about 9500', 'images'),
                Said('augmentation', 'mirrored, turned by 90 degrees, changed in HSV'),
            ),
            differs='By how much colours change is not said: here hue by 0.05 of its circle, the others by 0.2.',
        ),
        Figure(
            name='table1a',
            title='Table 1, discriminator',
            caption='The layers of the discriminator of the DCGAN.',
            kind='networks',
            runs=('dcgan_faces',),
            options={'player': 'disc', 'document': _TABLE_1_DISC},
            said=_counted('36.6M'),
            differs='The sigmoid at the end is part of the loss here.',
        ),
        Figure(
            name='table1b',
            title='Table 1, critic of the WGAN',
            caption='The same layers with layer norm in place of batch norm, without a sigmoid.',
            kind='networks',
            runs=('wgan_gp_faces',),
            options={'player': 'disc', 'document': _TABLE_1_DISC},
            said=_counted('similar to those of the DCGAN'),
        ),
        Figure(
            name='table1c',
            title='Table 1, generator',
            caption='The layers of the generator of the DCGAN, which the WGAN shares.',
            kind='networks',
            runs=('dcgan_faces',),
            options={'player': 'gen', 'document': _TABLE_1_GEN},
            said=_counted('36.6M'),
        ),
        Figure(
            name='table2a',
            title='Table 2, encoder and decoder',
            caption='The layers of the discriminator of the BEGAN, an autoencoder.',
            kind='networks',
            runs=('began_faces',),
            options={'player': 'disc', 'document': {'': _shape(64, 3), **_encoder(), **_decoder()}},
            said=_counted('17.2M'),
            differs=(
                'The table has enlarging as layers of their own, here each is part of the convolution behind '
                'it. The count of the text is reached if the projected code joins the map at each of the three.'
            ),
        ),
        Figure(
            name='table2b',
            title='Table 2, generator',
            caption='The layers of the generator of the BEGAN, a second decoder.',
            kind='networks',
            runs=('began_faces',),
            options={'player': 'gen', 'document': {'': '64', **_decoder()}},
            said=_counted('17.2M'),
        ),
        Figure(
            name='table3',
            title='Table 3',
            caption='The hyperparameters: of the document, of its configs here, and as trained for this page.',
            kind='hyperparameters',
            runs=_FACES,
            options={'rows': _ROWS},
            differs=(
                'The document gives no number of steps and none of critic turns. The latter are those of Gulrajani et '
                'al. 2017 in the config for its sizes.'
            ),
        ),
        Figure(
            name='fig3',
            title='Figure 3',
            caption='Samples of the three families, of the runs called faces: DCGAN, WGAN-GP, BEGAN.',
            kind='samples',
            runs=_FACES,
            options={'count': 16, 'columns': 4, 'titles': _NAMES},
            said=_families(
                Said('speed of the WGAN (here: s per 1000 images)', 'much slower', 'WGAN-GP: seconds per 1000 images'),
                Said('the same of the DCGAN', 'not said', 'DCGAN: seconds per 1000 images'),
                Said('quality of the BEGAN (here: SWD)', 'remarkably realistic-looking', 'BEGAN: SWD'),
            ),
            differs=(
                'The document chose good samples from good moments of its trainings. These are the first ones of seed '
                '0 at the end of training. The critic of the WGAN has five turns in a step at scale paper, else one.'
            ),
        ),
        Figure(
            name='fig4',
            title='Figure 4',
            caption='Samples of the three families, of the runs called flowers: DCGAN, WGAN-GP, BEGAN.',
            kind='samples',
            runs=_FLOWERS,
            options={'count': 16, 'columns': 4, 'titles': _NAMES},
            said=_families(
                Said('quality of the DCGAN (here: SWD)', 'as impressionists would paint them', 'DCGAN: SWD'),
                Said('quality of the BEGAN (here: SWD)', 'remarkably realistic-looking', 'BEGAN: SWD'),
            ),
            differs='Chosen by nobody, as in figure 3.',
        ),
        Figure(
            name='fig5',
            title='Figure 5',
            caption='The convergence measure of the BEGAN of figure 4 over training, with samples of several times.',
            kind='convergence',
            runs=('began_flowers',),
            said=(
                Said('the measure at the end, relative to the beginning', 'generally decreases', 'ratio'),
                Said('abrupt jumps', 'occasionally', 'jumps'),
            ),
            differs='The document does not say when a change counts as a jump.',
        ),
        Figure(
            name='fig6',
            title='Figure 6',
            caption='Samples of a BEGAN of 128 px.',
            kind='samples',
            runs=('began_128',),
            options={'count': 16, 'columns': 4},
            said=(
                Said('side in pixels', '128', 'side'),
                Said('quality (here: SWD)', 'noteworthy', 'SWD'),
                Said('faces with glasses', 'never'),
            ),
            differs='The document shows faces, and found no BEGAN that makes compelling flowers of this size.',
        ),
        Figure(
            name='fig7',
            title='Figure 7',
            caption='Straight walks between latents of the BEGAN of figure 4, a row for each pair of seeds.',
            kind='explore',
            runs=('began_flowers',),
            options={'draw': 'walks', 'show': ('walk_linear',)},
            said=(Said('steps (here: the largest over the mean)', 'smooth', 'walk_linear: largest step'),),
        ),
        Figure(
            name='fig8',
            title='Figure 8',
            caption='The image of the mean latent of the BEGAN of figure 3.',
            kind='explore',
            runs=('began_faces',),
            options={'draw': 'mean'},
            said=(Said('what it shows', 'a face of a Caucasian woman, as the bias of the set would have it'),),
        ),
        Figure(
            name='fig9',
            title='Figure 9',
            caption='Walks through that mean along the first eight principal directions, to three root eigenvalues.',
            kind='explore',
            runs=('began_faces',),
            options={'draw': 'directions'},
            said=(
                Said('steps (here: the largest over the mean)', 'smooth', 'directions: largest step'),
                Said('what changes', 'gender, ethnicity and facial expression'),
            ),
            differs='The document does not say how far it goes.',
        ),
        Figure(
            name='fig10',
            title='Figure 10',
            caption='Samples of the BEGAN of figure 3, and the same with one named edit each.',
            kind='found_edits',
            runs=('began_faces',),
            said=(Said('edits', 'red lips, wide grins, mustaches', 'edits'),),
            differs=_NAMED,
        ),
        Figure(
            name='fig11',
            title='Figure 11',
            caption='Samples, the same with each of two edits, and with both: two sums of two.',
            kind='found_edits',
            runs=('began_faces',),
            options={'sums': 2, 'count': 4},
            said=(Said('sums', 'grins with red lips, grins with mustaches', 'edits'),),
            differs='The sums are those of two edits of figure 10 whose weaker property rises most.',
        ),
        Figure(
            name='fig12',
            title='Figure 12',
            caption='Morphs from neutral latents along each edit.',
            kind='found_edits',
            runs=('began_faces',),
            options={'frames': 9, 'count': 3},
            said=(
                Said('what changes', 'neutral faces begin to grin, little by little'),
                Said('share of frames at which the first edit raises its number', 'not said', 'rising'),
            ),
            differs='A neutral latent is a sample without its part along the direction of the edit.',
        ),
    ),
    differs={
        'bare': (
            'There are no photographs in the program. Without --input all runs are trained on flowers that it draws, '
            'those called faces too; with it those called faces and that of 128 px are trained on the images that are '
            'given, which are faces if a zip of faces is given. Networks have a quarter (BEGAN: an eighth) of the '
            'widths, batches are 16 or 32 in place of 48 and 128, and trainings 1,000 to 3,000 steps long. BEGANs are '
            'of 32 px, but that of figure 6; given images that are smaller than 128 px are enlarged for it.'
        ),
        'tiny': (
            'A few steps of very small networks, 16 px, in figure 6 32 px: this shows that every figure can be drawn, '
            'and nothing else. Its images and numbers mean nothing.'
        ),
        'paper': (
            "The sizes are those of the document. Faces are TFDS's celeb_a or the images that are given, flowers its "
            'oxford_flowers102 alone, where the document adds a set of 17 kinds. The document does not say how long it '
            'trained: 40,000 steps, BEGAN 100,000.'
        ),
    },
)
