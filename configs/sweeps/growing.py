"""Do networks that grow end better, and sooner, than the same networks at full size from the start?

Karras et al. 2018, "Progressive Growing of GANs", section 6.2; the notes on it: growing "converges to a
considerably better optimum and also reduces the total training time by about a factor of two". At equal steps the fixed
networks take about twice as long, which is the second half of the claim; `--minutes=N` gives both the same time, and
tells about both halves together.
"""


def get_hyper(hyper):
    cells = hyper.zipit(
        [
            hyper.sweep('config', ('configs/progressive.py', 'configs/progressive.py:fixed')),
            hyper.sweep('label', ('growing', 'fixed')),
        ]
    )
    return hyper.product([cells, hyper.fixed('checkpoint.every', 1500)])  # the config keeps many, for its figures


MEASURES = ('samples.swd', 'samples.ms_ssim_of_pairs', 'samples.nearest_in_training', 'loss_jumps')
CLAIMS = (
    dict(
        claim='Networks that grow end with better samples.',
        cell='growing',
        than='fixed',
        measure='samples.swd',
        better='lower',
    ),
)
