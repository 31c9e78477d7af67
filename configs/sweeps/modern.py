"""Does the game of 2024 on DCGAN's networks beat networks that grow with a critic, in the same time?

`configs/modern.py` against `configs/progressive.py`. A step of either costs something else, so that `--minutes` is the
comparison that is meant. `configs/modern.py:grown` has the networks of the latter.
"""


def get_hyper(hyper):
    cells = hyper.zipit(
        [
            hyper.sweep('config', ('configs/modern.py', 'configs/progressive.py')),
            hyper.sweep('label', ('modern', 'progressive')),
        ]
    )
    return hyper.product([cells, hyper.fixed('checkpoint.every', 1500)])


MEASURES = ('samples.swd', 'samples.ms_ssim_of_pairs', 'samples.nearest_in_training', 'samples.checkerboard')
CLAIMS = (
    dict(
        claim='Pairs with R1 and R2 on DCGAN networks give better samples than networks that grow with a critic.',
        cell='modern',
        than='progressive',
        measure='samples.swd',
        better='lower',
    ),
)
