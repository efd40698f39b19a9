"""What valence and arousal do to a speaking face: the part of the lesson that no voice decides.

After the action units of basic emotions in `training.emotion_lstm.feelings`; reduced at the mouth to about a third,
since at full strength it hides the speech.
"""

from __future__ import annotations

import numpy as np

from core.blendshapes import COUNT, INDEX

ARTICULATION_BY_AROUSAL = 0.22  # an aroused speaker opens and rounds so much more
MOODS: dict[str, dict[str, float]] = {
    "pleased": {"mouthSmile": 0.3, "cheekSquint": 0.28, "eyeSquint": 0.12, "mouthDimple": 0.08},
    "angry": {"browDown": 0.6, "noseSneer": 0.22, "eyeSquint": 0.25, "mouthFrown": 0.16, "jawForward": 0.1},
    "sad": {"browInnerUp": 0.5, "mouthFrown": 0.3, "mouthShrugLower": 0.12, "browDown": 0.1, "eyeSquint": 0.1},
    "awake": {"eyeWide": 0.3, "browOuterUp": 0.28, "browInnerUp": 0.22},
    "tired": {"eyeSquint": 0.15, "eyeBlink": 0.12},
}


def mood_rows() -> np.ndarray:
    """(5, 52) float32 coefficients of each of `MOODS`, both sides alike."""
    rows = np.zeros((len(MOODS), COUNT), np.float32)
    for row, mood in zip(rows, MOODS.values(), strict=True):
        for name, value in mood.items():
            for full in (name, f"{name}Left", f"{name}Right"):
                if full in INDEX:
                    row[INDEX[full]] = value
    return rows


def mood_shares(control: np.ndarray) -> np.ndarray:
    """(n, 5) how far each of `MOODS` is on. control: (n, 2) valence and arousal in [-1, 1]."""
    valence, arousal = control[:, 0], control[:, 1]
    bad, up, down = np.maximum(-valence, 0), np.maximum(arousal, 0), np.maximum(-arousal, 0)
    return np.stack(
        [np.maximum(valence, 0), bad * up, bad * (1 - up), up * (1 - np.abs(valence)), down * (1 - np.abs(valence))], 1
    ).astype(np.float32)
