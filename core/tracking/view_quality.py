"""How well a face can be seen, region by region, and what stands in the way: distance, light, a turn, a hand.

FaceMesh gives points for a mouth behind a hand just as for one in view and says nothing of it. What tells them apart is
the look of the skin there: its pattern of light and colour, which a face keeps while it talks and a hand does not have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.structures import BoolArray, FaceLandmarks, FloatArray, ImageArray
from core.tracking.landmark_ids import LEFT_BROW, OUTER_LIPS, RIGHT_BROW

_AROUND_EYES = (
    247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25, 130,
    467, 260, 259, 257, 258, 286, 414, 463, 341, 256, 252, 253, 254, 339, 255, 359,
    119, 348, 117, 346, 6, 197,
)  # fmt: skip
REGION_POINTS: dict[str, tuple[int, ...]] = {
    "brows": (*RIGHT_BROW, *LEFT_BROW, 151, 9, 108, 337, 69, 299),
    "eyes": _AROUND_EYES,
    "mouth": (*OUTER_LIPS, 164, 18, 200, 199, 175, 204, 424, 202, 422, 186, 410),
}
"""The points at which each region is looked at; around eyes and lips there is skin that moves little."""
_ALL_POINTS = np.array([point for points in REGION_POINTS.values() for point in points])
_ENDS = np.cumsum([len(points) for points in REGION_POINTS.values()])
_RUNS = {n: slice(end - len(p), end) for (n, p), end in zip(REGION_POINTS.items(), _ENDS, strict=True)}
_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # luma of Rec. 601

SIDE_PX = (14.0, 45.0)  # face width at which nothing, and everything, of a region can be told
DARK, LIT = 18.0, 45.0  # median grey level of the face, of 255
TURN_RAD = (0.65, 1.15)  # yaw or pitch from which, and at which, a region is out of sight
ALIKE = (0.15, 0.5)  # correlation with the remembered look
MEMORY_S = 3.0
LEAST_CONTRAST = 2.0  # grey levels; a region flatter than this has no pattern to compare
COVERED_BELOW = 0.35


@dataclass(frozen=True, slots=True)
class ViewQuality:
    """regions: confidence in [0, 1] by the names of `REGION_POINTS`. light: median grey level of the face, 0 to 255.
    covered: the regions that something seems to lie over. turned_rad: the larger of |yaw| and |pitch|."""

    regions: dict[str, float]
    light: float
    covered: tuple[str, ...]
    turned_rad: float

    @property
    def is_dark(self) -> bool:
        """Whether light is what is missing."""
        return self.light < 0.5 * (DARK + LIT)

    @property
    def is_turned_away(self) -> bool:
        """Whether half of the face is out of sight."""
        return self.turned_rad > 0.5 * sum(TURN_RAD)


class FaceWatch:
    """Watches one face; remembers how each region looks. State: a mean pattern per region, and the last time."""

    def __init__(self) -> None:
        self._looks: dict[str, FloatArray] = {}
        self._last_s = 0.0

    def observe(
        self, image: ImageArray, face: FaceLandmarks, turn_rad: tuple[float, float], timestamp_s: float
    ) -> ViewQuality:
        """The quality of this view. image: (H, W, 3) uint8 RGB; turn_rad: yaw and pitch of the head."""
        colours, is_inside = _sampled(image, face.points[_ALL_POINTS, :2])
        light = float(np.median(colours @ _GREY))
        turned = max(abs(turn_rad[0]), abs(turn_rad[1]))
        width_px = float(np.ptp(face.points[:468, 0]))
        common = _ramp(width_px, *SIDE_PX) * _ramp(light, DARK, LIT) * (1.0 - _ramp(turned, *TURN_RAD))
        share = min(1.0, max(0.0, timestamp_s - self._last_s) / MEMORY_S)
        self._last_s = timestamp_s
        regions, covered = {}, []
        for name, run in _RUNS.items():
            likeness = self._likeness(name, colours[run], share)
            if likeness < COVERED_BELOW and turned < TURN_RAD[0]:
                covered.append(name)
            regions[name] = common * likeness * float(is_inside[run].mean())
        return ViewQuality(regions, light, tuple(covered), turned)

    def _likeness(self, region: str, colours: FloatArray, share: float) -> float:
        """1 where the region looks as it did, 0 where it looks like something else; learns from what looks alike."""
        look = colours - colours.mean(axis=0)
        size = float(np.sqrt((look**2).mean()))
        known = self._looks.get(region)
        if size < LEAST_CONTRAST:
            return 1.0 if known is None else 0.0
        look = look / size
        if known is None:
            self._looks[region] = look
            return 1.0
        alike = _ramp(float((look * known).mean() / max(float(np.sqrt((known**2).mean())), 1e-6)), *ALIKE)
        self._looks[region] = known + alike * share * (look - known)
        return alike


def _sampled(image: ImageArray, points: FloatArray) -> tuple[FloatArray, BoolArray]:
    """((n, 3) mean colour of five pixels in a cross around each point, (n,) whether it lies inside the picture)."""
    height, width = image.shape[:2]
    x, y = points[:, 0], points[:, 1]
    is_inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    column, row = (np.clip(np.rint(v), 1, size - 2).astype(int) for v, size in ((x, width), (y, height)))
    down, across = np.array([[0], [-1], [1], [0], [0]]), np.array([[0], [0], [0], [-1], [1]])
    return image[row + down, column + across].mean(axis=0, dtype=np.float32), is_inside


def _ramp(value: float, low: float, high: float) -> float:
    """0 at `low` and below, 1 at `high` and above, straight in between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
