"""The built-in head: rebuilt exactly, whole, symmetric, and moving as the 52 names say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX, mirror_name
from core.head_model.builtin import load_builtin_rig, save_builtin
from core.head_model.eyes import EYE_RADIUS_M
from core.head_model.rig import PART_NAMES, HeadRig
from core.head_model.skinning import LEFT_EYE, RIGHT_EYE
from training.build_head import HeadBuilder
from training.head.topology import boundary_loops

INNER_LIP_PAIRS = ((191, 95), (80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318), (415, 324))
LID_PAIRS = ((384, 381), (385, 380), (386, 374), (387, 373), (388, 390))


@pytest.fixture(scope="module")
def built() -> HeadRig:
    return HeadBuilder().build()


@pytest.fixture(scope="module")
def rig() -> HeadRig:
    return load_builtin_rig()


def shaped(rig: HeadRig, **weights: float) -> np.ndarray:
    """(V, 3) float64 vertices with the named coefficients."""
    coefficients = np.zeros(len(ARKIT_NAMES), np.float32)
    for name, value in weights.items():
        coefficients[INDEX[name]] = value
    return rig.shaped_vertices(coefficients).astype(np.float64)


def skin_faces(rig: HeadRig) -> np.ndarray:
    return rig.faces[rig.part("skin").faces]


def welded(rig: HeadRig, part_name: str) -> np.ndarray:
    """(F, 3) faces of a part over seam groups, less those that the weld leaves without area."""
    faces = rig.seam_groups[rig.faces[rig.part(part_name).faces]]
    kept = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return faces[kept]


def face_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


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
                assert difference.max(initial=0) <= (1 if name == "shapes" or "texture" in name else 0), name


def test_the_head_is_small_and_its_parts_are_named(rig: HeadRig) -> None:
    assert len(rig.vertices) <= 5400
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


@pytest.mark.parametrize("name", [n for n in ARKIT_NAMES if n != "mouthClose"])
def test_no_shape_turns_a_skin_triangle_over(rig: HeadRig, name: str) -> None:
    faces = skin_faces(rig)
    rest, moved = face_normals(shaped(rig), faces), face_normals(shaped(rig, **{name: 1.0}), faces)
    turned = (rest * moved).sum(1) <= 0
    # Slivers in the corners of the mouth, where four rows of the lip meet in a millimetre, may roll.
    to_corners = rig.vertices[faces].mean(axis=1)[:, None] - rig.vertices[[78, 308]]
    in_corner = np.linalg.norm(to_corners, axis=2).min(axis=1) < 4e-3
    sliver = 0.5 * np.linalg.norm(rest, axis=1) < 1e-6
    assert not (turned & ~(in_corner & sliver)).any()


def lid_clearance(rig: HeadRig, vertices: np.ndarray) -> float:
    """Smallest distance of the lids' triangles, sampled, to the two eyeballs; metres. The rims belong to the ball."""
    faces = skin_faces(rig)
    smallest = np.inf
    barycentric = np.array([(i, j, 6 - i - j) for i in range(7) for j in range(7 - i)]) / 6
    for joint in (LEFT_EYE, RIGHT_EYE):
        centre = rig.joints[joint].astype(np.float64)
        corners = rig.vertices[faces].astype(np.float64) - centre
        distance = np.linalg.norm(corners, axis=2)
        near = (distance.min(axis=1) > EYE_RADIUS_M) & (distance.max(axis=1) < EYE_RADIUS_M + 0.012)
        near &= corners[:, :, 2].min(axis=1) > -0.002
        samples = np.einsum("kc,fcd->fkd", barycentric, vertices[faces[near]])
        smallest = min(smallest, np.linalg.norm(samples - centre, axis=2).min() - EYE_RADIUS_M)
    return float(smallest)


LID_SHAPES = [n for n in ARKIT_NAMES if n.startswith(("eye", "cheekSquint", "brow"))]


@pytest.mark.parametrize("name", LID_SHAPES)
def test_lids_stay_outside_the_eyeballs_all_the_way(rig: HeadRig, name: str) -> None:
    for weight in np.linspace(0.0, 1.0, 11):
        assert lid_clearance(rig, shaped(rig, **{name: float(weight)})) > 3e-4, weight


def test_a_blink_closes_the_lids(rig: HeadRig) -> None:
    closed = shaped(rig, eyeBlinkLeft=1.0)
    for upper, lower in LID_PAIRS:
        assert abs(closed[upper] - closed[lower])[1] < 5e-4
        assert abs(closed[upper] - closed[lower])[2] < 1.2e-3


def test_the_resting_upper_lid_covers_the_top_of_the_iris(rig: HeadRig) -> None:
    iris_radius, eye = 0.00585, rig.joints[LEFT_EYE]
    assert 0.0008 < iris_radius - (rig.vertices[386] - eye)[1] < 0.0022
    assert 0.0 < iris_radius + (rig.vertices[374] - eye)[1] < 0.0020


def test_resting_lips_are_sealed(rig: HeadRig) -> None:
    for upper, lower in INNER_LIP_PAIRS:
        assert 0 <= rig.vertices[upper, 1] - rig.vertices[lower, 1] < 5e-4


def test_jaw_open_opens_as_wide_as_people_do(rig: HeadRig) -> None:
    opened = shaped(rig, jawOpen=1.0)
    assert 0.025 < opened[13, 1] - opened[14, 1] < 0.045
    upper, lower = (opened[rig.part(name).vertices] for name in ("upperTeeth", "lowerTeeth"))
    edges = [teeth[np.abs(teeth[:, 0]) < 0.006][:, 1] for teeth in (upper, lower)]
    assert 0.025 < edges[0].min() - edges[1].max() < 0.045


@pytest.mark.parametrize("weight", [0.3, 0.6, 1.0])
def test_mouth_close_seals_an_open_jaw(rig: HeadRig, weight: float) -> None:
    sealed = shaped(rig, jawOpen=weight, mouthClose=weight)
    for upper, lower in INNER_LIP_PAIRS:
        assert -5e-4 < sealed[upper, 1] - sealed[lower, 1] < 1e-3


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
