"""Do pairs of scores with R1 and R2 train better than scores by themselves?

Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline", sections 2 and 3. `R1 alone` is the
non-saturating loss with R1 (Mescheder et al. 2018), `Wasserstein` the critic with gradient penalty and drift (Karras et
al. 2018). Networks, averages and learning rates are those of `configs/modern.py`.
"""


def get_hyper(hyper):
    return hyper.zipit(
        [
            hyper.sweep('config', [f'configs/modern.py{variant}' for variant in ('', ':r1', ':wasserstein')]),
            hyper.sweep('label', ('pairs, R1 and R2', 'R1 alone', 'Wasserstein')),
        ]
    )


MEASURES = ('samples.swd', 'samples.ms_ssim_of_pairs', 'samples.nearest_in_training', 'samples.checkerboard')
CLAIMS = tuple(
    dict(
        claim=f'Pairs with R1 and R2 give better samples than {other}.',
        cell='pairs, R1 and R2',
        than=other,
        measure='samples.swd',
        better='lower',
    )
    for other in ('R1 alone', 'Wasserstein')
)
