"""Does augmenting what the discriminator sees help where there are few images?

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training": shifts and squares that are cut out, of
real and generated images alike. The embedded flowers are 1000 here, a quarter of the default; a folder with photographs
is small by itself.
"""


def get_hyper(hyper):
    cells = hyper.zipit(
        [
            hyper.sweep('augment', (('translation', 'cutout'), ())),
            hyper.sweep('label', ('augmented', 'plain')),
        ]
    )
    return hyper.product([hyper.fixed('config', 'configs/modern.py'), cells, hyper.fixed('data.embedded.count', 1000)])


MEASURES = ('samples.swd', 'samples.ms_ssim_of_pairs', 'samples.nearest_in_training', 'samples.checkerboard')
CLAIMS = (
    dict(
        claim='Augmentation gives better samples from few images.',
        cell='augmented',
        than='plain',
        measure='samples.swd',
        better='lower',
    ),
)
