"""Which helpers a video connection may use to find its way."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

IceServer: TypeAlias = dict[str, str | list[str]]

STUN_VARIABLE = "LIVE_AVATAR_STUN"
TURN_VARIABLE = "LIVE_AVATAR_TURN"
TURN_USER_VARIABLE = "LIVE_AVATAR_TURN_USER"
TURN_PASSWORD_VARIABLE = "LIVE_AVATAR_TURN_PASSWORD"
LOCAL_SUFFIXES = (".local", ".lan", ".home.arpa", ".internal")


def is_near(url: str) -> bool:
    """Whether the page's address is this machine or a private network, where no helper is needed."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "" or "." not in host or host.endswith(LOCAL_SUFFIXES)
    return address.is_loopback or address.is_private or address.is_link_local


def ice_servers(url: str, environment: Mapping[str, str] = os.environ) -> list[IceServer]:
    """The servers for a page at `url`: none nearby, else those of the environment (addresses split by commas).

    An unreachable server costs up to five seconds at START, and asking a public one tells it who is here; so none is
    used unless the person who runs the app names it.
    """
    if is_near(url):
        return []
    servers: list[IceServer] = []
    if stun := _addresses(environment.get(STUN_VARIABLE, "")):
        servers.append({"urls": stun})
    if turn := _addresses(environment.get(TURN_VARIABLE, "")):
        servers.append(
            {
                "urls": turn,
                "username": environment.get(TURN_USER_VARIABLE, ""),
                "credential": environment.get(TURN_PASSWORD_VARIABLE, ""),
            }
        )
    return servers


def _addresses(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
