"""Do two generator turns for each turn of the discriminator help?

Curro 2016, sections 3.3.1 and 3.3.2: all its models have two. A step with one turn is shorter, and moves the generator
half as often: `--minutes=N` compares them at equal wall time.
"""


def get_hyper(hyper):
    cells = hyper.zipit([hyper.sweep('turns.gen', (2, 1)), hyper.sweep('label', ('two turns', 'one turn'))])
    return hyper.product([hyper.fixed('config', 'configs/mnist.py'), cells])


MEASURES = ('class_frechet', 'label_entropy', 'samples.swd', 'samples.ms_ssim_of_pairs', 'loss_jumps')
CLAIMS = tuple(
    dict(
        claim='Two generator turns make better digits than one.',
        cell='two turns',
        than='one turn',
        measure=measure,
        better='lower',
    )
    for measure in ('class_frechet', 'samples.swd')
)
