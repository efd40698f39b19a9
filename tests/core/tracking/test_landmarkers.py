"""Both landmarkers on real pictures: the wheel's and the optional pack's."""

import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from core.errors import InputError, ModelPackError
from core.structures import Frame
from core.tracking.face_mesh import FaceMeshLandmarker
from core.tracking.face_task import FaceTaskLandmarker
from core.tracking.framing import CUT_OFF_BELOW, visible_fraction
from core.tracking.landmarker import create_landmarker
from core.tracking.settings import TrackerSettings


@pytest.fixture(params=["wheel", "pack"])
def make(request):
    """`make(settings, still_images)`: a landmarker of either kind."""
    if request.param == "wheel":
        return FaceMeshLandmarker
    path = request.getfixturevalue("shared_file")("models/face_landmarker.task")
    return lambda *arguments, **named: FaceTaskLandmarker(path, *arguments, **named)


@pytest.fixture(scope="module")
def two_people(shared_file):
    image = cv2.imread(str(shared_file("media/images/facerec_two_people.jpg")))
    return np.ascontiguousarray(image[..., ::-1])


def test_finds_the_face_in_pixels(make, astronaut):
    with make() as landmarker:
        (face,) = landmarker.detect(astronaut)
    assert face.points.dtype == np.float32
    assert face.image_size == (512, 512)
    assert (face.face_id, face.confidence) == (0, 1.0)
    np.testing.assert_allclose(face.points[1, :2], (223, 130), atol=6)  # the tip of her nose
    np.testing.assert_allclose(face.points[468, :2], (209, 102), atol=8)  # her right eye, left in the picture
    assert face.points[1, 2] < face.points[33, 2] < face.points[127, 2]  # nose before eye before ear


@pytest.mark.parametrize("size", [(480, 640), (1, 1), (1, 700), (700, 1), (0, 0)])
def test_nothing_in_a_black_picture(make, size):
    with make() as landmarker:
        for index in range(3):
            assert landmarker.detect(Frame(np.zeros((*size, 3), np.uint8), index / 30)) == ()


def test_pictures_of_changing_size_and_layout(make, astronaut):
    with make() as landmarker:
        assert len(landmarker.detect(astronaut)) == 1
        assert landmarker.detect(Frame(np.zeros((1, 1, 3), np.uint8), 0.1)) == ()
        turned = Frame(astronaut.image[:, ::-1], 0.2)  # not contiguous
        (face,) = landmarker.detect(turned)
        assert abs(face.points[1, 0] - (511 - 223)) < 8


def test_times_that_stand_still_or_run_back(make, astronaut):
    with make() as landmarker:
        for time in (1.0, 1.0, 0.5, 0.0, 2.0):
            assert len(landmarker.detect(Frame(astronaut.image, time))) == 1


def test_one_face_is_not_found_twice(make, astronaut):
    with make(TrackerSettings(max_faces=4)) as landmarker:
        for index in range(4):
            assert len(landmarker.detect(Frame(astronaut.image, index / 30))) == 1


def test_two_people_keep_their_numbers_when_they_drift(make, two_people):
    with make(TrackerSettings(max_faces=2)) as landmarker:
        first = landmarker.detect(Frame(two_people, 0.0))
        assert [face.face_id for face in first] == [0, 1]
        was = {face.face_id: face.points[1, 0] for face in first}
        assert abs(was[0] - was[1]) > 50
        for step in range(1, 12):
            shifted = np.roll(two_people, 4 * step, axis=1)
            faces = landmarker.detect(Frame(shifted, step / 30))
            for face in faces:
                assert abs(face.points[1, 0] - was[face.face_id] - 4 * step) < 25
        assert len(faces) == 2


def test_settings_change_while_it_runs(make, two_people):
    with make(TrackerSettings(max_faces=2)) as landmarker:
        assert len(landmarker.detect(Frame(two_people, 0.0))) == 2
        landmarker.settings = TrackerSettings(max_faces=1)
        assert landmarker.settings.max_faces == 1
        assert len(landmarker.detect(Frame(two_people, 0.1))) == 1
        landmarker.settings = TrackerSettings(max_faces=2)
        assert len(landmarker.detect(Frame(two_people, 0.2))) == 2


def test_the_network_is_rebuilt_only_for_a_new_value_and_in_the_detecting_thread(astronaut):
    built = []

    class Watched(FaceMeshLandmarker):
        def _build(self, settings):
            built.append(threading.get_ident())
            super()._build(settings)

    landmarker = Watched()
    other = threading.Thread(target=lambda: setattr(landmarker, "settings", TrackerSettings(tracking_confidence=0.4)))
    landmarker.detect(astronaut)
    landmarker.settings = TrackerSettings()
    landmarker.detect(astronaut)
    assert len(built) == 1
    other.start()
    other.join()
    landmarker.detect(astronaut)
    landmarker.close()
    assert built == [threading.get_ident()] * 2


def test_a_face_at_the_border_says_that_it_is_cut_off(astronaut):
    cut = np.ascontiguousarray(astronaut.image[100:, :])  # from the eyes down
    with FaceMeshLandmarker(TrackerSettings(detection_confidence=0.1), still_images=True) as landmarker:
        (whole,) = landmarker.detect(astronaut)
        faces = landmarker.detect(Frame(cut, 0.0))
    assert whole.confidence >= CUT_OFF_BELOW
    assert all(0 < face.confidence < CUT_OFF_BELOW for face in faces)
    shifted = whole.points - np.array([0, 100, 0], np.float32)
    assert 0.4 < visible_fraction(shifted, (512, 412)) < 0.9


def test_no_face_in_a_landscape(make, shared_file):
    image = cv2.imread(str(shared_file("media/images/no_face_landscape.jpg")))
    with make(TrackerSettings(max_faces=4), still_images=True) as landmarker:
        assert landmarker.detect(Frame(np.ascontiguousarray(image[..., ::-1]), 0.0)) == ()


def test_after_close(make, astronaut):
    landmarker = make()
    landmarker.detect(astronaut)
    landmarker.close()
    landmarker.close()
    with pytest.raises(InputError, match="closed"):
        landmarker.detect(astronaut)


def test_reset_starts_anew(make, astronaut):
    with make() as landmarker:
        landmarker.detect(astronaut)
        landmarker.reset()
        assert len(landmarker.detect(Frame(astronaut.image, 0.0))) == 1


@pytest.mark.parametrize("named", [{"max_faces": 0}, {"detection_confidence": 1.1}, {"tracking_confidence": -0.1}])
def test_settings_refuse_nonsense(named):
    with pytest.raises(InputError, match=next(iter(named))):
        TrackerSettings(**named)


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04" + bytes(200)])
def test_a_wrong_file_is_refused(tmp_path, content):
    path = tmp_path / "face_landmarker.task"
    path.write_bytes(content)
    with pytest.raises(ModelPackError, match=r"face_landmarker\.task"):
        create_landmarker(models_dir=tmp_path)


def test_a_cut_pack_and_another_archive_are_refused(tmp_path, shared_file):
    import zipfile

    whole = shared_file("models/face_landmarker.task").read_bytes()
    (tmp_path / "half.task").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(tmp_path / "other.task", "w") as archive:
        archive.writestr("hand_detector.tflite", b"x")
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    (tmp_path / "flipped.task").write_bytes(flipped)
    for name in ("half.task", "other.task", "flipped.task", "absent.task"):
        with pytest.raises(ModelPackError, match=name):
            FaceTaskLandmarker(tmp_path / name)


def test_without_a_pack_the_wheel_is_used(tmp_path):
    assert isinstance(create_landmarker(models_dir=tmp_path), FaceMeshLandmarker)
    assert isinstance(create_landmarker(), FaceMeshLandmarker)


def test_with_a_pack_the_pack_is_used(shared_file):
    folder = shared_file("models/face_landmarker.task").parent
    assert isinstance(create_landmarker(models_dir=folder), FaceTaskLandmarker)


def test_importing_loads_no_network():
    code = "import sys, core.tracking; print(*[m for m in ('mediapipe', 'cv2', 'jax') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
