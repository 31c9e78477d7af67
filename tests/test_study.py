"""The verb `study`: what it writes, and the rates that it reads from answers."""

import base64
import io
import json
import re
import shutil

import numpy as np
import pytest
from command_line import main
from generators import generator_config
from PIL import Image
from runs_on_disk import contents, refused
from saved_run import make_config, save_images, save_run, smooth_images
from scipy import stats

from gans.run.generate import Sampler
from gans.run.trained import load_run
from gans.study import make as making
from gans.study.rates import crossed_bootstrap, krippendorff, wilson

HEADER = 'study,person,protocol,trial,item,left,answer,milliseconds'


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """A generator from noise with 7 held-out images, and a colorizer with 8."""
    folder = tmp_path_factory.mktemp('runs')
    save_run(folder / 'noise', generator_config(**{'data.held_out': 0.11}))
    save_run(folder / 'colors', make_config('colorize', save_images(folder / 'images', smooth_images(20))))
    return folder


@pytest.fixture(scope='module')
def made(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp('made') / 'out'
    done = make(runs, folder, '--count=16', '--pairs=12', '--seed=3')
    assert done.code == 0, done.err
    return folder, done


def make(runs, folder, *words, names=('noise', 'colors')):
    workdirs = ','.join(str(runs / name) for name in names)
    return main('--mode=study', f'--workdir={workdirs}', f'--output={folder}', *words)


def key_of(folder):
    return json.loads((folder / 'key.json').read_text())


def data_of(folder):
    text = (folder / 'index.html').read_text()
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text)[1])


def pixels_of(folder):
    """{item: [uint8 images]} of all protocols."""
    return {
        item['name']: [
            np.asarray(Image.open(io.BytesIO(base64.b64decode(image.partition(',')[2])))) for image in item['images']
        ]
        for items in data_of(folder)['protocols'].values()
        for item in items
    }


# What is made


def test_a_study_has_its_images_checks_and_practice(made):
    folder, done = made
    assert {path.name for path in folder.iterdir()} == {'index.html', 'key.json'}
    assert 'realistic: 8 generated, 8 real, 2 check' in done.out and 'pairs: 2 practice, 10 scored, 2 check' in done.out
    key, shown = key_of(folder), data_of(folder)
    assert list(key['runs']) == ['noise', 'colors'] and shown['study'] == key['study']
    for protocol, items in key['protocols'].items():
        assert [item['name'] for item in shown['protocols'][protocol]] == list(items)
        judged = [(item['kind'], item['run']) for item in items.values() if item['run']]
        counts = {one: judged.count(one) for one in judged}
        if protocol == 'realistic':
            assert set(counts.values()) == {4} and len(counts) == 4
        else:
            assert [kind for kind, _ in judged[:2]] == ['practice'] * 2
            assert counts[('scored', 'noise')] == counts[('scored', 'colors')] == 5
    sides = [item['right'] for item in key['protocols']['pairs'].values()]
    assert {'a', 'b'} == set(sides)


def test_what_is_real_is_not_in_the_file_that_people_get(made):
    folder, _ = made
    shown = data_of(folder)
    assert set(shown) == {'study', 'protocols'}
    for protocol, items in shown['protocols'].items():
        for number, item in enumerate(items, 1):
            practice = protocol == 'pairs' and number <= 2
            assert set(item) == {'name', 'images', *(['right'] if practice else [])}
            assert item['name'] == f'{protocol[0]}{number:02d}'
    text = (folder / 'index.html').read_text()
    assert 'noise"' not in text and 'colors"' not in text
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)[1]
    assert policy.startswith('default-src &#x27;none&#x27;; img-src data:; ')
    for image in (image for item in shown['protocols']['realistic'] for image in item['images']):
        found = Image.open(io.BytesIO(base64.b64decode(image.partition(',')[2])))
        assert not found.info and found.mode == 'RGB'  # nothing beside the pixels


def test_generated_and_real_images_are_those_of_the_runs(runs, made):
    key, pixels = key_of(made[0]), pixels_of(made[0])
    sampler = Sampler(load_run(runs / 'colors'), 3)
    real = {sampler.shown.source[int(i)].tobytes(): place for place, i in enumerate(sampler.shown.ids)}
    outputs = np.concatenate(list(sampler(np.arange(len(real)))))
    places = {'generated': [], 'real': []}
    for item, about in key['protocols']['realistic'].items():
        image = pixels[item][0]
        if about['run'] == 'colors' and about['kind'] == 'real':
            places['real'].append(real[image.tobytes()])
        elif about['run'] == 'colors':
            places['generated'].append(next(p for p, one in enumerate(outputs) if (one == image).all()))
    assert sorted(places['generated'] + places['real']) == list(range(8))  # each held-out image once
    for item, about in key['protocols']['pairs'].items():
        images = dict(zip('ab', pixels[item], strict=True))
        original, other = images.pop(about['right']), *images.values()
        if about['run'] == 'colors':
            np.testing.assert_array_equal(outputs[real[original.tobytes()]], other)
    samples = np.concatenate(list(Sampler(load_run(runs / 'noise'), 3)(np.arange(10))))
    of_noise = [pixels[i][0] for i, about in key['protocols']['realistic'].items() if about['run'] == 'noise']
    assert sum(any((one == image).all() for one in samples) for image in of_noise) == 4


def test_checks_are_noise_and_a_word(made):
    key, pixels = key_of(made[0]), pixels_of(made[0])
    checks = {about['right']: pixels[item][0] for item, about in key['protocols']['realistic'].items()
              if about['kind'] == 'check'}  # fmt: skip
    assert set(checks) == {'yes', 'no'}
    assert len(np.unique(checks['yes'])) == 2 and len(np.unique(checks['no'])) > 200
    for item, about in key['protocols']['pairs'].items():
        if about['kind'] == 'check':
            spread = {side: np.abs(np.diff(image.astype(int), axis=0)).mean()
                      for side, image in zip('ab', pixels[item], strict=True)}  # fmt: skip
            assert min(spread, key=spread.get) == about['right']


def test_the_same_study_has_the_same_bytes_and_another_one_replaces_nothing(runs, made, tmp_path):
    words = ('--count=16', '--pairs=12', '--seed=3')
    before = contents(made[0])
    assert make(runs, tmp_path / 'again', *words).code == 0 and contents(tmp_path / 'again') == before
    (tmp_path / 'again/index.html').unlink()  # as if it was broken off in between
    (tmp_path / 'again/answers-anna.csv').write_text('mine')
    assert make(runs, tmp_path / 'again', *words).code == 0
    assert contents(tmp_path / 'again') == {**before, 'answers-anna.csv': b'mine'}
    refused(make(runs, tmp_path / 'again', *words[:2], '--seed=4'), 'another key.json', 'choose another folder')
    assert contents(tmp_path / 'again') == {**before, 'answers-anna.csv': b'mine'}
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other/index.html').write_text('mine')
    refused(make(runs, tmp_path / 'other', *words), 'another index.html')
    assert contents(tmp_path / 'other') == {'index.html': b'mine'}


def test_without_numbers_a_study_takes_what_there_is(runs, tmp_path):
    done = make(runs, tmp_path, '--protocol=pairs', names=['colors'])
    assert done.code == 0 and 'pairs: 1 practice, 7 scored, 2 check' in done.out
    assert list(key_of(tmp_path)['protocols']) == ['pairs']
    done = make(runs, tmp_path / 'few', '--protocol=realistic', names=['noise'])
    assert done.code == 0 and 'realistic: 7 generated, 7 real, 2 check' in done.out


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['--count=29'], '--count=29 needs more held-out images than there are: give at most 28'),
        (['--count=3'], '--count=3 is too few: give at least 4'),
        (['--pairs=15'], 'give at most 14'),
        (['--protocol=turing'], '--protocol=turing is not known: choose both, realistic, pairs'),
        (['--protocol=pairs', '--count=8'], '--count is for realistic'),
        (['--protocol=realistic', '--pairs=8'], '--pairs is for pairs'),
        (['--seed=-1'], '--seed=-1'),
        (['--key=x'], '--key is for --answers'),
        (['--answers=x'], '--workdir is for making a study'),
    ],
)
def test_wishes_that_cannot_be_are_refused(runs, tmp_path, words, said):
    refused(make(runs, tmp_path / 'new', *words), said)
    assert not (tmp_path / 'new').exists()


def test_other_mistakes_are_refused(runs, tmp_path, monkeypatch):
    refused(main('--mode=study'), 'needs --workdir and --output')
    refused(make(runs, tmp_path / 'new', names=['noise', 'colors/../noise']), 'twice: give each run once')
    (tmp_path / 'file').write_text('mine')
    refused(make(runs, tmp_path / 'file'), 'is a file: give a folder')
    with monkeypatch.context() as patch:
        patch.setattr(making, 'draw', None)  # a place where nothing can be written is told before images are drawn
        refused(make(runs, '/proc/new/study'), "Cannot write '/proc'")
    monkeypatch.setattr(making, '_MOST', 1000)
    refused(make(runs, tmp_path / 'new'), 'give smaller --count and --pairs')
    assert not (tmp_path / 'new').exists()


# Answers


def answer(folder, person, judge, protocols=('realistic', 'pairs')):
    """Lines of answers: `judge` gets what the key says of an item, and its number, and gives an answer, or ''."""
    key = key_of(folder)
    return [
        f'{key["study"]},{person},{protocol},{number},{item},,{judge(about, number)},700'
        for protocol in protocols
        for number, (item, about) in enumerate(key['protocols'][protocol].items(), 1)
    ]


def save(path, *lines):
    path.write_text('\n'.join([HEADER, *lines]) + '\n')
    return path


def right(about, _):
    return about['right'] or {'generated': 'no', 'real': 'yes'}[about['kind']]


def half(about, number):
    """Right in checks; else every second generated image looks realistic, and every second pair is fooled."""
    if about['kind'] == 'check' or number % 2:
        return right(about, number)
    return {'a': 'b', 'b': 'a', 'yes': 'no', 'no': 'yes'}[right(about, number)]


def careless(about, _):
    return 'yes' if about['right'] in (None, 'yes', 'no') else 'a'


def rates(made, tmp_path, *words):
    done = main(
        '--mode=study', f'--answers={tmp_path}/*.csv', f'--key={made[0]}', f'--output={tmp_path}/r.json', *words
    )
    assert done.code == 0, done.err
    return json.loads((tmp_path / 'r.json').read_text()), done.out


def test_rates_are_those_of_the_answers(made, tmp_path):
    save(tmp_path / 'a.csv', *answer(made[0], 'anna', right), *answer(made[0], 'bert', half))
    report, told = rates(made, tmp_path)
    key = key_of(made[0])
    realistic, pairs = (report['protocols'][name] for name in ('realistic', 'pairs'))
    for run in ('noise', 'colors'):
        for kind in ('generated', 'real'):
            own = [(n, a) for n, a in enumerate(key['protocols']['realistic'].values(), 1)
                   if (a['kind'], a['run']) == (kind, run)]  # fmt: skip
            yes = sum(judge(a, n) == 'yes' for n, a in own for judge in (right, half))
            found = realistic['runs'][run][kind]
            assert (found['yes'], found['of'], found['people'], found['images']) == (yes, 8, 2, 4)
            assert found['rate'] == yes / 8 and found['bootstrap'][0] <= yes / 8 <= found['bootstrap'][1]
            expected = stats.binomtest(yes, 8).proportion_ci(method='wilson')
            np.testing.assert_allclose(found['binomial'], [expected.low, expected.high], atol=1e-12)
        own = [(n, a) for n, a in enumerate(key['protocols']['pairs'].values(), 1)
               if (a['kind'], a['run']) == ('scored', run)]  # fmt: skip
        fooled = sum(n % 2 == 0 for n, _ in own)
        assert (pairs['runs'][run]['fooled']['yes'], pairs['runs'][run]['fooled']['of']) == (fooled, 10)
    assert set(realistic['runs']['noise']) == {'generated', 'real', 'agreement'}  # no column of the other protocol
    assert set(pairs['runs']['noise']) == {'fooled', 'agreement'}
    assert pairs['people']['anna'] == {'answers': 12, 'of': 12, 'checks': 2, 'failed': 0, 'left_out': False}
    assert -1 < realistic['agreement']['alpha'] < 1
    assert told.index('realistic: Does') < told.index('noise generated') < told.index('pairs: Which')
    assert f'{realistic["runs"]["noise"]["generated"]["rate"]:.3f}' in told


def test_who_fails_the_checks_is_left_out_of_that_protocol(made, tmp_path):
    lines = answer(made[0], 'anna', right) + answer(made[0], 'carl', careless, ['realistic'])
    save(tmp_path / 'a.csv', *lines, *answer(made[0], 'carl', right, ['pairs']))
    report, told = rates(made, tmp_path)
    realistic, pairs = (report['protocols'][name] for name in ('realistic', 'pairs'))
    carl = realistic['people']['carl']
    assert (carl['checks'], carl['failed'], carl['left_out']) == (2, 1, True)
    assert not pairs['people']['carl']['left_out'] and pairs['runs']['noise']['fooled']['people'] == 2
    assert realistic['runs']['noise']['generated'] == {
        **realistic['runs']['noise']['generated'], 'yes': 0, 'of': 4, 'people': 1,
    }  # fmt: skip
    assert 'carl: 18 of 18 answered, 1 of 2 checks failed, left out' in told
    assert '2 people, 1 left out (more than 25% of the attention checks failed)' in told


def test_one_person_has_no_agreement_and_an_interval_over_images(made, tmp_path):
    save(tmp_path / 'a.csv', *answer(made[0], 'anna', half, ['realistic']))
    report, told = rates(made, tmp_path)
    assert list(report['protocols']) == ['realistic']
    assert report['protocols']['realistic']['agreement'] == {
        'alpha': None,
        'why': 'needs two people with the same images',
    }
    assert 'not applicable (needs two people' in told
    found = report['protocols']['realistic']['runs']['colors']['generated']
    assert found['bootstrap'] is not None and found['people'] == 1


def test_nobody_left_and_answers_all_alike(made, tmp_path):
    save(tmp_path / 'a.csv', *answer(made[0], 'carl', careless, ['realistic']))
    report, told = rates(made, tmp_path)
    assert report['protocols']['realistic']['runs']['noise']['generated']['rate'] is None and 'no answers' in told
    key = key_of(made[0])
    item = next(name for name, about in key['protocols']['realistic'].items() if about['kind'] == 'real')
    rows = [f'{key["study"]},{name},realistic,1,{item},,yes,' for name in ('anna', 'bert')]
    save(tmp_path / 'a.csv', *rows)
    report, told = rates(made, tmp_path)
    assert report['protocols']['realistic']['agreement'] == {'alpha': None, 'why': 'all answers are the same'}
    assert report['protocols']['realistic']['people']['anna'] == {
        'answers': 1, 'of': 18, 'checks': 0, 'failed': 0, 'left_out': False,
    }  # fmt: skip


def test_files_may_come_in_any_order_and_as_spreadsheets_write_them(made, tmp_path):
    lines = {name: answer(made[0], name, judge) for name, judge in (('anna', right), ('bert', half))}
    (tmp_path / 'one').mkdir()
    save(tmp_path / 'one/x.csv', *lines['anna'], *lines['bert'])
    expected, _ = rates(made, tmp_path / 'one')
    (tmp_path / 'two').mkdir()
    save(tmp_path / 'two/b.csv', *lines['anna'][:5], *reversed(lines['bert']))
    text = '\n'.join([HEADER, *lines['anna']]).replace(',', ';').replace('yes', ' YES ').replace('\n', '\r\n')
    (tmp_path / 'two/c.csv').write_text(f'sep=;\r\n\r\n{text}\r\n;;;\r\n', encoding='utf-8-sig')
    found, _ = rates(made, tmp_path / 'two')
    assert found == expected


def test_answers_are_found_beside_the_key_in_folders_and_in_patterns(made, tmp_path):
    folder = shutil.copytree(made[0], tmp_path / 'study')
    save(folder / 'anna.csv', *answer(folder, 'anna', right))
    (folder / 'more').mkdir()
    save(folder / 'more/bert.csv', *answer(folder, 'bert', half))
    for given in (f'{folder}/*.csv,{folder}/more', f'{folder},{folder}/more/bert.csv'):
        done = main('--mode=study', f'--answers={given}')
        assert done.code == 0 and '2 people, 0 left out' in done.out, done.err
    assert main('--mode=study', f'--answers={folder}/more/bert.csv').code == 0  # the key is one folder above
    refused(main('--mode=study', f'--answers={folder}/*.txt'), 'There are no answers')
    odd = shutil.copytree(folder, tmp_path / 'study [1] *')  # a folder is meant as it is written
    done = main('--mode=study', f'--answers={odd}/a*.csv,{odd}/m*/*.csv')
    assert done.code == 0 and '2 people, 0 left out' in done.out, done.err
    moved = shutil.copytree(folder / 'more', tmp_path / 'elsewhere/more')
    refused(main('--mode=study', f'--answers={moved}'), "There is no '", 'key.json', '--key')
    assert main('--mode=study', f'--answers={moved}', f'--key={folder}/key.json').code == 0


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda row: ['s0123', *row[1:]], "Line 2 of '.*' answers the study 's0123', and the key is that of"),
        (lambda row: [row[0], '', *row[2:]], 'names no person'),
        (lambda row: [*row[:2], 'turing', *row[3:]], "the protocol 'turing': the study has realistic, pairs"),
        (lambda row: [*row[:4], 'r99', *row[5:]], "the item 'r99'.*which the study has not"),
        (lambda row: [*row[:4], 'p01', *row[5:]], "the item 'p01'"),
        (lambda row: [*row[:6], 'maybe', ''], "the answer 'maybe': give yes or no"),
        (lambda row: [*row[:6], 'yes', '\n', *row[:6], 'no'], "two answers of 'anna' to r01"),
        (lambda row: [*row[:6], '', ''], 'has no answer in it'),
        (lambda row: ['"' + row[0], *row[1:]], 'is no line of a CSV'),
        (lambda row: ['x' * 9000], "the study 'x{80}[.]{3}'"),
    ],
)
def test_answers_with_a_mistake_are_refused_in_a_sentence(made, tmp_path, change, said):
    row = answer(made[0], 'anna', right)[0].split(',')
    row[6] = 'yes'
    save(tmp_path / 'a.csv', ','.join(change(row)).replace(',\n,', '\n'))
    done = main('--mode=study', f'--answers={tmp_path}/a.csv', f'--key={made[0]}')
    refused(done)
    assert re.search(said, done.err), done.err


def test_files_that_are_no_answers_or_no_key_are_refused(made, tmp_path):
    def read(content, key=made[0]):
        (tmp_path / 'a.csv').write_bytes(content)
        return main('--mode=study', f'--answers={tmp_path}/a.csv', f'--key={key}')

    refused(read(b'\x89PNG\r\n'), 'is no text in UTF-8')
    refused(read(b'file,label\n0.png,acceptable\n'), "names no column 'study'")
    refused(read(b''), "names no column 'study'")
    good = '\n'.join([HEADER, *answer(made[0], 'anna', right)]).encode()
    for content in ('', '[]', '{"format": 1}', '{' * 100_000):
        (tmp_path / 'key.json').write_text(content)
        refused(read(good, tmp_path), 'is no key of a study')
    whole = key_of(made[0])
    whole['protocols']['pairs']['p01']['run'] = 'nobody'
    (tmp_path / 'key.json').write_text(json.dumps(whole))
    refused(read(good, tmp_path), 'is no key of a study')


def test_rates_replace_rates_and_nothing_else(made, tmp_path):
    save(tmp_path / 'a.csv', *answer(made[0], 'anna', right))
    rates(made, tmp_path)
    rates(made, tmp_path)
    words = ('--mode=study', f'--answers={tmp_path}/a.csv', f'--key={made[0]}')
    for path in (tmp_path / 'a.csv', made[0] / 'key.json'):
        before = path.read_bytes()
        refused(main(*words, f'--output={path}'), 'holds no rates of --mode=study')
        assert path.read_bytes() == before
    refused(main(*words, f'--output={tmp_path}'), 'is a folder')


# Statistics


@pytest.mark.parametrize(('yes', 'of'), [(0, 1), (1, 1), (0, 40), (9, 40), (40, 40), (45, 180)])
def test_wilsons_interval_is_that_of_scipy(yes, of):
    expected = stats.binomtest(yes, of).proportion_ci(method='wilson')
    np.testing.assert_allclose(wilson(yes, of), [expected.low, expected.high], atol=1e-12)


def test_the_bootstrap_draws_people_and_images_again():
    random = np.random.default_rng(1)
    answers = (random.random((4, 9)) < 0.4).astype(float)
    answers[random.random(answers.shape) < 0.2] = np.nan
    found = crossed_bootstrap(answers, resamples=200, seed=5)
    draws = np.random.default_rng(5)
    people, images = draws.multinomial(4, [1 / 4] * 4, 200), draws.multinomial(9, [1 / 9] * 9, 200)
    shares = []
    for p, i in zip(people, images, strict=True):
        drawn = answers[np.repeat(np.arange(4), p)][:, np.repeat(np.arange(9), i)]
        shares.append(np.nanmean(drawn))
    np.testing.assert_allclose(found, np.quantile(shares, [0.025, 0.975], method='inverted_cdf'))
    alone = crossed_bootstrap(np.repeat(answers[:1], 3, axis=0), seed=5)
    assert alone.low < np.nanmean(answers[0]) < alone.high
    assert crossed_bootstrap(answers[:, :1]) is None and crossed_bootstrap(np.full((2, 3), np.nan)) is None


def by_pairs(items):
    """Krippendorff's alpha from its definition: means over pairs of answers."""
    items = [item for item in items if len(item) > 1]
    every = [answer for item in items for answer in item]
    within = sum(
        (a != b) / (len(item) - 1)
        for item in items
        for i, a in enumerate(item)
        for j, b in enumerate(item)
        if i != j
    )  # fmt: skip
    at_all = sum(a != b for i, a in enumerate(every) for j, b in enumerate(every) if i != j)
    return 1 - (within / len(every)) / (at_all / (len(every) * (len(every) - 1)))


def test_agreement_is_krippendorffs_alpha():
    coders = ('*****34121133*3', '1*213343*******', '**21344*21133*4')
    items = [[coder[i] for coder in coders if coder[i] != '*'] for i in range(15)]
    assert krippendorff(items) == pytest.approx(0.691, abs=5e-4)  # the example of Wikipedia's article
    random = np.random.default_rng(0)
    for _ in range(20):
        items = [[str(random.integers(2)) for _ in range(random.integers(0, 5))] for _ in range(12)]
        assert krippendorff(items) == pytest.approx(by_pairs(items))
    assert krippendorff([['yes', 'yes'], ['no', 'no']]) == 1
    assert krippendorff([['yes'], ['no'], []]) is None and krippendorff([['yes', 'yes']]) is None
