"""The verb `sweep` through main.py: its files, its numbers by hand, its refusals, and what a kill changes: nothing."""

import json
import math
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from browser import PHONE, WIDE, accessibility_faults, faults_of, needs_browser, open_browser, open_context, requests_of
from command_line import MAIN, ROOT, main
from processes import heard
from runs_on_disk import refused
from saved_run import Gone
from test_signals import strike

from gans.errors import Failure
from gans.image.files import is_temporary
from gans.metrics.bootstrap import Interval
from gans.metrics.student import paired_interval, t_interval
from gans.run import trained
from gans.run.checkpoint import Checkpoints
from gans.sweep import figures, hyper, numbers, pace, results, runs, table, train
from gans.sweep.cells import read_sweep
from gans.sweep.plan import Run
from gans.training.loop import Diverged, _Loop
from gans.training.recorder import Recorder

pytestmark = pytest.mark.usefixtures(heard.__name__)

TWO = '''"""Two losses.

Why they are compared.
"""

MEASURES = ('output.chroma_error', 'output.l1', 'last_gen_loss')
CLAIMS = (
    {'claim': 'Hinge has the better colours.', 'cell': 'hinge', 'than': 'plain', 'measure': 'output.chroma_error',
     'better': 'lower'},
)


def get_hyper(hyper):
    return hyper.product([
        hyper.fixed('config', 'configs/colorize.py'),
        hyper.zipit([
            hyper.sweep('label', ('plain', 'hinge')),
            hyper.sweep('config.objective.form', ('non_saturating', 'hinge')),
        ]),
    ])
'''
MEASURE = '''"""The generator's last loss."""
import json

BETTER, DIGITS = 'lower', 3


def measure(folder):
    return json.loads((folder / 'metrics.jsonl').read_text().splitlines()[-1]['gen/loss']
'''
SMALL = [
    '--config.devices=1',
    '--config.steps=3',
    '--config.log.every=1',
    '--config.checkpoint.every=2',
    '--config.data.embedded.count=24',
    '--config.size=16',
    '--config.generator.widths=(4,)',
    '--config.discriminator.widths=(4,)',
]


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """A folder with the sweep's file, and with a package that has a measure."""
    folder = tmp_path_factory.mktemp('sweep')
    (folder / 'two.py').write_text(TWO.replace("'last_gen_loss'", "'measures_of_test.last_loss'"))
    package = folder / 'measures_of_test'
    package.mkdir()
    (package / '__init__.py').touch()
    text = MEASURE.replace("[-1]['gen/loss']", "[-1])['gen/loss']")
    (package / 'last_loss.py').write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder


def words(place, output, *more):
    return ['--mode=sweep', f'--config={place}/two.py:tiny', '--seeds=0,1', *SMALL, f'--output={output}', *more]


@pytest.fixture(scope='module')
def swept(place):
    """The folder of a sweep that nothing has interrupted, and what was printed."""
    done = main(*words(place, place / 'swept'))
    assert done.code == 0, done
    return place / 'swept', done


def found_in(folder):
    return json.loads((folder / 'results.json').read_text())


def without_times(folder):
    """The bytes of results.json without the times in it."""
    found = found_in(folder)
    for one in found['cells']:
        for run in one['runs']:
            del run['seconds']
    return json.dumps(found)


def test_the_files_of_a_sweep(swept):
    folder, done = swept
    assert {path.name for path in folder.iterdir()} == {
        'sweep.json', 'sweep.lock', 'runs', 'results.json', 'table.md', 'curves.png', 'samples.png', 'sweep.html',
    }  # fmt: skip
    assert not [path for path in folder.rglob('*') if is_temporary(path.name)]
    for label in ('plain', 'hinge'):
        for seed in (0, 1):
            run = folder / 'runs' / label / f'seed_{seed}'
            assert json.loads((run / 'config.json').read_text())['seed'] == seed
            assert json.loads((run / 'evaluation.json').read_text())['step'] == 3
            assert 'step 3/3' in (run / 'log.txt').read_text()
            assert (run / 'report.html').is_file()
    assert done.out.count('is done') == 4 and 'step 3/3' not in done.out
    assert f'{folder}/sweep.html' in done.out and 'undecided' in done.out or 'confirmed' in done.out
    page = (folder / 'sweep.html').read_text()
    assert 'Two losses' in page and 'Why they are compared.' in page and page.count('data:image/') == 2
    assert 'src="http' not in page
    table = (folder / 'table.md').read_text()
    assert '| plain | 3 |' in table and '| difference to plain |' in table and '--seeds=0,1' in table


def test_the_numbers_are_those_of_the_runs(swept):
    folder, _ = swept
    found = found_in(folder)
    assert found['measures']['output.chroma_error'] == {'better': 'lower', 'digits': 4}
    assert found['measures']['measures_of_test.last_loss'] == {'better': 'lower', 'digits': 3}
    by_hand = {}
    for label in ('plain', 'hinge'):
        own = [json.loads((folder / f'runs/{label}/seed_{s}/evaluation.json').read_text()) for s in (0, 1)]
        by_hand[label] = np.array([one['rows']['output']['chroma error']['mean'] for one in own])
    t = 12.706204736  # of one degree of freedom, two-sided 95 %: tan(0.475 pi)
    for one in found['cells']:
        values = by_hand[one['label']]
        got = one['numbers']['output.chroma_error']
        assert got['mean'] == pytest.approx(values.mean()) and got['count'] == 2
        assert got['high'] - got['mean'] == pytest.approx(t * values.std(ddof=1) / math.sqrt(2))
        assert [run['numbers']['output.chroma_error'] for run in one['runs']] == pytest.approx(list(values))
        losses = [
            json.loads((folder / run['folder'] / 'metrics.jsonl').read_text().splitlines()[-1])['gen/loss']
            for run in one['runs']
        ]
        assert one['numbers']['measures_of_test.last_loss']['mean'] == pytest.approx(np.mean(losses))
    pairs = by_hand['hinge'] - by_hand['plain']
    difference = found['cells'][1]['differences']['output.chroma_error']
    assert difference['mean'] == pytest.approx(pairs.mean())
    assert difference['low'] == pytest.approx(pairs.mean() - t * pairs.std(ddof=1) / math.sqrt(2))
    assert found['cells'][0]['differences'] == {}
    right = difference['high'] < 0
    assert found['claims'][0]['verdict'] == ('confirmed' if right else 'contradicted' if difference['low'] > 0 else
                                             'undecided')  # fmt: skip
    table = (folder / 'table.md').read_text()
    assert f'| {by_hand["plain"].mean():.4f} [' in table and f'{pairs.mean():+.4f} [' in table


def lacking(swept, output):
    """A copy of the sweep in which the last run has yet to be made."""
    shutil.copytree(swept, output)
    shutil.rmtree(output / 'runs/hinge/seed_1')
    for name in ('results.json', 'table.md', 'curves.png', 'samples.png', 'sweep.html'):
        (output / name).unlink()
    return output


def test_stopped_and_killed_at_any_place_the_same_command_ends_with_the_same_results(
    place, swept, tmp_path, monkeypatch
):
    output = lacking(swept[0], tmp_path / 'again')

    def killed(self, *rest):
        raise Gone

    def stopped(number, owner, name, at=1):
        with monkeypatch.context() as patch:
            strike(number, patch, owner, name, at)
            done = main(*words(place, output))
        assert done.code == 128 + number and 'Traceback' not in done.err, done
        assert done.err.splitlines()[-1] == f'Stopped by {signal.Signals(number).name}.'
        assert 'The same command goes on.' in done.out
        assert not [path for path in output.rglob('*') if is_temporary(path.name)]

    last = output / 'runs/hinge/seed_1'
    stopped(signal.SIGTERM, Recorder, 'begin')  # before the first step
    stopped(signal.SIGINT, Recorder, 'report')  # while training
    with Checkpoints(last, read_only=True) as checkpoints:
        assert checkpoints.steps() == [1]
    with monkeypatch.context() as patch, pytest.raises(Gone):  # as by SIGKILL, behind a checkpoint
        patch.setattr(_Loop, 'at_its_time', killed)
        main(*words(place, output))
    stopped(signal.SIGHUP, sys.modules['gans.evaluation.evaluate'], 'write_json')  # while evaluating
    assert not (last / 'evaluation.json').exists()
    stopped(signal.SIGINT, figures, 'draw_samples')  # while drawing
    assert not (output / 'sweep.html').exists()
    done = main(*words(place, output))
    assert done.code == 0 and 'is done' not in done.out  # nothing was trained again
    assert without_times(output) == without_times(swept[0])
    assert (output / 'samples.png').read_bytes() == (swept[0] / 'samples.png').read_bytes()


STRUCK = """
import os, runpy, signal, sys
sys.path[:0] = [{root!r}, {place!r}]
from gans.evaluation import evaluate
def struck(*given):
    print('evaluating', flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    while True:
        pass
evaluate.open_images = struck
sys.argv = [{main!r}, *sys.argv[1:]]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def test_a_process_of_its_own_obeys_a_signal_after_a_training(place, swept, tmp_path):
    output = lacking(swept[0], tmp_path / 'again')
    code = STRUCK.format(root=str(ROOT), place=str(place), main=MAIN)
    command = [sys.executable, '-c', code, *words(place, output)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 143 and ended.stderr.splitlines()[-1] == 'Stopped by SIGTERM.', ended
    assert ended.stdout.splitlines()[-1] == '3 of 4 runs are done. The same command goes on.'
    with Checkpoints(output / 'runs/hinge/seed_1', read_only=True) as checkpoints:
        assert checkpoints.steps()[-1] == 3


def test_another_sweep_in_the_same_folder_is_refused_with_the_difference(place, swept, tmp_path):
    folder = swept[0]
    before = (folder / 'sweep.json').read_bytes()
    refused(main(*words(place, folder, '--seeds=0,2')), '--seeds: 0,1 -> 0,2', 'another --output')
    refused(main(*words(place, folder, '--config.steps=4')), 'plain: config.steps: 3 -> 4')
    refused(main(*words(place, folder, '--config.batch=2')), 'plain: config.batch: 8 -> 2')
    refused(main(*words(place, folder, '--config.log.every=2')), 'plain: config.log.every: 1 -> 2')
    refused(main(*words(place, folder, '--config.checkpoint.keep=9')), 'plain: config.checkpoint.keep: ')
    refused(
        main(*(word for word in words(place, folder, '--minutes=1') if 'steps' not in word)), '--minutes: not given'
    )
    other = tmp_path / 'two.py'
    other.write_text((place / 'two.py').read_text().replace("'hinge'", "'minimax'"))
    refused(main(*words(tmp_path, folder)), 'cells: plain; hinge -> plain; minimax')
    assert (folder / 'sweep.json').read_bytes() == before
    taken = tmp_path / 'taken'
    taken.mkdir()
    (taken / 'thesis.txt').touch()
    refused(main(*words(place, taken)), 'holds files and is no sweep')
    refused(main(*words(place, taken / 'thesis.txt')), 'is a file')
    (taken / 'thesis.txt').rename(taken / 'sweep.json')
    refused(main(*words(place, taken)), 'was not written by')
    assert {path.name for path in taken.iterdir()} <= {'sweep.json', 'sweep.lock'}


def test_two_sweeps_do_not_write_one_folder(place, swept):
    from gans.run.folder import Lock
    from gans.sweep.plan import LOCK

    lock = Lock(swept[0], LOCK)
    refused(main(*words(place, swept[0])), 'Another training is going on', 'another --output')
    lock.close()


def test_a_run_that_somebody_trains_is_refused_by_the_flag_of_this_verb(place, swept, tmp_path):
    from gans.run.folder import Lock

    output = lacking(swept[0], tmp_path / 'again')
    (output / 'runs/hinge/seed_1').mkdir()
    lock = Lock(output / 'runs/hinge/seed_1')
    done = main(*words(place, output))
    lock.close()
    refused(done, 'Another training is going on', 'choose another --output')
    assert '--workdir' not in done.err


def test_a_run_that_diverges_is_told_and_stops_no_other(place, swept, tmp_path, monkeypatch):
    output = lacking(swept[0], tmp_path / 'again')
    collect = _Loop.collect

    def diverging(self, step):
        raise Diverged('gen/loss is nan at step 1')

    with monkeypatch.context() as patch:
        patch.setattr(_Loop, 'collect', diverging)
        done = main(*words(place, output))
    assert _Loop.collect is collect and done.code == 0, done
    assert 'hinge, seed 1 diverged: gen/loss is nan at step 1' in done.out
    found = found_in(output)
    assert found['cells'][1]['numbers']['output.l1']['count'] == 1 and found['claims'][0]['verdict'] == 'undecided'
    assert 'hinge, seed 1 diverged' in (output / 'table.md').read_text()
    assert main(*words(place, output)).code == 0  # and is not tried again
    assert found_in(output)['cells'][1]['runs'][1]['diverged']
    shutil.rmtree(output / 'runs/hinge/seed_1')  # now it is tried again, and makes images that are not finite

    def failing(trained, network):
        raise Failure('The generator makes numbers that are not finite.')

    with monkeypatch.context() as patch:
        patch.setattr(runs, 'evaluate_run', failing)
        done = main(*words(place, output))
    assert done.code == 0 and 'hinge, seed 1 diverged: The generator makes numbers that are' in done.out, done
    assert found_in(output)['cells'][1]['numbers']['output.l1']['count'] == 1


DAMAGES = (
    {'times': [1]}, {'times': {'plain, seed 0': 3}}, {'times': {'plain, seed 0': ['a', None]}}, {'diverged': ['x']},
    {'features': 3}, {'cells': None}, {'seeds': None}, {},
)  # fmt: skip


def test_a_damaged_plan_is_one_sentence(place, swept, tmp_path):
    output = lacking(swept[0], tmp_path / 'again')
    plan = json.loads((output / 'sweep.json').read_text())
    for damage in DAMAGES:
        text = json.dumps(plan | damage if damage else {key: plan[key] for key in plan if key != 'times'})
        (output / 'sweep.json').write_text(text)
        refused(main(*words(place, output)), 'another --output')
        assert (output / 'sweep.json').read_text() == text
    shutil.rmtree(output / 'runs/plain/seed_0')
    (output / 'runs/plain/seed_0').write_text('a note')
    (output / 'sweep.json').write_text(json.dumps(plan))
    refused(main(*words(place, output)), 'plain/seed_0 is a file', 'move it away')


def test_equal_wall_time_takes_turns_and_counts_steps_at_each_cells_pace(place, tmp_path, monkeypatch):
    order = []
    real = train.complete

    def complete(config, text, fields, folder, *rest, **named):
        order.append((folder.parent.name, config.steps))
        return real(config, text, fields, folder, *rest, **named)

    paces = {'non_saturating': 0.01, 'hinge': 0.03}
    play = pace._Timer.times
    monkeypatch.setattr(pace._Timer, '__init__', _noting(pace._Timer.__init__))
    monkeypatch.setattr(pace._Timer, 'times', lambda self, *given: [paces[self.form] for _ in play(self, *given)])
    monkeypatch.setattr(pace, 'POINTS', 2)
    monkeypatch.setattr(pace, 'ROUNDS', 1)
    monkeypatch.setattr(train, 'complete', complete)
    monkeypatch.setattr('gans.sitting.report', None)  # there is one report, behind the evaluation
    given = words(place, tmp_path / 'out', '--seeds=3', '--minutes=0.001', '--config.checkpoint.keep_every=4')
    given = [word for word in given if 'steps' not in word]
    done = main(*given)
    assert done.code == 0 and 'was not written' not in done.err, done
    assert order == [('plain', 6), ('hinge', 2)] * 2
    plan = json.loads((tmp_path / 'out/sweep.json').read_text())
    assert [cell['steps'] for cell in plan['cells']] == [6, 2]
    assert [cell['seconds_per_step'] for cell in plan['cells']] == pytest.approx([0.01, 0.03])
    configs = [json.loads((tmp_path / f'out/runs/{run}/seed_3/config.json').read_text()) for run in ('plain', 'hinge')]
    # The config has 4 steps, a log line after each, a checkpoint after every second one, and one kept for good.
    every = [(one['log']['every'], one['checkpoint']['every'], one['checkpoint']['keep_every']) for one in configs]
    assert every == [(2, 3, 6), (1, 1, 2)]
    assert '10.0 ms for a step, 6 steps' in done.out and 'Part 1 of 2' in done.out
    found = found_in(tmp_path / 'out')
    assert found['minutes'] == 0.001 and found['cells'][0]['numbers']['output.l1']['low'] is None
    assert found['claims'][0]['verdict'] == 'undecided'
    monkeypatch.setattr(pace, 'seconds_per_step', None)  # it goes on with the pace that was measured
    assert main(*given).code == 0 and len(order) == 4


def _noting(init):
    def noting(self, config):
        self.form = config.objective.form
        init(self, config)

    return noting


def test_how_many_parts_of_a_run_take_turns():
    assert [train.slices(minutes) for minutes in (None, 0.1, 1.5, 2.9, 3, 7.9, 8, 600)] == [1, 2, 2, 2, 3, 7, 8, 8]


def test_a_run_beside_others_is_the_run_alone(swept, tmp_path):
    """Seeds of a cell share images' memory and programs."""
    alone = main('--config=configs/colorize.py:tiny', *SMALL, '--config.seed=1', f'--workdir={tmp_path}/alone')
    assert alone.code == 0, alone
    beside = swept[0] / 'runs/plain/seed_1'
    assert (tmp_path / 'alone/metrics.jsonl').read_bytes() == (beside / 'metrics.jsonl').read_bytes()
    with Checkpoints(beside, read_only=True) as one, Checkpoints(tmp_path / 'alone', read_only=True) as other:
        assert one.about(3)['data'] == other.about(3)['data']


def test_steps_that_compile_are_not_in_the_time_that_training_took():
    clock = iter((0, 50, 51, 53, 153, 156)).__next__  # steps 0 and 3 compile: the latter is of a new stage
    watch = train._Watch(5, lambda steps: None, clock)
    watch.opened(SimpleNamespace(game=SimpleNamespace(program=lambda step: step // 3)))
    assert [watch(step) for step in range(6)] == [False] * 5 + [True]
    assert (watch.steps, watch.seconds) == (3, 1 + 2 + 3)


BROKEN = {
    'x = 1': 'defines no get_hyper',
    'def get_hyper(hyper):\n    return [][0]': 'line 2 cannot be used (IndexError',
    'def get_hyper(hyper)': 'line 1 cannot be used (SyntaxError',
    'def get_hyper(hyper):\n    return []': 'must return a list of 1 to',
    'def get_hyper(hyper):\n    return [3]': 'must return a list of 1 to',
    "def get_hyper(hyper):\n    return hyper.zipit([hyper.sweep('a', (1, 2)), hyper.sweep('b', (1,))])": 'one length',
    "def get_hyper(hyper):\n    return hyper.product([hyper.fixed('a', 1), hyper.fixed('config.a', 2)])": 'given twice',
    "def get_hyper(hyper):\n    return [{'config': 'configs/colourize.py'}]": "did you mean",
    "def get_hyper(hyper):\n    return [{'batch': 2}]": 'defines no get_config()',
    "def get_hyper(hyper):\n    return [{'batch': 2, 'config.batch': 4}]": 'batch is given twice for one cell',
    "def get_hyper(hyper):\n    return [{'config': '~/colorize.py'}]": '/colorize.py',
    "def get_hyper(hyper):\n    return hyper.sweep('config', ('configs/colorize.py:l3',))": 'no variant :l3',
}  # fmt: skip
BROKEN_CELLS = {
        "hyper.sweep('bach', (2, 4))": 'cell 1: config.bach is not a field',
        "hyper.sweep('batch', (2, 'many'))": "cell 2: config.batch is 'many'",
        "hyper.sweep('batch', (2, -4))": 'cell 2: config.batch is -4',
        "hyper.sweep('batch', (2, 2))": 'cells 1 and 2 (colorize) are equal',
        "hyper.sweep('seed', (2, 3))": '--seeds has the seeds',
        "hyper.sweep('objective.form', ('hinge', 'hing'))": "did you mean 'hinge'",
        "[{'label': 'a'}, {'label': 'A', 'batch': 2}]": 'both have the label',
        "[{'label': ''}, {'label': ' ', 'batch': 2}]": 'cell 2: its label is',
    }  # fmt: skip
BROKEN_REST = {
        "MEASURES = 'swd'": 'give a tuple of names',
        "MEASURES = ('jumpz',)": "'jumpz', which is not in gans/sweep/measures",
        "CLAIMS = ({'claim': 'x'},)": 'claim 1: give a dict',
        "CLAIMS = (dict(claim='x', cell='2', than='batch=4', measure='output.l1', better='lower'),)": 'no cell',
        "CLAIMS = (dict(claim='x', cell='batch=2', than='batch=2', measure='output.l1', better='lower'),)": 'itself',
        "CLAIMS = (dict(claim='x', cell='batch=2', than='batch=4', measure='output.l1', better='less'),)": 'better is',
        "MEASURES = ('output.l1',)\n"
        "CLAIMS = (dict(claim='x', cell='batch=2', than='batch=4', measure='output.l2', better='lower'),)": 'MEASURES',
    }  # fmt: skip
IN_CELLS = "def get_hyper(hyper):\n    return hyper.product([hyper.fixed('config', 'configs/colorize.py:tiny'), {}])"
TWO_BATCHES = IN_CELLS.format("hyper.sweep('batch', (2, 4))")
FILES = {
    **BROKEN,
    **{IN_CELLS.format(cells): said for cells, said in BROKEN_CELLS.items()},
    **{f'{more}\n{TWO_BATCHES}': said for more, said in BROKEN_REST.items()},
}


@pytest.mark.parametrize('text', FILES)
def test_a_wrong_file_is_one_sentence_and_leaves_no_folder(text, tmp_path):
    (tmp_path / 'wrong.py').write_text(text)
    done = main('--mode=sweep', f'--config={tmp_path}/wrong.py', f'--output={tmp_path}/out')
    refused(done, FILES[text])
    assert len(done.err.splitlines()) == 1 and not (tmp_path / 'out').exists()


def test_a_wrong_flag_is_one_sentence(place, tmp_path):
    out = tmp_path / 'out'
    for flags, said in {
        ('--seeds=0,0',): 'give different whole numbers',
        ('--seeds=a',): 'give whole numbers',
        ('--minutes=0',): 'give more than 0',
        ('--minutes=1',): 'exclude each other',
        ('--config.seed=1',): '--seeds has the seeds',
        ('--config.objective.form=hinge',): 'is a field that the cells of',
        ('--features=lite1',): "did you mean 'lite0'",
        (f'--config={place}/tow.py',): 'two.py',
        ('--config=gs://a/b.py',): 'is an address',
    }.items():
        refused(main(*words(place, out, *flags)), said)
    assert not out.exists()
    refused(main('--mode=sweep', f'--config={place}/two.py'), 'needs --output')


def test_a_measure_that_no_evaluation_has_stops_at_the_first_run(place, swept, tmp_path):
    (tmp_path / 'two.py').write_text((place / 'two.py').read_text().replace("'output.l1'", "'output.l2'"))
    done = main(*words(tmp_path, lacking(swept[0], tmp_path / 'again')))
    refused(done, "'output.l2' is no number of the evaluation", "did you mean 'output.l1'", 'plain/seed_0')


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ("def measure(folder):\n    raise RuntimeError('boom\\nmore')", '(RuntimeError: boom)'),
        ('def measure(folder):\n    assert False', '(AssertionError: )'),
        ("def measure(folder):\n    return float((folder / 'absent').read_text())", '(FileNotFoundError: '),
        ("def measure(folder):\n    return 'many'", "could not convert string to float: 'many'"),
        ("BETTER = 'up'\ndef measure(folder):\n    return 1", "BETTER of the measure 'own.failing' is 'up'"),
        ('DIGITS = -1\ndef measure(folder):\n    return 1', "DIGITS of the measure 'own.failing' is -1"),
    ],
)
def test_a_measure_of_ones_own_that_fails_is_one_sentence_after_the_first_run(
    text, said, place, swept, tmp_path, monkeypatch
):
    output = lacking(swept[0], tmp_path / 'again')
    (tmp_path / 'two.py').write_text(
        (place / 'two.py').read_text().replace('measures_of_test.last_loss', 'own.failing')
    )
    (tmp_path / 'own').mkdir()
    (tmp_path / 'own/__init__.py').touch()
    (tmp_path / 'own/failing.py').write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ('own', 'own.failing'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    done = main(*words(tmp_path, output))
    refused(done, said)
    assert len(done.err.splitlines()) == 1 and not (output / 'runs/hinge/seed_1').exists()


def test_a_measure_of_a_run_that_makes_no_finite_images_is_told_and_has_no_number(place, swept, tmp_path, monkeypatch):
    output = tmp_path / 'again'
    shutil.copytree(swept[0], output)

    def failing(folder):
        if folder.name == 'seed_1':
            raise Failure('not finite')
        return 1.0

    monkeypatch.setattr(sys.modules['measures_of_test.last_loss'], 'measure', failing)
    done = main(*words(place, output))
    assert done.code == 0 and 'plain/seed_1: not finite' in done.out, done
    assert found_in(output)['cells'][0]['numbers']['measures_of_test.last_loss']['count'] == 1


def test_the_curves_name_every_cell(swept, monkeypatch):
    drawn = []
    render = figures.render
    monkeypatch.setattr(figures, 'render', lambda figure: drawn.append(figure) or render(figure))
    config = trained.read_config(swept[0] / 'runs/plain/seed_0')
    labels = ('_first', 'of $x$')
    figures.draw_curves([
        Run(number, label, seed, swept[0] / f'runs/plain/seed_{seed}', '', {}, config)
        for number, label in enumerate(labels) for seed in (0, 1)
    ])  # fmt: skip
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == [' _first', r'of \$x\$']


def test_values_of_numpy_and_pathlib_are_those_that_a_person_writes(tmp_path):

    cells = """hyper.zipit([
        hyper.sweep('ema', numpy.linspace(0.5, 0.75, 2)), hyper.sweep('batch', numpy.array([2, 4])),
        hyper.sweep('size', ([16, 24], numpy.array([16, 32]))), hyper.fixed('data.folder.path', pathlib.Path('a b'), 2),
        hyper.sweep('schedules.adversarial', (1, {'at': [0, numpy.float64(0.5)], 'value': (1, numpy.int64(2))})),
    ])"""
    (tmp_path / 'many.py').write_text(f'import pathlib\nimport numpy\n{IN_CELLS.format(cells)}')
    cells = read_sweep(f'{tmp_path}/many.py', {}).cells
    (first, second), labels = ([getattr(cell, what) for cell in cells] for what in ('config', 'label'))
    assert labels[0] == 'ema=0.5, batch=2, size=(16, 24), schedules.adversarial=1'
    assert labels[1] == 'ema=0.75, batch=4, size=(16, 32), schedules.adve... (2)'
    assert (first.ema, first.batch, tuple(first.size)) == (0.5, 2, (16, 24)) and first.data.folder.path == 'a b'
    assert (second.ema, second.batch, tuple(second.size)) == (0.75, 4, (16, 32))
    assert second.schedules.adversarial.to_dict() == {'at': (0, 0.5), 'value': (1, 2)}


def test_lists_of_values():
    a, b = hyper.sweep('a', (1, 2)), hyper.sweep('config.b', ('x', 'y'))
    assert hyper.fixed('a', 3, 2) == [{'a': 3}, {'a': 3}]
    assert hyper.product([a, b]) == [{'a': 1, 'b': 'x'}, {'a': 1, 'b': 'y'}, {'a': 2, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    assert hyper.zipit([a, b]) == [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    assert hyper.chainit([a, b]) == [{'a': 1}, {'a': 2}, {'b': 'x'}, {'b': 'y'}]


@pytest.mark.parametrize('path', sorted((ROOT / 'configs/sweeps').glob('*.py')), ids=lambda path: path.stem)
def test_the_sweeps_of_the_repository_are_sweeps(path):

    for variant in ('', ':tiny'):
        found = read_sweep(f'{path}{variant}', {})
        assert found.cells and found.title
        for name in results.wanted(found):
            numbers.check(name)


def test_labels_say_what_varies(tmp_path):

    path = tmp_path / 'many.py'
    path.write_text(IN_CELLS.format("hyper.product([hyper.sweep('batch', (2, 4)), hyper.fixed('ema', 0.5)])"))
    assert [cell.label for cell in read_sweep(str(path), {}).cells] == ['batch=2', 'batch=4']
    path.write_text("def get_hyper(hyper):\n    return [*hyper.sweep('config', ('configs/birds.py:no_blur', "
                    "'configs/dcgan.py')), {'config': 'configs/dcgan.py', 'schedules.adversarial': 2.0}]")  # fmt: skip
    cells = read_sweep(f'{path}:tiny', {'batch': '4'}).cells
    assert [cell.label for cell in cells] == ['birds:no_blur', 'dcgan', 'dcgan, schedules.adversarial=2.0']
    assert cells[0].config_text.endswith('configs/birds.py:tiny+no_blur') and cells[0].config.batch == 4
    assert cells[2].config.schedules.adversarial == 2.0


@pytest.mark.parametrize(
    ('values', 'reach'),
    [
        ((1.0, 3.0), math.tan(0.475 * math.pi)),  # one degree of freedom is Cauchy's distribution
        ((1.0, 2.0, 3.0), math.sqrt(2 * 0.95**2 / (1 - 0.95**2)) / math.sqrt(3)),  # two have a closed form
    ],
)
def test_a_t_interval_by_its_closed_forms(values, reach):
    found = t_interval(values)
    assert (found.value, found.count) == (2.0, len(values))
    assert found.high - found.value == pytest.approx(reach) and found.value - found.low == pytest.approx(reach)


def test_a_t_interval_holds_the_mean_as_often_as_it_says():
    samples = np.random.default_rng(0).normal(5, 2, (4000, 3))
    held = [found.low <= 5 <= found.high for found in map(t_interval, samples)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.012)


def test_a_t_interval_of_too_few():
    one, none = t_interval([4.0, math.nan]), t_interval([math.nan])
    assert (one.value, one.count) == (4.0, 1) and math.isnan(one.low)
    assert math.isnan(none.value) and none.count == 0
    paired = paired_interval([1.0, math.nan, 5.0], [0.0, 2.0, 2.0])
    assert (paired.value, paired.count) == (2.0, 2)


@pytest.mark.parametrize(
    ('low', 'high', 'better', 'verdict'),
    [
        (-2, -1, 'lower', 'confirmed'),
        (-2, -1, 'higher', 'contradicted'),
        (1, 2, 'lower', 'contradicted'),
        (1, 2, 'higher', 'confirmed'),
        (-1, 2, 'lower', 'undecided'),
        (0, 2, 'higher', 'undecided'),  # an interval that holds zero, at its end
        (0, 0, 'lower', 'undecided'),
        (math.nan, math.nan, 'lower', 'undecided'),
    ],
)
def test_nothing_is_confirmed_whose_interval_holds_zero(low, high, better, verdict):
    assert results.verdict(Interval((low + high) / 2, low, high, 3), better) == verdict


def test_a_label_is_text_in_the_table():
    rows = table._rows(['cell'], [['a|b <i>']])
    assert rows.splitlines()[-1] == r'| a\|b \<i> |'


def test_names_of_numbers():
    assert numbers.slug('MS-SSIM of pairs') == 'ms_ssim_of_pairs'
    assert numbers.slug('SWD: samples / real images') == 'swd_samples_real_images'


@needs_browser
def test_the_page_in_a_browser(swept):
    with open_browser() as browser:
        for size, scheme in ((WIDE, 'light'), (PHONE, 'dark')):
            page = open_context(browser, viewport=size, color_scheme=scheme).new_page()
            asked, faults = requests_of(page), faults_of(page)
            page.goto((swept[0] / 'sweep.html').as_uri())
            assert page.locator('h1').inner_text() == 'Two losses'
            assert page.locator('#claims strong').inner_text() in ('confirmed', 'contradicted', 'undecided')
            assert page.locator('#runs tbody tr').count() == 4 + 2
            assert all(page.evaluate('[...document.images].map((image) => image.naturalWidth)'))
            assert page.evaluate('document.documentElement.scrollWidth') <= size['width']
            assert len(asked) == 1 and not faults and not accessibility_faults(page)
            page.close()


def test_steps_with_penalties_count_as_often_as_they_come():
    assert pace._kinds(10, 1, 100) == [(10, 1.0)]
    assert pace._kinds(10, 4, 100) == [(8, 0.25), (9, 0.75)]
    assert pace._kinds(99, 100, 100) == [(0, 0.01), (1, 0.99)]
    assert pace._kinds(0, 4, 1) == [(0, 1.0)]  # there is no other step
