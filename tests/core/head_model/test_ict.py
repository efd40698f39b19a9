"""The reader on a made-up file of ICT-FaceKit's layout: simple grids where the real model has a face."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX
from core.errors import ModelPackError
from core.head_model import ict, ict_layout
from core.head_model.builtin import load_builtin_rig
from core.head_model.eyes import EYE_RADIUS_M
from core.head_model.ict import load_ict_rig
from core.head_model.ict_file import MAX_FILE_BYTES, read_ict_file
from core.head_model.ict_model import checked_model
from core.head_model.ict_obj import NEUTRAL_FILE, read_ict_folder
from core.head_model.rig import PART_NAMES
from core.head_model.skinning import JAW, LEFT_EYE, RIGHT_EYE
from core.structures import FaceState

MARKED = 4700  # a face vertex that every made-up shape moves by its own amount, in hundredths of a centimetre


def grid(first: int, rows: int, columns: int) -> np.ndarray:
    """(n, 4) quads of a grid of vertices, first row on top, columns towards +X: counter-clockwise from +Z."""
    number = first + np.arange(rows * columns).reshape(rows, columns)
    corners = (number[1:, :-1], number[1:, 1:], number[:-1, 1:], number[:-1, :-1])
    return np.stack(corners, axis=2).reshape(-1, 4)


def patch(rows: int, columns: int, centre: tuple, size: tuple) -> np.ndarray:
    down, across = np.meshgrid(np.linspace(1, -1, rows), np.linspace(-1, 1, columns), indexing="ij")
    flat = np.stack([across * size[0], down * size[1], -0.1 * (across**2 + down**2)], axis=2)
    return flat.reshape(-1, 3) + centre


def ball(rows: int, columns: int, centre: tuple, radius: float) -> np.ndarray:
    angle, around = np.meshgrid(np.linspace(0.02, 2.9, rows), np.linspace(0, 6.2, columns), indexing="ij")
    direction = [np.sin(angle) * np.cos(around), np.sin(angle) * np.sin(around), np.cos(angle)]
    return np.stack(direction, axis=2).reshape(-1, 3) * radius + centre


def made_up_face() -> tuple[np.ndarray, np.ndarray]:
    """(9409, 3) and quads: a cylinder's front whose landmark vertices lie near the built-in head's points."""
    down, angle = np.meshgrid(np.linspace(9, -12, 97), np.linspace(-1.5, 1.5, 97), indexing="ij")
    points = np.stack([7.5 * np.sin(angle), down, 7.5 * np.cos(angle) - 4], axis=2).reshape(-1, 3)
    number = np.arange(len(points))
    wanted = 100 * load_builtin_rig().landmarks()[list(ict_layout.IBUG_FACE_MESH)]
    free = np.ones(len(points), bool)
    for vertex, place in zip(ict_layout.IBUG_VERTICES, wanted, strict=True):
        distance = np.linalg.norm(points - place, axis=1)
        cell = int(np.where(free, distance, np.inf).argmin())
        free[cell] = False
        other = int(np.flatnonzero(number == vertex)[0])
        number[[cell, other]] = number[[other, cell]]
    placed = np.empty_like(points)
    placed[number] = points
    return placed, number[grid(0, 97, 97)]


def made_up_arrays() -> dict[str, np.ndarray]:
    face, face_quads = made_up_face()
    vertices = np.zeros((ict_layout.VERTEX_COUNT, 3), np.float32)
    vertices[ict_layout.FACE] = face
    quads, tiles = [face_quads], np.zeros(len(vertices))
    for first, rows, columns, centre, size in (
        (9409, 3, 613, (0, -4, -10), (7, 12)), (11248, 6, 341, (0, -6, 2), (3, 2)),
        (13294, 16, 24, (3, 0, 1), (1, 1)), (13678, 16, 24, (-3, 0, 1), (1, 1)),
        (14062, 23, 87, (0, -6, 1), (3, 2)), (16063, 16, 61, (0, -6, 2), (1.5, 0.4)),
        (17039, 48, 46, (0, -5, 3), (2, 0.5)), (19247, 29, 76, (0, -7, 3), (2, 0.5)),
    ):  # fmt: skip
        vertices[first : first + rows * columns] = patch(rows, columns, centre, size)
        quads.append(grid(first, rows, columns))
    vertices[16063:17039, 2] += np.linspace(5, 0, 976)
    for first, side in ((21451, 1), (23021, -1)):
        vertices[first : first + 770] = ball(22, 35, (3.1 * side, 0.4, 0.2), 1.5)
        quads.append(grid(first, 22, 35))
    tiles[9409:14062], tiles[14062:17039] = 1, 2
    names = np.array(["spare", *dict.fromkeys(ict_layout.REQUIRED_NAMES)])
    deltas = np.zeros((len(names), len(vertices), 3), np.float16)
    deltas[:, MARKED, 0] = 0.01 * (np.arange(len(names)) + 1)
    jaw = list(names).index("jawOpen")
    lower = np.flatnonzero(vertices[:, 1] < -6)
    deltas[jaw, lower, 1] = -2
    faces = np.concatenate(quads).astype(np.int32)
    faces[::50, 3] = -1
    uv = np.stack([tiles + 0.5 + vertices[:, 0] / 40, 0.5 + vertices[:, 1] / 40], axis=1).astype(np.float32)
    return {
        "neutral": vertices, "faces": faces, "uv": uv, "faces_uv": faces.copy(),
        "expr_names": names, "expr_delta": deltas,
    }  # fmt: skip


@pytest.fixture(scope="module")
def arrays():
    return made_up_arrays()


@pytest.fixture(scope="module")
def path(arrays, tmp_path_factory):
    file = tmp_path_factory.mktemp("ict") / "model.npz"
    np.savez_compressed(file, **arrays)
    return file


@pytest.fixture(scope="module")
def rig(path):
    return load_ict_rig(path)


def test_shapes_are_mapped_by_name_and_become_metres(path, arrays):
    model = checked_model(read_ict_file(path), path.name)
    place = {name: row for row, name in enumerate(arrays["expr_names"])}
    for name in ARKIT_NAMES:
        expected = sum(1e-4 * (place[part] + 1) for part in ict_layout.ict_names(name))
        assert model.shapes[INDEX[name], MARKED, 0] == pytest.approx(expected, rel=2e-3), name
    assert np.allclose(model.vertices, 0.01 * arrays["neutral"])


@pytest.mark.parametrize(
    "name, parts",
    [
        ("eyeBlinkLeft", ("eyeBlink_L",)), ("mouthSmileRight", ("mouthSmile_R",)), ("jawLeft", ("jawLeft",)),
        ("mouthRight", ("mouthRight",)), ("browInnerUp", ("browInnerUp_L", "browInnerUp_R")),
        ("cheekPuff", ("cheekPuff_L", "cheekPuff_R")), ("mouthRollUpper", ("mouthRollUpper",)), ("tongueOut", ()),
    ],
)  # fmt: skip
def test_arkit_names_in_ict_spelling(name, parts):
    assert ict_layout.ict_names(name) == parts


def test_quads_are_cut_and_triangles_kept(path, arrays):
    model = checked_model(read_ict_file(path), path.name)
    quads = int((arrays["faces"][:, 3] >= 0).sum())
    assert len(model.triangles) == len(arrays["faces"]) + quads
    assert model.triangles.min() >= 0


def test_the_parts_lie_in_the_order_of_every_head(rig):
    assert tuple(part.name for part in rig.parts) == PART_NAMES
    stop = 0
    for part in rig.parts:
        assert part.vertices.start == stop < part.vertices.stop
        faces = rig.faces[part.faces]
        assert faces.min() >= part.vertices.start and faces.max() < part.vertices.stop
        stop = part.vertices.stop
    assert stop == len(rig.vertices)


def test_the_origin_lies_between_eyeballs_of_human_size(rig):
    assert np.abs(rig.joints[LEFT_EYE] + rig.joints[RIGHT_EYE]).max() < 1e-6
    assert rig.joints[LEFT_EYE][0] > 0.02
    for name, joint in (("leftEye", LEFT_EYE), ("rightEye", RIGHT_EYE)):
        ball_points = rig.vertices[rig.part(name).vertices]
        assert np.allclose(np.linalg.norm(ball_points - rig.joints[joint], axis=1), EYE_RADIUS_M, atol=1e-5)


def test_weights_follow_the_documented_rule(rig):
    assert np.allclose(rig.skin_weights.sum(axis=1), 1, atol=1e-6) and rig.skin_weights.min() >= 0
    for name, joint in (("leftEye", LEFT_EYE), ("rightEye", RIGHT_EYE), ("lowerTeeth", JAW), ("tongue", JAW)):
        assert (rig.skin_weights[rig.part(name).vertices, joint] == 1).all()
    still = np.abs(rig.shapes[INDEX["jawOpen"]]).max(axis=1) == 0
    skin = np.zeros(len(still), bool)
    skin[rig.part("skin").vertices] = True
    assert (rig.skin_weights[still & skin, JAW] == 0).all()


def test_tongue_out_is_made_and_moves_the_tongue_only(rig):
    moved = np.linalg.norm(rig.shapes[INDEX["tongueOut"]], axis=1)
    tongue = rig.part("tongue").vertices
    assert moved[tongue].max() > 0.01 and moved[: tongue.start].max() == 0
    assert rig.details["made"] == ["tongueOut"] and rig.details["unreachable"] == []


def test_mouth_close_acts_only_as_far_as_the_jaw_is_open(rig):
    def shaped(**weights):
        coefficients = np.zeros(52, np.float32)
        for name, weight in weights.items():
            coefficients[INDEX[name]] = weight
        return rig.shaped_vertices(coefficients)

    assert np.allclose(shaped(mouthClose=0.8), rig.vertices, atol=1e-6)
    full = shaped(mouthClose=0.5, jawOpen=0.5)
    assert np.allclose(shaped(mouthClose=0.9, jawOpen=0.5), full, atol=1e-6)
    assert np.abs(full - shaped(jawOpen=0.5)).max() > 1e-4


def test_points_on_a_seam_share_their_place_and_normal(rig):
    assert np.array_equal(rig.vertices[rig.seam_groups], rig.vertices)
    normals = rig.deform(FaceState(0.0)).normals
    assert np.array_equal(normals[rig.seam_groups], normals)


def test_face_points_lie_on_skin_and_irises_on_eyeballs(rig):
    skin, left, right = (rig.part(name).faces for name in ("skin", "leftEye", "rightEye"))
    faces = rig.landmark_faces
    assert ((faces[:468] >= skin.start) & (faces[:468] < skin.stop)).all()
    assert ((faces[468:473] >= right.start) & (faces[468:473] < right.stop)).all()
    assert ((faces[473:] >= left.start) & (faces[473:] < left.stop)).all()
    assert np.allclose(rig.landmark_weights.sum(axis=1), 1, atol=1e-5) and rig.landmark_weights.min() >= 0


def test_loading_twice_gives_one_rig_and_loading_afresh_an_equal_one(path, rig):
    assert load_ict_rig(path) is rig
    ict._load.cache_clear()
    again = load_ict_rig(path)
    for name in ("vertices", "faces", "uv", "shapes", "joints", "skin_weights", "landmark_faces", "landmark_weights"):
        assert np.array_equal(getattr(again, name), getattr(rig, name)), name
    with pytest.raises(ValueError, match="read-only"):
        again.vertices[0] = 0


def _without(name):
    return lambda a: a.pop(name)


def _set(name, value):
    def change(a):
        a[name] = value(a[name]) if callable(value) else value

    return change


def _with_nan(values):
    values = values.copy()
    values[5, 1] = np.nan
    return values


def _pointing_nowhere(faces):
    faces = faces.copy()
    faces[7, 2] = 999_999
    return faces


@pytest.mark.parametrize(
    "change",
    [
        _without("neutral"), _without("expr_names"),
        _set("neutral", lambda v: v[:-1]), _set("neutral", _with_nan), _set("neutral", lambda v: v * 1000),
        _set("neutral", lambda v: v * 0.01), _set("neutral", lambda v: v.astype(np.int32)),
        _set("faces", _pointing_nowhere), _set("faces", lambda f: -f), _set("faces", lambda f: f[:10]),
        _set("faces", lambda f: np.abs(f)), _set("faces_uv", _pointing_nowhere), _set("uv", lambda u: u[:50]),
        _set("uv", lambda u: u * np.inf), _set("expr_names", lambda n: n[:-1]),
        _set("expr_names", lambda n: np.array([f"x{k}" for k in range(len(n))])),
        _set("expr_names", np.array([{"a": 1}], object)), _set("expr_delta", lambda d: d[:, :100]),
        _set("expr_delta", lambda d: d + np.float16(np.nan)), _set("neutral", lambda v: v * (1, 1, 0)),
        _set("neutral", lambda v: np.tile(np.float32([[0, 9, 0], [0, -9, 0]]), (len(v), 1))[: len(v)]),
    ],
)  # fmt: skip
def test_a_changed_file_is_refused_in_one_line(arrays, tmp_path, change):
    changed = dict(arrays)
    change(changed)
    file = tmp_path / "changed.npz"
    np.savez(file, **changed)
    assert_refused(file)


def assert_refused(file):
    with pytest.raises(ModelPackError) as caught:
        load_ict_rig(file)
    text = str(caught.value)
    assert file.name in text and "\n" not in text and "github.com/USC-ICT" in text


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_refused(path, tmp_path, share):
    data = path.read_bytes()
    file = tmp_path / "cut.npz"
    file.write_bytes(data[: int(share * len(data))])
    assert_refused(file)


def test_other_kinds_of_files_are_refused(tmp_path):
    text, picture, folder = tmp_path / "a.npz", tmp_path / "b.npz", tmp_path / "c.npz"
    text.write_text("neutral")
    np.save(io.BytesIO(), np.zeros(3))
    with zipfile.ZipFile(picture, "w") as archive:
        archive.writestr("neutral.npy", b"\x89PNG not an array")
    folder.mkdir()
    for file in (text, picture, folder, tmp_path / "absent.npz"):
        assert_refused(file)


def header_of(descr: str, shape: tuple[int, ...]) -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": shape})
    return header.getvalue()


LONG_HEADER = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{'descr': '<f4'"


@pytest.mark.parametrize(
    "content",
    [
        header_of("<f4", (2**40, 3)), header_of("<f4", (26_719, 2**40)), header_of("<f4", ()),
        header_of("<f4", (26_719, 3)), header_of("<f4", (26_719, 3)) + bytes(300 * 2**20),
        header_of("|V1073741824", (26_719, 3)), header_of("|O", (26_719, 3)), LONG_HEADER,
        b"\x93NUMPY\x01\x00\x08\x00" + b"[" * 8, b"\x93NUMPY\x09\x00", b"",
    ],
    ids=["rows", "columns", "scalar", "empty", "zeros", "large items", "objects", "header", "open", "version", "none"],
)  # fmt: skip
def test_what_a_file_claims_is_checked_before_memory_is_taken(tmp_path, content):
    file = tmp_path / "bomb.npz"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("neutral.npy", content)
    del content
    tracemalloc.start()
    try:
        assert_refused(file)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


def test_names_of_a_gigabyte_are_refused(arrays, tmp_path):
    file = tmp_path / "names.npz"
    np.savez(file, **{name: values for name, values in arrays.items() if name != "expr_names"})
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("expr_names.npy", header_of("<U268435456", (1,)))
    assert_refused(file)


def test_a_file_larger_than_any_model_is_not_opened(path, tmp_path):
    file = tmp_path / "large.npz"
    with file.open("wb") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)
    assert_refused(file)


def written_as_obj(arrays, folder):
    """The made-up head as the published folder; the marked vertex alone tells the expressions apart."""
    vertices = [f"v {x:.4f} {y:.4f} {z:.4f}" for x, y, z in arrays["neutral"]]
    corners = [
        "f " + " ".join(f"{v + 1}/{t + 1}" for v, t in zip(face, face_uv, strict=True) if v >= 0)
        for face, face_uv in zip(arrays["faces"].tolist(), arrays["faces_uv"].tolist(), strict=True)
    ]
    rest = ["mtllib some.mtl", "g head", *(f"vt {u:.6f} {v:.6f}" for u, v in arrays["uv"]), *corners]
    (folder / NEUTRAL_FILE).write_text("\n".join(vertices + rest))
    x, y, z = arrays["neutral"][MARKED]
    for row, name in enumerate(arrays["expr_names"]):
        moved = [*vertices[:MARKED], f"v {x + 0.01 * (row + 1):.4f} {y:.4f} {z:.4f}", *vertices[MARKED + 1 :]]
        (folder / f"{name}.obj").write_text("\n".join(moved))


@pytest.fixture(scope="module")
def folder(arrays, tmp_path_factory):
    made = tmp_path_factory.mktemp("FaceXModel")
    written_as_obj(arrays, made)
    return made


def test_the_published_folder_holds_the_same_model(folder, path):
    from_folder = checked_model(read_ict_folder(folder), "folder")
    from_file = checked_model(read_ict_file(path), "file")
    assert np.abs(from_folder.vertices - from_file.vertices).max() < 1e-6
    assert np.array_equal(from_folder.triangles, from_file.triangles)
    assert np.array_equal(from_folder.triangles_uv, from_file.triangles_uv)
    assert np.abs(from_folder.uv - from_file.uv).max() < 1e-5
    marked = from_folder.shapes[:, MARKED] - from_file.shapes[:, MARKED]
    assert np.abs(marked[:, 0]).max() < 3e-6


@pytest.mark.parametrize(
    "file, text",
    [
        (NEUTRAL_FILE, ""), (NEUTRAL_FILE, "v 1 2\n" * 26_719), (NEUTRAL_FILE, "v 1 2 x\n"),
        (NEUTRAL_FILE, "v 0 0 0\n" * 26_719 + "vt 0 0\nf 1 2 3\n"),
        (NEUTRAL_FILE, "v 0 0 0\n" * 26_719 + "vt 0 0\nf 1/1 2/1\n"),
        (NEUTRAL_FILE, "v 0 0 0\n" * 26_719 + "vt 0 0\nf 1/1 2/1 99999999999999999999999/1\n"),
        (NEUTRAL_FILE, "v 0 0 0\n" * 26_719 + "vt 0 0\n"), (NEUTRAL_FILE, "\0" * 1000),
    ],
)  # fmt: skip
def test_a_damaged_folder_names_the_file(tmp_path, file, text):
    (tmp_path / file).write_text(text)
    with pytest.raises(ModelPackError, match=file) as caught:
        load_ict_rig(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_that_lacks_an_expression_names_it(tmp_path):
    neutral = "v 0 0 0\n" * 26_719 + "vt 0 0\nf 1/1 2/1 3/1\n"
    (tmp_path / NEUTRAL_FILE).write_text(neutral)
    with pytest.raises(ModelPackError, match=r"browDown_L\.obj"):
        load_ict_rig(tmp_path)
