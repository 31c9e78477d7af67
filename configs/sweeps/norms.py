"""Does pixelwise norm train more stably than batch norm and layer norm?

"Gradually Increasing Image Resolution During GAN Training" (2018), remark v and figure 2: with pixelwise norm in both
networks the losses are well behaved, with the others they often jump, or samples become all alike.

    python main.py --mode=sweep --config=configs/sweeps/norms.py --output=sweeps/norms
"""

NORMS = ('pixelwise', 'batch', 'layer')

MEASURES = ('loss_jumps', 'samples.swd', 'samples.ms_ssim_of_pairs', 'samples.nearest_in_training')

CLAIMS = tuple(
    {
        'claim': f'Pixelwise norm {does} {other} norm.',
        'cell': 'pixelwise',
        'than': other,
        'measure': measure,
        'better': 'lower',
    }
    for measure, does in (
        ('loss_jumps', 'makes losses jump less often than'),
        ('samples.ms_ssim_of_pairs', 'gives more varied samples than'),
        ('samples.swd', 'gives better samples than'),
    )
    for other in NORMS[1:]
)


def get_hyper(hyper):
    """One cell for each norm, the same in both networks."""
    return hyper.product(
        [
            hyper.fixed('config', 'configs/birds.py'),
            hyper.zipit(
                [
                    hyper.sweep('label', NORMS),
                    hyper.sweep('generator.norm', NORMS),
                    hyper.sweep('discriminator.norm', NORMS),
                ]
            ),
            hyper.fixed('log.every', 28),  # jumps are looked for from one log line to the next: a hundred of them
        ]
    )
