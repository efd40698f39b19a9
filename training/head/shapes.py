"""The 52 ARKit shapes of the built-in head, each from a few handles in millimetres.

What each shape does follows Apple's description of its blend shape location; how far follows common amplitudes of
face motion (jaw opening 35-45 mm, lip corner travel 8-12 mm in a broad smile, brow lift 8-10 mm). Shapes of the
left side are made; the right side is their mirror image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.blendshapes import ARKIT_NAMES, mirror_name
from core.geometry.rotation import rotation_from_vector
from core.head_model.eyes import EYE_RADIUS_M, LID_THICKNESS_M
from training.head.face import ALONG_LIP, LOWER_LIP_ROWS, UPPER_LIP_ROWS
from training.head.lids import cleared_goals
from training.head.sculpt import Sculptor
from training.head.unfold import Unfolder

MM = 1e-3
CONDYLE = np.array([0.0, -0.014, -0.072])  # hinge of the jaw, a little before the ear canal [m]
JAW_OPEN_ANGLE = np.radians(21.0)

# How far each outline point of the lower face follows the jaw bone; the skin slides at the angle of the jaw.
JAW_FOLLOWS = {
    152: 1.0, 377: 1.0, 400: 1.0, 378: 0.98, 379: 0.95, 365: 0.86, 397: 0.66, 288: 0.36, 361: 0.14, 323: 0.0, 454: 0.0,
    199: 1.0, 175: 1.0, 200: 1.0, 18: 1.0, 421: 1.0, 418: 1.0, 424: 0.93, 431: 0.96, 430: 0.85, 434: 0.62, 435: 0.38,
    432: 0.62, 422: 0.80, 367: 0.70, 364: 0.88, 394: 0.94, 395: 0.98, 369: 1.0, 396: 1.0,
}  # fmt: skip
STILL_ABOVE_MOUTH = (2, 326, 327, 278, 294, 423, 266, 330, 280, 352, 366, 425)
LEFT_LIDS_UPPER = (263, 466, 388, 387, 386, 385, 384, 398, 362)
LEFT_LIDS_LOWER = (263, 249, 390, 373, 374, 380, 381, 382, 362)
LEFT_BROW_UPPER = (336, 296, 334, 293, 300)  # inner to outer
LEFT_BROW_LOWER = (285, 295, 282, 283, 276)
LID_LIFT = 0.0008  # a closed lid stands farther out than an open one: it goes over the cornea [m]
EYE_REGION = 0.0075  # skin closer than this to the eyeball counts as lid [m]
LEFT_LID_FOLD = (414, 286, 258, 257, 259, 260, 467)

Handles = dict[int, np.ndarray]
LipMotion = Callable[[float, float], tuple[float, float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class FaceForShapes:
    """What the shapes are made on: skin (V, 3) with its first 468 vertices the FaceMesh points, triangles, mirror (V,),
    and the left eye's centre."""

    skin: np.ndarray
    triangles: np.ndarray
    mirror: np.ndarray
    left_eye: np.ndarray
    left_margin: np.ndarray  # all vertices of the left lid margin, original and subdivided
    lip_loop: np.ndarray  # all vertices of the inner lip line


def bump(t: float, centre: float, width: float) -> float:
    """Smooth hill of height 1."""
    return float(np.exp(-(((t - centre) / width) ** 2)))


def left_side(t: float) -> float:
    """1 on the left half of the mouth, fading to 0 a little right of its middle."""
    s = float(np.clip((t + 0.25) / 0.75, 0.0, 1.0))
    return s * s * (3 - 2 * s)


def lips(upper: LipMotion, lower: LipMotion) -> Handles:
    """Handles of all lip points: `motion(t, share)` in mm, t from -1 (right corner) to 1, share 1 at the border."""
    handles: Handles = {}
    shares = (1.0, 0.66, 0.3, 0.0)
    for rows, motion in ((UPPER_LIP_ROWS, upper), (LOWER_LIP_ROWS, lower)):
        for row, share in zip(rows, shares, strict=True):
            for t, point in zip(ALONG_LIP, row, strict=True):
                # The rows meet in the corner: there they move as one, or their slivers would turn over.
                corner = abs(float(t)) ** 4
                moved = np.array(motion(float(t), share * (1 - corner) + 0.4 * corner)) * MM
                handles[point] = 0.5 * (handles[point] + moved) if point in handles else moved
    return handles


class ShapeMaker:
    """Makes the shapes one by one; `make_all` returns them in ARKit order."""

    def __init__(self, face: FaceForShapes) -> None:
        self.face = face
        self.sculptor = Sculptor(face.skin, face.triangles)
        self._unfolder = Unfolder(face.skin, face.triangles)
        self.lid_motion: dict[str, np.ndarray] = {}
        self._jaw_share = self._solve_jaw_share()

    # -- jaw -----------------------------------------------------------------------------------------------------

    def _both_sides(self, handles: dict[int, float]) -> dict[int, float]:
        return handles | {int(self.face.mirror[i]): v for i, v in handles.items()}

    def _solve_jaw_share(self) -> np.ndarray:
        """(V,) how far each skin vertex follows the jaw bone."""
        share = self._both_sides(JAW_FOLLOWS)
        share |= dict.fromkeys(self._both_sides(dict.fromkeys(STILL_ABOVE_MOUTH, 0.0)), 0.0)
        for rows, upper in ((UPPER_LIP_ROWS, True), (LOWER_LIP_ROWS, False)):
            for depth, row in zip((1.0, 0.66, 0.3, 0.0), rows, strict=True):
                for t, point in zip(ALONG_LIP, row, strict=True):
                    corner = abs(t) ** 5
                    share[point] = 0.46 * corner if upper else 1 - (1 - 0.46) * corner
                    if upper and abs(t) < 1:
                        share[point] += 0.02 * (1 - depth)
        handles = {i: np.array([v, 0.0, 0.0]) for i, v in share.items()}
        return np.clip(self.sculptor.move(handles, reach=0.070)[:, 0], 0.0, 1.0)

    def jaw_turned(self, points: np.ndarray, share: np.ndarray) -> np.ndarray:
        """(n, 3) displacement of points that follow an open jaw by (n,) shares; the hinge also glides forward."""
        turned = (points - CONDYLE) @ rotation_from_vector(np.array([JAW_OPEN_ANGLE, 0, 0])).T + CONDYLE
        return (turned + np.array([0.0, -0.002, 0.004]) - points) * share[:, None]

    def jaw_moved(self, offset_mm: tuple[float, float, float]) -> np.ndarray:
        """(V, 3) displacement of the skin when the jaw bone moves by `offset_mm`."""
        return self._jaw_share[:, None] * np.array(offset_mm) * MM

    @property
    def jaw_share(self) -> np.ndarray:
        return self._jaw_share

    # -- lids ----------------------------------------------------------------------------------------------------

    def _on_eyeball(self, x: np.ndarray, y: np.ndarray, lift: np.ndarray) -> np.ndarray:
        """(n, 3) points with these x, y on the front of the left eyeball with a lid on it, `lift` farther out."""
        radius = EYE_RADIUS_M + LID_THICKNESS_M + lift
        c = self.face.left_eye
        z = np.sqrt(np.maximum(radius**2 - (x - c[0]) ** 2 - (y - c[1]) ** 2, 1e-8))
        return np.stack([x, y, c[2] + z], axis=1)

    def lids(self, upper_share: float, lower_share: float, *, sideways_mm: float = 0.0) -> np.ndarray:
        """(V, 3) displacement that moves the left upper lid down and the lower lid up by shares of their gap."""
        skin = self.face.skin
        line_x = [skin[list(ids), 0] for ids in (LEFT_LIDS_UPPER, LEFT_LIDS_LOWER)]
        line_y = [skin[list(ids), 1] for ids in (LEFT_LIDS_UPPER, LEFT_LIDS_LOWER)]
        order = [np.argsort(x) for x in line_x]
        margin = self.face.left_margin
        x, y = skin[margin, 0], skin[margin, 1]
        upper_y = np.interp(x, line_x[0][order[0]], line_y[0][order[0]])
        lower_y = np.interp(x, line_x[1][order[1]], line_y[1][order[1]])
        gap = np.maximum(upper_y - lower_y, 0.0)
        on_upper = y > 0.5 * (upper_y + lower_y)
        goal_y = np.where(on_upper, upper_y - upper_share * gap, lower_y + lower_share * gap)
        drift = sideways_mm * MM * np.clip(gap / 0.008, 0, 1)
        open_share = np.clip(gap / 0.0015, 0, 1)[:, None]
        lift = LID_LIFT * np.clip(upper_share + lower_share, 0, 1) * np.clip(gap / 0.006, 0, 1)
        goal = cleared_goals(skin[margin], self._on_eyeball(x + drift, goal_y, lift), self.face.left_eye)
        handles = {int(i): (g - p) * s for i, g, p, s in zip(margin, goal, skin[margin], open_share, strict=True)}
        fold = {i: self._fold_motion(i, handles, upper_share) for i in LEFT_LID_FOLD}
        far = self.sculptor.points[:, 0] < 0.004
        brow = (*LEFT_BROW_LOWER, 276, 353, 342, 261, 448, 449, 450, 451, 452, 453, 464, 465, 417, 340, 346, 347, 348)
        still = np.concatenate([np.flatnonzero(far), list(brow)])
        return self.sculptor.move(handles | fold, reach=0.021, still=still)

    def _fold_motion(self, point: int, handles: Handles, upper_share: float) -> np.ndarray:
        """The skin above the lid follows the nearest margin point by a third, keeping its height over the eyeball."""
        skin = self.face.skin
        near = min(handles, key=lambda i: np.linalg.norm(skin[i] - skin[point]))
        return handles[near] * (0.42 if upper_share >= 0 else 0.30)

    def mended(self, moved: np.ndarray, held: np.ndarray | None = None) -> np.ndarray:
        """Displacement without folds; symmetric when it was. held: vertices to leave."""
        found = self._unfolder.mended(moved, held)
        if np.abs(self.mirrored(moved) - moved).max() > 1e-9:
            return found
        # The two sides may end a little apart; their mean need not be free of folds, but either of them is.
        x = self.face.skin[:, :1]
        other = self.mirrored(found)
        return np.where(np.abs(x) < 1e-9, 0.5 * (found + other), np.where(x > 0, found, other))

    def kept_off_eyeballs(self, moved: np.ndarray) -> np.ndarray:
        """Displacement with every lid vertex's way kept outside of both eyeballs."""
        return self.mirrored(self._kept_off_left_eyeball(self.mirrored(self._kept_off_left_eyeball(moved))))

    def _kept_off_left_eyeball(self, moved: np.ndarray) -> np.ndarray:
        skin, centre = self.face.skin, self.face.left_eye
        near = np.linalg.norm(skin - centre, axis=1) < EYE_RADIUS_M + EYE_REGION
        near &= (skin[:, 2] > centre[2]) & (np.linalg.norm(moved, axis=1) > 1e-6)
        corrected = moved.copy()
        corrected[near] = cleared_goals(skin[near], skin[near] + moved[near], centre) - skin[near]
        return corrected

    # -- handles -------------------------------------------------------------------------------------------------

    def points(self, **moves: tuple[float, float, float]) -> Handles:
        """Handles from `p425=(dx, dy, dz)` in mm."""
        return {int(name[1:]): np.array(v) * MM for name, v in moves.items()}

    def mirrored(self, displacement: np.ndarray) -> np.ndarray:
        """The same motion on the other side."""
        return displacement[self.face.mirror] * (-1, 1, 1)

    def both(self, handles: Handles) -> Handles:
        """Handles of the left side, and their mirror images."""
        return handles | {int(self.face.mirror[i]): v * (-1, 1, 1) for i, v in handles.items()}

    def brow(
        self,
        lift: Callable[[float], float],
        inward: float = 0.0,
        reach: float = 0.040,
        middle: Handles | None = None,
    ) -> np.ndarray:
        """(V, 3) the left brow moved by `lift(s)` mm upwards, s from 0 (inner end) to 1, and inwards; middle: what
        happens between the brows."""
        handles: Handles = {}
        for row, share in ((LEFT_BROW_UPPER, 1.0), (LEFT_BROW_LOWER, 0.9)):
            for s, point in zip(np.linspace(0, 1, 5), row, strict=True):
                up = lift(float(s)) * share
                handles[point] = np.array([-inward * (1 - s), up, -0.10 * abs(up)]) * MM
        lids = dict.fromkeys((*LEFT_LIDS_UPPER, *LEFT_LIDS_LOWER), np.zeros(3))
        fold = {i: np.array([0.0, 0.30 * lift(0.5), 0.0]) * MM for i in (257, 258, 259)}
        forehead = {
            i: np.array([0.0, 0.30 * lift(s), 0.0]) * MM for i, s in ((337, 0.1), (299, 0.4), (333, 0.7), (298, 1.0))
        }
        return self.sculptor.move(handles | lids | fold | forehead | (middle or {}), reach=reach)

    def mouth(
        self, upper: LipMotion, lower: LipMotion, extra: Handles | None = None, reach: float = 0.030
    ) -> np.ndarray:
        """(V, 3) lips moved as told, with more handles around them; the nose's base stays unless it is among them."""
        held = {i: np.zeros(3) for i in (2, 326, 97, 168, 6, 197)}
        return self.sculptor.move(held | lips(upper, lower) | (extra or {}), reach=reach)

    # -- the shapes ----------------------------------------------------------------------------------------------

    def make_all(self) -> dict[str, np.ndarray]:
        """Name to (V, 3) displacement, in ARKit order."""
        from training.head import shape_table

        made = shape_table.left_and_middle_shapes(self)
        for name in list(made):
            held = self.face.left_margin if name.startswith("eye") else None
            whole = self.mended(made[name], held) if name != "mouthClose" else made[name]
            made[name] = self.kept_off_eyeballs(whole)
            other = mirror_name(name)
            if other not in made:
                made[other] = self.mirrored(made[name])
        return {name: made[name] for name in ARKIT_NAMES}
