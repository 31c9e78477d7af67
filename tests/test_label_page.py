"""label.html in a real browser: keys, undo, what it keeps, and the table that it gives."""

import pytest
from browser import PHONE, WIDE, accessibility_faults, faults_of, needs_browser, open_browser, open_context, requests_of
from PIL import Image

from gans.labelling.label import write_marking
from gans.labelling.labels_file import read_labels

NAMES = [f'{i:06d}.png' for i in range(5)]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Five images and their label.html."""
    folder = tmp_path_factory.mktemp('label')
    for i, name in enumerate(NAMES):
        Image.new('RGB', (16, 16), (40 * i, 90, 120)).save(folder / name)
    write_marking(folder, NAMES, '5 samples')
    return folder


@needs_browser
def test_images_are_marked_by_keyboard_and_the_table_is_read(folder, tmp_path):
    with open_browser() as browser:
        context = open_context(browser, accept_downloads=True, viewport=WIDE)
        page = context.new_page()
        faults, asked = faults_of(page), requests_of(page)
        page.goto((folder / 'label.html').as_uri())
        for key in ('ArrowRight', 'A', 'ArrowLeft', 'z', 'u', 'a', 'Control+z', 'Control+a'):
            page.keyboard.press(key)
        assert page.inner_text('#count') == '3 of 5 marked: 2 acceptable, 1 unacceptable'
        for _ in range(20):  # what was stored is there for a new page a moment later
            page.reload()
            if page.inner_text('#count').startswith('3 of 5'):
                break
        assert page.inner_text('#count').startswith('3 of 5') and page.inner_text('#name') == '000003.png, 4 of 5'
        page.keyboard.press('Backspace')  # what was marked before is undone as well
        assert page.inner_text('#count').startswith('2 of 5') and page.inner_text('#name').startswith('000002.png')
        page.click('#bad')
        page.click('#all li:nth-child(1) button')
        page.click('#bad')
        page.keyboard.press('p')
        assert page.inner_text('#name').startswith('000002.png')
        other = context.new_page()
        other.goto((folder / 'label.html').as_uri())
        other.keyboard.press('n')
        other.keyboard.press('a')
        page.wait_for_function("document.getElementById('count').textContent.startsWith('4 of 5')")
        with page.expect_download() as download:
            page.click('#download')
        assert download.value.suggested_filename == 'labels.csv' and not faults
        download.value.save_as(folder / 'labels.csv')
        assert set(asked) == {(folder / 'label.html').as_uri()}
    text = (folder / 'labels.csv').read_text()
    assert text == (
        'file,label\n000000.png,unacceptable\n000001.png,acceptable\n000002.png,unacceptable\n'
        '000003.png,acceptable\n000004.png,\n'
    )
    assert list(read_labels(folder / 'labels.csv')) == NAMES[:4]


@needs_browser
def test_it_fits_a_phone_and_the_dark_and_tells_where_nothing_is_kept(folder):
    with open_browser() as browser:
        for viewport, scheme in ((PHONE, 'dark'), (WIDE, 'light')):
            page = open_context(browser, viewport=viewport, color_scheme=scheme).new_page()
            page.goto((folder / 'label.html').as_uri())
            page.click('#good')
            assert not accessibility_faults(page)
            assert page.evaluate('document.documentElement.scrollWidth <= innerWidth')
            page.close()
        page = open_context(browser).new_page()
        page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }})")
        page.goto((folder / 'label.html').as_uri())
        page.keyboard.press('a')
        assert 'does not keep your marks' in page.inner_text('#notice')
        assert page.inner_text('#count').startswith('1 of 5')
