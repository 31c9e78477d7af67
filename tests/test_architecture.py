"""What a package may import: only packages in the rows above its own. docs/architecture.md says what each is for."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Packages and modules directly in gans/; those in one row import nothing of each other.
LAYERS = (
    ('compiled', 'errors', 'signals', 'types'),
    ('printing', 'image', 'config', 'nn'),
    ('progress', 'pretrained'),
    ('startup', 'losses', 'networks', 'metrics', 'data', 'web'),
    ('objectives', 'tasks', 'classifier'),
    ('core',),
    ('run',),
    ('features', 'sets', 'training', 'inference'),
    ('evaluation', 'latent', 'visualization', 'labelling'),
    ('model_card',),
    ('report', 'app', 'study', 'export', 'notebook'),
    ('sitting',),
    ('sweep',),
    ('reproduce',),
    ('cli',),
)
# Packages with stricter rules than their row.
ONLY = {
    'types': set(),
    'nn': {'errors'},
    'networks': {'errors', 'image', 'nn'},
    'losses': {'errors', 'image', 'pretrained', 'types'},
    'objectives': {'errors', 'losses', 'nn', 'types'},
    'tasks': {'errors', 'image', 'metrics', 'nn', 'types'},
    'metrics': {'errors', 'image', 'types'},
    'data': {'errors', 'config', 'progress'},
    'web': set(),
    'latent': {'core', 'data', 'errors', 'image', 'metrics', 'nn', 'progress', 'run', 'types'},
}
HEAVY = (
    'tensorflow',
    'tensorflow_datasets',
    'grain',
    'PIL',
    'tensorboardX',
    'matplotlib',
    'sklearn',
    'IPython',
    'google',
)


def package_of(path: Path) -> str:
    return path.relative_to(ROOT / 'gans').parts[0].removesuffix('.py')


def imported_packages(source: str) -> set[str]:
    """The packages that a module imports anywhere, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == 'gans':
            names = [f'gans.{alias.name}' for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or '']
        else:
            continue
        found |= {name.split('.')[1] for name in names if name.startswith('gans.')}
    return found


def violations(package: str, source: str) -> set[str]:
    row = {name: i for i, names in enumerate(LAYERS) for name in names}
    allowed = ONLY.get(package, {name for name in row if row[name] < row[package]})
    return imported_packages(source) - {package} - allowed


MODULES = sorted(path for path in (ROOT / 'gans').rglob('*.py') if path.name != '__init__.py')


@pytest.mark.parametrize('path', MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_imports_downwards(path):
    assert violations(package_of(path), path.read_text()) == set()


def test_every_package_is_in_the_table_and_exists():
    assert {package_of(path) for path in MODULES} == {name for row in LAYERS for name in row}


def test_few_modules_stand_directly_in_gans():
    assert len([path for path in MODULES if path.parent == ROOT / 'gans']) <= 8


@pytest.mark.parametrize(
    'package, line',
    [
        ('losses', 'from gans.core import step'),
        ('core', 'def f():\n    import gans.training.loop'),
        ('networks', 'from gans import losses'),
        ('metrics', 'from gans.core.build import build'),
        ('training', 'from gans.evaluation import evaluate'),
    ],
)
def test_a_planted_upward_import_is_found(package, line):
    assert violations(package, line)


def test_only_the_files_of_the_tasks_know_tasks_by_name():
    tasks = {path.stem for path in MODULES if package_of(path) == 'tasks'}
    assert tasks == {'colorize', 'inpaint', 'generate'}
    for path in MODULES:
        words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not words & tasks, path


def test_heavy_libraries_are_imported_only_where_they_are_used():
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ''] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n.split('.')[0] in HEAVY], path


LONG = {('step.py', '_play')}  # the step reads better from top to bottom in one piece


def test_files_and_functions_fit_a_screen():
    for path in MODULES:
        source = path.read_text()
        assert len(source.splitlines()) <= 350, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and (path.name, node.name) not in LONG:
                assert node.end_lineno - node.lineno < 60, (path, node.name)


def test_the_documentation_describes_every_package():
    text = (ROOT / 'docs' / 'architecture.md').read_text()
    for row in LAYERS:
        for name in row:
            assert f'`{name}' in text, f'{name} is missing in docs/architecture.md'
