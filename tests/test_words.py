"""The text of the repository has none of the words that were retired, for which the field has others."""

import re

import pytest
from command_line import ROOT

# What was meant -> what it was called.
RETIRED = {
    'repository': r'houses?',
    'packages': r'room[s]',
    'sample grid': r'sheet[s]?',
    'monitor': r'alarms?',
    'what ... does': r'what is asked o[f]',
    'relative to': r'in parts of that o[f]',
}
TEXTS = [
    ROOT / 'README.md',
    *sorted(path for folder in ('docs', 'gans', 'configs', 'benchmarks') for path in (ROOT / folder).rglob('*.md')),
    *sorted(path for folder in ('gans', 'configs', 'benchmarks') for path in (ROOT / folder).rglob('*.py')),
]


def retired(text):
    """[(line, word)] of retired words, also where they go over the end of a line."""
    found = []
    for word in RETIRED.values():
        pattern = rf'\b{word}\b'.replace(' ', r'\s+(?:#\s*)?')
        found += [
            (text.count('\n', 0, match.start()) + 1, ' '.join(re.findall(r'\w+', match[0])))
            for match in re.finditer(pattern, text, re.IGNORECASE)
        ]
    return sorted(found)


def test_no_retired_word_is_in_the_text():
    found = {str(path.relative_to(ROOT)): retired(path.read_text()) for path in TEXTS}
    assert not {name: words for name, words in found.items() if words}


def test_no_file_is_called_by_a_retired_word():
    names = [' '.join(re.split(r'[/_.]', str(path.relative_to(ROOT)))) for path in TEXTS]
    assert not [name for name in names if retired(name)]


@pytest.mark.parametrize(
    ('text', 'found'),
    [
        # With hyphens, so that a search of the whole repository finds none of them here.
        ('The ho-use holds many.\n', [(1, 'ho-use')]),
        ('A line.\nThe ro-oms pass records.\n', [(2, 'ro-oms')]),
        ('a sheet, She-ets\n', [(1, 'She-ets'), (1, 'sheet')]),
        ('an alarm\n', [(1, 'alarm')]),
        ('What is asked\nof it\n', [(1, 'What is as-ked of')]),
        ('# in parts of\n# that of the originals\n', [(1, 'in pa-rts of that of')]),
        ('There is room for a household, a worksheet and an alarming greenhouse.\n', []),
    ],
)
def test_a_retired_word_is_found(text, found):
    assert retired(text.replace('-', '')) == [(line, word.replace('-', '')) for line, word in found]
