"""The built-in head: rebuilt exactly, whole, symmetric, and moving as the 52 names say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX, mirror_name
from core.head_model.builtin import load_builtin_rig, save_builtin
from core.head_model.rig import PART_NAMES, HeadRig
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from tests.movements import shaped
from training.build_head import HeadBuilder
from training.head.topology import boundary_loops

ROUNDED = ("shapes", "corrective_displacements", "pose_directions")


@pytest.fixture(scope="module")
def built() -> HeadRig:
    return HeadBuilder().build()


@pytest.fixture(scope="module")
def rig() -> HeadRig:
    return load_builtin_rig()


def skin_faces(rig: HeadRig) -> np.ndarray:
    return rig.faces[rig.part("skin").faces]


def welded(rig: HeadRig, part_name: str) -> np.ndarray:
    """(F, 3) faces of a part over seam groups, less those that the weld leaves without area."""
    faces = rig.seam_groups[rig.faces[rig.part(part_name).faces]]
    kept = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return faces[kept]


def mirror_of(vertices: np.ndarray) -> np.ndarray:
    """(n,) the vertex at the mirrored place."""
    from scipy.spatial import cKDTree

    return cKDTree(vertices).query(vertices * (-1, 1, 1))[1]


def test_a_rebuild_equals_the_shipped_file(built: HeadRig, tmp_path) -> None:
    from core.head_model.builtin import BUILTIN_PATH

    path = tmp_path / "head.npz"
    save_builtin(built, path)
    with np.load(path) as fresh, np.load(BUILTIN_PATH) as shipped:
        assert sorted(fresh.files) == sorted(shipped.files)
        for name in fresh.files:
            if fresh[name].dtype.kind == "f":
                np.testing.assert_allclose(fresh[name], shipped[name], atol=1e-6, err_msg=name)
            else:
                difference = np.abs(fresh[name].astype(int) - shipped[name].astype(int))
                rounded = name in ROUNDED or "texture" in name
                assert difference.max(initial=0) <= (1 if rounded else 0), name


def test_the_head_is_small_and_its_parts_are_named(rig: HeadRig) -> None:
    assert len(rig.vertices) <= 5650
    assert tuple(part.name for part in rig.parts) == PART_NAMES


def test_every_landmark_is_a_vertex(rig: HeadRig) -> None:
    assert np.array_equal(np.sort(rig.landmark_weights, axis=1), np.tile([0, 0, 1], (478, 1)))
    corner = rig.landmark_weights.argmax(axis=1)
    assert np.array_equal(rig.faces[rig.landmark_faces, corner][:468], np.arange(468))


def test_the_skin_is_its_own_mirror_image(rig: HeadRig) -> None:
    vertices = rig.vertices[rig.part("skin").vertices].astype(np.float64)
    partner = mirror_of(vertices)
    assert np.abs(vertices[partner] * (-1, 1, 1) - vertices).max() < 1e-6


@pytest.mark.parametrize("name", [n for n in ARKIT_NAMES if n.endswith("Left")])
def test_right_shapes_mirror_left_ones(rig: HeadRig, name: str) -> None:
    vertices = rig.vertices[rig.part("skin").vertices].astype(np.float64)
    partner = mirror_of(vertices)
    left = rig.shapes[INDEX[name], rig.part("skin").vertices]
    right = rig.shapes[INDEX[mirror_name(name)], rig.part("skin").vertices]
    # Rim and base double some places, so a partner may be the other of two vertices that move alike.
    assert np.abs(left[partner] * (-1, 1, 1) - right).max() < 5e-5


def test_skin_is_closed_but_for_eyes_mouth_and_ear_roots(rig: HeadRig) -> None:
    faces = welded(rig, "skin")
    directed = Counter((int(t[k]), int(t[(k + 1) % 3])) for t in faces for k in range(3))
    assert max(directed.values()) == 1, "two triangles run along an edge the same way"
    loops = [len(loop) for loop in boundary_loops(faces)]
    # lips and two lid rims; each ear has an inner and an outer edge
    assert loops == [40, 32, 32, 20, 20, 20, 20]


@pytest.mark.parametrize("name", PART_NAMES)
def test_surfaces_face_outwards(rig: HeadRig, name: str) -> None:
    faces = rig.faces[rig.part(name).faces]
    vertices = rig.vertices.astype(np.float64)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    middle = vertices[rig.part(name).vertices].mean(axis=0)
    volume = ((a - middle) * np.cross(b - middle, c - middle)).sum() / 6
    # one looks into the mouth's lining from inside
    assert volume < 0 if name == "mouth" else volume > 0


def test_skin_triangles_do_not_overlap_in_the_atlas(rig: HeadRig) -> None:
    uv = rig.uv[skin_faces(rig)].astype(np.float64)
    u, v = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    area = 0.5 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
    assert (np.sign(area) == np.sign(np.median(area))).all(), "a triangle lies upside down"
    assert rig.uv.min() >= 0 and rig.uv.max() <= 1
    size = 2048
    covered = np.zeros((size, size), np.int32)
    for triangle in uv * size:
        low = np.floor(triangle.min(axis=0)).astype(int)
        high = np.ceil(triangle.max(axis=0)).astype(int)
        x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
        sides = [
            (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
            for p, q in zip(triangle, np.roll(triangle, -1, axis=0), strict=True)
        ]
        inside = np.all(np.array(sides) * np.sign(np.median(area)) > 1e-3, axis=0)
        covered[low[1] : high[1], low[0] : high[0]] += inside
    assert covered.max() == 1


def test_the_resting_upper_lid_covers_the_top_of_the_iris(rig: HeadRig) -> None:
    iris_radius, eye = 0.00585, rig.joints[LEFT_EYE]
    assert 0.0008 < iris_radius - (rig.vertices[386] - eye)[1] < 0.0022
    assert 0.0 < iris_radius + (rig.vertices[374] - eye)[1] < 0.0020


def test_the_eyes_stand_apart_as_the_survey_says(rig: HeadRig) -> None:
    assert np.linalg.norm(rig.joints[LEFT_EYE] - rig.joints[RIGHT_EYE]) == pytest.approx(0.0632, abs=5e-4)


def winding_numbers(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(n,) 1 inside a closed surface, 0 outside (solid angles after Van Oosterom & Strackee 1983)."""
    a, b, c = (vertices[faces[:, k]][None] - points[:, None] for k in range(3))
    la, lb, lc = (np.linalg.norm(side, axis=2) for side in (a, b, c))
    above = (a * np.cross(b, c)).sum(2)
    below = la * lb * lc + (a * b).sum(2) * lc + (b * c).sum(2) * la + (c * a).sum(2) * lb
    return np.arctan2(above, below).sum(1) / (2 * np.pi)


@pytest.mark.parametrize("name", [n for n in ARKIT_NAMES if n.startswith(("mouth", "jaw", "cheek", "tongue"))])
def test_the_mouth_lining_stays_behind_the_skin(rig: HeadRig, name: str) -> None:
    vertices = shaped(rig, **{name: 1.0})
    lips = boundary_loops(welded(rig, "skin"))[0]
    sealed = np.concatenate([vertices, vertices[lips].mean(axis=0, keepdims=True)])
    fan = np.stack([np.roll(lips, -1), lips, np.full(len(lips), len(vertices))], axis=1)
    deep = vertices[rig.part("mouth").vertices][2 * len(lips) :]
    assert winding_numbers(deep, sealed, np.concatenate([skin_faces(rig), fan])).min() > 0.6
