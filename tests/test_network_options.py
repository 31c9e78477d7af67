"""Options of networks, by main.py: a stopped run goes on as if it had not been, and eight devices are as one."""

import pytest
from command_line import config, main
from three_ways import trained_in_three_ways


@pytest.mark.parametrize(
    'variant, fields',
    [
        ('dcgan:tiny', ['generator.up=linear', 'discriminator.down=blur', 'discriminator.norm=layer']),
        ('dcgan:tiny', ['generator.up=nearest', 'discriminator.down=pool', 'discriminator.norm=layer']),
        ('colorize:patches+tiny', ['generator.stride=2']),
        ('progressive:skips+tiny', ['generator.up=linear']),
    ],
    ids=['linear and blur', 'nearest and pool', 'stride and patches', 'skips'],
)
def test_a_stopped_run_goes_on_exactly_and_devices_agree(variant, fields, tmp_path):
    words = [f'--config.{field}' for field in fields]
    words += [f'--config.optimizer.{player}.name=sgd' for player in ('gen', 'disc')]
    words += ['--config.steps=3', '--config.log.every=1', '--config.log.grids=0', '--config.checkpoint.every=1']
    trained_in_three_ways(tmp_path, variant, words, 'jit')


@pytest.mark.parametrize(
    'variant, field, told',
    [
        (
            'dcgan',
            'discriminator.norm=pixel',
            "config.discriminator: 'pixel' is not a norm (did you mean 'pixelwise'?)",
        ),
        ('dcgan', 'discriminator.down=blurr', "config.discriminator: down='blurr' is not known (did you mean 'blur'?)"),
        ('wgan_gp', 'generator.activation=lrelu', "config.generator: 'lrelu' is not an activation"),
        ('dcgan', 'size=18', 'the dcgan networks need a height and width that are multiples of 4, not 18 x 18: give '),
        ('dcgan', 'generator.z_dim=5', 'the dcgan generator needs a latent of shape (N, 5), not (1, 8): let the task '),
        ('mnist', 'objective.terms.moments.kernel=cubic', "config.objective.terms.moments: 'cubic' is not a kernel"),
        ('mnist', 'objective.terms.style.form=grams', "config.objective.terms.style: 'grams' is not a form of style"),
    ],
)
def test_a_value_that_a_network_or_a_term_refuses_is_told_with_its_place(variant, field, told, tmp_path):
    done = main(config(f'{variant}:tiny'), f'--config.{field}', f'--workdir={tmp_path / "run"}')
    assert (done.code, done.err[: len(told)], len(done.err.splitlines())) == (2, told, 1)
    assert 'config.' in done.err
