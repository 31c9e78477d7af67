"""The sweeps in configs/sweeps, one for each claim of the documents: cells can be trained, and numbers exist."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from command_line import ROOT

from gans.config.load import load
from gans.core.build import build
from gans.errors import UserError
from gans.evaluation.samples import NEAREST
from gans.evaluation.set_measures import CHECKERBOARD, DISTANCE, DIVERSITY
from gans.sweep import results, table
from gans.sweep.cells import Claim, read_sweep
from gans.sweep.numbers import check, slug
from gans.types import SampleEvaluation

FILES = sorted(Path(ROOT, 'configs', 'sweeps').glob('*.py'))


def numbers_of(config):
    """The names of the numbers that an evaluation of a run of this config has, as sweeps name them."""
    evaluation = build(config, 100).task.evaluation
    if isinstance(evaluation, SampleEvaluation):
        return {f'samples.{slug(name)}' for name in (CHECKERBOARD, DISTANCE, DIVERSITY, NEAREST)}
    main = slug(evaluation.main)
    ratios = {f'ratios.{main}_output_{slug(row)}' for row in evaluation.baselines}
    return ratios | {f'output.{slug(name)}' for name in evaluation.measures}


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_every_cell_can_be_trained_no_longer_than_its_config(path):
    for variant in ('', ':tiny'):
        sweep = read_sweep(f'{path}{variant}', {})
        labels = [cell.label for cell in sweep.cells]
        assert len(set(labels)) == len(labels)
        for cell in sweep.cells:
            assert build(cell.config, 100).gen is not None
            own = cell.config_text.partition(':')[0]
            assert cell.config.steps <= load(f'{own}{variant}').steps
            assert cell.config.data.source in ('embedded', 'digits')


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_every_measure_exists(path):
    sweep = read_sweep(f'{path}', {})
    assert sweep.about
    for name in sweep.measures:
        for cell in sweep.cells:
            if name not in numbers_of(cell.config):
                assert '.' not in name, (cell.label, name)
                check(name)  # that there is such a module


def test_the_claims_are_documented():
    text = Path(ROOT, 'docs', 'claims.md').read_text()
    for path in FILES:
        sweep = read_sweep(f'{path}', {})
        rows = [line for line in text.splitlines() if line.startswith(f'| `{path.stem}` | ')]
        assert len(rows) in (1, 2, 3), path  # what is compared; what is measured, unless others have the same; the cost
        for cell in sweep.cells:
            assert cell.label in rows[0], (path, cell.label)
        for name in sweep.measures:
            assert f'`{name}`' in text, (path, name)


@pytest.mark.parametrize('than, verdict', [(0, 'undecided'), (-1, 'confirmed'), (1.5, 'contradicted')])
def test_a_claim_may_compare_with_a_number(than, verdict):
    plan = SimpleNamespace(sweep=SimpleNamespace(cells=[SimpleNamespace(label='one')]), seeds=(0, 1, 2))
    claim = Claim('It is large.', 'one', than, 'size', 'higher')
    found = results._claim(plan, claim, [{'size': [0.1, 0.2, 0.3]}])
    reach = 4.302653 * 0.1 / 3**0.5  # t of two degrees of freedom
    numbers = [found['difference'][name] for name in ('low', 'mean', 'high')]
    assert numbers == pytest.approx([0.2 - than - reach, 0.2 - than, 0.2 - than + reach])
    assert found['verdict'] == verdict
    rows = table.claims({'claims': [found], 'measures': {'size': {'digits': 2}}})
    assert rows[0][1] == f'size of one − {than}, higher is better'


def test_a_claim_compares_with_no_other_number(tmp_path):
    path = tmp_path / 'own.py'
    cells = "def get_hyper(hyper):\n    return hyper.fixed('config', 'configs/birds.py:tiny')\n"
    for than in ('True', 'float("nan")', 'None'):
        path.write_text(f"{cells}CLAIMS = [dict(claim='x', cell='birds', than={than}, measure='a.b', better='lower')]")
        with pytest.raises(UserError, match='claim 1: give a dict'):
            read_sweep(f'{path}', {})
