"""Is leaky ReLU better than ReLU, ELU and tanh in both networks?

"Gradually Increasing Image Resolution During GAN Training" (2018), remark iv: "Leaky Relu activations led to the best
GAN performance". Everything else is that of the config: pixelwise norm, blur.
"""

ACTIVATIONS = ('leaky_relu', 'relu', 'elu', 'tanh')


def get_hyper(hyper):
    cells = hyper.zipit(
        [hyper.sweep(f'{player}.activation', ACTIVATIONS) for player in ('generator', 'discriminator')]
        + [hyper.sweep('label', ACTIVATIONS)]
    )
    # Jumps are looked for from one log line to the next: a hundred of them.
    return hyper.product([hyper.fixed('config', 'configs/birds.py'), cells, hyper.fixed('log.every', 28)])


MEASURES = ('samples.swd', 'samples.ms_ssim_of_pairs', 'samples.nearest_in_training', 'loss_jumps')
CLAIMS = tuple(
    dict(
        claim=f'Leaky ReLU gives better samples than {other}.',
        cell='leaky_relu',
        than=other,
        measure='samples.swd',
        better='lower',
    )
    for other in ACTIVATIONS[1:]
)
