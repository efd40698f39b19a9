import io
import time

import numpy as np
import pytest
from PIL import Image

from core.errors import InputError
from ui import rig_job
from ui.rig_job import RigJob, Upload, require_fitting, safe_file_name
from ui.rig_report import report_lines


def png(image):
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, "PNG")
    return encoded.getvalue()


def finished(job):
    assert job.join(60.0) and job.is_done
    return job


def test_a_photo_becomes_a_rig(astronaut):
    job = finished(RigJob([Upload("me.png", png(astronaut.image))], "Eileen"))
    assert job.problem == ""
    assert job.result is not None
    assert job.result.name == "Eileen"
    assert job.fraction == 1.0


def test_a_picture_without_a_face_is_told_in_plain_words():
    grey = np.full((120, 160, 3), 128, np.uint8)
    job = finished(RigJob([Upload("wall.png", png(grey))], "Wall"))
    assert job.result is None
    assert "face" in job.problem


def test_a_file_of_another_kind_is_told_in_plain_words():
    job = finished(RigJob([Upload("me.jpg", b"%PDF-1.7 not a picture")], "Me"))
    assert job.result is None
    assert job.problem != rig_job.UNEXPECTED
    assert job.problem


def test_cancelled_work_leaves_nothing(astronaut):
    job = RigJob([Upload("me.png", png(astronaut.image))], "Me")
    job.stop()
    finished(job)
    assert job.result is None
    assert job.problem == ""


@pytest.mark.parametrize("refine", [False, True])
def test_refinement_is_done_unless_it_is_declined_and_told(astronaut, refine):
    rig = finished(RigJob([Upload("me.png", png(astronaut.image))], "Me", refine=refine)).result
    assert rig is not None
    lines = report_lines(rig.details)
    assert refine == any(line.startswith("The skin's shading refined the form") for line in lines)


def test_refinement_is_a_phase_in_which_the_work_can_be_stopped(astronaut):
    job = RigJob([Upload("me.png", png(astronaut.image))], "Me")
    while job.phase != "Refining by shading":
        assert not job.is_done
        time.sleep(0.01)
    job.stop()
    finished(job)
    assert (job.phase, job.result, job.problem) == ("Refining by shading", None, "")


def test_a_defect_shows_no_traceback(astronaut, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(rig_job, "make_rig", broken)
    job = finished(RigJob([Upload("me.png", png(astronaut.image))], "Me"))
    assert job.problem == rig_job.UNEXPECTED


def test_too_big_a_photo_is_refused(monkeypatch):
    monkeypatch.setattr(rig_job, "PHOTO_LIMIT_MIB", 0)
    with pytest.raises(InputError, match=r"photo may have up to 0 MB, but me\.png"):
        require_fitting([Upload("me.png", b"\x89PNG")])


def test_the_base_head_is_the_chosen_one(astronaut, shared_file, monkeypatch):
    monkeypatch.setenv("LIVE_AVATAR_MODELS", str(shared_file("models/ict_facekit.npz").parent))
    job = finished(RigJob([Upload("me.png", png(astronaut.image))], "Me", "ict"))
    assert job.result is not None
    assert job.result.details["head"] == "ict"


def test_a_base_head_that_is_not_there_is_told_in_one_line(astronaut, tmp_path, monkeypatch):
    monkeypatch.setenv("LIVE_AVATAR_MODELS", str(tmp_path))
    job = finished(RigJob([Upload("me.png", png(astronaut.image))], "Me", "flame"))
    assert job.result is None
    assert "flame.is.tue.mpg.de" in job.problem and "\n" not in job.problem


def test_messages_name_the_file_as_the_visitor_does(astronaut):
    good = Upload("me.png", png(astronaut.image))
    job = finished(RigJob([good, Upload("../../holiday: 1.png", b"%PDF-1.7")], "Me"))
    assert "holiday_ 1.png" in job.problem
    assert [safe_file_name(name) for name in ("a/b\\c.jpg", "..", "", "\0.png")] == ["c.jpg", "file", "file", "_.png"]
    assert len(safe_file_name("x" * 500 + ".mp4")) == 80 and safe_file_name("x" * 500 + ".mp4").endswith(".mp4")
