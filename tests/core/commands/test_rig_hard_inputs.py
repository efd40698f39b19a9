"""Hard pictures and videos, whole: a file in, a head or a plain sentence out, on the command line and as the page does
it."""

from __future__ import annotations

import re
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from core.bench.studio import Studio, neutral_shot, random_lights
from core.bench.truth_heads import relative, with_skin
from core.cli import main
from core.head_model.rig import HeadRig
from core.head_model.rig_glb import load_rig
from core.rigging.observation import observe
from core.structures import ImageArray
from core.tracking import FaceMeshLandmarker
from ui.rig_job import RigJob, Upload
from ui.rig_report import report_lines


def save(path: Path, image: ImageArray) -> Path:
    Image.fromarray(image).save(path)
    return path


def on_the_command_line(path: Path, capsys, *options: str) -> tuple[HeadRig | None, str]:
    """The head, None where it was refused, and what was said; a refusal is one line and writes nothing."""
    output = path.with_suffix(".glb")
    code = main(["rig", str(path), "-o", str(output), *options])
    said = capsys.readouterr().err
    if code:
        assert code == 1 and not output.exists() and "Traceback" not in said
        assert [line for line in said.splitlines() if line.startswith("Error:")] == [said.splitlines()[-1]]
        return None, said
    return load_rig(output), said


def on_the_page(path: Path) -> RigJob:
    job = RigJob([Upload(path.name, path.read_bytes())], "Somebody")
    assert job.join(120.0)
    return job


def looks_human(rig: HeadRig) -> bool:
    points = rig.landmarks()
    breadth, height = np.linalg.norm(points[234] - points[454]), np.linalg.norm(points[10] - points[152])
    return bool(np.isfinite(rig.shapes).all() and 0.11 < breadth < 0.17 and 0.14 < height < 0.23)


def two_people(image: ImageArray) -> ImageArray:
    """The portrait on the left, and its mirror image, a little smaller, on the right."""
    person = image[:330, 80:400]
    smaller = cv2.resize(person, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)[:, ::-1]
    picture = np.full((330, 640, 3), 128, np.uint8)
    picture[:, :320] = person
    picture[20 : 20 + smaller.shape[0], 340 : 340 + smaller.shape[1]] = smaller
    return picture


def test_of_two_people_the_larger_is_taken_and_said_so(astronaut, tmp_path, capsys):
    path = save(tmp_path / "two.png", two_people(astronaut.image))
    rig, said = on_the_command_line(path, capsys)
    sentence = "more than one face in the picture; the largest was taken, the left one."
    assert looks_human(rig) and sentence in said
    job = on_the_page(path)
    assert looks_human(job.result) and any(sentence in line for line in report_lines(job.result.details))


def with_dark_glasses(image: ImageArray) -> ImageArray:
    with FaceMeshLandmarker(still_images=True) as landmarker:
        points = observe(image, landmarker).landmarks.points
    worn = image.copy()
    middles = []
    for outer, inner in ((33, 133), (362, 263)):
        centre = points[[outer, inner], :2].mean(axis=0)
        reach = float(np.linalg.norm(points[outer, :2] - points[inner, :2]))
        middles.append(tuple(int(v) for v in centre))
        cv2.ellipse(worn, middles[-1], (int(0.85 * reach), int(0.7 * reach)), 0, 0, 360, (14, 13, 15), -1, cv2.LINE_AA)
    cv2.line(worn, middles[0], middles[1], (14, 13, 15), 3, cv2.LINE_AA)
    return worn


def small_face(image: ImageArray, size: tuple[int, int] = (320, 240)) -> ImageArray:
    """A face about 60 pixels wide in the middle of a picture of (width, height)."""
    with FaceMeshLandmarker(still_images=True) as landmarker:
        width = float(np.ptp(observe(image, landmarker).landmarks.points[:468, 0]))
    small = cv2.resize(image[:300, 60:400], None, fx=60 / width, fy=60 / width, interpolation=cv2.INTER_AREA)
    picture = np.full((size[1], size[0], 3), 120, np.uint8)
    top, left = (size[1] - small.shape[0]) // 2, (size[0] - small.shape[1]) // 2
    picture[top : top + small.shape[0], left : left + small.shape[1]] = small
    return picture


def test_the_same_small_face_far_away_in_a_large_picture_is_refused_in_words(astronaut, tmp_path, capsys):
    """The wheel's detector finds no face under a tenth of the picture's width."""
    path = save(tmp_path / "far.png", small_face(astronaut.image, (1280, 960)))
    rig, said = on_the_command_line(path, capsys)
    assert rig is None and "No face was found in the picture. Use one that shows the whole face" in said


@pytest.mark.parametrize("change", [with_dark_glasses, small_face])
def test_glasses_and_a_small_face_still_give_a_head(change, astronaut, tmp_path, capsys):
    path = save(tmp_path / "hard.png", change(astronaut.image))
    rig, _ = on_the_command_line(path, capsys)
    assert rig is not None and looks_human(rig)


@pytest.mark.parametrize("name", ["mona_lisa.jpg", "girl_with_a_pearl_earring.jpg"])
def test_a_painting_gives_a_head(name, shared_file, tmp_path, capsys):
    path = save(tmp_path / "painting.png", np.asarray(Image.open(shared_file(f"media/images/{name}")).convert("RGB")))
    rig, _ = on_the_command_line(path, capsys)
    assert rig is not None and looks_human(rig)


def profile() -> ImageArray:
    rng = np.random.default_rng(2)
    with Studio() as studio:
        studio.seat(with_skin(relative(11), 11), random_lights(rng))
        return studio.take(neutral_shot(75), studio.camera(0.6), rng)


def nobody() -> ImageArray:
    hills = 120 + 60 * np.sin(np.linspace(0, 9, 640)) * np.linspace(0, 1, 480)[:, None]
    return np.repeat(hills[:, :, None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(("make", "words"), [(profile, "turned|No face|cut off"), (nobody, "No face was found")])
def test_a_profile_and_an_empty_picture_are_refused_in_words(make, words, tmp_path, capsys):
    path = save(tmp_path / "refused.png", make())
    rig, said = on_the_command_line(path, capsys)
    assert rig is None
    job = on_the_page(path)
    assert job.result is None
    assert re.search(words, said) and re.search(words, job.problem)


def write_film(path: Path, pictures: list[ImageArray], rotation: int = 0) -> Path:
    """H.264, 10 pictures a second, as stored; rotation: what a phone writes beside it, degrees."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def moving(image: ImageArray, size: tuple[int, int], count: int) -> list[ImageArray]:
    """The portrait, which wanders a little, at (width, height)."""
    pictures = []
    for k in range(count):
        part = image[4 * (k % 3) : 400 + 4 * (k % 3), 60 + 5 * k : 360 + 5 * k]
        pictures.append(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC))
    return pictures


@pytest.mark.parametrize("rotation", [90, -90])
def test_a_phones_upright_video_gives_an_upright_head(rotation, astronaut, tmp_path, capsys):
    """Stored lying on its side; without the rotation no face would stand upright in it."""
    upright = moving(astronaut.image, (360, 480), 5)
    lying = [np.ascontiguousarray(np.rot90(picture, -rotation // 90)) for picture in upright]
    path = write_film(tmp_path / "phone.mp4", lying, rotation)
    rig, said = on_the_command_line(path, capsys)
    assert looks_human(rig) and "pictures used: " in said
    assert rig.details["pictures_seen"] == 5 and abs(rig.details["yaw_deg"][0]) < 15


@pytest.mark.slow
def test_a_video_in_4k_gives_a_head_on_the_command_line_and_the_page(astronaut, tmp_path, capsys):
    tall = write_film(tmp_path / "tall.mp4", moving(astronaut.image, (2160, 2880), 6))
    squares = moving(astronaut.image, (2160, 2160), 8)
    wide = write_film(tmp_path / "4k.mp4", [np.pad(picture, ((0, 0), (840, 840), (0, 0))) for picture in squares])
    for film in (tall, wide):
        rig, _ = on_the_command_line(film, capsys)
        assert looks_human(rig)
    assert looks_human(on_the_page(wide).result)
