"""Builds the built-in head from numbers and formulas: `python -m training.build_head`.

Steps: the measured portrait points become a neutral face (`head.face`), subdivided once with the FaceMesh points kept
(`head.topology`), closed by skull and neck (`head.cranium`) and ears, eyes, mouth (`head.parts`), unwrapped
(`head.atlas`), given 52 shapes (`head.shapes`) and painted (`head.paint`). Deterministic.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.head_model.builtin import BUILTIN_PATH, save_builtin
from core.head_model.correctives import PairCorrective, PoseCorrectives
from core.head_model.eyes import eye_centre, on_lid_sphere
from core.head_model.rig import HeadRig, Material, Part
from core.head_model.skinning import JAW, LEFT_EYE, NECK, RIGHT_EYE, ROOT
from training.head import atlas, cranium, ear, lids, paint, parts, topology
from training.head.correctives import SkinCorrective, skin_correctives
from training.head.face import MOUTH_CORNERS, neutral_face
from training.head.neck import neck_correctives
from training.head.portrait import DATA
from training.head.shape_table import JAW_FORWARD_MM, JAW_LEFT_MM
from training.head.shapes import CONDYLE, MM, FaceForShapes, ShapeMaker

NECK_JOINT = np.array([0.0, -0.112, -0.078])
ROOT_JOINT = np.array([0.0, -0.192, -0.086])
EAR_CENTRE = np.array([-0.015, -0.072])  # y and z, origin between the pupils
POINTS = topology.POINT_COUNT
LEAST_CORRECTION_M = 3e-6  # smaller corrections are not worth their bytes


def read_measurements() -> tuple[np.ndarray, np.ndarray]:
    """The committed portrait points (478, 3) and mirror table (478,)."""
    return (
        np.loadtxt(DATA / "portrait_points.csv", delimiter=","),
        np.loadtxt(DATA / "mirror_pairs.csv", dtype=int),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Addition:
    """A surface joined to the skin. triangles count the skin's vertices too; groups: (n,) seam group of each vertex."""

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    shapes: np.ndarray
    groups: np.ndarray


class HeadBuilder:
    """Holds what the steps share while one head is built."""

    def __init__(self) -> None:
        portrait, self.point_mirror = read_measurements()
        self.portrait = portrait
        face = neutral_face(portrait, self.point_mirror)
        self.face_points = face[:POINTS]
        self.iris_points = face[POINTS:]

    def build(self) -> HeadRig:
        self._make_skin()
        self._centre_on_eyes()
        self._make_inner_parts()
        self._make_shapes()
        return self._assemble()

    # -- skin ----------------------------------------------------------------------------------------------------

    def _make_skin(self) -> None:
        mirror = self.point_mirror[:POINTS]
        coarse = topology.face_triangles(self.face_points, mirror)
        points, triangles, pairs = topology.subdivide(self._with_lids_on_eyeballs(coarse), coarse, MOUTH_CORNERS)
        mirror = topology.subdivided_mirror(mirror, pairs)
        loops = topology.boundary_loops(triangles)
        outline, lip_loop, *eye_loops = loops
        self.lip_loop = lip_loop
        self.left_margin = next(loop for loop in eye_loops if points[loop, 0].mean() > 0)
        self.bare_head = cranium.BareHead.through(points[outline])
        rings = cranium.sweep_rings(self.bare_head, points[outline])
        count = len(points)
        rows = [outline] + [count + k * len(outline) + np.arange(len(outline)) for k in range(len(rings))]
        behind = np.linalg.norm(rings - points[outline], axis=2).ravel() < cranium.BLEND_REACH
        skin = np.concatenate([points, rings.reshape(-1, 3)])
        triangles = np.concatenate([triangles, cranium.ring_triangles(rows)])
        skin = cranium.fair(skin, triangles, count + np.flatnonzero(behind))
        place = {int(v): k for k, v in enumerate(outline)}
        across = np.array([place[int(mirror[v])] for v in outline])
        mirror = np.concatenate([mirror] + [row[across] for row in rows[1:]])
        face_count = int((triangles < count).all(axis=1).sum())
        holes = [lip_loop, *eye_loops]
        self.skin_uv = np.concatenate(
            [
                atlas.face_uv(points, triangles[:face_count], outline, holes),
                atlas.ring_uv(points[outline], len(rings)).reshape(-1, 2),
            ]
        )
        self.eye_loops, self.base_loop = eye_loops, rows[-1]
        self.skin, self.skin_triangles, self.skin_mirror = skin, triangles, mirror
        self.skin = 0.5 * (skin + skin[mirror] * (-1, 1, 1))

    def _with_lids_on_eyeballs(self, coarse: np.ndarray) -> np.ndarray:
        """Face points whose lid margins lie on the eyeballs; also sets the eyes' centres."""
        points = self.face_points.copy()
        eye_loops = topology.boundary_loops(coarse)[2:]
        margin = next(loop for loop in eye_loops if points[loop, 0].mean() > 0)
        for _ in range(2):  # the eye found from the margin moves a little with it
            self.left_eye = eye_centre(points[margin])
            points[margin] = on_lid_sphere(points[margin], self.left_eye)
        mirror = self.point_mirror[:POINTS]
        points[mirror[margin]] = points[margin] * (-1, 1, 1)
        return points

    def _centre_on_eyes(self) -> None:
        """Moves everything so that the origin lies between the eyeballs' centres."""
        shift = np.array([0.0, self.left_eye[1], self.left_eye[2]])
        self.shift = shift
        self.skin = self.skin - shift
        self.left_eye = self.left_eye - shift

    # -- what lies in and on the skin ----------------------------------------------------------------------------

    def _make_inner_parts(self) -> None:
        loop = self.lip_loop
        middle_y = self.skin[loop, 1]
        upper = self._is_upper_lip()
        self.lining, self.lining_follow = parts.mouth_lining(self.skin[loop], upper)
        self.lining_upper = np.tile(upper, len(self.lining_follow) // len(loop))
        lip = np.array([0.0, middle_y.mean(), self.skin[13, 2]])
        self.upper_teeth = parts.teeth(lip + np.array([0, -0.0022, -0.0065]), upper=True)
        self.lower_teeth = parts.teeth(lip + np.array([0, -0.0008, -0.0092]), upper=False)
        self.tongue = parts.tongue(lip + np.array([0, -0.0085, -0.0155]))
        self.left_ball = parts.eyeball(self.left_eye)
        self.right_ball = parts.eyeball(self.left_eye * (-1, 1, 1))
        self.left_ear = self._make_left_ear()

    def _make_left_ear(self) -> parts.Surface:
        made = ear.ear(EAR_CENTRE, self.bare_head.side)
        return parts.Surface(made.vertices - self.shift, made.triangles, made.uv)

    def _is_upper_lip(self) -> np.ndarray:
        """(n,) which inner lip vertices lie on the upper lip; the two corners count as upper."""
        n = len(self.lip_loop)
        place = {int(v): k for k, v in enumerate(self.lip_loop)}
        right, left, top = place[78], place[308], place[13]
        forward = (np.arange(n) - right) % n <= (left - right) % n
        return forward if forward[top] else ~forward | np.isin(np.arange(n), (right, left))

    # -- shapes --------------------------------------------------------------------------------------------------

    def _make_shapes(self) -> None:
        face = FaceForShapes(
            self.skin, self.skin_triangles, self.skin_mirror, self.left_eye, self.left_margin, self.lip_loop
        )
        maker = ShapeMaker(face)
        self.jaw_share = maker.jaw_share
        named = maker.make_all()
        self.skin_correctives = skin_correctives(maker, named)
        skin = np.stack(list(named.values()))
        index = _arkit_index()
        forward, left = MM * np.array(JAW_FORWARD_MM), MM * np.array(JAW_LEFT_MM)
        lower_part = {"jawForward": forward, "jawLeft": left, "jawRight": -left}

        def with_jaw(points: np.ndarray, share: np.ndarray) -> np.ndarray:
            moved = np.zeros((len(skin), len(points), 3))
            moved[index["jawOpen"]] = maker.jaw_turned(points, share)
            for name, offset in lower_part.items():
                moved[index[name]] = share[:, None] * offset
            return moved

        n = len(self.lip_loop)
        depth_rows = len(self.lining_follow) // n
        lip_motion = np.tile(skin[:, self.lip_loop], (1, depth_rows, 1))
        deep = np.repeat(np.linspace(0, 1, depth_rows), n)
        bone_share = np.where(self.lining_upper, 0.0, 1.0) * (1 - deep) + 0.5 * deep * deep
        bone = with_jaw(self.lining.vertices, bone_share)
        follow = self.lining_follow[None, :, None]
        self.lining_shapes = lip_motion * follow + bone * (1 - follow)
        self.lower_teeth_shapes = with_jaw(self.lower_teeth.vertices, np.ones(len(self.lower_teeth.vertices)))
        self.tongue_shapes = with_jaw(self.tongue.vertices, np.ones(len(self.tongue.vertices)) * 0.97)
        self.tongue_shapes[index["tongueOut"]] = self._tongue_out()
        self.skin_shapes = skin

    def _tongue_out(self) -> np.ndarray:
        """(n, 3) the tongue's front half slides over the lower lip and bends down."""
        v = self.tongue.vertices
        ahead = np.clip((v[:, 2] - v[:, 2].min()) / np.ptp(v[:, 2]), 0, 1) ** 1.5
        moved = np.zeros_like(v)
        moved[:, 2] = 0.036 * ahead
        moved[:, 1] = 0.0055 * ahead - 0.010 * np.clip(ahead - 0.55, 0, 1) * 2
        return moved

    # -- assembly ------------------------------------------------------------------------------------------------

    def _skin_weights(self, vertices: np.ndarray) -> np.ndarray:
        """(V, 5) of the whole skin: the neck turns the head, its base stays; the chin follows the jaw joint."""
        jaw_share = np.zeros(len(vertices))
        jaw_share[: len(self.skin)] = self.jaw_share
        height = vertices[:, 1] + 0.5 * np.maximum(0.0, vertices[:, 2] + 0.035)
        low, high = -0.176, -0.100
        t = np.clip((height - low) / (high - low), 0, 1)
        head = t * t * (3 - 2 * t)
        weights = np.zeros((len(vertices), 5))
        weights[:, ROOT] = 1 - head
        weights[:, JAW] = head * jaw_share
        weights[:, NECK] = head * (1 - jaw_share)
        return weights

    def _additions(self) -> list[Addition]:
        """What is joined to the skin: lid rims, the flat base, ears."""
        made = []
        start = len(self.skin)
        for loop in self.eye_loops:
            centre = self.left_eye * (np.sign(self.skin[loop, 0].mean()), 1, 1)
            inner = start + np.arange(len(loop))
            made.append(Addition(
                lids.rim(self.skin[loop], centre), lids.rim_triangles(loop, inner), lids.rim_uv(self.skin_uv[loop]),
                lids.rim_shapes(self.skin[loop], self.skin_shapes[:, loop], centre), inner,
            ))  # fmt: skip
            start += len(loop)
        cap, cap_triangles = cranium.flat_base(self.skin[self.base_loop])
        groups = np.append(self.base_loop, start + len(self.base_loop))
        made.append(Addition(cap, cap_triangles + start, atlas.base_uv(len(cap)), np.zeros((52, len(cap), 3)), groups))
        start += len(cap)
        for sign, surface in ((1.0, self.left_ear), (-1.0, ear.mirrored(self.left_ear))):
            ids = start + np.arange(len(surface.vertices))
            still = np.zeros((52, len(ids), 3))
            uv = atlas.ear_uv(surface.uv, sign)
            made.append(Addition(surface.vertices, surface.triangles + start, uv, still, ids))
            start += len(ids)
        return made

    def _assemble(self) -> HeadRig:
        added = self._additions()
        skin = parts.Surface(
            np.concatenate([self.skin, *(a.vertices for a in added)]),
            np.concatenate([self.skin_triangles, *(a.triangles for a in added)]),
            np.concatenate([self.skin_uv, *(a.uv for a in added)]),
        )
        self.seam_groups = np.concatenate([np.arange(len(self.skin)), *(a.groups for a in added)])
        skin_shapes = np.concatenate([self.skin_shapes, *(a.shapes for a in added)], axis=1)
        skin_weights = self._skin_weights(skin.vertices)
        mouth_weights = np.where(self.lining_upper[:, None], _bound_to(NECK, 1), _bound_to(JAW, 1))
        surfaces = [
            ("skin", skin, skin_shapes, skin_weights, self._skin_material()),
            ("leftEye", self.left_ball, None, _bound_to(LEFT_EYE, len(self.left_ball.vertices)), _eye_material()),
            ("rightEye", self.right_ball, None, _bound_to(RIGHT_EYE, len(self.right_ball.vertices)), _eye_material()),
            ("mouth", self.lining, self.lining_shapes, mouth_weights, Material((0.42, 0.16, 0.16), None, 0.5)),
            ("upperTeeth", self.upper_teeth, None,
             _bound_to(NECK, len(self.upper_teeth.vertices)), _teeth_material(True)),
            ("lowerTeeth", self.lower_teeth, self.lower_teeth_shapes,
             _bound_to(JAW, len(self.lower_teeth.vertices)), _teeth_material(False)),
            ("tongue", self.tongue, self.tongue_shapes, _bound_to(JAW, len(self.tongue.vertices)),
             Material((0.72, 0.36, 0.35), None, 0.45)),
        ]  # fmt: skip
        return self._join(surfaces)

    def _join(self, surfaces: list) -> HeadRig:
        vertices, faces, uv, shapes, weights, made = [], [], [], [], [], []
        v_start = f_start = 0
        for name, surface, part_shapes, part_weights, material in surfaces:
            v_stop, f_stop = v_start + len(surface.vertices), f_start + len(surface.triangles)
            made.append(Part(name, slice(v_start, v_stop), slice(f_start, f_stop), material))
            vertices.append(surface.vertices)
            faces.append(surface.triangles + v_start)
            uv.append(surface.uv)
            shapes.append(np.zeros((52, len(surface.vertices), 3)) if part_shapes is None else part_shapes)
            weights.append(part_weights)
            v_start, f_start = v_stop, f_stop
        all_faces = np.concatenate(faces).astype(np.int32)
        landmark_faces, landmark_weights = self._landmarks(all_faces, made)
        shape_array = np.concatenate(shapes, axis=1).astype(np.float32)
        shape_array[np.abs(shape_array) < 2e-6] = 0.0
        joints = np.stack([ROOT_JOINT, NECK_JOINT, CONDYLE, self.left_eye, self.left_eye * (-1, 1, 1)])
        return HeadRig(
            name="Mannequin",
            vertices=np.concatenate(vertices).astype(np.float32),
            faces=all_faces,
            uv=np.concatenate(uv).astype(np.float32),
            shapes=shape_array,
            joints=joints.astype(np.float32),
            skin_weights=np.concatenate(weights).astype(np.float32),
            parts=tuple(made),
            landmark_faces=landmark_faces,
            landmark_weights=landmark_weights,
            seam_groups=np.append(self.seam_groups, np.arange(len(self.seam_groups), v_start)).astype(np.int32),
            correctives=self._correctives(made, v_start),
            pose_correctives=self._neck_correctives(made, np.concatenate(vertices), np.concatenate(weights)),
            details={"head": "builtin"},
        )

    def _correctives(self, made: list[Part], vertex_count: int) -> tuple[PairCorrective, ...]:
        """The skin's correctives with what hangs on its borders: the lids' rims and the mouth's lining."""
        mouth = next(part for part in made if part.name == "mouth").vertices
        whole = []
        for one in self.skin_correctives:
            moved = np.zeros((vertex_count, 3))
            moved[: len(self.skin)] = one.displacement
            start = len(self.skin)
            for loop in self.eye_loops:
                moved[start : start + len(loop)] = self._rim_corrective(one, loop)
                start += len(loop)
            on_lips = np.tile(one.displacement[self.lip_loop], (len(self.lining_follow) // len(self.lip_loop), 1))
            moved[mouth] = on_lips * self.lining_follow[:, None]
            rows = np.flatnonzero(np.abs(moved).max(axis=1) > LEAST_CORRECTION_M)
            whole.append(PairCorrective(
                one.first, one.second, rows.astype(np.int32), moved[rows].astype(np.float32), one.weight
            ))  # fmt: skip
        return tuple(whole)

    def _neck_correctives(self, made: list[Part], vertices: np.ndarray, weights: np.ndarray) -> PoseCorrectives:
        """Of the skin alone: everything inside it turns with the head as a whole."""
        shares = np.zeros(len(vertices))
        skin = made[0].vertices
        shares[skin] = 1.0 - weights[skin, ROOT]
        return neck_correctives(vertices, shares, NECK_JOINT)

    def _rim_corrective(self, one: SkinCorrective, loop: np.ndarray) -> np.ndarray:
        """(n, 3) what the rim behind the (n,) margin needs beside the sum of its two shapes."""
        centre = self.left_eye * (np.sign(self.skin[loop, 0].mean()), 1, 1)
        shown = [_arkit_index()[name] for name in (one.first, one.second)]
        moves = self.skin_shapes[shown][:, loop]
        together = moves.sum(axis=0) + one.displacement[loop]
        rims = lids.rim_shapes(self.skin[loop], np.stack([*moves, together]), centre)
        return rims[2] - rims[0] - rims[1]

    def _landmarks(self, faces: np.ndarray, made: list[Part]) -> tuple[np.ndarray, np.ndarray]:
        """Triangle and weights of each FaceMesh point; every one of them is a vertex of this head."""
        start = {part.name: part.vertices.start for part in made}
        vertex_of = list(range(POINTS))
        for name, first in (("rightEye", 468), ("leftEye", 473)):
            ring = self.iris_points[first - 468 : first - 463]
            direction = ring[1:, :2] - ring[0, :2]
            vertex_of.append(start[name])
            for dx, dy in direction:
                quarter = int(np.round(np.arctan2(dy, dx) / (np.pi / 2))) % 4
                vertex_of.append(
                    start[name] + parts.IRIS_RING * parts.EYE_SEGMENTS + quarter * (parts.EYE_SEGMENTS // 4)
                )
        faces_of, weights_of = [], []
        for vertex in vertex_of:
            row, corner = np.argwhere(faces == vertex)[0]
            faces_of.append(row)
            weights_of.append(np.eye(3)[corner])
        return np.array(faces_of, np.int32), np.array(weights_of, np.float32)

    def _skin_material(self) -> Material:
        return Material((1.0, 1.0, 1.0), paint.paint_skin(self.skin_uv, self.skin_mirror), 0.62)


def _arkit_index() -> dict[str, int]:
    from core.blendshapes import INDEX

    return INDEX


def _bound_to(joint: int, count: int) -> np.ndarray:
    weights = np.zeros((count, 5))
    weights[:, joint] = 1.0
    return weights


def _eye_material() -> Material:
    return Material((1.0, 1.0, 1.0), paint.paint_eye(), 0.15)


def _teeth_material(upper: bool) -> Material:
    return Material((1.0, 1.0, 1.0), paint.paint_teeth(upper), 0.3)


def main(path: Path = BUILTIN_PATH) -> None:
    rig = HeadBuilder().build()
    save_builtin(rig, path)
    print(f"{path}: {len(rig.vertices)} vertices, {len(rig.faces)} triangles, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
