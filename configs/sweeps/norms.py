"""Three norms for networks of many widths: pixelwise, batch and layer norm.

The post on gradually increasing resolution (2018, Table 2 and figure 2) found pixelwise norm stabler than batch norm
and layer norm: fewer sudden jumps of the losses.

    python main.py --mode=sweep --config=configs/sweeps/norms.py --output=sweeps/norms
"""

MEASURES = ('samples.swd', 'samples.ms_ssim_of_pairs')

CLAIMS = (
    {
        'claim': 'Pixelwise norm gives better samples than batch norm.',
        'cell': 'pixelwise',
        'than': 'batch',
        'measure': 'samples.swd',
        'better': 'lower',
    },
    {
        'claim': 'Pixelwise norm gives better samples than layer norm.',
        'cell': 'pixelwise',
        'than': 'layer',
        'measure': 'samples.swd',
        'better': 'lower',
    },
)


def get_hyper(hyper):
    """One cell for each norm, the same in both networks."""
    norms = ('pixelwise', 'batch', 'layer')
    return hyper.product(
        [
            hyper.fixed('config', 'configs/birds.py'),
            hyper.zipit(
                [
                    hyper.sweep('label', norms),
                    hyper.sweep('generator.norm', norms),
                    hyper.sweep('discriminator.norm', norms),
                ]
            ),
        ]
    )
