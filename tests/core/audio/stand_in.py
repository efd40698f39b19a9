"""A network without weights, with the frames and the look-ahead of the true one: the jaw opens as loud as it hears."""

from __future__ import annotations

import numpy as np

from core.audio.features import ENERGY
from core.audio.speech_layout import FEATURES_PER_STEP, FRAME_RATE_HZ, heard_steps
from core.blendshapes import COUNT, INDEX


class Hearing:
    def __init__(self, look_ahead_ms):
        self.look_ahead_ms = look_ahead_ms
        self.energy = []
        self.frame = 0


class LoudMouth:
    """jawOpen follows the energy of the newest 20 ms that a frame may hear; mouthFrown tells the mood."""

    def start(self, look_ahead_ms):
        return Hearing(look_ahead_ms)

    def step(self, state, features, valence, arousal):
        state.energy += features[:, ENERGY].tolist()
        faces = []
        while heard_steps(state.frame, state.look_ahead_ms) <= len(state.energy) // FEATURES_PER_STEP:
            face = np.zeros(COUNT, np.float32)
            heard = FEATURES_PER_STEP * heard_steps(state.frame, state.look_ahead_ms)
            loud = max(state.energy[max(0, heard - FEATURES_PER_STEP) : heard], default=0.0)
            face[INDEX["jawOpen"]] = np.clip(2.0 * loud - 0.6, 0.0, 1.0)
            face[INDEX["mouthFrownLeft"]] = max(0.0, -valence) * 0.3
            face[INDEX["browDownLeft"]] = max(0.0, arousal) * 0.3
            faces.append(face)
            state.frame += 1
        assert FRAME_RATE_HZ == 30
        return np.array(faces, np.float32).reshape(-1, COUNT)
