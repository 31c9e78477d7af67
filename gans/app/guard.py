"""What stands before Gradio: headers that forbid the browser any outside request, and requests that are refused."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

# Gradio's own scripts evaluate code and its styles are inline; nothing but this very server is ever asked.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:; worker-src 'self' blob:; "
    "connect-src 'self' data: blob:; frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)
_HEADERS = (
    (b'content-security-policy', POLICY.encode()),
    (b'referrer-policy', b'no-referrer'),
    (b'x-content-type-options', b'nosniff'),
)
_MOST_JSON = 2**22  # bytes of a request that is no upload
_OUTSIDE = ('http:', 'https:')


class Guard:
    """An ASGI application around another one.

    Gradio fetches what a request names by a web address, on behalf of the visitor. Such requests are refused here, so
    that the server asks nobody for anything.
    """

    def __init__(self, app: Callable[..., Awaitable[None]]):
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        """Answers a request, as ASGI has it."""
        if scope['type'] != 'http':
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message):
            if message['type'] == 'http.response.start':
                message = {**message, 'headers': [*message.get('headers', ()), *_HEADERS]}
            await send(message)

        if names_outside(scope['path']):
            await _refuse(send_with_headers, 403)
            return
        kind = dict(scope['headers']).get(b'content-type', b'')
        if scope['method'] == 'POST' and not kind.startswith(b'multipart/'):
            body = await _read(receive)
            if body is None or holds_outside(body):
                await _refuse(send_with_headers, 413 if body is None else 403)
                return
            receive = _again(body, receive)
        await self._app(scope, receive, send_with_headers)


def names_outside(path: str) -> bool:
    """Whether the path of a request would make Gradio fetch something from elsewhere."""
    _, found, rest = path.partition('=')
    return bool(found) and ('/proxy=' in path or rest.lstrip('/').lower().startswith(_OUTSIDE))


def holds_outside(body: bytes) -> bool:
    """Whether JSON has a file whose path is a web address."""
    try:
        found = [json.loads(body)] if body else []
    except (ValueError, RecursionError):
        return False  # Gradio refuses it too
    while found:
        value = found.pop()
        if isinstance(value, dict):
            path = value.get('path')
            if isinstance(path, str) and path.strip().lower().startswith(_OUTSIDE):
                return True
            found.extend(value.values())
        elif isinstance(value, list):
            found.extend(value)
    return False


async def _read(receive):
    """The whole body, or None if it is too long."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get('body', b''))
        size += len(parts[-1])
        more = message.get('more_body', False)
        if size > _MOST_JSON:
            return None
    return b''.join(parts)


def _again(body, receive):
    """A `receive` that gives a body that was read already, then what comes."""
    waiting = [{'type': 'http.request', 'body': body, 'more_body': False}]

    async def give():
        return waiting.pop() if waiting else await receive()

    return give


async def _refuse(send, status):
    await send({'type': 'http.response.start', 'status': status, 'headers': [(b'content-type', b'text/plain')]})
    await send({'type': 'http.response.body', 'body': b'This page takes nothing from elsewhere.'})
