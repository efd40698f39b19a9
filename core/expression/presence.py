"""A face that comes, goes and comes back: it rises from neutral, fades instead of freezing, and returns without a
jump."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from core.geometry.rotation import nearest_rotation
from core.structures import FaceState, FloatArray

USUAL_STEP_S = 1 / 30
ARRIVED = 0.02  # a coefficient this near its goal needs no help


@dataclass(frozen=True, slots=True)
class PresenceParameters:
    """hold_s: a face that blinks out for less stays as it was. fade_s: time constant of the way to neutral. gone_s:
    after which a lost face is no face. return_s: time constant with which a found face takes over from the faded one.
    most_jump: the farthest a coefficient may move in one frame meanwhile, whatever the frame rate."""

    hold_s: float = 0.10
    fade_s: float = 0.25
    gone_s: float = 1.2
    return_s: float = 0.06
    most_jump: float = 0.28


class Presence:
    """Follows one face through losses. Everything takes the frame's own time."""

    def __init__(self, parameters: PresenceParameters | None = None) -> None:
        self._parameters = parameters or PresenceParameters()
        self._shown: FaceState | None = None
        self._seen_s = -math.inf
        self._sure = 0.0
        self._returning = False

    def seen(self, state: FaceState) -> FaceState:
        """The state to show for a face that is in view."""
        shown = self._shown or _arriving(state)
        self._returning = self._returning or self._shown is None
        self._seen_s, self._sure = state.timestamp_s, state.confidence
        if self._returning and state.timestamp_s > shown.timestamp_s:
            state = self._eased(shown, state)
        self._shown = state
        return state

    def missed(self, timestamp_s: float) -> FaceState | None:
        """The state to show for a frame without this face; None once it is gone for good."""
        shown, p = self._shown, self._parameters
        lost_s = timestamp_s - self._seen_s
        if shown is None or not 0 <= lost_s < p.gone_s:
            self._shown = None
            return None
        self._returning = True
        fading_s = timestamp_s - max(shown.timestamp_s, self._seen_s + p.hold_s)
        keep = math.exp(-max(0.0, fading_s) / p.fade_s)
        self._shown = replace(
            shown, timestamp_s=timestamp_s, confidence=self._sure * (1 - lost_s / p.gone_s),
            blendshapes=shown.blendshapes * np.float32(keep), gaze=shown.gaze * np.float32(keep),
            valence=shown.valence * keep, arousal=shown.arousal * keep,
            emotion=np.asarray(keep * shown.emotion + (1 - keep) * FaceState(0.0).emotion, np.float32),
        )  # fmt: skip
        return self._shown

    def _eased(self, shown: FaceState, state: FaceState) -> FaceState:
        """On the way from what was shown to what is seen."""
        p = self._parameters
        share = -math.expm1(-(state.timestamp_s - shown.timestamp_s) / p.return_s)
        away = state.blendshapes - shown.blendshapes
        step = np.clip(share * away, -p.most_jump, p.most_jump)
        self._returning = bool(np.abs(away - step).max() > ARRIVED)
        return replace(
            state,
            blendshapes=np.clip(shown.blendshapes + step, 0.0, 1.0),
            head_rotation=_between(shown.head_rotation, state.head_rotation, share),
        )


def _arriving(state: FaceState) -> FaceState:
    """A neutral face where this one appears, one frame before it does."""
    return replace(state, timestamp_s=state.timestamp_s - USUAL_STEP_S, blendshapes=np.zeros_like(state.blendshapes))


def _between(start: FloatArray, end: FloatArray, share: float) -> FloatArray:
    """A rotation on the way; exact enough for the few degrees of a lost moment."""
    return nearest_rotation((1 - share) * start + share * end).astype(np.float32)
