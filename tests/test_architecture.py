"""The house as a table: what every room may import. The same table stands in the README."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A room imports only from rooms above it; rooms in one line import nothing of each other.
FLOORS = (
    ('errors', 'signals', 'relay'),
    ('printing', 'verbs'),
    ('images', 'conv', 'gradients', 'config', 'startup', 'events'),
    ('transposed', 'ranges'),
    ('arguments',),
    ('layers', 'losses', 'matching', 'schedules', 'descriptors', 'noise'),
    ('batchwise', 'residual'),
    ('game', 'heads'),
    ('edits', 'terms', 'averages', 'tasks', 'classifier', 'picture', 'networks', 'objectives', 'data', 'metrics'),
    ('build',),
    ('train_step',),
    ('parallel', 'hosts', 'checkpoint_files', 'logbook', 'picture_files', 'inversion', 'stored_config'),
    ('checkpoint',),
    ('runs', 'run_folder'),
    ('baselines', 'dry_run', 'records', 'sheets', 'alarm', 'tables', 'picture_folders'),
    ('measure_classes',),
    ('measure_pairs', 'measure_samples', 'drawings'),
    ('train', 'evaluate', 'translate', 'explore', 'history'),
    ('compare',),
    ('commands',),
)
# Rooms with stricter rules than their floor.
ONLY = {
    'networks': {'images', 'errors', 'layers', 'conv', 'noise', 'batchwise', 'residual', 'heads'},
    'objectives': {'errors', 'losses', 'game', 'noise'},
    'metrics': {'errors', 'images'},
    'data': {'errors', 'startup'},
    'layers': {'errors', 'conv', 'gradients', 'transposed'},
    'noise': {'errors'},
    'batchwise': {'errors', 'layers', 'noise'},
    'residual': {'errors', 'layers'},
    'heads': {'errors', 'layers', 'noise', 'batchwise'},
    'descriptors': {'errors'},
    'matching': {'errors'},
}
HEAVY = ('tensorflow', 'tensorflow_datasets', 'grain', 'PIL', 'tensorboardX', 'matplotlib', 'sklearn')


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / 'gans').parts[0].removesuffix('.py')


def imported_rooms(source: str) -> set[str]:
    """The rooms that a module imports anywhere, also inside functions."""
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


def violations(room: str, source: str) -> set[str]:
    floor = {name: i for i, floor in enumerate(FLOORS) for name in floor}
    imported = imported_rooms(source) - {room}
    allowed = ONLY.get(room, {name for name in floor if floor[name] < floor[room]})
    return imported - allowed


MODULES = sorted(path for path in (ROOT / 'gans').rglob('*.py') if path.name != '__init__.py')


@pytest.mark.parametrize('path', MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_imports_downwards(path):
    assert violations(room_of(path), path.read_text()) == set()


def test_every_room_is_in_the_table_and_exists():
    assert {room_of(path) for path in MODULES} == {name for floor in FLOORS for name in floor}


@pytest.mark.parametrize(
    'room, line',
    [
        ('losses', 'from gans.game import Turn'),
        ('train_step', 'def f():\n    import gans.train'),
        ('networks', 'from gans import losses'),
        ('metrics', 'from gans.build import build'),
    ],
)
def test_a_planted_upward_import_is_found(room, line):
    assert violations(room, line)


def test_heavy_libraries_are_imported_only_where_they_are_used():
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ''] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n.split('.')[0] in HEAVY], path


def test_files_and_functions_fit_a_screen():
    for path in MODULES:
        source = path.read_text()
        assert len(source.splitlines()) <= 350, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 60, (path, node.name)


def test_the_readme_draws_the_same_floors():
    readme = (ROOT / 'README.md').read_text()
    for floor in FLOORS:
        for room in floor:
            assert f'`{room}' in readme, f'{room} is missing in README.md'
