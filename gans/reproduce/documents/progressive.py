"""Document 004: notes on progressive growing (Karras et al. 2018) and on what convolutional networks look for."""

from gans.reproduce.types import Document, Figure, Run, Said

_KEEP = {'checkpoint.keep': '1000'}  # all of them: what is measured over training
_KEEP_HALVES = {'checkpoint.keep': '2', 'checkpoint.keep_every': '25000'}  # of each fading and each rest; 0.65 GB each
_MEASURED = _KEEP | {'data.embedded.count': '64'}  # at the scale tiny: halves of what is held out are measured
_TITLES = ('growing', 'fixed')
_ROWS = (
    ('Side of the images in pixels', '1024', 'size'),
    ('Images in a batch', '16 and less', 'batch'),
    ('Training batches', 'not said', 'steps'),
    ('Images for each fading and each rest', '800K', ''),
    ('Length of the latent', '512', 'task.latent'),
    ('Adam, beta 1', '0', 'optimizer.gen.b1'),
    ('Adam, beta 2', '0.99', 'optimizer.gen.b2'),
    ('Adam, epsilon', '1e-8', 'optimizer.gen.eps'),
    ('Learning rate of the generator', '0.001', 'schedules.learning_rate_gen'),
    ('Learning rate of the discriminator', '0.001', 'schedules.learning_rate_disc'),
    ('Weight of the gradient penalty', '10', 'schedules.penalty'),
    ('Weight of the drift term', '0.001', 'schedules.drift'),
    ('Decay of the average of the generator', '0.999', 'ema'),
    ('Slope of leaky ReLU below zero', '0.2', 'generator.slope'),
)

DOCUMENT = Document(
    title='Notes on "Progressive Growing of GANs" (Karras et al. 2018) and on deconvnets (Zeiler and Fergus 2014)',
    about=(
        'Generator and discriminator begin with images of 4 pixels. Layers for twice as many pixels are faded in again '
        'and again, so that coarse shapes are learned before details. The notes say that this ends nearer to real '
        'images and takes about half of the time. They also show what channels of a network look for.'
    ),
    runs={
        'growing': Run('configs/progressive.py', fields=_KEEP, tiny=_MEASURED, paper=_KEEP_HALVES),
        'fixed': Run('configs/progressive.py', 'fixed', fields=_KEEP, tiny=_MEASURED, paper=_KEEP_HALVES),
    },
    figures=(
        Figure(
            name='growth',
            title='Figure 1 of Karras et al.',
            caption='Samples of the same latents while the networks grow, below real images as the critic saw them.',
            kind='evolution',
            runs=('growing',),
            options={'times': 10},
            said=(Said('sizes', '4 to 1024 pixels, doubled eight times'),),
            differs=(
                'The columns are equal times of training, not one for each size; small images are magnified. How many '
                'sizes there are here follows from the size of the images: every level doubles 4 pixels once more.'
            ),
        ),
        Figure(
            name='faded',
            title='Fading in (figure 2 of Karras et al.)',
            caption='The same latents while one level is faded in: its share goes from 0 to 1.',
            kind='faded',
            runs=('growing',),
            options={'level': 3},
            said=(Said('share of the level', 'linearly from 0 to 1', 'shares'),),
            differs='The paper has a diagram of it. Here each column has the weights of its own step.',
        ),
        Figure(
            name='table2_generator',
            title='Table 2 of Karras et al., generator',
            caption='The layers of the generator at 1024 pixels.',
            kind='networks',
            runs=('growing',),
            options={'player': 'gen'},
            said=(Said('trainable variables', '23.1M', 'parameters'),),
            differs='A linear layer to RGB for each of nine levels; the table counts that of the last level.',
        ),
        Figure(
            name='table2_discriminator',
            title='Table 2 of Karras et al., discriminator',
            caption='The layers of the discriminator at 1024 pixels.',
            kind='networks',
            runs=('growing',),
            options={'player': 'disc'},
            said=(Said('trainable variables', '23.1M', 'parameters'),),
            differs=(
                'No minibatch deviation beside the gradient penalty, which takes every image by itself; the authors '
                'have both. `discriminator.deviation` is for the other forms of the objective.'
            ),
        ),
        Figure(
            name='settings',
            title='Section A.1 of Karras et al.',
            caption='The settings: of the paper, of its config here, and as trained for this page.',
            kind='hyperparameters',
            runs=('growing',),
            options={'rows': _ROWS},
            differs='The authors reset the optimizers at each new level, and have smaller batches at large sizes.',
        ),
        Figure(
            name='samples',
            title='Samples of both',
            caption='Samples of networks that grew, and of the same networks trained at full size from the start.',
            kind='samples',
            runs=('growing', 'fixed'),
            options={'count': 36, 'columns': 6, 'titles': _TITLES},
            said=(
                Said('growing (here: SWD)', 'ends considerably better', 'growing: SWD'),
                Said('fixed (here: SWD)', 'worse', 'fixed: SWD'),
            ),
            differs=(
                'Both have the same number of steps, not the same time: a step of whole networks takes longer than one '
                'at a low level.'
            ),
        ),
        Figure(
            name='levels',
            title='SWD and MS-SSIM over training (figure 4 a, b of Karras et al.)',
            caption=(
                'The sliced Wasserstein distance of samples to held-out images at each level of the Laplacian pyramid, '
                'and MS-SSIM of pairs of samples, over images shown and over minutes.'
            ),
            kind='levels',
            runs=('growing', 'fixed'),
            options={'titles': _TITLES},
            said=(
                Said('growing (here: last SWD)', 'ends considerably better', 'growing: SWD'),
                Said('fixed (here: last SWD)', 'worse', 'fixed: SWD'),
                Said('the training time is reduced by a factor of', 'about two', 'times sooner'),
                Said('growing (here: MS-SSIM; lower is more varied)', 'not said', 'growing: MS-SSIM of pairs'),
                Said('fixed (the same)', 'not said', 'fixed: MS-SSIM of pairs'),
            ),
            differs=(
                'The factor here: the minutes of the fixed networks, divided by those after which the growing ones '
                'were measured to be as near to real images as the fixed ones at their end. One seed: docs/results.md '
                'has sweeps over three at equal time. The paper measures 8192 samples with 128 patches each.'
            ),
        ),
        Figure(
            name='equal_times',
            title='Growing against fixed',
            caption='Samples of the same latents after equal minutes of training: growing above, fixed below.',
            kind='growth',
            runs=('growing', 'fixed'),
            options={'titles': _TITLES},
            said=(
                Said('growing (here: images per second)', 'about twice as fast', 'growing: images per second'),
                Said('fixed (the same)', 'not said', 'fixed: images per second'),
            ),
            differs='The time ends when the growing networks are done; the fixed ones have later checkpoints too.',
        ),
        Figure(
            name='deconvnet',
            title='Deconvnet views (figure 2 of Zeiler and Fergus)',
            caption=(
                'For channels of layers of the critic: the strongest activations over held-out images, projected down '
                'to pixels, above the patches that caused them; first by the rules of the source, then guided.'
            ),
            kind='deconvnet',
            runs=('growing',),
            options={'most': 3},
            said=(
                Said('patches of one channel', 'grouped strongly; more invariant at higher layers'),
                Said('most activations of a channel that are shown', '9'),
            ),
            differs=(
                'The source looks into a classifier of photographs with max-pooling. Here it is the discriminator of '
                'the run, which was trained to tell samples from real images and averages over 2 x 2 pixels.'
            ),
        ),
    ),
    differs={
        'bare': (
            'The images are flowers that the program draws, or those that were given, in place of CelebA-HQ; 64 pixels '
            'and five levels in place of 1024 and nine; at most 64 channels in place of 512; 4500 batches of 16, an '
            'equal part for every fading and every rest, in place of 800,000 images for each; learning rates of 0.002 '
            'and 0.006 that fall at the end, so that this ends on two cores. The notes have no figures of the method '
            'of their own: the figures and tables here are those of the papers that they are about.'
        ),
        'tiny': (
            'A few steps of very small networks: this shows that every figure can be drawn, and nothing else. Its '
            'images and numbers mean nothing.'
        ),
        'paper': (
            'The sizes and lengths are those of the paper, on celeb_a_hq or the images that were given. All '
            'checkpoints are kept for what is measured over training.'
        ),
    },
)
