"""The learned estimate: what a face's points say about the 52 coefficients. NumPy only at run time.

Trained on heads whose coefficients are known (`python -m training.expression`, card in docs/expression.md). The points
come as displacements from the person's neutral and as they are, so that a wrong neutral can be seen through. A
recurrent cell with the elapsed time in its gates (Cho et al. 2014, gates in the order update, reset) remembers the
last moments and the person. Tried and left: small grey crops of eyes, mouth and face beside the points.
On drawn heads they helped a little (correlation 0.69 against 0.66), on real clips not (0.69 against 0.71), and they
cost more than all the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from core.blendshapes import ARKIT_NAMES, COUNT
from core.errors import ModelPackError
from core.structures import FloatArray, HeadPose
from core.tracking.gaze import lid_openness
from core.tracking.landmark_ids import INNER_LIPS, OUTER_LIPS

WEIGHTS_FILE = Path(__file__).parent / "data" / "expression_network.safetensors"
FACE_POINTS = 468
DISPLACEMENT_SCALE, SHAPE_SCALE = 200.0, 100.0  # metres to values of order one
PLAIN_FEATURES = 13
USUAL_STEP_S = 1.0 / 30.0
LONGEST_STEP_S = 0.5


def plain_features(head_points: FloatArray, neutral: FloatArray, gaze: FloatArray, pose: HeadPose) -> FloatArray:
    """(..., 13) float32 of order one: head's turn and distance, gaze, lid gaps now and at rest, lip gap.

    head_points: (..., 478, 3), neutral: (478, 3), metres, head frame; gaze: (..., 2, 2) radians; pose: of all of them.
    """
    rotation = pose.rotation
    found = np.empty((*head_points.shape[:-2], PLAIN_FEATURES), np.float32)
    found[..., :3] = 2 * rotation[0, 2], 2 * rotation[1, 2], 2 * rotation[1, 0]
    found[..., 3] = np.log(max(-float(pose.translation[2]), 0.05))
    found[..., 4:8] = 2 * np.asarray(gaze).reshape(*head_points.shape[:-2], 4)
    found[..., 8:10], found[..., 10:12] = 4 * lid_openness(head_points), 4 * lid_openness(neutral)
    gap = np.linalg.norm(head_points[..., INNER_LIPS[5], :] - head_points[..., INNER_LIPS[15], :], axis=-1)
    width = np.linalg.norm(head_points[..., OUTER_LIPS[0], :] - head_points[..., OUTER_LIPS[10], :], axis=-1)
    found[..., 12] = 10 * gap / np.maximum(width, 1e-6)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionReading:
    """blendshapes: (52,) float32 in [0, 1]; doubt: (52,) float32, the mean error that the network expects of each;
    second_opinion: (52,) float32 in [0, 1], what it thinks that MediaPipe's own network would say."""

    blendshapes: FloatArray
    doubt: FloatArray
    second_opinion: FloatArray


class ExpressionNetwork:
    """Follows one face. weights: by name as in `WEIGHTS_FILE`; those that ship with this version when left out."""

    def __init__(self, weights: dict[str, FloatArray] | None = None) -> None:
        self._w = weights if weights is not None else shipped_weights()
        # Displacement and shape are both linear in the points, so one product serves both.
        self._points = DISPLACEMENT_SCALE * self._w["displacement"] + SHAPE_SCALE * self._w["shape"]
        self._neutral: FloatArray | None = None
        self._at_rest = np.zeros(len(self._points), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forgets the last moments."""
        self._hidden = np.zeros(self._w["cell.state"].shape[1], np.float32)
        self._timestamp_s: float | None = None

    def step(
        self, head_points: FloatArray, neutral: FloatArray, gaze: FloatArray, pose: HeadPose, timestamp_s: float
    ) -> ExpressionReading:
        """What the face does at this moment; the arguments as for `plain_features`. A time before the last one means
        that the source began anew."""
        w = self._w
        moved = (head_points[:FACE_POINTS].ravel() - w["template"]).astype(np.float32)
        geometry = _relu(
            self._points @ moved
            - self._resting(neutral)
            + w["plain"] @ plain_features(head_points, neutral, gaze, pose)
            + w["geometry.bias"]
        )
        trunk = _relu(w["trunk"] @ geometry + w["trunk.bias"])
        hidden = self._remember(trunk, timestamp_s)
        answer = w["answer"] @ np.concatenate([trunk, hidden]) + w["answer.bias"]
        doubt = np.exp(np.clip(answer[COUNT:], -6.0, 0.0))
        second = _sigmoid(w["second"] @ trunk + w["second.bias"])
        return ExpressionReading(_sigmoid(answer[:COUNT]), doubt.astype(np.float32), second)

    def _resting(self, neutral: FloatArray) -> FloatArray:
        """What the neutral takes off, computed once for each."""
        if neutral is not self._neutral:
            away = (neutral[:FACE_POINTS].ravel() - self._w["template"]).astype(np.float32)
            self._neutral, self._at_rest = neutral, DISPLACEMENT_SCALE * (self._w["displacement"] @ away)
        return self._at_rest

    def _remember(self, trunk: FloatArray, timestamp_s: float) -> FloatArray:
        w = self._w
        if self._timestamp_s is None or timestamp_s < self._timestamp_s:
            self._hidden, elapsed = np.zeros_like(self._hidden), 1.0
        else:
            elapsed = min(timestamp_s - self._timestamp_s, LONGEST_STEP_S) / USUAL_STEP_S
        self._timestamp_s = timestamp_s
        width = len(self._hidden)
        given = w["cell.input"] @ trunk + w["cell.bias"]
        gates = _sigmoid(given[: 2 * width] + w["cell.state"][: 2 * width] @ self._hidden)
        new = np.tanh(given[2 * width :] + w["cell.state"][2 * width :] @ (gates[width:] * self._hidden))
        keep = np.power(1.0 - gates[:width] + 1e-6, elapsed)  # the same after two short steps as after one long
        self._hidden = (keep * self._hidden + (1.0 - keep) * new).astype(np.float32)
        return self._hidden


def _relu(values: FloatArray) -> FloatArray:
    return np.maximum(values, 0.0)


def _sigmoid(values: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)), np.float32)


def load_weights(path: Path) -> dict[str, FloatArray]:
    """The weights in a safetensors file, float32. ModelPackError: absent, damaged, for other names, not finite."""
    try:
        with safe_open(path, framework="numpy") as stored:
            names = (stored.metadata() or {}).get("blendshapes", "").split()
            found = {name: stored.get_tensor(name).astype(np.float32) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelPackError(f"The expression network's weights {path.name} cannot be read: {error}") from None
    if tuple(names) != ARKIT_NAMES:
        raise ModelPackError(f"{path.name} must be made for the 52 ARKit names in their order, but it is not.")
    wanted = {
        "template", "displacement", "shape", "plain", "geometry.bias", "trunk", "trunk.bias", "answer", "answer.bias",
        "cell.input", "cell.state", "cell.bias", "second", "second.bias",
    }  # fmt: skip
    if missing := sorted(wanted - set(found)):
        raise ModelPackError(f"{path.name} must hold {missing[0]}, but it does not. Train it again.")
    if len(found["answer.bias"]) != 2 * COUNT or found["displacement"].shape[1] != 3 * FACE_POINTS:
        raise ModelPackError(f"{path.name} is of another version of the expression network. Train it again.")
    if not all(np.isfinite(values).all() for values in found.values()):
        raise ModelPackError(f"{path.name} holds values that are not finite. Train it again.")
    return found


@cache
def shipped_weights() -> dict[str, FloatArray]:
    """The weights that come with this version."""
    return load_weights(WEIGHTS_FILE)
