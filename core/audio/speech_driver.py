"""A voice to a living face: features, the learned network for the mouth, gestures for the rest, 30 frames a second."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from core.audio.continuous_sound import GRID_HZ, ContinuousSound
from core.audio.features import ACTIVITY, BANDS, FEATURES, HOP, RATE_HZ, FeatureStream
from core.audio.speech_gestures import Gestures, SpeechGestures
from core.audio.speech_layout import FEATURES_PER_STEP, heard_steps, silent_features
from core.audio.speech_settings import SpeechFrame, SpeechSettings
from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.geometry.gaze_shapes import blendshapes_with_gaze
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.structures import AudioChunk, FaceState, FloatArray

FEATURE_RATE_HZ = RATE_HZ // HOP
SILENT_FEATURES = 14
KEPT_FEATURES = 300  # what a network that starts anew hears first: more than it remembers closely
ALIGNED_FEATURES, ALIGNED_FRAMES = 10, 3  # last equally long
MOUTH = np.array([name.startswith(("jaw", "mouth", "tongue", "cheekPuff")) for name in ARKIT_NAMES])
LIPS_APART = ("jawOpen", "mouthClose", "mouthLowerDown", "mouthUpperUp", "tongue")
PARTS_LIPS = np.array([name.startswith(LIPS_APART) for name in ARKIT_NAMES])
BROWS = {
    "browInnerUp": 0.9,
    "browOuterUpLeft": 0.8,
    "browOuterUpRight": 0.76,
    "eyeWideLeft": 0.15,
    "eyeWideRight": 0.15,
}
BLINKS = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 0.97}
QUIET, SURE = 0.2, 0.6  # presence of sound at which the mouth rests, and at which it moves in full
OPENING, CLOSING = 0.5, 0.15  # the most that the mouth's share of movement grows or falls in one frame
DISTANCE_M = 0.6  # of the face from the camera that nobody has


class SpeechModel(Protocol):
    """What the driver asks of a network; `core.audio.speech_network.SpeechNetwork` is the one."""

    def start(self, look_ahead_ms: float) -> Any:
        """A state that has heard silence; its next frame is number 0."""

    def step(self, state: Any, features: FloatArray, valence: float, arousal: float) -> FloatArray:
        """(frames, 52) in [0, 1]: every next frame k, at k / 30 s, that (n, 84) more features make known."""


class SpeechDriver:
    """One voice to one face. Cutting the sound into other chunks changes nothing.

    Frames lie at the first chunk's time + k / 30 s of the sound's own time. A frame is given when the sound is
    `latency_ms` further than it, at the latest, and never before it sounds.
    ModelPackError: no network is given and its weights are not there.
    """

    def __init__(
        self, network: SpeechModel | None = None, settings: SpeechSettings | None = None, seed: int = 0
    ) -> None:
        self._network = network if network is not None else load_network()
        self._settings = settings or SpeechSettings()
        self._sound = ContinuousSound()
        self._stream = FeatureStream()
        self._gestures = SpeechGestures(seed)
        self._rest = self._resting_face()
        self.reset()

    @property
    def settings(self) -> SpeechSettings:
        """What counts from the next frame on; setting it while a voice runs forgets nothing."""
        return self._settings

    @settings.setter
    def settings(self, settings: SpeechSettings) -> None:
        before, self._settings = self._settings, settings
        if settings.look_ahead_ms != before.look_ahead_ms:
            self._restart_network()
        if (settings.valence, settings.arousal) != (before.valence, before.arousal):
            self._rest = self._resting_face()

    @property
    def latency_ms(self) -> float:
        """How far the sound must be ahead of a frame before it is given; the length of a chunk comes on top."""
        return self._settings.look_ahead_ms + 1000.0 * self._sound.latency_s

    def reset(self) -> None:
        """Forget the voice; the next chunk begins a new sound."""
        self._sound.reset()
        self._stream.reset()
        self._gestures.reset()
        self._state = self._network.start(self._settings.look_ahead_ms)
        self._recent = np.zeros((0, FEATURES + 1))  # features, and how far any sound stands above the noise
        self._heard = 0  # features since the start; `_recent` holds the last of them
        self._told = 0  # features whose prosody has gone into gestures
        self._given = 0
        self._next_face = 0  # number of the frame that the network gives next
        self._waiting = np.zeros((0, COUNT), np.float32)  # faces of the next frames, known before they sound
        self._share = 0.0

    def push(self, chunk: AudioChunk) -> list[SpeechFrame]:
        """The frames that this chunk makes known, oldest first; often none or one.

        A gap before it is filled, what was heard already is left out; a chunk more than a second back begins a new
        sound. InputError: a rate outside 1 kHz to 768 kHz.
        """
        if self._sound.is_new_sound(chunk):
            self.reset()
        return self._hear(self._sound.push(chunk))

    def finish(self) -> list[SpeechFrame]:
        """The frames up to the sound's end, as if silence followed; the next chunk begins a new sound."""
        total = math.floor(self._sound.length_s * GRID_HZ + 1e-6) + 1 if self._sound.has_begun else 0
        frames = self._hear(self._sound.finish())
        silence = np.zeros(RATE_HZ // GRID_HZ, np.float32)
        while self._given < total:
            frames += self._hear(silence)
        late = self._given - total
        self.reset()
        return frames[: len(frames) - late] if late > 0 else frames

    def _hear(self, samples: FloatArray) -> list[SpeechFrame]:
        features = self._stream.push(samples)
        if len(features) == 0:
            return []
        fresh = np.concatenate([features, self._stream.presence[:, None]], axis=1)
        self._recent = np.concatenate([self._recent, fresh])
        self._heard += len(features)
        faces = np.concatenate([self._waiting, self._listen(features)])
        heard_until = math.floor(self._heard * GRID_HZ / FEATURE_RATE_HZ + 1e-6)  # the last frame that has sounded
        ready = min(len(faces), max(0, heard_until + 1 - self._given))
        self._waiting = faces[ready:]
        frames = [self._frame(face) for face in faces[:ready]]
        self._recent = self._recent[-KEPT_FEATURES:]
        return frames

    def _listen(self, features: FloatArray) -> FloatArray:
        """(n, 52) what the network says of these features, without frames that it has said already."""
        faces = self._network.step(self._state, features, self._settings.valence, self._settings.arousal)
        known = self._given + len(self._waiting) - self._next_face
        self._next_face += len(faces)
        return faces[max(0, known) :]

    def _frame(self, face: FloatArray) -> SpeechFrame:
        stream_s = self._given / GRID_HZ
        until = FEATURES_PER_STEP * heard_steps(self._given, self._settings.look_ahead_ms)
        until = min(self._heard, max(self._told, until))
        first = self._heard - len(self._recent)
        prosody = self._recent[max(0, self._told - first) : max(0, until - first), BANDS:FEATURES]
        speaking, presence = self._recent[max(0, until - first - 1), ACTIVITY:].tolist() if until > 0 else (0.0, 0.0)
        self._told = until
        self._given += 1
        gestures = self._gestures.step(prosody, speaking)
        wanted = min(1.0, max(0.0, (presence - QUIET) / (SURE - QUIET)))
        self._share += min(OPENING, max(-CLOSING, wanted - self._share))
        return SpeechFrame(self._face(face, gestures, self._sound.time_s(stream_s)), speaking)

    def _face(self, face: FloatArray, gestures: Gestures, time_s: float) -> FaceState:
        settings = self._settings
        moved = self._rest + self._share * (face - self._rest)
        values = np.where(MOUTH, self._rest + settings.strength * (moved - self._rest), face)
        for name, part in BLINKS.items():
            values[INDEX[name]] = max(values[INDEX[name]], part * gestures.blink * settings.blinks)
        for name, part in BROWS.items():
            values[INDEX[name]] += part * gestures.brows * settings.brows
        gaze = np.tile(settings.head_motion * gestures.gaze, (2, 1)).astype(np.float32)
        values = blendshapes_with_gaze(np.clip(values, 0.0, 1.0), gaze)
        angles = (settings.head_motion * angle for angle in (gestures.yaw, gestures.pitch, gestures.roll))
        return FaceState(
            time_s,
            blendshapes=values.astype(np.float32),
            head_rotation=rotation_from_yaw_pitch_roll(*angles).astype(np.float32),
            head_translation=np.array([0.0, 0.0, -DISTANCE_M], np.float32),
            gaze=gaze,
            valence=settings.valence,
            arousal=settings.arousal,
        )

    def _resting_face(self) -> FloatArray:
        """(52,) what the network says of silence in this mood, with the lips together."""
        state = self._network.start(0.0)
        silence = silent_features(SILENT_FEATURES)  # few: a network that starts has heard silence already
        face = self._network.step(state, silence, self._settings.valence, self._settings.arousal)[-1]
        return np.where(PARTS_LIPS, 0.0, face)

    def _restart_network(self) -> None:
        """Lets the network hear the last seconds again with the new look-ahead, up to the frame that comes next."""
        self._state = self._network.start(self._settings.look_ahead_ms)
        first = self._heard - len(self._recent)
        begin = first + -first % ALIGNED_FEATURES
        self._next_face = begin // ALIGNED_FEATURES * ALIGNED_FRAMES
        self._waiting = self._waiting[:0]
        self._waiting = self._listen(self._recent[begin - first :, :FEATURES])


def load_network() -> SpeechModel:
    """The network that comes with this project. ModelPackError: its weights are not there."""
    from core.audio.speech_network import SpeechNetwork

    return SpeechNetwork.load()
