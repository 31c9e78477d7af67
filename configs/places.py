"""Generate facades: batch norm, dropout by choice, moments and style of the discriminator's layers.

Source: Curro 2016, section 3.3.2, figure 16, and appendix A.

    python main.py --config=configs/places.py               embedded flowers, 64 px: no buildings are embedded
    python main.py --config=configs/places.py:paper         section 3.3.2: facades of MIT Places, 64 px
    python main.py --config=configs/places.py:appendix      the same by the code of the appendix: layer norm and noise
    python main.py --config=configs/places.py:plain         the control: no hinge, nothing matched
    python main.py --config=configs/places.py:smooth         smooth up- and down-sampling: no grid of dots
    python main.py --config=configs/places.py:tiny          a few steps of very small networks, for tests

`:paper` and `:appendix` read the class `building_facade` of TFDS's `places365_small`: of its 1.8 million images every
one is looked at for that when it is opened. Your own images, for example a folder of facades, come with
`--config.data.source=folder --config.data.folder.path=PLACE`.

The text leaves widths and batch size open: they are those of the code. Where it has one instance of minibatch
discrimination and batch norm, the code has two, and layer norm after noise of 0.5.

The default config has a quarter of the widths, 2000 steps, learning rates of 1e-3 (generator) and 5e-4 (discriminator),
which fall to a tenth over the last 30 % of training, where the thesis's code has 5e-4 and 5e-5, and shows an average of
the generator's weights.
"""

from ml_collections import ConfigDict

from gans.config.common import with_defaults
from gans.config.load import choose_variant


def get_config(variant: str = '') -> ConfigDict:
    """Returns the config, or the variant of it that is named."""
    config = with_defaults(
        name='places',
        size=64,
        batch=32,
        steps=2000,
        data=dict(tfds=dict(dataset='places365_small', split='train', label='building_facade')),
        # A latent of `latent` numbers in, an image out. Real images may be mirrored, turned by multiples of
        # 90 degrees, and changed in hue (part of the circle), saturation and value (parts of themselves).
        task=dict(
            name='generate',
            latent=100,
            distribution='uniform',
            flip=True,
            rotate=False,
            hue=0.0,
            saturation=0.0,
            value=0.0,
        ),
        networks='convnet',
        # norm: layer, batch, virtual, pixelwise or none. noise_maps: one number for each width, or none.
        generator=dict(widths=(16, 32, 64, 128), z_dim=100, norm='batch', activation='relu', slope=0.2, noise_maps=()),
        # noise: its deviation after every convolution; hidden: fully connected layers with `dropout`, the last
        # `minibatch` of them followed by minibatch features.
        discriminator=dict(
            widths=(16, 32, 64, 128),
            hidden=(250, 125),
            minibatch=1,
            kernels=32,
            dims=8,
            scale='mean',
            norm='batch',
            activation='leaky_relu',
            slope=0.2,
            noise=0.0,
            dropout=0.0,
        ),
        # form, gen_form: non_saturating, minimax, hinge, least_squares. A term takes its weight from the schedule
        # of its name; `layers` are paths in the discriminator.
        objective=dict(
            name='standard',
            form='hinge',
            gen_form='non_saturating',
            threshold=1.0,
            terms=dict(
                moments=dict(layers=('down_0', 'down_1', 'down_2', 'down_3')),
                style=dict(layers=('down_0', 'down_1', 'down_2', 'down_3')),
            ),
        ),
        turns=dict(gen=2, disc=1),
        ema=0.99,
        optimizer=dict(gen=dict(name='adam', b1=0.5, b2=0.999), disc=dict(name='adam', b1=0.5, b2=0.999)),
        # Breakpoints in fractions of training, values joined by straight lines, constant outside.
        schedules=dict(
            learning_rate_gen=dict(at=(0.7, 1.0), value=(1e-3, 1e-4)),
            learning_rate_disc=dict(at=(0.7, 1.0), value=(5e-4, 5e-5)),
            adversarial=1.0,
            moments=0.2,
            style=0.1,
            # Standard deviation in pixels of the blur through which the discriminator sees, as a part of the size.
            blur=0.0,
        ),
        checkpoint=dict(every=500),
    )
    variants = {'paper': _paper, 'appendix': _appendix, 'plain': _plain, 'smooth': _smooth, 'tiny': _tiny}
    return choose_variant(config, variant, variants)


def _paper(config):
    # The weights of 0.2 and 0.1 are the code's: so are these forms.
    config.objective.terms.moments.root, config.objective.terms.style.form = True, 'appendix'
    config.steps, config.ema = 50_000, 0.0
    config.data.source, config.data.threads = 'tfds', 4
    config.generator.widths = config.discriminator.widths = (64, 128, 256, 512)
    config.discriminator.hidden = (1000, 500)
    config.schedules.learning_rate_gen = dict(at=(0.0,), value=(5e-4,))
    config.schedules.learning_rate_disc = dict(at=(0.0,), value=(5e-5,))
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 100, 20, 64, 1000


def _appendix(config):
    _paper(config)
    config.generator.norm = config.discriminator.norm = 'layer'
    config.discriminator.noise, config.discriminator.minibatch = 0.5, 2


def _plain(config):
    config.objective.form = 'non_saturating'
    for name in config.objective.terms:
        del config.schedules[name]
    config.objective.terms = ConfigDict()


def _smooth(config):
    config.generator.up, config.discriminator.down = 'linear', 'blur'


def _tiny(config):
    config.size, config.batch, config.steps = 16, 8, 4
    config.data.embedded.count = 64
    config.task.latent = config.generator.z_dim = 8
    config.generator.widths, config.discriminator.widths, config.discriminator.hidden = (4, 4), (4, 4), (6, 5)
    config.discriminator.kernels, config.discriminator.dims = 3, 2
    for term in config.objective.terms.values():
        term.layers = ('down_0', 'down_1')
    config.log.every, config.log.grids, config.log.grid_images, config.checkpoint.every = 1, 2, 4, 2
