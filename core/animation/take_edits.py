"""Takes cut, looped, played faster and mixed. Each function leaves its takes as they are and returns a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from core.animation.take import Take, between_states
from core.blendshapes import COUNT, INDEX, REGIONS
from core.errors import TakeError
from core.structures import FaceState, FloatArray

MOST_STATES = 1_000_000
ROUNDING_S = 1e-6  # a frame at 0.1 s is one even where its time reads 0.10000000000000009
PARTS: tuple[str, ...] = (*REGIONS, "head", "gaze")
"""What a mix may weigh alone: the regions of the face, the head's turn and place, the turn of the eyes."""


def shifted(take: Take, start_s: float = 0.0) -> Take:
    """The same performance with its first state at `start_s`; the time of day of every state stays."""
    delta_s = start_s - take.states[0].timestamp_s
    states = tuple(replace(state, timestamp_s=state.timestamp_s + delta_s) for state in take.states)
    return replace(take, states=states, timecode_start_s=take.timecode_start_s - delta_s)


def trim(take: Take, start_s: float, end_s: float) -> Take:
    """What happens from `start_s` to `end_s`, seconds after the take's first state, both included; it starts at 0.

    TakeError: the end is not after the start, or nothing lies between.
    """
    if not start_s < end_s:
        raise TakeError(f"A piece of a take ends after its start, but got {start_s:g} s to {end_s:g} s.")
    first_s = take.states[0].timestamp_s
    return shifted(take.trimmed(first_s + start_s - ROUNDING_S, first_s + end_s + ROUNDING_S))


def loop(take: Take, repeats: int, fade_s: float = 0.0) -> Take:
    """The take `repeats` times in a row, from time 0 on.

    fade_s: the end of each round flows into the start of the next for so long, so that nothing jumps; each round but
    the last is shorter by that. TakeError: fewer than one repeat, too many states, or a fade beyond half the take.
    """
    if repeats < 1 or repeats * len(take.states) > MOST_STATES:
        raise TakeError(f"A take is repeated once or more, up to {MOST_STATES} frames, but got {repeats} times.")
    if not 0.0 <= fade_s <= 0.5 * take.duration_s:
        raise TakeError(f"A fade lasts up to half the take, {0.5 * take.duration_s:g} s, but got {fade_s:g} s.")
    if fade_s == 0.0:
        return replace(shifted(take), states=tuple(take.replay(repeats)))
    start = shifted(take)
    period_s, rate_hz = take.duration_s - fade_s, take.rate_hz
    times_s = np.arange(int(np.floor((period_s * repeats + fade_s) * rate_hz + 1e-6)) + 1) / rate_hz
    states = []
    for time_s in map(float, times_s):
        rounds = min(int(time_s / period_s), repeats - 1)
        now_s = time_s - rounds * period_s
        state = start.at(now_s)
        if rounds > 0 and now_s < fade_s:
            state = between_states(start.at(period_s + now_s), state, _smooth_step(now_s / fade_s), now_s)
        states.append(replace(state, timestamp_s=time_s))
    return replace(start, states=tuple(states))


def at_speed(take: Take, speed: float) -> Take:
    """The same states, `speed` times as fast from time 0 on; the rate grows with it. TakeError: no such speed."""
    if not 0.01 <= speed <= 100.0:
        raise TakeError(f"The speed of a take lies between 0.01 and 100, but got {speed:g}.")
    start = shifted(take)
    states = tuple(replace(state, timestamp_s=state.timestamp_s / speed) for state in start.states)
    return replace(start, states=states, rate_hz=take.rate_hz * speed)


def retime(take: Take, rate_hz: float) -> Take:
    """The same performance with evenly spaced frames from time 0 on. TakeError: no rate, or too many frames."""
    if not (1.0 <= rate_hz <= 1000.0 and take.duration_s * rate_hz < MOST_STATES):
        raise TakeError(f"A take has 1 to 1000 frames a second, but got {rate_hz:g} for {take.duration_s:g} s.")
    return shifted(take).resampled(rate_hz)


def mix(take: Take, other: Take, weights: float | Mapping[str, float]) -> Take:
    """The frames of `take`, moved towards what `other` does at the same time after its start.

    weights: 0 is `take` alone, 1 `other` alone; one for everything, or one for each of some `PARTS`, the rest staying
    as in `take`. The last state of a shorter `other` is held. Where only one of the two has a face, that one counts.
    Valence, arousal and emotion follow the one weight, or stay. TakeError: a weight outside [0, 1] or an unknown part.
    """
    one = isinstance(weights, int | float)
    parts = dict.fromkeys(PARTS, float(weights)) if isinstance(weights, int | float) else dict(weights)
    strange = [name for name in parts if name not in PARTS]
    if strange:
        raise TakeError(f"A mix knows the parts {', '.join(PARTS)}, but got '{strange[0]}'.")
    if not all(0.0 <= weight <= 1.0 for weight in parts.values()):
        raise TakeError(f"The weights of a mix lie between 0 and 1, but got {weights}.")
    channels = channel_weights(parts)
    start, beside = shifted(take), shifted(other)
    whole = parts[PARTS[0]] if one else 0.0
    states = tuple(_mixed(state, beside.at(state.timestamp_s), parts, channels, whole) for state in start.states)
    return replace(start, states=states)


def channel_weights(parts: Mapping[str, float]) -> FloatArray:
    """(52,) float64: the weight of each coefficient by its region, 0 where the region is not named."""
    weights = np.zeros(COUNT)
    for region, names in REGIONS.items():
        weights[[INDEX[name] for name in names]] = parts.get(region, 0.0)
    return weights


def without_gaps(take: Take) -> Take:
    """The take with every state without a face replaced by the last face before it, or at the start the first one.

    TakeError: there is no face in it.
    """
    last = next((state for state in take.states if state.has_face), None)
    if last is None:
        raise TakeError(f"'{take.name}' holds no face at all, so there is nothing to show.")
    states = []
    for state in take.states:
        last = state if state.has_face else last
        states.append(replace(last, timestamp_s=state.timestamp_s))
    return replace(take, states=tuple(states))


def _smooth_step(x: float) -> float:
    return x * x * (3.0 - 2.0 * x)


def _mixed(
    state: FaceState, other: FaceState, parts: Mapping[str, float], channels: FloatArray, whole: float
) -> FaceState:
    if not (state.has_face and other.has_face):
        return state if state.has_face or not other.has_face else replace(other, timestamp_s=state.timestamp_s)
    head, gaze = parts.get("head", 0.0), parts.get("gaze", 0.0)
    result = between_states(state, other, whole, state.timestamp_s)
    turned = between_states(state, other, head, state.timestamp_s)
    return replace(
        result,
        face_id=state.face_id,
        blendshapes=np.clip(
            (1.0 - channels) * state.blendshapes + channels * other.blendshapes, 0.0, 1.0
        ).astype(np.float32),
        head_rotation=turned.head_rotation,
        head_translation=turned.head_translation,
        gaze=((1.0 - gaze) * state.gaze + gaze * other.gaze).astype(np.float32),
    )  # fmt: skip
