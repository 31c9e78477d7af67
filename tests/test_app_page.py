"""The page of `--mode=app` as people meet it: a process of its own, a real browser, a mouse."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from browser import PHONE, WIDE, accessibility_faults, needs_browser, open_browser, open_context, requests_of
from command_line import MAIN, main
from PIL import Image
from saved_run import CONFIGS, make_config, save_images, save_run, smooth_images

from gans.config.load import load

# What axe finds in Gradio's own markup (6.31): an empty image has a label without a role.
OF_GRADIO = ('aria-prohibited-attr: <div aria-label="Empty value"',)
# Put into the server's process: every connection that it opens, and every name that it looks up.
SPY = """
import sys
def spy(event, given):
    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname', 'socket.sendto'):
        with open({file!r}, 'a') as file:
            print(event, given[1] if event == 'socket.connect' else given[0], file=file)
sys.addaudithook(spy)
"""


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """Runs and images; made before any browser is there."""
    place = tmp_path_factory.mktemp('place')
    images = save_images(place / 'images', smooth_images(8))
    save_run(place / 'colors', make_config('colorize', images, latent=4))
    save_run(place / 'holes', make_config('inpaint', images))
    save_run(place / 'noise', load(f'{CONFIGS}/began.py:tiny').unlock())
    (place / 'text.png').write_text('no image')
    Image.open(images / '00.png').resize((320, 240)).save(place / 'photo.png')
    ended = main(
        '--mode=translate', f'--workdir={place / "colors"}', f'--input={images}', f'--output={place / "out"}',
        '--variants=2',
    )  # fmt: skip
    assert ended.code == 0, ended
    return place


@contextlib.contextmanager
def served(place, *words):
    """A process of `--mode=app` whose page is there: (the process, its address)."""
    (place / 'spy').mkdir(exist_ok=True)
    (place / 'spy/sitecustomize.py').write_text(SPY.format(file=str(place / 'spy/asked.txt')))
    (place / 'tmp').mkdir(exist_ok=True)
    (place / 'cwd').mkdir(exist_ok=True)
    environment = os.environ | {'PYTHONPATH': str(place / 'spy'), 'TMPDIR': str(place / 'tmp')}
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGINT)}
    process = subprocess.Popen(
        [sys.executable, MAIN, '--mode=app', *words],
        cwd=place / 'cwd',
        env=environment,
        stdout=subprocess.PIPE,
        stderr=(place / 'errors.txt').open('w'),
        text=True,
    )
    for number, handler in before.items():
        signal.signal(number, handler)
    try:
        found = next((m[0] for m in (re.search(r'http://\S+', line) for line in process.stdout) if m), None)
        assert found, (place / 'errors.txt').read_text()
        yield process, found
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@needs_browser
def test_people_use_the_page(place):
    runs = ','.join(str(place / name) for name in ('colors', 'holes', 'noise'))
    with served(place, f'--workdir={runs}') as (process, address):
        with open_browser() as browser:
            one, other = (open_context(browser, accept_downloads=True, viewport=WIDE).new_page() for _ in range(2))
            asked = [requests_of(page) for page in (one, other)]
            two_people_colorize(one, other, address, place)
            a_hole_is_painted(one, place)
            a_generator_is_explored(other, place)
            assert all(request.startswith(address) for requests in asked for request in requests)
            phone = open_context(browser, viewport=PHONE, color_scheme='dark').new_page()
            phone.goto(address)
            phone.get_by_role('tab', name='noise').click()
            phone.get_by_text('seed 15').wait_for()
            assert phone.evaluate('document.documentElement.scrollWidth') <= PHONE['width']
            check_accessible(phone)
        strangers_are_refused(address, place)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
    assert not list((place / 'tmp').glob('gans-app-*')) and not list((place / 'cwd').iterdir())
    contacts = (place / 'spy/asked.txt').read_text().splitlines()
    assert not [line for line in contacts if '127.0.0.1' not in line], contacts
    assert 'Traceback' not in (place / 'errors.txt').read_text()


def two_people_colorize(one, other, address, place):
    from playwright.sync_api import expect

    for number, page in enumerate((one, other)):
        page.goto(address)
        variants = page.get_by_role('spinbutton', name='How many variants')
        variants.fill('2')
        variants.press('Tab')
        page.locator('input[type=file]:visible, input[type=file]').first.set_input_files(
            place / f'images/0{number}.png'
        )
    for number, page in enumerate((one, other)):
        expect(page.get_by_role('radio', name='2')).to_be_visible()
        for variant in (1, 2):
            page.get_by_role('radio', name=str(variant)).check()
            link = page.get_by_role('button', name='Download at full size')
            name = f'0{number}_{variant}.png'
            expect(page.locator(f'img[src$="/{variant}.jpg"]')).to_be_attached()
            assert downloaded(page, link) == (place / 'out' / name).read_bytes(), name
    expect(one.get_by_alt_text('The photo as it was dropped.')).to_be_visible()
    expect(one.get_by_alt_text('Variant 2 of 2.')).to_be_visible()
    parts = one.get_by_role('slider', name='How much of the photo before is shown')
    parts.press('ArrowLeft')
    expect(one.locator('.compared[style*="--at"]')).to_have_attribute('style', '--at: 49%;')
    parts.fill('20')
    covered = 'element => getComputedStyle(element).clipPath'
    assert one.get_by_alt_text('Variant 2 of 2.').evaluate(covered) == 'inset(0px 0px 0px 20%)'
    check_accessible(one)
    other.get_by_role('button', name='Clear').first.click()
    other.locator('input[type=file]').first.set_input_files(place / 'text.png')
    expect(other.get_by_role('alert').filter(has_text='is no image that can be read here')).to_be_visible()
    expect(other.get_by_role('button', name='Download at full size')).to_be_disabled()


def a_hole_is_painted(page, place):
    from playwright.sync_api import expect

    page.get_by_role('tab', name='holes').click()
    panel = page.get_by_role('tabpanel').filter(visible=True)
    panel.locator('input[type=file]').first.set_input_files(place / 'photo.png')
    undo = panel.get_by_role('button', name='Undo')
    expect(panel.get_by_role('button', name='Brush', exact=True)).to_be_visible()
    alert = panel.get_by_role('alert')
    filled(panel, lambda patience: expect(alert).to_contain_text('Nothing is painted yet', timeout=patience))
    box = panel.locator('canvas').first.bounding_box()
    x, y = box['x'] + box['width'] / 2, box['y'] + box['height'] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=4)
    page.mouse.up()
    expect(undo).to_be_enabled()
    link = panel.get_by_role('button', name='Download at full size')
    filled(panel, lambda patience: expect(link).to_be_enabled(timeout=patience))
    (place / 'filled.png').write_bytes(downloaded(page, link))
    before, after = (np.asarray(Image.open(place / name)) for name in ('photo.png', 'filled.png'))
    changed = (before != after).any(axis=-1)
    assert before.shape == after.shape and changed[120, 160] and changed.mean() < 0.3
    assert not changed[:40].any() and not changed[-40:].any() and not changed[:, :60].any()
    check_accessible(page)


def filled(panel, expected):
    """Asks for the hole until what is expected has come: a photo or a stroke may not be sent yet."""
    fill = panel.get_by_role('button', name='Fill what')
    for patience in (20_000, 20_000):
        fill.click()
        with contextlib.suppress(AssertionError):
            return expected(patience)
    fill.click()
    return expected(60_000)


def a_generator_is_explored(page, place):
    from playwright.sync_api import expect

    page.get_by_role('tab', name='noise').click()
    panel = page.get_by_role('tabpanel').filter(visible=True)
    expect(panel.get_by_text('seed 15')).to_be_visible()
    page.get_by_label('First seed').fill('')  # what is clicked is what is seen, whatever the field has become
    panel.get_by_text('seed 3', exact=True).click()
    expect(page.get_by_alt_text('The sample of seed 3.')).to_be_visible()
    (place / 'three.png').write_bytes(downloaded(page, visible(page, 'Download as PNG')))
    page.get_by_role('tab', name='Walk').click()
    visible(page, 'Walk').click()
    expect(page.get_by_alt_text('row by row')).to_be_visible()
    check_accessible(page)
    (place / 'walk.gif').write_bytes(downloaded(page, visible(page, 'GIF')))
    assert Image.open(place / 'walk.gif').n_frames > 2
    page.get_by_role('tab', name='Directions').click()
    shown = page.get_by_alt_text('sliders')
    before = shown.get_attribute('src')
    page.get_by_role('slider', name='Direction 0').or_(page.get_by_role('slider', name='Component 0')).first.fill('2')
    expect(shown).not_to_have_attribute('src', before)
    page.get_by_label('Name of the edit').fill('grin')
    visible(page, 'Keep this edit').click()
    expect(page.get_by_label('Edits, as explore reads them')).to_have_value('"grin": {0: 2.0}\n')
    (place / 'edits.yaml').write_bytes(downloaded(page, visible(page, 'Download edits.yaml')))
    check_accessible(page)


@needs_browser
def test_what_was_downloaded_is_what_explore_makes(place):
    explored = place / 'explored'
    ended = main(
        '--mode=explore', f'--workdir={place / "noise"}', f'--output={explored}', '--draw=samples,edits', '--seeds=3',
        f'--edits={place / "edits.yaml"}', '--frames=2',
    )  # fmt: skip
    assert ended.code == 0, ended
    assert (explored / 'samples.png').read_bytes() == (place / 'three.png').read_bytes()
    assert (explored / 'edit_grin.png').is_file()


def strangers_are_refused(address, place):
    """Nobody makes the server fetch something, or read a file that was not uploaded, or takes it for another host."""
    for path, code in (
        ('/gradio_api/file=http://127.0.0.1:1/a.png', 403),
        (f'/gradio_api/file={urllib.parse.quote(MAIN)}', 403),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address + path)
        assert refused.value.code == code, path
    elsewhere = urllib.request.Request(address, headers={'Host': 'evil.example'})
    with pytest.raises(urllib.error.HTTPError, match='400'):
        urllib.request.urlopen(elsewhere)


def visible(page, name):
    return page.get_by_role('button', name=name).filter(visible=True)


def downloaded(page, button):
    with page.expect_download() as coming:
        button.click()
    return Path(coming.value.path()).read_bytes()


def check_accessible(page):
    """No serious finding but those of Gradio's own markup."""
    assert not [found for found in accessibility_faults(page) if not found.startswith(OF_GRADIO)]
