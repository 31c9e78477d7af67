"""The report of a run, through the command line: what is in the file, and what a browser makes of it."""

import html
import json
import os
import re
import shlex
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from browser import PHONE, WIDE, accessibility_faults, faults_of, needs_browser, open_browser, open_context, requests_of
from command_line import ROOT, config, main
from runs_on_disk import contents, refused
from saved_run import make_config, save_images, save_run, smooth_images

from gans.config.load import to_json
from gans.errors import UserError
from gans.image.files import save_png
from gans.model_card import model_card
from gans.report.curves import read_curves
from gans.report.images import pack
from gans.run import sittings
from gans.training.recorder import Recorder

PLANTED = '</script><img src=x onerror=alert(1)>'


def report(*runs, output=None):
    done = main('--mode=report', f'--workdir={",".join(map(str, runs))}', *([f'--output={output}'] if output else []))
    assert done.code == 0, done.err
    return (output or runs[0] / 'report.html').read_text()


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def text_of(document):
    """What a person reads in a document, on one line."""
    body = re.sub(r'<(script|style).*?</\1>', '', document, flags=re.DOTALL)
    return ' '.join(html.unescape(re.sub('<[^>]+>', ' ', body)).split())


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """A colorizer that was trained, resumed and evaluated, and a BEGAN that was trained: (folder, what was printed)."""
    place = tmp_path_factory.mktemp('report')
    flags = ['--config.devices=1', '--config.log.every=1']
    colorizer, began = place / "it's colorize", place / 'began'
    first = main(config('colorize:tiny'), *flags, '--config.steps=2', f'--workdir={colorizer}')
    last = main(f'--workdir={colorizer}', '--config.steps=4')
    evaluated = main('--mode=evaluate', f'--workdir={colorizer}')
    other = main(config('began:tiny'), *flags, '--config.log.grids=4', f'--workdir={began}')
    for done in (first, last, evaluated, other):
        assert done.code == 0, done.err
    return SimpleNamespace(colorizer=colorizer, began=began, first=first, last=last, other=other)


@pytest.fixture
def started(tmp_path):
    """A run that has just begun: a config and one log line; no checkpoint and no images."""
    own = make_config('colorize', tmp_path / 'images')
    folder = tmp_path / 'started'
    folder.mkdir()
    (folder / 'config.json').write_text(to_json(own))
    (folder / 'metrics.jsonl').write_text('{"step": 1, "gen/loss": 2.5, "disc/loss": 1.25}\n')
    return folder


# What training leaves


def test_training_ends_with_the_report_and_commands_for_this_very_run(place):
    told = place.last.out
    assert f'Report: {place.colorizer}/report.html' in told
    commands = [shlex.split(line) for line in told.splitlines() if line.startswith('  python main.py')]
    assert all(f'--workdir={place.colorizer}' in words for words in commands)
    verbs = [words[2] for words in commands]
    assert verbs == ['--mode=evaluate', '--mode=translate', '--mode=app']
    verbs = [line.split()[2] for line in place.other.out.splitlines() if line.startswith('  python main.py')]
    assert verbs == ['--mode=evaluate', '--mode=sample', '--mode=explore', '--mode=app']
    assert (place.began / 'report.html').is_file()


def test_a_report_that_cannot_be_written_fails_no_training(place, tmp_path):
    run = shutil.copytree(place.colorizer, tmp_path / 'run')
    (run / 'report.html').write_text('mine')
    done = main(f'--workdir={run}')
    assert done.code == 0 and 'report.html' in done.err and 'holds no report' in done.err
    assert 'Report:' not in done.out and '--mode=evaluate' in done.out
    assert (run / 'report.html').read_text() == 'mine'


def test_a_training_that_fails_has_an_end_and_one_sentence(tmp_path, monkeypatch):
    def full(self, step, image):
        raise UserError('The disk is full.')

    monkeypatch.setattr(Recorder, 'image', full)
    done = main(config('colorize:tiny'), '--config.devices=1', f'--workdir={tmp_path}/run')
    assert (done.code, done.err) == (2, 'The disk is full.\n')
    (one,) = sittings.read(tmp_path / 'run')
    assert one.ended and one.by == 'The disk is full.'
    assert 'stopped: The disk is full.' in text_of((tmp_path / 'run/report.html').read_text())


def test_sittings_tell_the_command_and_the_machine(place):
    one, two = sittings.read(place.colorizer)
    assert (one.step, two.step, one.by, two.by) == (0, 2, '', '')
    assert one.begun <= one.ended <= two.begun <= two.ended
    assert two.fields == {'devices': '1', 'log.every': '1', 'steps': '4'}
    assert two.train_images > two.held_out_images > 0 and two.versions['jax'] and two.machine['devices']


# What is in the file


def test_the_report_of_a_run(place):
    document = report(place.colorizer)
    text = text_of(document)
    told = sittings.command(sittings.read(place.colorizer))
    assert told in text and told.endswith('--config.devices=1 --config.log.every=1 --config.steps=4')
    assert 'Colorizing: a gray image in, the colour image out.' in text
    evaluation = json.loads((place.colorizer / 'evaluation.json').read_text())
    for row, numbers in evaluation['rows'].items():
        assert row in text and f'{numbers["colourfulness"]["mean"]:.1f}' in text
    assert '4 of 4' in text and 'Warnings and messages (1)' in text
    assert 'follow config.steps, which was 2 and is 4: at step 2 they go' in text
    for part in ('Summary', 'Samples', 'Curves', 'Evaluation', 'Networks', 'Config', 'Events', 'Model card'):
        assert f'>{part}</h2>' in document
    data = data_of(document)
    assert [grid['step'] for grid in data['grids'][0]] == [0, 1, 2, 4]
    assert data['runs'][0]['metrics']['steps'] == [1, 2, 3, 4] and data['runs'][0]['marks'] == [2]
    logged = [json.loads(line)['gen/loss'] for line in (place.colorizer / 'metrics.jsonl').read_text().splitlines()]
    assert data['runs'][0]['metrics']['values']['gen/loss'] == pytest.approx(logged, rel=1e-5)
    assert 'log.every 40 1' in text, 'what differs from the config that comes with the code'
    assert not re.search(r'(src|href)="(?!data:|#)', document)
    assert document.count('montage') and len(document) < 5_000_000


def test_a_run_without_warnings_says_so(started):
    (started / 'log.txt').write_text('')
    assert 'No warning in log.txt' in text_of(report(started))


def test_a_report_is_replaced_by_the_next_with_the_same_bytes(place, tmp_path):
    assert report(place.began, output=tmp_path / 'a.html') == report(place.began, output=tmp_path / 'a.html')


def test_several_runs_have_their_differences_first(place, tmp_path):
    document = report(place.colorizer, place.began, output=tmp_path / 'both.html')
    headings = re.findall('<h2[^>]*>(.*?)</h2>', document)
    assert headings[0] == 'Differences' and headings[-1] == 'Model cards'
    text = text_of(document)
    assert 'task.name colorize generate' in text and 'Not evaluated yet: began.' in text
    lines = {chart['title']: chart['lines'] for chart in data_of(document)['charts']}
    assert [line['label'] for line in lines['gen/loss']] == ["it's colorize", 'began']
    assert [line['run'] for line in lines['disc/convergence']] == [1]


def test_a_run_that_has_just_begun(started):
    text = text_of(report(started))
    assert '1 of 4' in text and 'no sample grids' in text and 'not evaluated yet' in text
    assert 'There is no checkpoint yet' in text and '1 log line.' in text
    (started / 'metrics.jsonl').unlink()
    assert 'Nothing was logged yet.' in text_of(report(started))


def test_what_is_not_finite_is_a_gap_and_is_named(started):
    lines = [{'step': i, 'gen/loss': 1.0, 'disc/loss': float(i)} for i in range(1, 6)]
    lines[2]['gen/loss'], lines[3]['disc/loss'] = float('nan'), float('inf')
    (started / 'metrics.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines) + '{"step": 6, "gen')
    document = report(started)
    assert 'gen/loss: 1 of 5 values are not finite, the first at step 3' in text_of(document)
    values = data_of(document)['runs'][0]['metrics']['values']
    assert values['gen/loss'] == [1, 1, None, 1, 1] and values['disc/loss'] == [1, 2, 3, None, 5]


def test_a_long_record_keeps_its_peaks(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    with open(path, 'w') as file:
        for step in range(1, 10_001):
            file.write(f'{{"step": {step}, "x": {1e6 if step == 7777 else step % 10}, "y": 0.5}}\n')
    curves = read_curves(path, 400)
    assert curves.lines == 10_000 and len(curves.steps) == len(curves.values['x']) <= 400
    assert curves.steps == sorted(curves.steps) and curves.steps[0] == 1 and curves.steps[-1] == 10_000
    at = curves.steps[curves.values['x'].index(1e6)]
    assert abs(at - 7777) <= 50
    found = curves.summaries['x']
    assert (found.first, found.last, found.lowest, found.lowest_at) == (1, 0, 0, 10)
    assert (found.highest, found.highest_at, found.count, found.strange) == (1e6, 7777, 10_000, 0)
    assert set(curves.values['y']) == {0.5}


def test_many_large_images_share_a_budget(started):
    rng = np.random.default_rng(0)
    for step in range(30):
        save_png(started / 'samples' / f'step_{step:06d}.png', rng.integers(0, 256, (330, 330, 3), np.uint8))
    (started / 'samples/step_000012.png').write_bytes(b'no image')
    document = report(started)
    assert 2_000_000 < len(document) < 5_000_000
    grids = data_of(document)['grids'][0]
    assert [grids[0]['step'], grids[-1]['step']] == [0, 29] and len(grids) in (23, 24)
    text = text_of(document)
    assert 'packed to fit' in text and 'sample grids are left out' in text
    assert 'step_000012.png cannot be shown' in text or all(grid['step'] != 12 for grid in grids)


def test_an_image_is_packed_until_it_fits():
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    sizes = [pack(image, share).size for share in (10**6, 10**5, 10**4)]
    assert sizes[0] > 10**5 >= sizes[1] > 10**4 >= sizes[2]
    assert {(pack(image, share).width, pack(image, share).height) for share in (10**6, 10**4)} == {(400, 300)}


# What is refused


def test_what_is_refused_leaves_everything_as_it_was(place, tmp_path):
    (tmp_path / 'mine.html').write_text('<html>mine</html>')
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'no_run').mkdir()
    before = contents(tmp_path)
    runs = f'--workdir={place.colorizer},{place.began}'
    one = f'--workdir={place.began}'
    for words, told in (
        ([runs], 'a file as --output'),
        ([one, f'--output={tmp_path}/mine.html'], "mine.html' is there and holds no report"),
        ([one, f'--output={tmp_path}/folder'], 'is a folder'),
        ([f'--workdir={place.began},{place.began}/', f'--output={tmp_path}/a.html'], 'one run twice'),
        ([f'--workdir={tmp_path}/no_run'], 'is not a run folder'),
        ([f'--workdir={tmp_path}/nowhere'], 'no run folder'),
        ([one, '--output=/proc/report.html'], "Cannot write '/proc/report.html'"),
        ([one, '--output=/dev/full'], '/dev/full'),
        ([], 'needs --workdir'),
    ):
        refused(main('--mode=report', *words), told)
    assert contents(tmp_path) == before


def test_files_of_strangers_in_the_folder_hang_and_break_nothing(started):
    (started / 'samples').mkdir()
    os.mkfifo(started / 'samples/step_000001.png')
    os.mkfifo(started / 'timing.jsonl')
    (started / 'evaluation.json').write_text('{"step": "x"}')
    (started / 'sittings.jsonl').write_bytes(b'\xff\n[1]\n{"begun": 7, "fields": {"a": {}}}\n')
    text = text_of(report(started))
    assert 'evaluation.json cannot be used' in text and 'step_000001.png cannot be shown' in text


def test_what_no_file_can_hold_and_no_number_can_be_is_shown_or_passed_over(started):
    name = '\\ud800 \\u202e'  # half of a surrogate pair; what turns the direction of writing
    lines = [f'{{"step": {step}, "gen/loss": 1.5, "{name}": {step}}}' for step in (1, 2)]
    (started / 'metrics.jsonl').write_text('\n'.join([*lines, f'{{"step": 3, "gen/loss": 1{"0" * 400}}}', '']))
    number = f'{{"mean": 1{"0" * 400}, "low": 0.5, "high": 1.5}}'
    evaluation = f'{{"step": 1, "images": 2, "measures": {{"{name}": {{"better": "", "digits": -3}}}}, '
    evaluation += f'"rows": {{"{name}": {{"{name}": {number}}}}}, "notes": ["{name}"]}}'
    (started / 'evaluation.json').write_text(evaluation)
    document = report(started)
    data = data_of(document)['runs'][0]['metrics']
    assert data['steps'] == [1, 2] and data['values'][json.loads(f'"{name}"')] == [1, 2]
    assert text_of(document).count('\\ud800') >= 4 and '[0, 2]' in text_of(document) and '\u202e' not in document
    assert 'ud800' in model_card(started).encode().decode()


def test_what_cannot_be_read_is_not_called_empty(started):
    (started / 'log.txt').write_text('2026-01-01 00:00:00 too little diversity\n' * 40_000)
    assert 'too little diversity' in text_of(report(started)), 'longer than what is read'
    for name in ('log.txt', 'metrics.jsonl'):
        (started / name).unlink()
        (started / name).mkdir()
    text = text_of(report(started))
    assert 'log.txt cannot be read' in text and 'No warning' not in text
    assert 'metrics.jsonl cannot be read (' in text and 'Nothing was logged' not in text


def test_a_run_may_have_a_comma_in_its_name(started):
    run = started.rename(started.with_name('a run, once more'))
    assert 'Report of a run, once more' in text_of(report(run))


def test_no_style_has_a_rule_twice():
    for path in (ROOT / 'gans/web').glob('*.css'):
        rules = [line for line in path.read_text().splitlines() if line.endswith('}') and line != '}']
        assert len(rules) == len(set(rules)), path.name


# In a browser


@pytest.fixture(scope='module')
def documents(place, tmp_path_factory):
    """Files to open: the reports of both runs, of both together, and of a run with planted names."""
    folder = tmp_path_factory.mktemp('documents')
    shutil.copytree(place.colorizer, folder / 'colorizer')
    both = folder / 'both.html'
    report(folder / 'colorizer', place.began, output=both)
    images = save_images(folder / 'images', smooth_images(10, 64))
    own = make_config('colorize', images)
    own.name = 'x'
    run = save_run(folder / 'planted', own)
    name = PLANTED.replace('/', '\N{DIVISION SLASH}')
    run = run.rename(folder / name)
    (run / 'log.txt').write_text(f'{PLANTED}\n')
    (run / 'metrics.jsonl').write_text(json.dumps({'step': 1, PLANTED: 1.0, 'gen/loss': 2}) + '\n')
    line = {'begun': PLANTED, 'config': PLANTED, 'data': PLANTED, 'machine': {PLANTED: PLANTED}}
    (run / 'sittings.jsonl').write_text(json.dumps(line) + '\n')
    report(run, output=folder / 'planted.html')
    reports = {'colorizer': folder / 'colorizer/report.html', 'began': place.began / 'report.html'}
    report(folder / 'colorizer')
    return reports | {'both': both, 'planted': folder / 'planted.html'}


@pytest.fixture(scope='module')
def browser(documents):
    with open_browser() as opened:
        yield opened


def opened(browser, path, size=WIDE, scheme='light'):
    """(a page with a document, what it asked for, what its scripts complained of)"""
    page = open_context(browser, viewport=size, color_scheme=scheme).new_page()
    asked, faults = requests_of(page), faults_of(page)
    page.goto(path.as_uri())
    return page, asked, faults


def drawn(page):
    """How many pixels of each curve's canvas have a colour that is not gray."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.plot canvas')].map((canvas) => {
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let count = 0;
            for (let i = 0; i < data.length; i += 4) {
                if (Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 40) {
                    count += 1;
                }
            }
            return count;
        })"""
    )


@needs_browser
@pytest.mark.parametrize(
    ('name', 'size', 'scheme'),
    [
        ('colorizer', WIDE, 'light'),
        ('colorizer', PHONE, 'dark'),
        ('began', WIDE, 'dark'),
        ('both', PHONE, 'light'),
        ('planted', PHONE, 'dark'),
    ],
)
def test_a_document_asks_for_nothing_is_accessible_and_fits(browser, documents, name, size, scheme):
    page, asked, faults = opened(browser, documents[name], size, scheme)
    page.locator('details').evaluate_all('(all) => all.forEach((one) => { one.open = true; })')
    assert page.evaluate('document.documentElement.scrollWidth') <= size['width']
    assert accessibility_faults(page) == []
    assert asked == [documents[name].as_uri()] and faults == []
    page.close()


@needs_browser
def test_curves_are_drawn_zoomed_hidden_and_told(browser, documents):
    page, _, faults = opened(browser, documents['colorizer'])
    counts = drawn(page)
    assert len(counts) > 8 and all(count > 20 for count in counts)
    buttons = page.locator('.legend button:not(.scale)')
    assert buttons.all_inner_texts()[0].startswith('gen/loss') and buttons.count() == 2
    buttons.first.click()
    assert buttons.first.get_attribute('aria-pressed') == 'false' and drawn(page)[0] < counts[0]
    assert page.locator('#shown').inner_text() == 'steps 1 to 4'
    page.get_by_role('button', name='Zoom in').click()
    assert page.locator('#shown').inner_text() == 'steps 2 to 3'
    plot = page.locator('.plot').first
    plot.focus()
    page.keyboard.press('0')
    assert page.locator('#shown').inner_text() == 'steps 1 to 4'
    page.keyboard.press('Home')
    assert plot.get_attribute('aria-valuetext').startswith('step 1: gen/loss ')
    page.keyboard.press('ArrowRight')
    assert plot.get_attribute('aria-valuenow') == '2'
    box = page.locator('.plot .u-over').first.bounding_box()
    page.mouse.move(box['x'] + box['width'] * 0.4, box['y'] + 50)
    page.mouse.down()
    page.mouse.move(box['x'] + box['width'] * 0.9, box['y'] + 60, steps=4)
    page.mouse.up()
    assert page.locator('#shown').inner_text() == 'steps 2 to 4'
    page.get_by_role('button', name='Logarithmic').first.click()
    assert drawn(page)[0] > 20
    assert not [fault for fault in faults if not fault.startswith('Canvas2D')], 'this test reads canvases often'
    page.close()


@needs_browser
def test_the_slider_moves_through_the_sample_grids_by_mouse_and_by_keyboard(browser, documents):
    page, _, faults = opened(browser, documents['colorizer'])
    image, slider = page.locator('.grids img'), page.locator('.grids input')
    last = image.get_attribute('src')
    slider.focus()
    page.keyboard.press('ArrowLeft')
    middle = image.get_attribute('src')
    assert 'step 2' in page.locator('.grids output').inner_text() and middle != last
    assert slider.get_attribute('aria-valuetext') == 'step 2' and 'step 2' in image.get_attribute('alt')
    box = slider.bounding_box()
    page.mouse.click(box['x'] + 2, box['y'] + box['height'] / 2)
    assert 'step 0' in page.locator('.grids output').inner_text()
    assert image.get_attribute('src') not in (middle, last)
    page.locator('.grids').get_by_role('button', name='Later').click()
    assert 'step 1' in page.locator('.grids output').inner_text()
    assert image.get_attribute('src') not in (middle, last)
    page.locator('.grids').get_by_role('button', name='Later').click()
    assert image.get_attribute('src') == middle
    assert page.evaluate("document.querySelector('.grids img').naturalWidth") > 0 and faults == []
    page.close()


@needs_browser
def test_an_inset_of_began_shows_its_step(browser, documents):
    page, _, faults = opened(browser, documents['began'])
    insets = page.locator('.insets button')
    assert insets.count() >= 2
    step = insets.first.get_attribute('data-step')
    insets.first.click()
    assert page.locator('.grids output').inner_text() == f'step {step}'
    assert page.locator('.plot').first.get_attribute('aria-valuenow') == step and faults == []
    page.close()


@needs_browser
def test_dark_curves_have_other_colours(browser, documents):
    page, _, _ = opened(browser, documents['colorizer'], scheme='dark')
    canvas = page.locator('.plot canvas').first
    dark = canvas.evaluate('(one) => one.toDataURL()')
    assert page.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(23, 24, 22)'
    page.emulate_media(color_scheme='light')
    page.wait_for_function("(dark) => document.querySelector('.plot canvas').toDataURL() !== dark", arg=dark)
    assert drawn(page)[0] > 20
    page.close()


@needs_browser
def test_what_is_planted_is_shown_and_not_obeyed(browser, documents):
    page, asked, faults = opened(browser, documents['planted'])
    text = page.locator('body').inner_text()
    assert page.locator('#shown').inner_text() == 'step 1', 'all there is'
    for name in ('Zoom in', 'Later', 'All steps'):
        page.get_by_role('button', name=name).click()
    assert page.locator('#shown').inner_text() == 'step 1'
    assert text.count('onerror=alert(1)') >= 5
    assert page.locator('img[src="x"]').count() == 0
    assert asked == [documents['planted'].as_uri()] and faults == []
    page.close()
