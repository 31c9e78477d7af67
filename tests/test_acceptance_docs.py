"""What the documents print is what works: every command runs, every flag, field, config and variant exists.

One rule makes commands small (`reader.smaller`): a config is taken in its variant `:tiny`, and trains two steps. Words
that stand for something of the reader's (RUN, PLACE, ~/photos) are files of those names in the working directory, or
are in `reader.REPLACED`. A command that is no `python main.py` or `python -m benchmarks...` must be in `reader.TOLD`.
A training that no other command reads is a dry run, but in README.md. Documents with files for the reader to write are
not run here. tests/test_documents.py checks flags without running anything.
"""

import io
import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
import zipfile
from contextlib import redirect_stdout
from pathlib import Path

import jax
import numpy as np
import pytest
from command_line import MAIN, ROOT, main
from PIL import Image
from prepared_sets import prepare
from printed_commands import (
    DOCUMENTS,
    Printed,
    commands,
    docstring_commands,
    docstring_flags,
    gives_files,
    printed_configs,
    printed_fields,
    python_blocks,
)
from reader import (
    NEEDED,
    OF_OTHERS,
    REPLACED,
    completed,
    is_benchmark,
    is_told,
    known_fields,
    lacks,
    names_a_flag,
    smaller,
    unique,
)
from variants import CONFIGS, everything, fields, variants

from gans.classifier import trained as classifier

OWN = """
from gans.config.load import load

def get_config():
    config = load('configs/colorize.py:tiny').unlock()
    config.data.source, config.data.folder.path, config.steps = 'folder', 'PLACE', 2
    config.devices = 1
    return config
"""
OWN_SWEEP = """
def get_hyper(hyper):
    small = {'size': 16, 'generator.widths': (4,), 'discriminator.widths': (4,), 'devices': 1}
    return [{'config': 'configs/colorize.py:tiny', **small}]
"""
OTHER = "import json; print(json.dumps({'median_ms': 2.0}))"
# Commands that give, together, every flag of every verb.
EVERY_FLAG = """
--config=own.py --workdir=RUN --dry_run --debug --coordinator=host0:1234 --processes=2 --index=1 --mode=train
--mode=app --workdir=RUN,NOISE --host=127.0.0.1 --port=0 --max_megabytes=9 --max_megapixels=9 --max_seconds=99
--mode=evaluate --workdir=RUN --input=PLACE --features=classifier:CLASSIFIER
--mode=translate --workdir=RUN --input=FILE_OR_FOLDER --output=FOLDER --variants=2
--mode=report --workdir=A,B --output=report.html
--mode=compare --runs=A,B --output=FOLDER
--mode=compare --runs=DCGAN,WGAN --output=FOLDER --features=classifier:CLASSIFIER --seed=1
--mode=history --workdir=RUN --output=FOLDER
--mode=export --workdir=RUN --output=EXPORTED --format=npz --onnx_python=python
--mode=features --workdir=RUN --output=FOLDER --input=PLACE --layers=down_0 --channels=0 --guided
--mode=label --workdir=NOISE --output=OTHERS --count=2 --seed=1
--mode=label --workdir=RUN --output=FEW_TO_LABEL --count=2 --input=PLACE
--mode=classify --labels=LABELLED/labels.csv --output=CLASSES --size=16 --steps=2 --seed=1
--mode=classify --good=PLACE --bad=photos --output=CLASSES --size=16 --steps=2
--mode=sample --workdir=RUN --output=FEW --count=2 --input=PLACE
--mode=sample --workdir=NOISE --output=a.zip --count=2 --seed=1 --truncation=0.5
--mode=sample --workdir=NOISE --output=SOME --keep_above=0.9 --classifier=CLASSIFIER --class=acceptable --count=2
--mode=measure --real=PLACE --fake=NOISE --size=32,24 --resize=box --count=16 --seed=1 --output=measured.json
--mode=measure --real=PLACE --fake=photos --paired --features=classifier:CLASSIFIER
--mode=study --workdir=RUN --output=STUDIED --protocol=both --count=4 --pairs=3 --seed=1 --input=PLACE
--mode=study --answers=ANSWERED --key=ANSWERED --output=rates.json
--mode=stylize --content=IMAGE --style=IMAGE --output=styled.png --features=discriminator:NOISE --size=32 --steps=2 \
--seed=1 --style_size=16 --content_layers=down_0 --style_layers=down_0 --weights=style:3 --start=noise --keep_colours
--mode=sweep --config=own_sweep.py --seeds=0 --minutes=0.001 --features=classifier:CLASSIFIER --output=TIMED
--mode=reproduce --document=flower_cgans --scale=tiny --only=fig1 --input=PLACE --output=OF_PLACE
--mode=explore --workdir=NOISE --output=FOLDER --draw=walks,directions --seeds=0,1,2 --frames=3 --directions=0
--mode=explore --workdir=NOISE --output=FOLDER --edits=FILE --apply=grin --input=IMAGE --search --reach=2 --count=4
--mode=explore --workdir=FLAT --output=FOLDER --draw=samples,manifold,arithmetic --side=3 --span=0.5 --arithmetic=0-1
"""


@pytest.fixture(scope='module', autouse=True)
def reader(tmp_path_factory):
    """The working directory and home of a reader who has cloned the repository, has images, and trained a few runs."""
    place = tmp_path_factory.mktemp('reader')
    for name in ('configs', 'requirements.txt', 'tests', 'benchmarks'):
        (place / name).symlink_to(ROOT / name)
    random = np.random.default_rng(0)
    for folder, count in (('PLACE', 40), ('photos', 40), ('FILE_OR_FOLDER', 1)):
        (place / folder).mkdir()
        for i in range(count):
            Image.fromarray(random.integers(0, 256, (40, 50, 3), np.uint8)).save(place / folder / f'{i}.png')
    with zipfile.ZipFile(place / 'flowers_256.zip', 'w') as archive:
        for path in (place / 'photos').iterdir():
            archive.write(path, path.name)
    shutil.copy(place / 'PLACE/0.png', place / 'IMAGE')
    digits = random.integers(0, 256, (60, 28, 28), np.uint8)
    np.savez(place / 'digits.npz', x_train=digits, y_train=np.arange(60) % 10, x_test=digits, y_test=np.arange(60) % 10)
    (place / 'FILE').write_text('grin: {3: +2, 7: -1}\nlips: {0: 1}\n')
    (place / 'own.py').write_text(OWN)
    (place / 'own_sweep.py').write_text(OWN_SWEEP)
    (place / 'OTHER.py').write_text(OTHER)
    _save_classifier(place / 'CLASSIFIER')
    shutil.copytree(place / 'PLACE', place / 'LABELLED')
    labels = [f'{i}.png,{("un" if i % 2 else "")}acceptable' for i in range(40)]
    (place / 'LABELLED/labels.csv').write_text('\n'.join(['file,label', *labels]))
    (place / 'ANSWERED').mkdir()
    items = {'r1': {'kind': 'generated', 'run': 'RUN', 'right': None}}
    key = {'format': 1, 'study': 's1', 'seed': 0, 'runs': {'RUN': {}}, 'protocols': {'realistic': items}}
    (place / 'ANSWERED/key.json').write_text(json.dumps(key))
    (place / 'ANSWERED/answers-me.csv').write_text('study,person,protocol,item,answer\ns1,me,realistic,r1,yes\n')
    texts = [path.read_text() for path in DOCUMENTS]
    datasets = {name for text in texts for name in re.findall(r'tfds\.dataset=([\w/:.]+)', text)}
    for dataset in sorted(datasets | {fields(name)['data.tfds.dataset'] for name in CONFIGS if _tells_tfds(name)}):
        prepare(dataset, place / 'tensorflow_datasets')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv('HOME', str(place))
        patch.delenv('TFDS_DATA_DIR', raising=False)
        _run('--config=own.py', '--workdir=RUN')
        _run('--config=configs/dcgan.py:tiny', '--workdir=NOISE', '--config.steps=1')
        flat = ['--config.task.latent=2', '--config.generator.z_dim=2']
        _run('--config=configs/mnist.py:tiny', '--workdir=FLAT', '--config.steps=1', *flat)
        for name in 'ABC':
            shutil.copytree('RUN', name)
        for name in ('DCGAN', 'WGAN'):
            shutil.copytree('NOISE', name)
        yield place


def _save_classifier(folder):
    """A classifier of random weights that accepts everything."""
    made = classifier.Trained((classifier.ACCEPTABLE, classifier.UNACCEPTABLE), (16, 16), {})
    params = jax.device_get(made.network.init(jax.random.key(0), np.zeros((1, 16, 16, 3)))['params'])
    params['logits']['bias'] = np.array([9, -9], np.float32)
    classifier.save(folder, made._replace(params=params))


def _tells_tfds(name):
    return any('--config.data.source=tfds' in printed.words for printed in docstring_flags(name))


def _run(*words):
    several = any(word.startswith('--config=configs/') for word in words) and lacks(words, '--config.devices')
    taken = ['--config.devices=1'] if several else []
    if '--mode=app' in words:
        return _open_and_end(*words)
    done = main(*words, *taken)
    assert done.code == 0, f'python main.py {" ".join(words)}: {done.err}'
    return done


def _open_and_end(*words):
    """`--mode=app` serves until Ctrl-C: here, in a process of its own, that comes as soon as the page was fetched."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # one that is ignored would stay so in the process
    process = subprocess.Popen([sys.executable, MAIN, *words], stdout=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    try:
        found = next(m[0] for m in (re.search(r'http://\S+', line) for line in process.stdout) if m)
        assert b'gradio' in urllib.request.urlopen(found).read()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.stdout.close()


IN_DOCUMENTS = [printed for path in DOCUMENTS if not gives_files(path) for printed in commands(path)]
IN_CONFIGS = [Printed(found.place, (*found.words, '--dry_run')) for name in CONFIGS for found in docstring_flags(name)]


OURS = [printed for printed in unique([*IN_DOCUMENTS, *IN_CONFIGS]) if not is_told(printed)]
TIMED = [printed for printed in OURS if is_benchmark(printed)]
REST = [printed for printed in OURS if printed not in TIMED]


@pytest.fixture
def quick(monkeypatch):
    """Dry runs compile nothing, two processes are one, a pace is measured at one point, programs are kept."""
    from gans.reproduce import runner
    from gans.run import multihost
    from gans.sweep import pace, sweep, train
    from gans.training import dry_run

    joined = []
    for module, name, least in ((pace, 'POINTS', 1), (pace, 'ROUNDS', 1), (train, '_SLICES', (1, 1))):
        monkeypatch.setattr(module, name, least)
    for module in (runner, sweep, train):
        monkeypatch.setattr(module, 'free_programs', lambda: None)
    monkeypatch.setattr(dry_run, 'memory_needed', lambda experiment, state: 0)
    monkeypatch.setattr(multihost, 'join', lambda *given: joined.append(given))
    return joined


@pytest.fixture(scope='module')
def done():
    """The commands that were run, as they were run: some documents make the same of what they print."""
    return []


@pytest.mark.parametrize('place', dict.fromkeys(printed.place for printed in REST))
def test_every_command_runs_as_it_is_printed(place, quick, done):
    for printed in (printed for printed in REST if printed.place == place):
        if names_a_flag(printed):
            told = main(f'{printed.words[0]}=1')
            assert 'is not a flag' not in told.err and 'Unknown' not in told.err, f'{printed}: {told.err}'
            continue
        words = smaller(completed(printed.words))
        if place != 'README.md' and is_read_by_none(words):
            words.append('--dry_run')
        if words not in done:
            _run(*words)
            done.append(words)
    if place == 'README.md':
        assert Path('runs/00000-colorize/config.json').is_file()
    if place == 'docs/results.md':
        assert list(Path('explored').glob('*.png'))
    joined = [given for given in quick if given != (None, None, None)]
    assert joined == ([('host0:1234', 2, 0)] if place == 'docs/devices.md' else [])


def is_read_by_none(words):
    """Whether a command trains into the next numbered folder, which no other command names: a dry run will do."""
    return lacks(words, '--mode') and all(lacks(words, name) for name in ('--workdir', '--dry_run', '--help'))


def test_every_benchmark_runs_as_it_is_printed(monkeypatch):
    from benchmarks import machine, step
    from benchmarks.command_line import CONFIG

    monkeypatch.setattr(machine, 'matmul_rate', lambda dtype: 1e9)
    monkeypatch.setattr(machine, 'copy_bandwidth', lambda: 1e9)
    monkeypatch.setattr(machine, 'growth', lambda act: act())
    done = []
    for words in (printed.words[3:] for printed in TIMED if printed.words[2] == 'benchmarks.step'):
        if words == OF_OTHERS:
            continue
        if len(words) == 1 and '=' not in words[0]:
            assert words[0].removeprefix('--') in {*step.FLAGS, *CONFIG}, words
            continue
        words = smaller([REPLACED.get(word, word) for word in words])
        needed = ['--config=configs/inpaint.py:tiny', '--steps=2', '--rounds=2', '--config.devices=1']
        words = sorted([*(word for word in needed if lacks(words, word)), *words], key=lambda word: '.' in word[:9])
        if sorted(words) in done:
            continue
        done.append(sorted(words))
        told = io.StringIO()
        with redirect_stdout(told):
            assert step.main(words) == 0
        assert 'images per second' in told.getvalue()
        assert ('the other script' in told.getvalue()) == any(word.startswith('--against') for word in words)
        assert ('ms back' in told.getvalue()) == ('--kernels' in words)
    assert json.loads(Path('report.json').read_text())['config'] == 'inpaint'


def test_the_forms_are_timed_as_it_is_printed(reader):
    from benchmarks import forms

    given = [printed.words[3:] for printed in TIMED if printed.words[2] == 'benchmarks.forms']
    for words in given:
        words = [re.sub(r'(configs/\w+\.py).*', r'\1:tiny', word) for word in words]
        assert forms.main([*words, '--repeats=1', '--only=out']) == 0
    assert any(word.startswith('--only=') for words in given for word in words)
    told = json.loads(Path('forms.json').read_text())
    assert [row['layers'] for row in told['rows']] == ['out']
    assert told['rows'][0]['chosen'] in told['rows'][0]['milliseconds']


def test_python_in_the_documents_runs(reader):
    for path in DOCUMENTS:
        for code in [] if gives_files(path) else python_blocks(path):
            code = re.sub(r'configs/(\w+)\.py', r'configs/\1.py:tiny', code)
            code = re.sub(r'config\.steps = \d+', 'config.steps, config.devices = 2, 1', code)
            exec(compile(code, str(path), 'exec'), {})
    assert Path('runs/mine/checkpoints').is_dir()


def test_files_that_other_commands_name_are_there():
    for printed in IN_DOCUMENTS:
        if is_told(printed) and '-r' in printed.words:
            assert (ROOT / printed.words[printed.words.index('-r') + 1]).is_file(), printed
    assert (ROOT / 'tests').is_dir()


def test_every_config_tells_its_variants():
    """The docstring of a config has one command for the bare config, and one for each variant; no other."""
    for name in CONFIGS:
        told = [printed.words for printed in docstring_commands(name)]
        offered = [f'configs/{name}.py', *(f'configs/{name}.py:{variant}' for variant in variants(name))]
        assert sorted(told) == sorted(('python', 'main.py', f'--config={full}') for full in offered), name


def test_configs_variants_and_fields_that_are_named_exist():
    for place, full in printed_configs():
        assert full in everything(), f'{place} names configs/{full}'
    known = known_fields()
    for place, name in printed_fields():
        assert name.removeprefix('config.') in known, f'{place} names {name}, which no config has'


def test_every_flag_of_every_verb_is_given_once(quick):
    """`--help` says which there are."""
    commands = [line.split() for line in EVERY_FLAG.strip().splitlines()]
    for verb in ('train', *NEEDED):
        listed = set(re.findall(r'^ *--(\w+)', main(f'--mode={verb}', '--help').out, re.MULTILINE)) - {'help'}
        given = {word.partition('=')[0].removeprefix('--') for words in commands for word in words if _of(words, verb)}
        assert listed and listed <= given, f'{verb}: {listed - given}'
    for words in commands:
        _run(*words)
    assert quick[0] == ('host0:1234', 2, 1)


def _of(words, verb):
    return f'--mode={verb}' in words
