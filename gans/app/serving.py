"""The web server: a port of its own, the page behind a guard, and an end without waiting for visitors."""

import contextlib
import errno
import importlib.util
import logging
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from gans.app.guard import Guard
from gans.app.limits import Limits
from gans.app.page import CSS
from gans.app.storage import Storage
from gans.errors import UserError

FIRST_PORT, PORTS = 7860, 100
LOOPBACK = ('127.0.0.1', '::1', 'localhost')
_FONTS = ('system-ui', '-apple-system', 'Segoe UI', 'Roboto', 'sans-serif')
_MONO = ('ui-monospace', 'Consolas', 'monospace')
_COLOURS = {  # Gradio's own are too faint to be read by everyone
    'button_primary_background_fill': '*primary_700',
    'button_primary_background_fill_dark': '*primary_700',
    'button_primary_background_fill_hover': '*primary_800',
    'button_primary_background_fill_hover_dark': '*primary_800',
    'body_text_color_subdued': '*neutral_600',
    'body_text_color_subdued_dark': '*neutral_300',
    'color_accent': '*primary_700',
    'block_label_text_color': '*neutral_700',
    'block_title_text_color': '*neutral_700',
}
_END = 1.0  # seconds that the server gets to end


def check_gradio() -> None:
    """Raises UserError, which says what to install, where Gradio is missing."""
    if importlib.util.find_spec('gradio') is None:
        raise UserError('--mode=app needs Gradio: pip install -r requirements-app.txt.')


def take_port(host: str, port: int | None) -> socket.socket:
    """A socket that listens on a port of this machine: on `port`, or without one on the first free one from 7860 on.

    Raises:
      UserError: the port is taken or not allowed, none is free, or the host is none of this machine.
    """
    if port is not None and not 0 <= port < 2**16:
        raise UserError(f'--port={port} is no port: give 1024 to 65535, or leave it out.')
    wanted = [port] if port else range(FIRST_PORT, FIRST_PORT + PORTS)
    try:
        kind, _, _, _, _ = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UserError(f'--host={host} is no address of this machine: give 127.0.0.1, or 0.0.0.0 for all.') from error
    for number in wanted:
        found = socket.socket(kind, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, number))
            found.listen(128)
        except OSError as error:
            found.close()
            if error.errno == errno.EADDRINUSE and not port:
                continue
            raise _refused(host, number, error) from error
        return found
    raise UserError(f'The ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are all in use: give a free one as --port.')


def _refused(host, port, error):
    if error.errno == errno.EADDRINUSE:
        return UserError(f'Port {port} is in use: give another --port, or none for the first free one.')
    if error.errno == errno.EADDRNOTAVAIL:
        return UserError(f'--host={host} is no address of this machine: give 127.0.0.1, or 0.0.0.0 for all.')
    return UserError(f'Cannot listen on port {port} of {host} ({error.strerror}): give another --port.')


def address_of(listening: socket.socket) -> str:
    """What to open in a browser on this machine."""
    host, port = listening.getsockname()[:2]
    host = {'0.0.0.0': '127.0.0.1', '::': '::1'}.get(host, host)
    return f'http://[{host}]:{port}' if ':' in host else f'http://{host}:{port}'


@contextlib.contextmanager
def serving(page: Any, listening: socket.socket, storage: Storage, limits: Limits) -> Iterator[None]:
    """Serves a page of `gans.app.page.build` for the length of the block, in a thread."""
    import fastapi
    import gradio
    import uvicorn

    theme = gradio.themes.Default(primary_hue='blue', font=_FONTS, font_mono=_MONO)
    theme.set(**_COLOURS)
    app = gradio.mount_gradio_app(
        fastapi.FastAPI(openapi_url=None),
        page,
        '/',
        theme=theme,
        css=CSS,
        footer_links=[],
        ssr_mode=False,
        pwa=False,
        show_error=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size=limits.megabytes * 2**20,
        allowed_paths=[str(storage.folder)],
    )
    page.has_launched = True  # else Gradio believes any path that a request names to be an upload
    local = listening.getsockname()[0] in LOOPBACK
    if local:  # a name that leads here from a page elsewhere is no name of this page
        app.add_middleware(_trusted(), allowed_hosts=['127.0.0.1', 'localhost', '[::1]'])
    # Uvicorn's own settings of logging would close the handlers of everybody else in this process.
    options = dict(
        log_config=None, log_level='error', access_log=False, timeout_graceful_shutdown=0, server_header=False
    )
    server = uvicorn.Server(uvicorn.Config(Guard(app), **options))
    thread = threading.Thread(target=server.run, args=[[listening]], daemon=True, name='web server')
    thread.start()
    try:
        yield
    finally:
        logging.getLogger('uvicorn.error').setLevel(logging.CRITICAL)  # it would tell of everything that is cut off
        server.should_exit = server.force_exit = True
        thread.join(_END)


@contextlib.contextmanager
def surroundings(storage: Storage) -> Iterator[None]:
    """What Gradio reads from the environment before it is imported: where uploads go; no statistics, no outside."""
    wanted = {
        'GRADIO_TEMP_DIR': str(storage.folder),
        'GRADIO_ANALYTICS_ENABLED': 'False',
        'HF_HUB_OFFLINE': '1',
        'HF_HUB_DISABLE_TELEMETRY': '1',
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _trusted():
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    return TrustedHostMiddleware
