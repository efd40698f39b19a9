"""Lost and found: nothing freezes, nothing jumps."""

from __future__ import annotations

import numpy as np
import pytest

from core.blendshapes import COUNT
from core.expression.presence import Presence, PresenceParameters
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.structures import FaceState


def state(time_s: float, value: float, yaw_rad: float = 0.0, confidence: float = 0.9) -> FaceState:
    return FaceState(
        time_s,
        blendshapes=np.full(COUNT, value, np.float32),
        head_rotation=rotation_from_yaw_pitch_roll(yaw_rad, 0.0, 0.0).astype(np.float32),
        confidence=confidence,
    )


def settled(presence: Presence, value: float, frames: int = 60) -> list[FaceState]:
    return [presence.seen(state(k / 30, value)) for k in range(frames)]


@pytest.mark.parametrize("rate_hz", [15.0, 30.0, 60.0])
def test_a_found_face_rises_from_neutral_and_then_follows_exactly(rate_hz: float) -> None:
    presence = Presence()
    shown = [presence.seen(state(k / rate_hz, 1.0)).blendshapes[0] for k in range(round(rate_hz))]
    assert np.diff(shown, prepend=0.0).max() <= 0.3
    assert shown[-1] == 1.0
    follower = presence.seen(state(1.0, 0.2))
    assert follower.blendshapes[0] == pytest.approx(0.2)  # a face in view may move as fast as it likes


@pytest.mark.parametrize("rate_hz", [15.0, 30.0, 60.0])
def test_a_lost_face_fades_to_neutral_and_its_confidence_falls_to_nothing(rate_hz: float) -> None:
    presence = Presence()
    last = settled(presence, 0.8)[-1]
    faded = []
    time_s = last.timestamp_s
    while (shown := presence.missed(time_s := time_s + 1 / rate_hz)) is not None:
        faded.append(shown)
    values = np.array([0.8, *(s.blendshapes[0] for s in faded)])
    sure = np.array([0.9, *(s.confidence for s in faded)])
    assert np.all(np.diff(values) <= 1e-6) and np.abs(np.diff(values)).max() <= 0.3
    assert values[-1] < 0.03
    assert np.all(np.diff(sure) < 0) and sure[-1] < 0.1
    assert faded[-1].emotion.sum() == pytest.approx(1.0)


def test_fading_does_not_depend_on_the_frame_rate() -> None:
    values = []
    for rate_hz in (15.0, 60.0):
        presence = Presence()
        start_s = settled(presence, 0.8)[-1].timestamp_s
        shown = None
        for k in range(1, round(0.6 * rate_hz) + 1):
            shown = presence.missed(start_s + k / rate_hz)
        assert shown is not None
        values.append(shown.blendshapes[0])
    assert values[0] == pytest.approx(values[1], rel=1e-4)


def test_a_short_loss_holds_the_face() -> None:
    presence = Presence(PresenceParameters(hold_s=0.1))
    start_s = settled(presence, 0.8)[-1].timestamp_s
    held = presence.missed(start_s + 0.08)
    assert held is not None
    assert held.blendshapes[0] == pytest.approx(0.8)


def test_a_face_found_again_returns_without_a_jump() -> None:
    presence = Presence()
    start_s = settled(presence, 0.9)[-1].timestamp_s
    shown = [presence.missed(start_s + k / 30) for k in range(1, 25)]
    assert shown[-1] is not None
    before = shown[-1]
    values, angles = [before.blendshapes[0]], []
    for k in range(25, 50):
        found = presence.seen(state(start_s + k / 30, 0.9, yaw_rad=0.4))
        values.append(found.blendshapes[0])
        angles.append(np.arctan2(found.head_rotation[0, 2], found.head_rotation[2, 2]))
    assert np.abs(np.diff(values)).max() <= 0.3
    assert values[-1] == pytest.approx(0.9)
    assert 0 < abs(angles[0]) < 0.4
    assert abs(angles[-1]) == pytest.approx(0.4, abs=1e-3)


def test_a_face_that_was_never_there_cannot_be_missed() -> None:
    assert Presence().missed(1.0) is None
