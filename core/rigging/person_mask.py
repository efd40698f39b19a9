"""Where a picture shows the person and where what is behind, by the selfie segmentation of the mediapipe wheel.

It tells the person, hair and clothes included, from the background. It tells nothing of hair: that stays with the rule
of skin colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from core.head_model.identity import FACE_POINTS
from core.rigging.observation import Observation
from core.structures import FloatArray
from core.tracking.mediapipe_loading import load_selfie_segmentation

CROP_FACES = 1.6  # the network looks this many face sizes to each side: it sees 256 x 256 pixels, whatever it is given
EDGE = 0.02  # parts of the face's width
LEAST_FACE = 0.7  # a mask that leaves less of the face's points in the person has not found them


class PersonSegmenter:
    """Masks one picture after the other; gives None for all where the network cannot be had.

    The thread that makes it owns it.
    """

    def __init__(self) -> None:
        self._network: Any = None
        try:
            self._network = load_selfie_segmentation().SelfieSegmentation(model_selection=0)
        except (ImportError, OSError, RuntimeError, ValueError):
            self._network = None  # heads were built by colour alone before; no photo is worth failing for this

    def mask(self, seen: Observation) -> FloatArray | None:
        """(H, W) float32 in [0, 1], 1 where the picture shows the person and also where the network did not look; None
        when it failed or missed the face that is there."""
        if self._network is None:
            return None
        rows, columns = _surroundings(seen)
        try:
            found = self._network.process(np.ascontiguousarray(seen.image[rows, columns])).segmentation_mask
        except (OSError, RuntimeError, ValueError):
            return None
        if found is None or found.shape != seen.image[rows, columns].shape[:2]:
            return None
        mask = np.ones(seen.image.shape[:2], np.float32)
        # Its edge runs some pixels outside the person's.
        reach = max(2, round(EDGE * float(np.ptp(seen.landmarks.points[:FACE_POINTS, 0]))))
        mask[rows, columns] = cv2.erode(np.clip(np.nan_to_num(found), 0.0, 1.0), np.ones((reach, reach), np.uint8))
        x, y = np.round(seen.landmarks.points[:FACE_POINTS, :2]).astype(int).T
        inside = (x >= 0) & (x < mask.shape[1]) & (y >= 0) & (y < mask.shape[0])
        share = float((mask[y[inside], x[inside]] > 0.5).mean()) if inside.any() else 0.0
        return mask if share >= LEAST_FACE else None

    def close(self) -> None:
        """Give the network back."""
        if self._network is not None:
            self._network.close()
            self._network = None

    def __enter__(self) -> PersonSegmenter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def person_masks(observations: Sequence[Observation]) -> list[FloatArray | None]:
    """`PersonSegmenter.mask` of every picture."""
    with PersonSegmenter() as segmenter:
        return [segmenter.mask(seen) for seen in observations]


def person_share(mask: FloatArray, at: FloatArray) -> FloatArray:
    """(n,) how surely pixels (n, 2 or more; x, y) show the person, in [0, 1]."""
    columns = np.clip(at[:, 0].round().astype(int), 0, mask.shape[1] - 1)
    rows = np.clip(at[:, 1].round().astype(int), 0, mask.shape[0] - 1)
    return np.asarray(mask[rows, columns], np.float32)


def _surroundings(seen: Observation) -> tuple[slice, slice]:
    """Rows and columns of the picture around the face."""
    points = seen.landmarks.points[:FACE_POINTS, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    middle, reach = 0.5 * (low + high), CROP_FACES * float((high - low).max())
    height, width = seen.image.shape[:2]
    left, top = np.maximum(middle - reach, 0).astype(int)
    return slice(int(top), min(height, int(middle[1] + reach) + 1)), slice(
        int(left), min(width, int(middle[0] + reach) + 1)
    )
