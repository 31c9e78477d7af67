"""Curro 2016, the thesis: figures 6, 8 and 10 to 17, and the equations of chapters 2 and 3."""

from gans.reproduce.kinds.hyperparameters import IMAGES
from gans.reproduce.types import Document, Figure, Run, Said

_DIGITS = (
    ('training images', 'all of MNIST', IMAGES),
    ('side of an image', '28', 'size'),
    ('length of the latent', '100 (2 for figure 13)', 'task.latent'),
    ('distribution of latents', 'uniform in [-1, 1]', 'task.distribution'),
    ('hidden layers of the discriminator', '5 fully connected ones and the last', 'discriminator.widths'),
    ('instances of minibatch discrimination', '2', 'discriminator.minibatch'),
    ('norm of the discriminator', 'layer', 'discriminator.norm'),
    ('activation of the discriminator', 'ELU', 'discriminator.activation'),
    ('noise at each layer', '0.3 (its code: 0.5)', 'discriminator.noise'),
    ('widths of the generator', '64, 128, 256 (code)', 'generator.widths'),
    ('norm of the generator', 'layer', 'generator.norm'),
    ('activation of the generator', 'ELU (its code: ReLU)', 'generator.activation'),
    ('form of the discriminator loss', 'hinge', 'objective.form'),
    ('threshold of the hinge', '1', 'objective.threshold'),
    ('weight of the moments', '0.2 (code)', 'schedules.moments'),
    ('weight of the style', '0.1 (code)', 'schedules.style'),
    ('generator updates for one of the discriminator', '2', 'turns.gen'),
    ('optimizer', 'Adam', 'optimizer.gen.name'),
    ('first beta', '0.5 (code)', 'optimizer.gen.b1'),
    ('learning rate of the generator', '5e-4 (code)', 'schedules.learning_rate_gen'),
    ('learning rate of the discriminator', '5e-5 (code)', 'schedules.learning_rate_disc'),
    ('batch', '128 (code)', 'batch'),
    ('steps', 'not given', 'steps'),
)
_FACADES = (
    ('training images', 'building facades of MIT Places', IMAGES),
    ('side of an image', '64', 'size'),
    ('length of the latent', '100', 'task.latent'),
    ('distribution of latents', 'uniform in [-1, 1]', 'task.distribution'),
    ('widths of the convolutions of the discriminator', '64, 128, 256, 512 (code)', 'discriminator.widths'),
    ('hidden fully connected layers behind them', '1000, 500 (code)', 'discriminator.hidden'),
    ('instances of minibatch discrimination', '1 (its code: 2)', 'discriminator.minibatch'),
    ('norm of the discriminator', 'batch (its code: layer)', 'discriminator.norm'),
    ('dropout', 'in some experiments', 'discriminator.dropout'),
    ('norm of the generator', 'batch (its code: layer)', 'generator.norm'),
    ('activation of the generator', 'ReLU', 'generator.activation'),
    ('generator updates for one of the discriminator', '2', 'turns.gen'),
    ('optimizer', 'Adam', 'optimizer.gen.name'),
    ('batch', '32 (code)', 'batch'),
    ('steps', 'not given', 'steps'),
)
_COLOURS = (
    ('training images', 'a subset of CelebA', IMAGES),
    ('size', '218 x 178 (code)', 'size'),
    ('grays and colours from different images', 'yes', 'task.unpaired'),
    ('layers of the generator', 'not given', 'generator.depth'),
    ('width of the generator', 'not given', 'generator.width'),
    ('norm of the generator', 'layer', 'generator.norm'),
    ('activation of the generator', 'ELU', 'generator.activation'),
    ('widths of the convolutions of the discriminator', 'not given', 'discriminator.widths'),
    ('hidden fully connected layers behind them', '1 and the last', 'discriminator.hidden'),
    ('norm of the discriminator', 'layer', 'discriminator.norm'),
    ('noise at each layer', '0.3', 'discriminator.noise'),
    ('generator updates for one of the discriminator', '2', 'turns.gen'),
    ('optimizer', 'Adam', 'optimizer.gen.name'),
    ('steps', 'not given', 'steps'),
)
# Evaluating digits trains a classifier of them, which is most of the work where a generator takes four steps.
_FEW = {'data.source': 'embedded'}
_CODE = 'Where the text is silent, "(code)" marks what the code in its appendix has; :paper has that too. '
_IN_TANH = (
    'The images of the thesis are in [0, 1] and its generators end in a sigmoid; here they are in [-1, 1] and end in '
    'a tanh, which is that sigmoid stretched. '
)
_FORMS = (
    'The bare config takes the forms of the equations (moments without a root, style by Gram matrices), :paper those '
    "of the thesis's code. Both have the weights of that code, 0.2 for moments and 0.1 for style."
)

DOCUMENT = Document(
    title=(
        'Curro 2016, "Alternative Architectures for Image Generation and Residual Dilated Convolutions for Image '
        'Colorization with Adversarial Networks"'
    ),
    about=(
        "A master's thesis on generative adversarial networks: the generator also matches moments and style of the "
        "discriminator's layers, and the discriminator has a hinge loss. A second part colours gray photographs that "
        'the discriminator never sees in colour, by residual networks of dilated convolutions.'
    ),
    runs={
        'digits': Run('configs/mnist.py', tiny=_FEW, photographs=False),
        'manifold': Run('configs/mnist.py', 'manifold', tiny=_FEW, photographs=False),
        'earlier': Run('configs/mnist.py', 'earlier', tiny=_FEW, photographs=False),
        'facades': Run('configs/places.py'),
        'colours': Run('configs/dilated_colorize.py'),
    },
    figures=(
        Figure(
            'fig6',
            'Figure 6',
            'Activation functions (blue) and their gradients (dashed green).',
            'activations',
            said=(
                Said('largest gradient of the sigmoid', '1/4', 'sigmoid: largest gradient'),
                Said('largest gradient of the ReLU', '1', 'ReLU: largest gradient'),
            ),
            differs=(
                'The thesis gives no slope of the leaky ReLU for its figure: 0.2 is that of its code. No network here '
                f'ends in a sigmoid. {_IN_TANH}The sigmoid of the discriminator is part of its loss.'
            ),
        ),
        Figure(
            'fig8',
            'Figure 8',
            'Images, their luminance Y, and their blue and red differentials U and V as gray images.',
            'luminance',
            ('colours',),
            said=(Said('luminance', 'has most of what an image means', 'luminance'),),
            differs=(
                'The thesis has one photograph; here it is held-out images of the colorizer. What it says of meaning '
                'is not measured: our number is the share of the edges that is in Y.'
            ),
        ),
        Figure(
            'fig10',
            'Figure 10',
            'Samples of digits after the recipe of earlier work: minibatch discrimination, virtual batch norm, '
            'one-sided label smoothing, and neither moments nor style.',
            'samples',
            ('earlier',),
            {'count': 100, 'columns': 10},
            differs=(
                'The thesis shows a figure of Salimans et al. 2016. Ours has its three techniques in the networks of '
                'the thesis. Real images are to get a probability of 0.9, since no number is given. Virtual batch norm '
                'takes its statistics from the reference batch alone, as the thesis describes it; Salimans et al. '
                'count the example itself in too. Minibatch discrimination counts the other examples only, as the '
                "thesis's code; equation 79 counts the example itself too."
            ),
        ),
        Figure(
            'fig11',
            'Figure 11',
            'An image in the styles of three others, by what networks see in them.',
            'styled',
            ('facades',),
            differs=(
                'The thesis shows a figure of Gatys et al. 2015: a photograph in the styles of five paintings, by a '
                'VGG-Net. Here content and styles are drawn by this program. The discriminator of figure 16 looks, '
                'which learned to tell real images from generated ones, and EfficientNet-Lite0 where it is installed.'
            ),
        ),
        Figure(
            'eq84to88',
            'Equations 84 to 88',
            'Content and style of an image, which style transfer makes small together.',
            'equations',
            options={'which': (84, 85, 86, 87, 88)},
            differs=(
                'The equations as printed. --mode=stylize divides the loss of each layer by the squared norm of what '
                'is wanted there, so that weights mean the same in every network.'
            ),
        ),
        Figure(
            'eq89to96',
            'Equations 89 to 96',
            'The adversarial losses, and kernel moments as a term of the loss of the generator.',
            'equations',
            options={'which': (89, 90, 91, 92, 93, 94, 95, 96)},
            differs=(
                'Equation 94 sums over the layers; the term takes their mean, as the code of the thesis does, and is '
                'multiplied by their number here. A weight of a layer and a bandwidth is the product of a weight of '
                'each. The configs take the mean of squared differences over the features where equation 92 has their '
                "sum, so that bandwidths mean the same in every layer, as the thesis's code does; here it is the sum. "
                ":paper takes the square root of the statistic, as the thesis's code does and equation 92 does not."
            ),
        ),
        Figure(
            'eq97to99',
            'Equations 97 to 99',
            'Style as a term of the loss of the generator.',
            'equations',
            options={'which': (97, 98, 99)},
            differs=(
                'Three forms of style can be chosen. Here it is the one of equation 97 as printed, which compares '
                'products of channels place by place. The bare configs compare Gram matrices (equations 87 and 88), '
                ":paper computes what the thesis's code does. Weights as in equation 94."
            ),
        ),
        Figure(
            'eq103',
            'Equation 103',
            'The hinge loss of the discriminator.',
            'equations',
            options={'which': (103,)},
            differs=(
                'The minus sign before the sum of equation 103 is a misprint, since the discriminator would have to '
                'make it large: its code has none, and neither has this function.'
            ),
        ),
        Figure(
            'fig12',
            'Figure 12',
            'The hinge loss beside the cross entropy of one score.',
            'hinge',
            said=(Said('probability up to which the hinge loss penalizes', '0.73', 'probability'),),
            differs='The caption of the thesis prints the cross entropy without its minus sign.',
        ),
        Figure(
            'digits',
            'Section 3.3.1',
            'How the digits are trained.',
            'hyperparameters',
            ('digits',),
            {'rows': _DIGITS},
            differs=(
                f'{_CODE}{_IN_TANH}Noise of 0.3 on images in [-1, 1] is 0.6 at the input. The discriminator of the '
                'bare config has convolutions; :mlp and :paper have the six fully connected layers. The bare '
                'config has larger learning rates, which fall, and shows averaged weights.'
            ),
        ),
        Figure(
            'fig13',
            'Figure 13',
            'A generator of latents of two numbers: images at equally spaced latents.',
            'explore',
            ('manifold',),
            {'draw': 'manifold'},
            differs=(
                'The sides of the square are 0.9 of the range of the latents from its middle, as in the code of the '
                'thesis; its text has 1, which --span=1 draws.'
            ),
        ),
        Figure(
            'fig14',
            'Figure 14',
            '400 digits of a generator that was trained with moments, style and hinge loss.',
            'samples',
            ('digits',),
            {'count': 400, 'columns': 20},
            differs=_FORMS,
        ),
        Figure(
            'fig15',
            'Figure 15',
            'Digits at the ends of each row are samples; those between are of latents on the line between their two.',
            'explore',
            ('digits',),
            {'draw': 'walks', 'seeds': tuple(map(str, range(21))), 'frames': 20, 'show': ('walk_linear',)},
            differs='Each row begins where the row above it ends.',
        ),
        Figure(
            'facades',
            'Section 3.3.2',
            'How the facades are trained.',
            'hyperparameters',
            ('facades',),
            {'rows': _FACADES},
            differs=(
                f'{_CODE}Where text and code differ, :paper has the text and :appendix the code. The bare config '
                'has a quarter of the widths and larger learning rates, which fall, and shows averaged weights.'
            ),
        ),
        Figure(
            'fig16',
            'Figure 16',
            'Samples of a generator that was trained with moments and style.',
            'samples',
            ('facades',),
            {'count': 64, 'columns': 8},
            differs=(
                'No facades come with this repository: a folder of them is given with --input. The caption of the '
                'thesis names moments and style only; its code has the hinge loss too, and so has the config. '
            )
            + _FORMS,
        ),
        Figure(
            'colorizer',
            'Section 4.0.1',
            'How the colorizer is trained.',
            'hyperparameters',
            ('colours',),
            {'rows': _COLOURS},
            differs=(
                'The thesis gives neither widths, depth, batch nor learning rates of this experiment: :paper takes '
                'those of the other experiments of its code. Grays and colours come from disjoint halves of the '
                'images.'
            ),
        ),
        Figure(
            'fig17',
            'Figure 17',
            'Gray held-out images, the colours that the generator gives them, and their own.',
            'montage',
            ('colours',),
            {'which': 'typical'},
            differs=(
                'Dilations of 2, 4, 8 and so on alone reach only every second pixel; the plain convolution at the end '
                'fills the gaps. A colour outside the RGB cube is clipped where it is stored.'
            ),
        ),
        Figure(
            'fig17failures',
            'Section 4.0.1, failures',
            'How colourful outputs and originals are, and the least colourful outputs.',
            'colourfulness',
            ('colours',),
            said=(Said('outputs without colour', 'its worst failures on skin', 'washed out'),),
            differs=(
                'The thesis counts nothing. An image counts as washed out here where its colourfulness is below 15, '
                'which Hasler and Suesstrunk 2003 call slightly colourful; originals are counted in the table too.'
            ),
        ),
    ),
    differs={
        'bare': (
            "The digits are 1797 of scikit-learn's, enlarged to look like MNIST's. Facades and faces are replaced by "
            'drawn flowers of 64 px, or by the images that --input gives. Networks are smaller, and training is as '
            'short as the configs have it: the thesis gives no length, and :paper takes 50,000 steps.'
        ),
        'tiny': (
            'Images of 16 px, networks of a few numbers, four steps, and drawn flowers in place of digits: this scale '
            'shows that every figure can be drawn, and nothing else.'
        ),
        'paper': (
            'Images come through TFDS: MNIST, the class building_facade of places365_small, CelebA. A tenth of each is '
            'held out. What the text leaves open is taken from the code of the appendix. No lengths are given: 50,000 '
            'steps each.'
        ),
    },
)
