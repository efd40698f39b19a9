"""No helper server nearby; far away those that the person who runs the app named."""

from __future__ import annotations

import pytest

from ui.ice import ice_servers, is_near

ENVIRONMENT = {
    "LIVE_AVATAR_STUN": "stun:stun.example.org:3478",
    "LIVE_AVATAR_TURN": "turn:turn.example.org:3478, turns:turn.example.org:5349",
    "LIVE_AVATAR_TURN_USER": "someone",
    "LIVE_AVATAR_TURN_PASSWORD": "secret",
}


@pytest.mark.parametrize(
    "url",
    [
        "", "http://localhost:8501/capture", "http://127.0.0.1:8501", "http://[::1]:8501", "https://192.168.1.20",
        "https://10.0.0.3:8501", "http://studio:8501", "http://studio.local:8501",
    ],
)  # fmt: skip
def test_nearby_needs_no_server(url):
    assert is_near(url)
    assert ice_servers(url, ENVIRONMENT) == []


@pytest.mark.parametrize("url", ["https://avatar.example.org/capture", "https://8.8.8.8"])
def test_far_away_uses_what_the_environment_names_and_nothing_else(url):
    assert not is_near(url)
    assert ice_servers(url, {}) == []
    stun, turn = ice_servers(url, ENVIRONMENT)
    assert stun == {"urls": ["stun:stun.example.org:3478"]}
    assert turn == {
        "urls": ["turn:turn.example.org:3478", "turns:turn.example.org:5349"],
        "username": "someone",
        "credential": "secret",
    }
