"""The rates of a study: numbers for JSON, and for people. Each protocol is for itself."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gans.data.files import check_replaceable, printable, read_regular
from gans.study.answers import Answers
from gans.study.key import Key
from gans.study.rates import Interval, crossed_bootstrap, krippendorff, wilson
from gans.study.trials import REALISTIC

VERSION = 1  # of the numbers
FAILED = 0.25  # of the attention checks that a person answered: who fails more is left out
_MADE_BY = '--mode=study'
_MOST = 64 * 2**20  # bytes
_QUESTIONS = {
    REALISTIC: 'Does this image look realistic? yes or no',
    'pairs': 'Which one is real? A pair is fooled if the generated image was chosen; 0.5 is chance',
}


def check_output(path: Path) -> None:
    """Raises UserError if something else than earlier rates is where the JSON is to go: that would be lost."""
    check_replaceable(path, f'rates of {_MADE_BY}', _is_rates)


def _is_rates(path):
    found = json.loads(read_regular(path, _MOST))
    return isinstance(found, dict) and found.get('made_by') == _MADE_BY


def measure(key: Key, answers: Answers) -> dict:
    """The rates per protocol and run, with intervals and agreement, as JSON has them."""
    protocols = {
        protocol: _protocol(key.runs, key.protocols[protocol], people, protocol)
        for protocol, people in answers.items()
        if people
    }
    return {'made_by': _MADE_BY, 'version': VERSION, 'study': key.study, 'runs': key.runs, 'protocols': protocols}


def _protocol(runs, items, answers, protocol):
    people = {person: _person(items, given) for person, given in answers.items()}
    kept = {person: given for person, given in answers.items() if not people[person]['left_out']}
    scored = [name for name, item in items.items() if item['kind'] in ('generated', 'real', 'scored')]
    return {
        'question': _QUESTIONS[protocol],
        'rule': f'who fails more than {FAILED:.0%} of the attention checks is left out',
        'people': people,
        'agreement': _agreement(kept, scored),
        'runs': {run: _of_run(items, kept, protocol, run) for run in runs},
    }


def _person(items, given):
    checks = [item for item in given if items[item]['kind'] == 'check']
    failed = sum(given[item] != items[item]['right'] for item in checks)
    of = sum(item['kind'] != 'practice' for item in items.values())
    return {
        'answers': sum(items[item]['kind'] != 'practice' for item in given),
        'of': of,
        'checks': len(checks),
        'failed': failed,
        'left_out': failed > FAILED * len(checks),
    }


def _of_run(items, kept, protocol, run):
    """{what: rate} of one run."""

    def names(kind):
        return [name for name, item in items.items() if (item['kind'], item['run']) == (kind, run)]

    if protocol == REALISTIC:
        generated, real = names('generated'), names('real')
        made = _rate(kept, generated, lambda item, answer: answer == 'yes')
        originals = _rate(kept, real, lambda item, answer: answer == 'yes')
        return {'generated': made, 'real': originals, 'agreement': _agreement(kept, generated + real)}
    scored = names('scored')
    fooled = _rate(kept, scored, lambda item, answer: answer != items[item]['right'])
    return {'fooled': fooled, 'agreement': _agreement(kept, scored)}


def _rate(kept, names, is_yes):
    """The share of answers that are a yes, with its intervals; None as share where there is no answer."""
    table = np.full((len(kept), len(names)), np.nan)
    for p, given in enumerate(kept.values()):
        for i, name in enumerate(names):
            if name in given:
                table[p, i] = is_yes(name, given[name])
    given = ~np.isnan(table)
    yes, of = int(np.nansum(table)), int(given.sum())
    if not of:
        return {'yes': 0, 'of': 0, 'rate': None, 'binomial': None, 'bootstrap': None, 'people': 0, 'images': 0}
    return {
        'yes': yes,
        'of': of,
        'rate': yes / of,
        'binomial': _ends(wilson(yes, of)),
        'bootstrap': _ends(crossed_bootstrap(table)),
        'people': int(given.any(axis=1).sum()),
        'images': int(given.any(axis=0).sum()),
    }


def _agreement(kept, names):
    """Krippendorff's alpha over these items, or why there is none."""
    answers = [[given[name] for given in kept.values() if name in given] for name in names]
    alpha = krippendorff(answers)
    if alpha is not None:
        return {'alpha': alpha}
    several = any(len(item) > 1 for item in answers)
    return {'alpha': None, 'why': 'all answers are the same' if several else 'needs two people with the same images'}


def _ends(interval: Interval | None):
    return None if interval is None else [interval.low, interval.high]


def describe(report: Mapping) -> str:
    """The rates for people: a table for each protocol."""
    lines = [f'Study {report["study"]}']
    for protocol, found in report['protocols'].items():
        lines += ['', f'{protocol}: {found["question"]}.', *_of_people(found['people'])]
        rows = [('', 'rate', '', 'binomial 95 %', 'bootstrap 95 %', 'agreement')]
        for run, of_run in found['runs'].items():
            name = printable(run)
            for what in (what for what in of_run if what != 'agreement'):
                alpha = '' if what == 'real' or of_run['agreement']['alpha'] is None else _alpha(of_run['agreement'])
                rows.append((f'{name} {what}', *_cells(of_run[what]), alpha))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += [
            '  '.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        lines.append(f'agreement over all: {_alpha(found["agreement"])}')
    lines += [
        '',
        'binomial: Wilson, as if all answers were independent; bootstrap: over people and images. agreement:',
        "Krippendorff's alpha, 1 if all agree, 0 if they agree as often as by chance.",
    ]
    return '\n'.join(lines)


def _of_people(people):
    lines = []
    for person, found in people.items():
        what = ', left out' if found['left_out'] else ''
        told = f'{found["answers"]} of {found["of"]} answered, {found["failed"]} of {found["checks"]} checks failed'
        lines.append(f'  {printable(person)}: {told}{what}')
    out = sum(found['left_out'] for found in people.values())
    count = '1 person' if len(people) == 1 else f'{len(people)} people'
    return [f'{count}, {out} left out (more than {FAILED:.0%} of the attention checks failed):', *lines]


def _cells(rate):
    if rate['rate'] is None:
        return '-', 'no answers', '', ''
    spreads = (f'[{ends[0]:.3f}, {ends[1]:.3f}]' if ends else '-' for ends in (rate['binomial'], rate['bootstrap']))
    return f'{rate["rate"]:.3f}', f'{rate["yes"]} of {rate["of"]}', *spreads


def _alpha(agreement):
    return f'not applicable ({agreement["why"]})' if agreement['alpha'] is None else f'{agreement["alpha"]:.3f}'
