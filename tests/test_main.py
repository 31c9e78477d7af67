"""The command line: one sentence and exit code 2 for whatever a user can get wrong."""

import errno
import json
import os
import subprocess
import sys

import pytest
from command_line import ROOT, config, main, process
from variants import everything

from gans.cli import verbs
from gans.config.load import flatten, from_json, load, to_json
from gans.core.overrides import override

TINY = config('colorize:tiny')
COLORIZE = f'{ROOT}/configs/colorize.py'

CASES = [
    # configs and variants, however the flag is written
    ([f'--config={ROOT}/configs/colourize.py'], "did you mean '"),
    (['--config', f'{ROOT}/configs/colourize.py'], "did you mean '"),
    ([f'-config={ROOT}/configs/colourize.py'], "did you mean '"),
    (['-config', f'{ROOT}/configs/colourize.py'], "did you mean '"),
    ([f'--config={COLORIZE}:papre'], "did you mean 'paper'"),
    ([f'--config={COLORIZE}:papre', '--config.batch=2'], "did you mean 'paper'"),
    ([f'--config={ROOT}/README.md'], 'is no Python file'),
    (['--config=~nobody-has-this-name/x.py'], "begins with '~'"),
    (['--config=' + 300 * 'x' + '.py'], 'cannot be a path'),
    (['--config='], '--config is empty'),
    (['--config'], '--config has no value'),
    # fields of the config
    ([TINY, '--config.generator.widhts=(1,)'], "did you mean 'widths'"),
    ([TINY, '--config.batch=many'], "config.batch is 'many': give a whole number"),
    ([TINY, '--config.batch'], '--config.batch has no value'),
    ([TINY, '--config.batch', '--dry_run'], '--config.batch has no value'),
    ([TINY, '--config.batch=many', '--config.batch', '8', '-config.batch=0'], 'config.batch is 0'),  # the last counts
    ([TINY, '--noconfig.batch'], 'config.batch'),
    ([TINY, '--config.generator=3'], 'config.generator is a section of fields'),
    ([TINY, '--config.data.folder=~/photos'], '(it has fit, path, skip_bad, upscale)'),
    ([TINY, '--config.widths=(1,)'], "did you mean 'generator.widths'"),
    ([TINY, '--config.threads=4'], "did you mean 'data.threads'"),
    ([TINY, '--config.data.batch=4'], "did you mean 'batch'"),
    ([TINY, '--config.log.pictures=4'], '(config.log has every, grid_images, grids)'),
    ([TINY, '--config.=3'], 'is not a field'),
    ([TINY, '--config.batch.size=3'], 'config.batch.size is not a field'),
    ([TINY, '--config.generator.widths=(1,'], 'give a tuple'),
    ([TINY, '--config.task.flip=maybe'], 'give True or False'),
    ([TINY, '--config.schedules.l1=much'], 'config.schedules.l1'),
    ([TINY, "--config.schedules.l1={'at': (0, 1), 'values': (1, 2)}"], "did you mean 'value'"),
    ([TINY, '--config.schedules.l1.value=5'], 'one value each'),
    ([TINY, '--config.batch=0'], 'config.batch is 0: give a whole number from 1'),
    ([TINY, '--config.devices=-1'], 'config.devices is -1'),
    ([TINY, '--config.seed=-1'], 'config.seed is -1'),
    ([TINY, '--config.seed=99999999999999999999'], 'config.seed is 99999999999999999999'),
    ([TINY, '--config.schedules.l1.value=(nan,nan)'], 'config.schedules.l1.value is (nan, nan)'),
    ([TINY, '--config.size=(1,2,3)'], 'config.size'),
    ([TINY, '--config.size=64x48'], "config.size is '64x48': give a number, or height and width, like 48,64."),
    ([TINY, '--config.size=44,70'], 'multiples of 4, not 44 x 70: give --config.size=44,72, for example.'),
    (
        [TINY, '--config.data.folder.path=photos'],
        "the images are read from 'embedded': give --config.data.source=folder",
    ),
    (['--mode=reproduce', '--document=birds', '--config.steps=2'], '--config.steps is for --mode=train and sweep, and'),
    ([config('colorize'), '--config.size=60', '--dry_run'], 'multiples of 32'),
    ([TINY, '--config.data.source=folder', '--config.data.folder.path='], 'config.data.folder.path is empty'),
    # names in the config
    ([TINY, '--config.data.source=embeded'], "did you mean 'embedded'"),
    ([TINY, '--config.data.source=flowers'], 'config.data.source'),
    ([TINY, '--config.data.placement=gpu'], "choose 'host' or 'device'"),
    ([TINY, '--config.dtype=flot32'], "did you mean 'float32'"),
    ([TINY, '--config.parallel=pmpa'], "did you mean 'pmap'"),
    ([TINY, '--config.networks=../unet'], "did you mean 'unet'"),
    ([TINY, '--config.objective.name=Standard'], 'config.objective.name'),
    ([TINY, '--config.objective.form=hinged'], "did you mean 'hinge'"),
    ([TINY, '--config.objective.terms=l2'], "did you mean 'l1'"),
    ([TINY, '--config.objective.terms=(1,)'], 'config.objective.terms'),
    ([TINY, '--config.optimizer.gen.name=adamw'], 'config.optimizer.gen.name'),
    ([TINY, '--config.task.name=VARIANCES'], 'config.task.name'),
    ([TINY, '--config.task.name=cover_with_boxes'], 'config.task.name'),
    ([TINY, '--config.task.name=colourize'], "did you mean 'colorize'"),
    ([TINY, '--config.task.show_mask=True'], 'config.task.show_mask is not a field'),  # of another task
    ([TINY, '--config.task.keep_luma=3'], 'give True or False'),
    ([TINY, '--config.objective.fake_in_hole=True'], 'hides no part of an image'),
    ([config('inpaint:tiny'), '--config.task.holes=stroke'], "did you mean 'strokes'"),
    ([config('dcgan:tiny'), '--config.task.distribution=gauss'], 'config.task.distribution'),
    ([config('dcgan:tiny'), '--config.generator.norm=bacth'], "did you mean 'batch'"),
    ([config('dcgan:tiny'), '--config.generator.activation=rely'], "did you mean 'relu'"),
    ([config('began:tiny'), '--config.task.latent=3'], 'config.objective.z_dim'),
    ([config('progressive:tiny'), '--config.size=18'], 'multiples of 4'),
    ([config('mnist:tiny'), '--config.discriminator.scale=average'], 'average'),
    # verbs and their flags
    (['--mode=evalute', '--workdir=x'], "did you mean 'evaluate'"),
    (['--mode', 'evalute'], "did you mean 'evaluate'"),
    (['--mode'], '--mode has no value'),
    (['--mode=evaluate'], '--workdir'),
    (['--mode=evaluate', '--workdir=/nowhere/run'], '/nowhere/run'),
    (['--mode=evaluate', '--workdir=x', '--dry_run'], '--dry_run is for --mode=train'),
    (['--mode=evaluate', '--workdir=x', TINY], '--config is for --mode=train'),
    (['--mode=evaluate', '--workdir=x', '--config.batch=8'], '--config.batch is for --mode=train'),
    (['--mode=evaluate', '--workdir=x', '--output=y'], '--output is for --mode=classify, compare, explore, '),
    (['--mode=translate', '--workdir=/nowhere'], '--input'),
    (['--mode=translate', '--workdir=x', '--input=y', '--output=z', '--variants=1.5'], '--variants'),
    (['--mode=translate', '--workdir=x', '--input=y', '--output=z', '--variants=99999999999'], '--variants'),
    (['--mode=translate', '--workdir=x', '--input=y', '--output='], '--output is empty'),
    (['--mode=compare', '--runs=A,'], 'empty entry'),
    (['--mode=compare', '--runs=A', '--workdir=B'], '--workdir is for'),
    (['--mode=compare', '--runs='], '--runs is empty'),
    (['--mode=explore', '--workdir=x', '--output=y', '--reach=nan'], '--reach'),
    (['--mode=explore', '--workdir=x', '--output=y', '--seeds=1,,2'], 'empty entry'),
    (['--mode=explore', '--workdir=x', '--output=y', '--draw=smaples'], "did you mean 'samples'"),
    (['--mode=explore', '--workdir=x', '--output=y', '--search=maybe'], '--search'),
    (['--mode=history', '--workdir=/nowhere/run'], '/nowhere/run'),
    (['--mode=history', '--workdir=x', '--variants=2'], '--variants is for --mode=translate'),
    # training
    (['--workdir=/nowhere/run'], '/nowhere/run'),
    (['--workdir=~nobody-has-this-name/x'], "begins with '~'"),
    (['--workdir=' + 300 * 'x'], 'cannot be a path'),
    ([TINY, '--workdir=/dev/null/run'], '/dev/null/run'),
    ([TINY, '--workdir=a', '--workdir=/dev/null/run'], '/dev/null/run'),
    ([TINY, '--coordinator=here', '--processes=2', '--index=1'], 'a host and a port'),
    ([TINY, '--coordinator=here:99999', '--processes=2', '--index=1'], 'below 65536'),
    # what is no flag
    ([], '--config=configs/colorize.py'),
    (['--dry_run'], '--config=configs/colorize.py'),
    (['--confg=x'], "--confg is not a flag (did you mean '--config'?)"),
    (['--confg', 'x'], "did you mean '--config'"),
    (['--batch=8', TINY], "did you mean '--config.batch'"),
    (['--flagfile=flags.txt', TINY], '--flagfile is not a flag'),
    (['colorize'], "'colorize' is not a flag"),
    (['configs/colorize.py:tiny'], "did you mean '--config=configs/colorize.py:tiny'"),
    (['evaluate', '--workdir=x'], "did you mean '--mode=evaluate'"),
    ([TINY, 'colorize'], "'colorize' is not a flag"),
    (['--'], "'--' is not a flag"),
    ([''], 'is not a flag'),
]


@pytest.mark.parametrize('words, expected', CASES, ids=lambda x: ' '.join(x)[:80] if isinstance(x, list) else None)
def test_a_mistake_is_one_sentence_and_exit_code_2(words, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = main(*words, *(['--config.devices=1'] if TINY in words and 'config.devices' not in f'{words}' else []))
    assert done.code == 2 and done.out == ''
    assert expected in done.err and 'Traceback' not in done.err
    assert len(done.err.splitlines()) == 1 or not words
    assert not list(tmp_path.iterdir())


def test_every_field_of_every_config_can_be_given_by_its_flag():
    """As the config has it, and as a run has stored it, where tuples are lists."""
    for full in everything():
        name, _, variant = full.partition(':')
        loaded = load(f'{ROOT}/configs/{name}.py' + (f':{variant}' if variant else ''))
        for given in (loaded, from_json(to_json(loaded))):
            flat = {field: value for field, value in flatten(given.to_dict()).items() if value != {}}
            for field, value in flat.items():
                changed = override(given, {field: str(value)}, full)
                assert to_json(changed) == to_json(given), f'{full}: --config.{field}={value}'


def test_a_field_is_read_as_what_it_may_be():
    config = load(COLORIZE)
    for name, text, value in (
        ('size', '64,128', (64, 128)),
        ('size', '(64, 128)', (64, 128)),
        ('size', '128', 128),
        ('generator.widths', '8,16', (8, 16)),
        ('generator.widths', '8', (8,)),
        ('schedules.l1.value', '50.,50.', (50.0, 50.0)),
        ('schedules.l1', '3', 3.0),
        ('task.flip', 'false', False),
        ('data.folder.path', 'None', None),
        ('data.folder.path', '~/photos', '~/photos'),
        ('generator.init_std', 'None', None),
        ('generator.init_std', '0.1', 0.1),
    ):
        found = flatten(override(config, {name: text}, 'x').to_dict())[name]
        assert (found, type(found)) == (value, type(value)), (name, text)
    without = override(config, {'generator.init_std': 'None'}, 'x')
    assert override(without, {'generator.init_std': '0.1'}, 'x').generator.init_std == 0.1


NAMES = ['a/b', '..', '.', '', ' ', '-a', 120 * 'n', 'a\nb', 'a\x1b[31mb', 'a\\b', 'a[b]', '~']


@pytest.mark.parametrize('training', [[], ['--dry_run']], ids=['training', 'dry_run'])
def test_a_name_that_can_be_no_folder_is_refused_in_training_and_in_a_dry_run(training, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        done = main(TINY, f'--config.name={name}', *training)
        assert done.code == 2 and done.err.startswith('config.name is ') and len(done.err.splitlines()) == 1, name
    assert not list(tmp_path.iterdir())


BROKEN = {
    'def get_config(:\n    return 1\n': 'broken.py, line 1 cannot be used (SyntaxError',
    'x = 1\nimport no_such_module\n': "broken.py, line 2 cannot be used (ModuleNotFoundError: No module named 'no_such",
    'def get_config():\n    x = {}\n    return x["batch"]\n': 'broken.py, line 3 cannot be used (KeyError',
    'raise SystemExit(7)\n': 'broken.py, line 1 cannot be used (SystemExit: 7',
    'def get_config():\n    return {"batch": 8}\n': 'returns dict',
    'def get_config():\n    pass\n': 'returns NoneType',
    'x = 1\n': 'defines no get_config()',
    'x = 1\x00\n': 'cannot be used',
    'from ml_collections import ConfigDict\ndef get_config():\n    return ConfigDict({"name": "a"})\n': 'is missing',
}


def test_a_broken_config_is_one_sentence_with_its_file_and_line(tmp_path):
    path = tmp_path / 'broken.py'
    for text, expected in BROKEN.items():
        path.write_text(text)
        for flag in ([f'--config={path}'], ['--config', path]):
            done = main(*flag)
            assert done.code == 2 and expected in done.err and len(done.err.splitlines()) == 1, (text, done.err)
    path.write_text('def get_config():\n    pass\n')
    done = main(f'--config={path}:paper')  # it takes no variant
    assert done.code == 2 and 'TypeError' in done.err


def test_without_flags_a_newcomer_reads_what_to_do_in_fifteen_lines():
    done = main()
    assert done.code == 2 and done.out == '' and len(done.err.splitlines()) <= 15
    assert done.err.startswith('Nothing to train: give --config=configs/colorize.py') and '--help' in done.err


def test_a_package_that_is_not_installed_is_a_sentence():
    code = f'import sys; sys.path.insert(0, {str(ROOT)!r}); sys.modules["ml_collections"] = None; import main; '
    code += 'sys.exit(main.main(["main.py", "--config=configs/colorize.py"]))'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, '')
    said = 'The Python module ml_collections is missing: pip install -r requirements.txt, beside main.py.'
    assert done.stderr.splitlines() == [said]


@pytest.mark.parametrize(
    'words',
    [
        ('report', '--workdir=RUN'),
        ('measure', '--real=PLACE', '--fake=PLACE'),
        ('stylize', '--content=a.png', '--style=b.png'),
    ],
    ids=lambda words: words[0],
)
def test_a_file_is_not_written_under_the_name_of_a_folder(words, tmp_path):
    verb, *flags = words
    done = main(f'--mode={verb}', *flags, f'--output={tmp_path}/new/')
    assert (done.code, done.err) == (2, f'--output={tmp_path}/new/ names a folder: give a file.\n')
    assert not list(tmp_path.iterdir())


def test_help_is_an_overview_and_with_a_verb_the_flags_of_that_verb():
    overview = main('--help')
    assert overview.code == 0 and overview.err == '' and len(overview.out.splitlines()) <= 30
    for verb, (_, flags, _) in verbs.VERBS.items():
        assert f'\n  {verb} ' in overview.out
        for words in ([f'--mode={verb}', '--help'], ['--help', '--mode', verb], ['-h', f'-mode={verb}']):
            shown = main(*words)
            assert shown.code == 0 and shown.err == ''
            assert {line.split()[0].strip('-=') for line in shown.out.splitlines()[2:]} == set(flags)


def test_an_error_of_the_system_is_one_sentence(monkeypatch):
    for error, sentence in (
        (OSError(errno.ENOSPC, 'x'), "Cannot write 'the output' (the disk is full: free some space).\n"),
        (PermissionError(errno.EACCES, 'x', '/a/b'), "Cannot read or write '/a/b' (permission denied: choose another"),
        (OSError(errno.EIO, 'Input/output error', '/a/b'), "Cannot read or write '/a/b' (Input/output error).\n"),
    ):

        def refuse(*given, error=error):
            raise error

        monkeypatch.setattr('gans.evaluation.evaluate.load_run', refuse)
        done = main('--mode=evaluate', '--workdir=x')
        assert done.code == 2 and done.err.startswith(sentence)


def test_debug_shows_the_traceback():
    done = main('--debug', '--mode=evaluate', '--workdir=/nowhere')
    assert done.code == 2 and 'Traceback' in done.err


def test_flags_may_be_written_with_a_space_with_one_dash_and_negated(tmp_path, monkeypatch):
    """And ~ is expanded in quotes; a run goes on without its config, with other values for some fields."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    (tmp_path / 'home').mkdir()
    one = ['--config.devices', '1', '--config.steps', '2']
    done = main(
        '-config', f'{COLORIZE}:tiny', '-workdir', '~/run', '--nodry_run', '--noconfig.data.folder.upscale', *one
    )
    assert done.code == 0, done.err
    run = tmp_path / 'home' / 'run'
    assert json.loads((run / 'config.json').read_text())['steps'] == 2 and sorted(tmp_path.iterdir()) == [
        tmp_path / 'home'
    ]

    again = main('--workdir=~/run', '--config.steps=3', '--config.log.every=3')
    assert again.code == 0, again.err
    assert 'Going on from step 2.' in again.out and 'step 3/3' in again.out
    refused = main('--workdir=~/run', '--config.batch=0')
    assert refused.code == 2 and refused.err.startswith('config.batch is 0')
    refused = main('--workdir=~/run', '--config.generator.widhts=(1,)')
    assert refused.code == 2 and "did you mean 'widths'" in refused.err
    changed = main('--workdir=~/run', '--config.batch=4')
    assert changed.code == 2 and 'config.batch: 8 -> 4' in changed.err

    done = main('--mode', 'history', '-workdir=~/run', '--output=~/drawn')
    assert (tmp_path / 'home' / 'drawn' / 'curves.png').is_file(), done.err
    done = main('--mode=compare', '--runs=~/run,~/nothing')
    assert done.code == 2 and f'{tmp_path}/home/nothing' in done.err
    done = main(TINY, '--config.data.source=folder', '--config.data.folder.path=~/images', '--dry_run')
    assert done.code == 2 and f'{tmp_path}/home/images' in done.err


def test_a_dry_run_and_a_history_of_what_is_no_run(tmp_path):
    file = tmp_path / 'file'
    file.write_text('x')
    done = main(TINY, '--config.devices=1', '--dry_run', f'--workdir={file}')
    assert done.code == 2 and done.err == f'{file} is a file, and no run folder: choose another --workdir.\n'
    (tmp_path / 'metrics.jsonl').write_text('{"step": 1, "gen/loss": 1.0}\n{"step": 2, "gen/loss": 2.0}\n')
    for text in ('3', '[]', '{}', '{"name": "a"}', 'x', '{"a.b": 1}', 9999 * '['):
        (tmp_path / 'config.json').write_text(text)
        done = main('--mode=history', f'--workdir={tmp_path}', f'--output={tmp_path}/drawn')
        assert done.code == 2 and done.err.startswith(f'Cannot read {tmp_path}/config.json ('), (text, done)
        assert len(done.err.splitlines()) == 1


def test_dry_run_tells_everything_and_writes_nothing(tmp_path, monkeypatch):
    words = [config('inpaint'), '--config.size=256', '--config.devices=1', '--dry_run', f'--workdir={tmp_path / "run"}']
    monkeypatch.chdir(tmp_path)
    done = main(*words)
    assert done.code == 0, done.err
    for word in ('1,858,811', '3,778,641', '"batch"', 'flowers drawn by', 'held out', '25.6', '0.075'):
        assert word in done.out
    assert not list(tmp_path.iterdir())


def test_a_process_of_its_own_does_the_same():
    assert process('--help').code == 0
    refused = process('--config=configs/colourize.py')
    assert refused.code == 2 and "did you mean 'configs/colorize.py'" in refused.err and refused.out == ''


def test_importing_gans_needs_no_heavy_library():
    code = (
        'import pkgutil, importlib, sys, gans\n'
        'for m in pkgutil.walk_packages(gans.__path__, "gans."): importlib.import_module(m.name)\n'
        'heavy = {"tensorflow", "tensorflow_datasets", "grain", "tensorboardX", "matplotlib", "sklearn"}\n'
        'heavy &= set(sys.modules)\n'
        'assert not heavy, heavy'
    )
    subprocess.run([sys.executable, '-c', code], check=True, env=os.environ)


@pytest.mark.parametrize(
    'words',
    [['--help'], ['--mode=train', '--help'], ['--mode=evaluate', '--help'], ['--mode=evalate'], ['--confg=x.py'], []],
    ids=' '.join,
)
def test_help_and_mistakes_are_answered_without_jax(words):
    """JAX takes a second to import: under a second is what an answer may take that needs none of it."""
    code = f'import sys, main; main.main({["main.py", *words]}); sys.exit("jax" in sys.modules)'
    subprocess.run([sys.executable, '-c', code], check=True, env=os.environ, cwd=ROOT)
