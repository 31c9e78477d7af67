"""A real browser for tests of web pages: the system's chromium, driven by playwright.

Playwright leaves an event loop running in the thread that opened it, and Orbax cannot save under one. So make all
files first, and open the browser when no other code of the project has to run in this thread.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')
WIDE = {'width': 1280, 'height': 860}
PHONE = {'width': 390, 'height': 780}
_PATIENCE = 180_000  # milliseconds: a busy machine answers late; what is there already is not waited for

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason='no chromium here: apt-get install chromium')


@contextmanager
def open_browser() -> Iterator:
    """A playwright browser; its pages are those of `open_context`."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=['--no-sandbox', '--disable-gpu'], timeout=_PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()


def open_context(browser, **options):
    """A person's window: `open_context(browser, viewport=WIDE, color_scheme='dark').new_page()`."""
    context = browser.new_context(**options)
    context.set_default_timeout(_PATIENCE)
    return context


def requests_of(page) -> list[str]:
    """A list that gets the address of everything that the page asks for, from now on; not what it holds itself."""
    asked = []
    page.on(
        'request', lambda request: None if request.url.startswith(('data:', 'blob:')) else asked.append(request.url)
    )
    return asked


def faults_of(page) -> list[str]:
    """A list that gets everything that the page's scripts complain of, from now on."""
    told = []
    page.on('console', lambda message: told.append(message.text) if message.type in ('error', 'warning') else None)
    page.on('pageerror', lambda error: told.append(str(error)))
    return told


def accessibility_faults(page) -> list[str]:
    """What axe-core finds on the page as it is now, serious and critical findings only: 'rule: element'."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response['violations']
    return [
        f'{rule["id"]}: {node["html"]}'
        for rule in found
        if rule['impact'] in ('serious', 'critical')
        for node in rule['nodes']
    ]
