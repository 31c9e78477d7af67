"""How heavy should R1 and R2 be at 64 px?

Huang et al. 2024 have a gamma that falls from 2 to 0.2 for faces of 64 px, and so has `configs/modern.py`. Here it is
constant.
"""

GAMMAS = (0.2, 0.02, 2.0, 20.0)


def get_hyper(hyper):
    weights = [hyper.sweep(f'schedules.{name}', GAMMAS) for name in ('r1', 'r2')]
    cells = hyper.zipit([*weights, hyper.sweep('label', [f'gamma {gamma}' for gamma in GAMMAS])])
    return hyper.product([hyper.fixed('config', 'configs/modern.py'), cells])


MEASURES = ('samples.swd', 'samples.ms_ssim_of_pairs', 'samples.nearest_in_training', 'samples.checkerboard')
