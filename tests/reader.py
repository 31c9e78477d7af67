"""The reader of the documents: what stands for RUN or PLACE, and how a part of a command becomes a whole one.

One rule makes commands small (`smaller`): a config is taken in its variant `:tiny`, and trains two steps.
"""

import functools
import importlib
import re

from command_line import ROOT
from printed_commands import Printed
from variants import CONFIGS, everything, fields

from benchmarks.command_line import read
from gans.cli import arguments
from gans.cli.verbs import VERBS, takers
from gans.config import ranges
from gans.config.load import load
from gans.core.overrides import override
from gans.errors import UserError, closest
from gans.reproduce.plan import document_names, read_document

# Commands of other programs: only the files that they name are looked for.
TOLD = (
    'pip install ',
    'python -m venv ',
    'onnx-env/bin/pip install ',
    'python EXPORTED/use.py',
    'pip freeze ',
    'python -m pytest',
    'git clone ',
    'cd ',
    'tensorboard',
)
# What a reader puts in the place of a word, where no file of that name can stand for it.
REPLACED = {
    '--config=CONFIG_FILE': '--config=own.py',
    '--config=configs/sweeps/NAME.py': '--config=own_sweep.py',
    '--config=configs/sweeps/norms.py': '--config=own_sweep.py',  # tests/test_sweep.py reads all that are there
    '--config.FIELD=VALUE': '--config.batch=8',
    '--config.data.mnist.path=PLACE': '--config.data.mnist.path=digits.npz',
    '--workdir=/content/drive/MyDrive/colorize': '--workdir=drive/colorize',
    '--runs=...': '--runs=A,B,C',
    '--labels=TO_LABEL/labels.csv': '--labels=LABELLED/labels.csv',
    '--labels=FLOWERS/labels.csv': '--labels=LABELLED/labels.csv',
    '--good=RUN': '--good=NOISE',
    '--output=CLASSIFIER': '--output=NEW_CLASSIFIER',
    '--bad=RUN@400': '--bad=NOISE@1',
    '--fake=RUN': '--fake=NOISE',
    '--real=RUN': '--real=NOISE',
    '--real=FOLDER_OR_ZIP': '--real=PLACE',
    '--fake=FOLDER_OR_ZIP': '--fake=photos',
    '--features=lite0': '--features=classifier:CLASSIFIER',  # one test has lite0, which takes 9 ms for an image
    '--fake=OUTPUTS': '--fake=photos',
    '--format=onnx': '--format=npz',  # tests/test_export_onnx.py has it, where there is a Python for it
    '--against=...': '--against=OTHER.py',
    '--python=/its/python': '--python=python',
    '--json=FILE': '--json=report.json',
    '--content=PHOTO': '--content=IMAGE',
    '--style=PAINTING': '--style=PLACE/1.png',
    '--answers=STUDY': '--answers=ANSWERED',
    '--answers=FILES': '--answers=ANSWERED/*.csv',
    '--key=STUDY': '--key=ANSWERED',
    '--only=fig6,table2': '--only=table1b,table2',  # tests/test_reproduce.py makes all figures
    '--scale=paper': '--scale=tiny',
}
# What a part of a command is a part of: the words that it lacks.
NEEDED = {
    'app': ('--workdir=RUN',),
    'evaluate': ('--workdir=RUN',),
    'translate': ('--workdir=RUN', '--input=FILE_OR_FOLDER', '--output=FOLDER'),
    'compare': ('--runs=A,B,C',),
    'explore': ('--workdir=NOISE', '--output=FOLDER'),
    'features': ('--workdir=RUN',),
    'label': ('--workdir=NOISE', '--output=TO_LABEL'),
    'classify': ('--output=NEW_CLASSIFIER', '--steps=2'),
    'sample': ('--workdir=NOISE', '--output=DRAWN'),
    'history': ('--workdir=RUN',),
    'report': ('--workdir=RUN',),
    'export': ('--workdir=RUN', '--output=EXPORTED'),
    'measure': ('--real=PLACE', '--fake=photos'),
    'sweep': ('--config=own_sweep.py', '--seeds=0', '--output=SWEPT'),
    'reproduce': ('--document=flower_cgans', '--scale=tiny', '--only=fig1', '--output=REPRODUCED'),
    'study': (),  # its commands are printed whole: making a study and reading it need different flags
    'stylize': (
        '--content=IMAGE',
        '--style=PLACE/1.png',
        '--output=styled.png',
        '--features=discriminator:NOISE',
        '--size=32',
        '--steps=2',
    ),
}
EXPLORE = ('draw', 'seeds', 'count', 'frames', 'directions', 'reach', 'search', 'input', 'edits', 'arithmetic')
STYLIZE = ('weights', 'content_layers', 'style_layers', 'start', 'keep_colours')
ALSO = {
    '--apply': ('--mode=explore', '--edits=FILE'),
    '--side': ('--mode=explore', '--workdir=FLAT'),
    '--span': ('--mode=explore', '--workdir=FLAT'),
    '--draw=manifold': ('--mode=explore', '--workdir=FLAT'),
    '--format': ('--mode=export',),
    '--workdir': ('--config=configs/colorize.py',),
    '--minutes': ('--mode=sweep',),
    **{f'--{name}': ('--mode=reproduce',) for name in ('document', 'scale', 'only')},
    **{f'--{name}': ('--mode=explore',) for name in EXPLORE},
    **{f'--{name}': ('--mode=stylize',) for name in STYLIZE},
}
# Spans that look like flags of ours and are not: what a script must take that is timed beside the step.
OF_OTHERS = ('--size', '--batch', '--dtype', '--steps')
BENCHMARKS = ('benchmarks.step', 'benchmarks.forms')
# Fields that no config has, but that one may be given.
BY_HAND = {'objective.disc_terms', 'objective.label'}


def smaller(words):
    """The one rule: `:tiny` for a config's own sizes, small numbers for those that are printed."""
    words = [re.sub(r'^(--config=configs/\w+\.py)(:\w+)?$', r'\1:tiny', word) for word in words]
    for flag, number in (
        ('config.steps', 2),
        ('config.size', 32),
        ('config.batch', 8),
        ('steps', 2),
        ('rounds', 2),
        ('count', 8),
        ('minutes', 0.001),
    ):
        words = [re.sub(rf'^--{flag}=\d+$', f'--{flag}={number}', word) for word in words]
    return words


def completed(printed):
    """A command's flags, and those that it lacks if it is a part of one; optional ones, in brackets, are taken."""
    printed = _joined(printed)
    part = printed[0].startswith('--')
    words = list(printed[{'...': 1, 'python': 2}.get(printed[0], 0) :])
    words = [REPLACED.get(word.strip('[]'), word.strip('[]')) for word in words]
    if part:
        for start, also in ALSO.items():
            if not lacks(printed, start) or start in printed:
                words += [word for word in also if lacks(words, word)]
    mode = next((word.removeprefix('--mode=') for word in words if word.startswith('--mode=')), 'train')
    if mode in ('explore', 'label', 'sample') and '--workdir=RUN' in words:
        words[words.index('--workdir=RUN')] = '--workdir=NOISE'
    document = next((word.removeprefix('--document=') for word in words if word.startswith('--document=')), '')
    if document in document_names() and lacks(words, '--only'):
        words.append(f'--only={read_document(document).figures[0].name}')
    words += [word for word in NEEDED.get(mode, ()) if lacks(words, word)]
    if mode == 'train' and lacks(words, '--config') and lacks(words, '--workdir'):
        words = [
            f'--config=configs/{_first_with(words)}.py',
            *words,
            *(['--dry_run'] if '--dry_run' not in words else []),
        ]
    return words


def _joined(words):
    """'--config.batch', '8' as one word."""
    joined = []
    for word in words:
        if joined and joined[-1].startswith('--config.') and '=' not in joined[-1] and not word.startswith('-'):
            joined[-1] += f'={word}'
        else:
            joined.append(word)
    return joined


def lacks(words, flag):
    """Whether a flag is not among words, whatever its value."""
    name = flag.partition('=')[0]
    return not any(word == name or word.startswith(f'{name}=') for word in words)


def _first_with(words):
    """The README's example or else the first config that takes all the fields and has the source's section."""
    given = dict(word.removeprefix('--config.').split('=', 1) for word in words if word.startswith('--config.'))
    for name in ('colorize', *CONFIGS):
        config = load(f'{ROOT}/configs/{name}.py')
        try:
            override(config, given, name)
        except UserError:
            continue
        if given.get('data.source', config.data.source) in config.data:
            return name
    raise AssertionError(f'no config has {", ".join(f"config.{field}" for field in given)}')


def unique(found):
    """Each command once, wherever it is printed again."""
    seen = {}
    for printed in found:
        words = tuple(printed.words)
        if words[0].startswith('--') and printed.place.startswith('benchmarks'):
            words = ('python', '-m', 'benchmarks.step', *words)
        seen.setdefault(words, Printed(printed.place, words))
    return list(seen.values())


def is_told(printed):
    """Whether it is a command of another program."""
    return ' '.join(printed.words).startswith(TOLD)


def is_benchmark(printed):
    """Whether it is a command of ours that times something."""
    return printed.words[:2] == ('python', '-m') and printed.words[2] in BENCHMARKS


def names_a_flag(printed):
    """Whether it is no more than the name of a flag, '--seeds': some want a value. '--noconfig.task.flip' is whole."""
    return len(printed.words) == 1 and re.fullmatch(r'--(?!noconfig)[\w.]+', printed.words[0])


@functools.cache
def known_fields():
    """Every field of every config, and the sections that hold them."""
    names = {field for full in everything() for field in fields(full)}
    return names | {name.rpartition('.')[0] for name in names} | BY_HAND


def mistake(printed, with_files=False):
    """What is wrong with the flags and fields of a printed command, '' for nothing; nothing is run.

    `with_files` says that its document has files for the reader to write, which may bring verbs, configs and fields.
    """
    if is_told(printed) or printed.words[3:] == OF_OTHERS:
        return ''
    if is_benchmark(printed):
        return _mistake_of_benchmark(printed.words[2], printed.words[3:])
    if names_a_flag(printed):
        name = printed.words[0].removeprefix('--')
        known = name.removeprefix('config.') in known_fields() if name.startswith('config.') else takers(name)
        return '' if known else f'--{name} is a flag of no verb'
    if printed.words[:2] != ('python', 'main.py') and not printed.words[0].startswith(('--', '...')):
        return 'a command that is unknown here: put it into TOLD'
    if with_files and not any(lacks(printed.words, '--mode') or f'--mode={verb}' in printed.words for verb in VERBS):
        return ''
    try:
        words = completed(printed.words)
        _, flags, given = arguments.read(words)
        _check_fields(flags.get('config') or '', given, with_files)
    except (UserError, AssertionError) as error:
        return str(error)
    return ''


def _check_fields(config_file, given, with_files):
    """Raises UserError unless a config may have these values of fields; one that the reader wrote may have any."""
    name = config_file.removeprefix('configs/').replace('.py', '', 1)
    if name in everything():
        if with_files:
            given = {field: text for field, text in given.items() if not _is_of_own_source(field)}
        ranges.check(override(load(f'{ROOT}/{config_file}'), given, config_file))
    elif not with_files:
        for field in given.keys() - known_fields():
            raise UserError(f'config.{field} is not a field of any config{closest(field, known_fields())}.')


def _is_of_own_source(field):
    """Whether a field is of a source of images that is none of ours."""
    found = re.fullmatch(r'data\.(\w+)\.\w+', field)
    return found is not None and not (ROOT / f'gans/data/sources/{found[1]}.py').is_file()


def _mistake_of_benchmark(name, words):
    flags = importlib.import_module(name).FLAGS
    words = [REPLACED.get(word, word) for word in words]
    if len(words) == 1 and '=' not in words[0]:
        return '' if words[0].removeprefix('--') in flags else f'{words[0]} is not a flag of {name}'
    try:
        read([*(['--config=configs/inpaint.py'] if lacks(words, '--config') else []), *words], flags)
    except UserError as error:
        return str(error)
    return ''
