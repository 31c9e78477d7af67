"""Does the game of 2024 beat that of 2018 on networks that grow, in the same time?

`configs/modern.py` against `configs/progressive.py`. A step of either costs something else, so that `--minutes` is the
comparison that is meant.
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
        claim='Pairs with R1 and R2 give better samples than a critic, on networks that grow.',
        cell='modern',
        than='progressive',
        measure='samples.swd',
        better='lower',
    ),
)
