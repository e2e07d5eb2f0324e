"""The web server in the engine's process: gevent's own, one greenlet a connection, bounded."""

from __future__ import annotations

import logging

from flask import Flask
from gevent import socket
from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer

from ivrengine.errors import SettingsError

CONNECTIONS_LIMIT = 3000  # live pages stay connected; more wait in the kernel's queue
STOP_SECONDS = 1.0  # for requests under way when the engine stops; live pages come back by themselves
READ_SECONDS = 60.0  # without a word from a browser that has not said its request, or keeps the line open for the next

log = logging.getLogger(__name__)


class Handler(WSGIHandler):
    """Browsers that keep silent don't keep their place; answers wait for no acknowledgement of their first half (40 ms)."""

    def handle(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(READ_SECONDS)
        super().handle()


class Server:
    """Takes the port when it is made, so that a taken one is told before the engine starts. Raises SettingsError."""

    def __init__(self, host: str, port: int) -> None:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._listener = socket.socket(family, socket.SOCK_STREAM)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((host, port))
            self._listener.listen(512)
        except OSError as error:
            self._listener.close()
            raise SettingsError(
                f"the pages can't be served on {host}:{port}: {error.strerror or error}; set web.host and web.port (0 for no pages)"
            ) from error
        self._server: WSGIServer | None = None

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self, app: Flask) -> None:
        self._server = WSGIServer(
            self._listener, app, log=None, error_log=log, spawn=Pool(CONNECTIONS_LIMIT), handler_class=Handler
        )
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(timeout=STOP_SECONDS)
        else:
            self._listener.close()
