"""The commands and the fields that the documents print, as they are printed.

A command is a line of a code block, or a span of code in the text that begins like one; '... --mode=x' and spans of
flags alone are parts of commands. A span may go over the end of a line. A Python block whose first line is a comment
with a path, '# gans/networks/mine.py', is a file for the reader to write; the commands of a document that has such
files may need them.
"""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from command_line import ROOT
from variants import CONFIGS, docstring

DOCUMENTS = [ROOT / 'README.md', *sorted(ROOT.glob('docs/*.md')), *sorted(ROOT.glob('benchmarks/*.md'))]
_BEGINS = ('python ', 'pip ', 'git ', 'cd ', 'tensorboard', '... --', '--', '!', '%')
SHELL = ('bash', '')  # languages of blocks that are commands; indented blocks have none
_NO_SHELL = ('text', 'json', 'yaml', 'toml')  # what is marked as these is no command
LANGUAGES = ('bash', 'python', *_NO_SHELL)  # of fenced blocks


class Printed(NamedTuple):
    """One command: where it stands, and its words without the shell's quotes."""

    place: str
    words: tuple[str, ...]

    def __str__(self):
        return f'{self.place}: {shlex.join(self.words)}'


def blocks(text: str) -> list[tuple[str, str]]:
    """[(language, code)] of the fenced and the indented blocks of a Markdown text; '' where none is named."""
    found = [(kind, code) for kind, code in re.findall(r'^```(\w*)\n(.*?)^```', text, re.MULTILINE | re.DOTALL)]
    rest = re.sub(r'^```.*?^```', '', text, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r'(?:^|\n\n)((?:    .*\n|\n(?=    ))+)', rest)
    return found + [('', re.sub('^    ', '', code, flags=re.MULTILINE)) for code in indented if code.strip()]


def spans(text: str) -> list[str]:
    """The spans of code in a Markdown text, each on one line."""
    text = re.sub(r'^```.*?^```', '', text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub('^    .*$', '', text, flags=re.MULTILINE)
    return [' '.join(span.split()) for span in re.findall('`([^`]+)`', text)]


def fences(text: str) -> list[str]:
    """The words behind the opening marks of fenced blocks, '' for none; raises AssertionError if one is left open."""
    marks = re.findall('^ *```(.*)$', text, re.MULTILINE)
    assert len(marks) % 2 == 0 and not any(marks[1::2]), f'a block that is not closed, among {marks}'
    return marks[::2]


def is_python(kind: str, code: str) -> bool:
    return kind == 'python' or (not kind and code.startswith(('from ', 'import ')))


def file_of(code: str) -> str:
    """'configs/mine.py' of a Python block that is that file, else ''."""
    found = re.match(r'# ([\w./-]+\.py)$', code.partition('\n')[0])
    return found[1] if found else ''


def python_blocks(path: Path) -> list[str]:
    """The blocks that are Python, files for the reader to write among them."""
    return [code for kind, code in blocks(path.read_text()) if is_python(kind, code)]


def gives_files(path: Path) -> bool:
    """Whether a document has files for the reader to write."""
    return any(file_of(code) for code in python_blocks(path))


def commands(path: Path) -> list[Printed]:
    """All commands of a document, in their order but for those in the text, which come last."""
    text = path.read_text()
    lines = []
    for kind, code in blocks(text):
        if kind in SHELL and not is_python(kind, code):
            lines += [line for line in re.sub(r'\\\n\s*', '', code).splitlines() if line.strip()]
    lines += [span for span in spans(text) if span.startswith(_BEGINS)]
    return [printed for line in lines for printed in _parts(path, line)]


def _parts(path, line):
    place = str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name)
    line = line.strip().removeprefix('!').removeprefix('%')
    words = [shlex.split(part, comments=True) for part in line.split('&&')]
    return [Printed(place, tuple(part)) for part in words if part]


def docstring_commands(name: str) -> list[Printed]:
    """The commands in the docstring of a config: a line each, with an explanation after two spaces."""
    lines = [line for line in docstring(name).splitlines() if line.startswith('    python ')]
    return [Printed(f'configs/{name}.py', tuple(re.split(' {2,}', line.strip())[0].split())) for line in lines]


def docstring_flags(name: str) -> list[Printed]:
    """The flags in the text of the docstring of a config, which are for that config."""
    found = [span for span in spans(docstring(name)) if span.startswith('--')]
    return [Printed(f'configs/{name}.py', (f'--config=configs/{name}.py', *span.split())) for span in found]


def printed_configs() -> list[tuple[str, str]]:
    """[(place, 'colorize:paper')]: configs with their variants in the text, and those that a table gives a config.

    Left out are those that a document has the reader write.
    """
    found = []
    for path in DOCUMENTS:
        own = {file_of(code) for code in python_blocks(path)}
        for line in path.read_text().splitlines():
            names = re.findall(r'configs/(\w+)\.py(:\w+)?', line)
            names = [name for name in names if f'configs/{name[0]}.py' not in own]
            full = [''.join(name) for name in names]
            if re.match(r'\| `configs/\w+\.py` \|', line):
                full += [names[0][0] + span for span in spans(line) if re.fullmatch(r':\w+', span)]
            found += [(str(path.relative_to(ROOT)), name) for name in full]
    return found


def printed_fields() -> list[tuple[str, str]]:
    """[(place, 'config.objective.form')]: names of fields in the documents and in the docstrings of the configs."""
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in DOCUMENTS}
    texts |= {f'configs/{name}.py': docstring(name) for name in CONFIGS}
    found = [(place, span.partition('=')[0].strip()) for place, text in texts.items() for span in spans(text)]
    return [(place, name) for place, name in found if name.startswith('config.') and name != 'config.json']
