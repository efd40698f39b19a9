"""What is said of outputs, in words a person reads."""

from __future__ import annotations

from core.errors import InputError
from core.streaming.output import OutputPhase, OutputStatus
from core.streaming.server_settings import is_loopback

WEBSOCKET = "ws"
KIND_WORDS = {
    WEBSOCKET: "WebSocket, browsers",
    "livelink": "Live Link Face, Unreal",
    "vmc": "VMC, VTuber programs",
    "ifacialmocap": "iFacialMocap",
    "openseeface": "OpenSeeFace, VSeeFace",
    "udp": "JSON over UDP",
    "osc": "OSC, TouchDesigner",
}
RATES = {0.0: "As they come", 60.0: "60 a second", 30.0: "30 a second", 15.0: "15 a second"}
"""Most frames a second; 0 for as many as come."""


def host_of(address: str) -> str:
    """The machine in `ws://HOST:PORT` or `HOST:PORT`, without brackets."""
    return address.removeprefix("ws://").rpartition(":")[0].strip("[]")


def stays_here(address: str) -> bool:
    """Whether what goes to this address cannot leave the machine that runs the app."""
    return is_loopback(host_of(address))


def where_words(address: str) -> str:
    """Who gets the frames, said plainly."""
    if address.startswith("ws://"):
        if stays_here(address):
            return "Only programs on this computer can connect."
        return f"Other computers can now read the frames' numbers at {address}, with the token."
    if stays_here(address):
        return "The frames' numbers stay on this computer."
    return f"The frames' numbers now leave this computer to {address}."


def plan_words(kind: str, host: str, port: int) -> str:
    """What a start would do, where that reaches beyond this computer; "" where it does not."""
    if is_loopback(host):
        return ""
    if kind == WEBSOCKET:
        return f"Once started, other computers can connect to port {port} with the token below. No picture is sent."
    return f"Once started, the numbers of every frame leave this computer to {host}:{port}. No picture is sent."


def numbers_line(status: OutputStatus) -> str:
    """Rate, age, clients, and what was left out or failed."""
    parts = []
    if status.rate_hz > 0.0:
        parts.append(f"{status.rate_hz:.0f} frames/s")
        if status.age_ms is not None:
            parts.append(f"{status.age_ms:.0f} ms old when sent")
    if "clients" in status.details:
        clients = int(status.details["clients"])
        parts.append("no client yet" if clients == 0 else "1 client" if clients == 1 else f"{clients} clients")
    parts.append(f"{status.dropped} left out")
    parts.append("no errors" if not status.errors else "1 error" if status.errors == 1 else f"{status.errors} errors")
    return " · ".join(parts)


def trouble_words(status: OutputStatus) -> str:
    """What is wrong with an output; "" where nothing is."""
    reason = f" {status.error}" if status.error else ""
    if status.phase is OutputPhase.FAILED:
        return f"It ended by itself.{reason} Stop it and start it again."
    return f"Last error: {status.error}" if status.error else ""


def is_idle(status: OutputStatus) -> bool:
    """Whether it runs but has nothing to send."""
    return status.phase is OutputPhase.RUNNING and status.rate_hz == 0.0


def checked_host(text: str) -> str:
    """The address as typed, without blanks. InputError: none, or an address with a port or a scheme in it."""
    host = text.strip().strip("[]")
    if not host or any(sign in host for sign in "/ @") or host.count(":") == 1:
        raise InputError(f"An address is a name or numbers as 192.168.1.5, without port, but it is '{text.strip()}'.")
    return host
