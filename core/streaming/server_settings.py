"""What the WebSocket server obeys, and the words of its protocol."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from core.errors import StreamError

JSON_PROTOCOL = "liveavatar.json.v1"
BINARY_PROTOCOL = "liveavatar.f32.v1"
DEFAULT_PORT = 8765

# Close codes of our own, in the range that RFC 6455 leaves to applications.
CLOSE_TOKEN = 4401
CLOSE_SILENT = 4408
CLOSE_FLOOD = 4429


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """host, port: where to listen; port 0 takes a free one. token: what a client must say first; empty asks nothing.

    origins: pages, as `https://example.org` or `http://example.org:*`, that may connect beside those of this machine.
    credit: most frames under way to one client. acknowledge_s: longest time without an answer to a frame.
    open_s: longest time for handshake and token. max_message_bytes, messages_per_s: what a client may send.
    max_connections, max_per_address: open connections at once, in all and from one address. max_waiting_bytes: what may
    wait in the server for one client, beyond which it gets nothing more. rig_name, rate_hz: told in the hello.
    StreamError: a value out of range, or open to the network without a token.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str = ""
    origins: tuple[str, ...] = ()
    credit: int = 3
    acknowledge_s: float = 30.0
    open_s: float = 5.0
    max_message_bytes: int = 4096
    messages_per_s: float = 400.0
    max_connections: int = 128
    max_per_address: int = 64
    max_waiting_bytes: int = 65_536
    rig_name: str = ""
    rate_hz: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise StreamError(f"A port lies between 1 and 65535, but it is {self.port}.")
        if not is_loopback(self.host) and not self.token:
            raise StreamError(
                f"'{self.host}' can be reached by other machines: give a token, or everybody there could watch."
            )
        if len(self.token) > 256:
            raise StreamError("A token has at most 256 characters.")
        least = {
            "credit": self.credit,
            "max_connections": self.max_connections,
            "max_per_address": self.max_per_address,
        }
        for name, value in least.items():
            if value < 1:
                raise StreamError(f"{name} must be at least 1, but it is {value}.")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
