"""The documents as texts: their blocks, flags, fields, links and length. test_acceptance_docs runs their commands."""

import ast
import importlib
import re

import pytest
from command_line import ROOT
from printed_commands import (
    DOCUMENTS,
    LANGUAGES,
    blocks,
    commands,
    fences,
    file_of,
    gives_files,
    is_python,
    python_blocks,
)
from reader import mistake, unique

WHERE = {str(path.relative_to(ROOT)): path for path in DOCUMENTS}
# A document with one mistake -> a word of what is said of it.
WRONG = {
    '```bash\npython main.py --config=configs/colorize.py --dry_rum\n```': 'dry_rum',
    '```bash\npython main.py --config=configs/colorize.py --config.bach=8\n```': 'config.bach',
    '```bash\npython main.py --config=configs/dcgan.py --config.task.boxes=3\n```': 'config.task.boxes',
    '```bash\npython main.py --mode=evaluate --workdir=RUN --outputs=FOLDER\n```': 'outputs',
    '```bash\npython main.py --mode=evaluate --workdir=RUN --output=FOLDER\n```': 'does not take it',
    '```bash\npython main.py --mode=evaluat --workdir=RUN\n```': 'evaluat',
    '```bash\npython main.py --config=configs/colorize.py \\\n    --config.bach 8\n```': 'config.bach',
    '```bash\npython mian.py --config=configs/colorize.py\n```': 'TOLD',
    '    python -m benchmarks.step --config=configs/inpaint.py --round=3\n': 'round',
    'Training takes `--config.stebs=3`.': 'config.stebs',
    'The flag `--workdirs` says where.': 'workdirs',
    '```bash\ncd gans-jax && python main.py --config=configs/colorize.py --dry_rum\n```': 'dry_rum',
}


def mistakes(path):
    found = {str(printed): mistake(printed, gives_files(path)) for printed in unique(commands(path))}
    return {printed: wrong for printed, wrong in found.items() if wrong}


def names_in_gans(node):
    """[(module, name)] that a piece of syntax takes from gans: 'from gans import errors', 'gans.train'."""
    if isinstance(node, ast.ImportFrom) and (node.module or '').partition('.')[0] == 'gans':
        return [(node.module, alias.name) for alias in node.names]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == 'gans':
        return [('gans', node.attr)]
    return []


def anchors(text):
    """The anchors that GitHub gives the headings of a Markdown text."""
    titles = re.findall(r'^#+ (.*)$', re.sub(r'^```.*?^```', '', text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-') for title in titles}


@pytest.mark.parametrize('name', WHERE)
def test_every_flag_and_field_that_a_document_prints_exists(name):
    assert not mistakes(WHERE[name])


@pytest.mark.parametrize('text', WRONG)
def test_a_misspelt_flag_of_a_document_is_found(text, tmp_path):
    path = tmp_path / 'wrong.md'
    path.write_text(f'# Title\n\n{text}\n')
    assert [WRONG[text] in wrong for wrong in mistakes(path).values()] == [True]


@pytest.mark.parametrize('name', WHERE)
def test_every_block_of_a_document_is_walked(name):
    """A fenced block names its language; one that is not among LANGUAGES would be passed over unseen."""
    text = WHERE[name].read_text()
    kinds = fences(text)
    assert set(kinds) <= set(LANGUAGES), f'{name}: {set(kinds) - set(LANGUAGES)}'
    assert [kind for kind, _ in blocks(text)[: len(kinds)]] == kinds
    lines = [line for kind, code in blocks(text) if kind == 'bash' for line in code.splitlines() if line.strip()]
    assert len(commands(WHERE[name])) >= sum(not line.startswith((' ', '#')) for line in lines)


@pytest.mark.parametrize('name', WHERE)
def test_python_of_a_document_compiles_and_imports_what_is_there(name):
    path = WHERE[name]
    for code in python_blocks(path):
        if gives_files(path) and not file_of(code):
            continue  # an excerpt of a file
        tree = ast.parse(code)
        names = [] if gives_files(path) else [name for node in ast.walk(tree) for name in names_in_gans(node)]
        for module, name in names:
            found = importlib.import_module(module)
            assert hasattr(found, name) or importlib.import_module(f'{module}.{name}'), f'{module} has no {name}'


@pytest.mark.parametrize('name', WHERE)
def test_what_a_document_links_and_names_is_there(name):
    path = WHERE[name]
    text = path.read_text()
    own = {file_of(code) for code in python_blocks(path)}
    for target in re.findall(r'\]\(([^)\s]+)\)', text):
        place, _, anchor = target.partition('#')
        if '://' in place:
            continue
        linked = (path.parent / place).resolve() if place else path
        assert linked.exists(), f'{name} links {target}'
        assert not anchor or anchor in anchors(linked.read_text()), f'{name} links {target}'
    for file in re.findall(r'`((?:gans|configs|tests|benchmarks|docs)/[\w/.]+\.(?:py|md|png))', text):
        assert (ROOT / file).is_file() or file in own, f'{name} names {file}'


def test_the_readme_is_short():
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 180


def test_what_is_a_file_for_the_reader_to_write():
    assert file_of('# configs/mine.py\nimport jax\n') == 'configs/mine.py'
    assert file_of('# A comment\n') == file_of('import jax\n# configs/mine.py\n') == ''
    assert is_python('python', '# configs/mine.py\n')
