"""A camera and a voice as one face: the voice lends what the camera does not see, and gives it back.

Causal and without a clock: everything takes the frame's own time. Each region of the face has a share of the voice in
[0, 1] that walks at a constant pace towards what the view asks for, so that it arrives exactly, and at the same moment
at any frame rate; an S-shaped weight over it starts and ends the way softly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.animation.take import between_rotations
from core.blendshapes import ARKIT_NAMES
from core.structures import FaceState, FloatArray

_MOUTH = ("jaw", "mouth", "tongue", "cheekPuff")
_BROWS = ("brow",)
REGION_OF: tuple[str, ...] = tuple(
    "mouth" if name.startswith(_MOUTH) else "brows" if name.startswith(_BROWS) else "eyes" for name in ARKIT_NAMES
)
"""The region of `core.tracking.view_quality.REGION_POINTS` that shows each of the 52 shapes; nose and squinting cheeks
move beside the eyes."""
HEAD = "head"
REGIONS: tuple[str, ...] = ("brows", "eyes", "mouth", HEAD)
"""What the voice may lend. The head counts as seen wherever a face was found, turned away or not."""
_CHANNELS = {region: np.array([of == region for of in REGION_OF]) for region in REGIONS}


@dataclass(frozen=True, slots=True)
class FusionSettings:
    """trusted: confidence of a region from which the camera alone counts; lost: at which the voice alone does.

    to_voice_s, to_camera_s: how long the whole way takes. most_step: the farthest a share may go in one frame, whatever
    the frame rate: with it no coefficient moves by more than 0.27 a frame on the way.
    """

    trusted: float = 0.7
    lost: float = 0.35
    to_voice_s: float = 0.25
    to_camera_s: float = 0.25
    most_step: float = 0.18

    def wanted(self, confidence: float) -> float:
        """The voice's share in [0, 1] for a region that is seen with this confidence."""
        return min(1.0, max(0.0, (self.trusted - confidence) / (self.trusted - self.lost)))


class VoiceFusion:
    """Fuses the states of one face, frame by frame. State: the shares, the last time, the last voice and head seen."""

    def __init__(self, settings: FusionSettings | None = None) -> None:
        self._settings = settings or FusionSettings()
        self.reset()

    def reset(self) -> None:
        """Forgets everything; the next frame starts where it wants to be."""
        self._shares: dict[str, float] = {}
        self._time_s = 0.0
        self._voice: FaceState | None = None
        self._seen: FaceState | None = None

    @property
    def weights(self) -> dict[str, float]:
        """How much of each of `REGIONS` came from the voice in the last frame, in [0, 1]."""
        return {region: _soft(self._shares.get(region, 0.0)) for region in REGIONS}

    def fuse(self, camera: FaceState, sight: Mapping[str, float] | None, voice: FaceState | None) -> FaceState:
        """The face of this frame, at the camera's time and with its number.

        camera: what the camera says, `FaceState.no_face` included. sight: confidence in [0, 1] of brows, eyes and
        mouth, as `ViewQuality.regions`; None while no face is in view. voice: what the voice says at this moment; None
        while nobody listens, and then the last one lends until its share has gone.
        """
        self._walk(camera.timestamp_s, sight, voice is not None)
        self._voice = voice or self._voice
        if camera.has_face:
            self._seen = camera
        weights = self.weights
        if self._voice is None or not any(weights.values()):
            return camera
        return _mixed(camera, self._seen, self._voice, weights)

    def _walk(self, time_s: float, sight: Mapping[str, float] | None, has_voice: bool) -> None:
        """Takes every share one frame nearer to what the view asks for."""
        s = self._settings
        wanted = {region: s.wanted(_confidence(sight, region)) if has_voice else 0.0 for region in REGIONS}
        elapsed_s = max(0.0, time_s - self._time_s)
        self._time_s = time_s
        if not self._shares:
            self._shares = wanted
            return
        for region, goal in wanted.items():
            share = self._shares[region]
            way_s = s.to_voice_s if goal > share else s.to_camera_s
            step = min(s.most_step, elapsed_s / way_s)
            self._shares[region] = min(goal, share + step) if goal > share else max(goal, share - step)


def _confidence(sight: Mapping[str, float] | None, region: str) -> float:
    if sight is None:
        return 0.0
    return 1.0 if region == HEAD else sight[region]


def _soft(share: float) -> float:
    """0 to 1 with no speed at both ends."""
    return share * share * (3.0 - 2.0 * share)


def _mixed(camera: FaceState, seen: FaceState | None, voice: FaceState, weights: Mapping[str, float]) -> FaceState:
    """seen: the last state with a face; a head that is lost turns on from where it was and keeps its place."""
    channels = np.zeros(len(ARKIT_NAMES), np.float32)
    for region, is_its in _CHANNELS.items():
        channels[is_its] = weights[region]
    eyes, head = weights["eyes"], weights[HEAD]
    sure = sum(weights[region] for region in ("brows", "eyes", "mouth")) / 3.0
    return replace(
        camera,
        blendshapes=np.clip(_mix(camera.blendshapes, voice.blendshapes, channels), 0.0, 1.0),
        gaze=_mix(camera.gaze, voice.gaze, eyes),
        head_rotation=between_rotations((seen or camera).head_rotation, voice.head_rotation, head),
        head_translation=(seen or voice).head_translation,
        valence=float(_mix(camera.valence, voice.valence, head)),
        arousal=float(_mix(camera.arousal, voice.arousal, head)),
        emotion=_mix(camera.emotion, voice.emotion, head),
        confidence=camera.confidence + sure * max(0.0, voice.confidence - camera.confidence),
    )


def _mix(camera: FloatArray | float, voice: FloatArray | float, weight: FloatArray | float) -> FloatArray:
    return np.asarray((1.0 - weight) * camera + weight * voice, np.float32)
