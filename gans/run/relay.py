"""A port of this machine in front of the coordinator's, so that its end is a sentence.

JAX aborts a process, with a C++ stack, as soon as its connection to the coordinator (in the first process) breaks. Here
the connection goes through this process: the relay sees the break first, and JAX never does.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable

# Seconds until a machine that is gone without a word (no power, no network) counts as dead: first probe, then others.
_KEEPALIVE = {'TCP_KEEPIDLE': 10, 'TCP_KEEPINTVL': 5, 'TCP_KEEPCNT': 4, 'TCP_USER_TIMEOUT': 30_000}


class Relay:
    """Passes on connections to `coordinator` (host:port); `address` is where to connect instead."""

    def __init__(self, coordinator: str, lost: Callable[[], None]):
        """`lost` is called in a thread of the relay if a connection breaks on the far side once `watch` was called."""
        host, _, port = coordinator.rpartition(':')
        self._far = host.strip('[]'), int(port)
        self._lost = lost
        self._watches = False
        self._near = socket.create_server(('127.0.0.1', 0))
        self.address = f'127.0.0.1:{self._near.getsockname()[1]}'
        for name in ('no_grpc_proxy', 'no_proxy'):  # what gRPC obeys: it must not look for this machine elsewhere
            if name == 'no_proxy' or name in os.environ:
                os.environ[name] = ','.join(filter(None, [os.environ.get(name), '127.0.0.1']))
        self._begin(self._accept)

    def watch(self) -> None:
        """From now on the far side is expected to stay."""
        self._watches = True

    def leave(self) -> None:
        """From now on it may go."""
        self._watches = False

    def _accept(self):
        while True:
            near, _ = self._near.accept()
            try:
                far = socket.create_connection(self._far, timeout=10)
            except OSError:  # not there yet: whoever connects tries again
                near.close()
                continue
            far.settimeout(None)
            far.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEPALIVE.items():
                if hasattr(socket, name):
                    far.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
            first = threading.Lock()
            self._begin(self._pass_on, near, far, far, first)
            self._begin(self._pass_on, far, near, far, first)

    def _pass_on(self, source, target, far, first):
        """Passes on one direction of a connection until it breaks; `first` is for the first direction that does."""
        broken = None
        while broken is None:
            try:
                data = source.recv(1 << 16)
            except OSError:
                data = b''
            try:
                broken = None if data else source
                target.sendall(data)
            except OSError:
                broken = target
        if first.acquire(blocking=False):
            if broken is far and self._watches:
                self._lost()
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)  # wakes the other direction, which closes
        else:
            source.close()
            target.close()

    def _begin(self, work, *given):
        threading.Thread(target=work, args=given, daemon=True, name='relay').start()
