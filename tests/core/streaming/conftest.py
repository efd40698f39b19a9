"""A server to connect to."""

from __future__ import annotations

import pytest

from core.streaming.server_settings import ServerSettings
from core.streaming.server_thread import ServerThread


@pytest.fixture
def make_server():
    """make_server(**settings): a server on a free port, stopped at the end."""
    servers = []

    def make(**settings) -> ServerThread:
        servers.append(ServerThread(ServerSettings(port=0, **settings)))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def server(make_server) -> ServerThread:
    return make_server()
