"""What MediaPipe's own blendshape network answers to the same points: a second opinion that has seen real people.

The network (Apache-2.0) lies in the optional pack `face_landmarker.task`. It is asked about the points that FaceMesh
gave on drawn heads. Its answers are taught beside the truth, from the same hidden layers, and thrown away afterwards:
what it takes to give them keeps those layers from knowing drawn heads alone. Its weights are not copied.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX

MODEL_NAME = "face_blendshapes.tflite"
POINTS = np.array([
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251,
    263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
])  # fmt: skip
"""The 146 points it reads (MediaPipe, face_blendshapes_graph.cc). It answers `_neutral` and then the other 51 names by
the alphabet; it has no tongueOut."""
ANSWERS = tuple(sorted(name for name in ARKIT_NAMES if name != "tongueOut"))


class SecondOpinion:
    """Asks the network in a `face_landmarker.task`. Needs ai-edge-litert (requirements-train.txt)."""

    def __init__(self, task: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with ZipFile(task) as parts:
            self._network: Any = Interpreter(model_content=parts.read(MODEL_NAME), num_threads=1)
        self._network.allocate_tensors()
        self._input = self._network.get_input_details()[0]["index"]
        self._output = self._network.get_output_details()[0]["index"]

    def answers(self, points: np.ndarray) -> np.ndarray:
        """(n, 52) float32 coefficients, 0 for the tongue. points: (n, 478, 3) pixels."""
        found = np.zeros((len(points), COUNT), np.float32)
        columns = [INDEX[name] for name in ANSWERS]
        for row, face in zip(found, points, strict=True):
            self._network.set_tensor(self._input, face[None, POINTS, :2].astype(np.float32))
            self._network.invoke()
            row[columns] = self._network.get_tensor(self._output).ravel()[1:]
        return found
