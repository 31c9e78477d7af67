"""The reader of the documents: what stands for RUN or PLACE, and how a part of a command becomes a whole one.

One rule makes commands small (`smaller`): a config is taken in its variant `:tiny`, and trains two steps.
"""

import functools
import re

from command_line import ROOT
from printed_commands import Printed
from variants import CONFIGS, everything, fields

from gans.cli import arguments
from gans.cli.verbs import VERBS, takers
from gans.config.load import load
from gans.errors import UserError, closest

# Commands of other programs: only the files that they name are looked for.
TOLD = ('pip install ', 'pip freeze ', 'python -m pytest', 'git clone ', 'cd ', 'tensorboard')
# What a reader puts in the place of a word, where no file of that name can stand for it.
REPLACED = {
    '--config=CONFIG_FILE': '--config=own.py',
    '--config.FIELD=VALUE': '--config.batch=8',
    '--config.data.mnist.path=PLACE': '--config.data.mnist.path=digits.npz',
    '--workdir=/content/drive/MyDrive/colorize': '--workdir=drive/colorize',
    '--runs=...': '--runs=A,B,C',
    '--against=...': '--against=OTHER.py',
    '--python=/its/python': '--python=python',
    '--json=FILE': '--json=report.json',
}
# What a part of a command is a part of: the words that it lacks.
NEEDED = {
    'evaluate': ('--workdir=RUN',),
    'translate': ('--workdir=RUN', '--input=FILE_OR_FOLDER', '--output=FOLDER'),
    'compare': ('--runs=A,B,C',),
    'explore': ('--workdir=NOISE', '--output=FOLDER'),
    'history': ('--workdir=RUN',),
}
EXPLORE = ('draw', 'seeds', 'count', 'frames', 'directions', 'reach', 'search', 'input', 'edits', 'arithmetic')
ALSO = {
    '--apply': ('--mode=explore', '--edits=FILE'),
    '--side': ('--mode=explore', '--workdir=FLAT'),
    '--span': ('--mode=explore', '--workdir=FLAT'),
    '--draw=manifold': ('--mode=explore', '--workdir=FLAT'),
    '--workdir': ('--config=configs/colorize.py',),
    **{f'--{name}': ('--mode=explore',) for name in EXPLORE},
}
# Spans that look like flags of ours and are not: what a script must take that is timed beside the step.
OF_OTHERS = ('--size', '--batch', '--dtype', '--steps')
# Fields that no config has, but that one may be given.
BY_HAND = {'objective.disc_terms', 'objective.label'}


def smaller(words):
    """The one rule: `:tiny` for a config's own sizes, small numbers for those that are printed."""
    words = [re.sub(r'^(--config=configs/\w+\.py)(:\w+)?$', r'\1:tiny', word) for word in words]
    for flag, number in (('config.steps', 2), ('config.size', 32), ('config.batch', 8), ('steps', 2), ('rounds', 2)):
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
    if mode == 'explore' and '--workdir=RUN' in words:
        words[words.index('--workdir=RUN')] = '--workdir=NOISE'
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
    """The README's example or, failing that, the first config that has all the fields, and the source's section."""
    given = dict(word.removeprefix('--config.').split('=', 1) for word in words if word.startswith('--config.'))
    wanted = [*given, *(f'data.{given[name]}' for name in given if name == 'data.source')]
    for name in ('colorize', *CONFIGS):
        known = load(f'{ROOT}/configs/{name}.py').to_dict()
        if all(_has(known, field) for field in wanted):
            return name
    raise AssertionError(f'no config has {wanted}')


def _has(section, field):
    for part in field.split('.'):
        if not isinstance(section, dict) or part not in section:
            return False
        section = section[part]
    return True


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


def names_a_flag(printed):
    """Whether it is no more than the name of a flag, '--seeds': some want a value."""
    return len(printed.words) == 1 and re.fullmatch(r'--[\w.]+', printed.words[0])


@functools.cache
def fields_by_config():
    """{'colorize:tiny': its fields} of every config, bare and in all variants."""
    return {full: frozenset(fields(full)) for full in everything()}


def with_sections(names):
    """Names of fields, and of the sections that hold them."""
    return set(names) | {name.rpartition('.')[0] for name in names}


def known_fields():
    """Every field of every config, and the sections that hold them."""
    return with_sections(set().union(*fields_by_config().values())) | BY_HAND


def mistake(printed, with_files=False):
    """What is wrong with the flags and fields of a printed command, '' for nothing; nothing is run.

    `with_files` says that its document has files for the reader to write, which may bring verbs, configs and fields.
    """
    if is_told(printed) or printed.words[3:] == OF_OTHERS:
        return ''
    if printed.words[:3] == ('python', '-m', 'benchmarks.step'):
        return _mistake_of_benchmark(printed.words[3:])
    if names_a_flag(printed):
        name = printed.words[0].removeprefix('--')
        known = name.removeprefix('config.') in known_fields() if name.startswith('config.') else takers(name)
        return '' if known else f'--{name} is a flag of no verb'
    if printed.words[:2] != ('python', 'main.py') and not printed.words[0].startswith(('--', '...')):
        return 'a command that is unknown here: put it into TOLD'
    words = [REPLACED.get(word, word) for word in _joined(printed.words)]
    given = {name: text for name, equals, text in (word.lstrip('-').partition('=') for word in words)}
    wrong = _wrong_field(given, with_files)
    known_verb = given.get('mode', 'train') in VERBS
    if wrong or (with_files and not known_verb):
        return wrong
    try:
        arguments.read(completed(printed.words))
    except UserError as error:
        return str(error)
    return ''


def _wrong_field(given, with_files):
    """What is said of the first field of the config in {flag: text} that does not exist, '' if all do.

    The config may be one that the reader has written, and so may the source of images.
    """
    config = given.get('config', '')
    found = re.fullmatch(r'configs/(\w+)\.py(:\w+)?', config)
    full = ''.join(part or '' for part in found.groups()) if found else ''
    if full not in fields_by_config() and with_files:
        return ''
    has = with_sections(fields_by_config()[full]) if full in fields_by_config() else known_fields()
    own = f'data.{given.get("config.data.source")}'
    for name in (name.removeprefix('config.') for name in given if name.startswith('config.')):
        if name not in has and not (name.startswith(f'{own}.') and own not in has):
            return f'config.{name} is not a field of {config or "any config"}{closest(name, has)}'
    return ''


def _mistake_of_benchmark(words):
    from benchmarks import step

    words = [REPLACED.get(word, word) for word in words]
    if len(words) == 1 and '=' not in words[0]:
        known = words[0].removeprefix('--') in step.parse(['step', '--config=configs/inpaint.py'])
        return '' if known else f'{words[0]} is not a flag of benchmarks.step'
    try:
        step.parse(['step', *(['--config=configs/inpaint.py'] if lacks(words, '--config') else []), *words])
    except UserError as error:
        return str(error)
    return ''
