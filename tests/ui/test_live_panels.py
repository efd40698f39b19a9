"""What a live page says, in words a person reads."""

from __future__ import annotations

import numpy as np

from core.animation.demo import demo_take
from core.animation.take_files import load_take
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.pipeline import Notice
from core.session_parts import Phase, SessionStats, VoiceStats
from core.structures import FaceState
from ui.live_panels import NOTICE_WORDS, error_text, notice_text, pose_line, rate_line, take_files, voice_line
from ui.placeholder import WORDS, placeholder


def test_every_notice_has_words_that_say_what_to_do():
    assert set(NOTICE_WORDS) == set(Notice) - {Notice.NONE}
    assert notice_text(SessionStats(notice=Notice.NO_FACE)) == "No face in the picture. Move into the light."
    assert notice_text(SessionStats()) == ""


def test_the_rate_line_names_stages_in_plain_words():
    line = rate_line(SessionStats(rate_hz=29.6, stage_ms={"landmarks": 4.0, "picture": 9.5}, dropped=2))
    assert line == "30 pictures/s · 14 ms each (find the face 4.0 ms · draw 9.5 ms) · 2 frames skipped"


def test_errors_are_counted_with_the_last_reason():
    assert error_text(SessionStats()) == ""
    assert error_text(SessionStats(errors=1, last_error="why")).startswith("1 frame could not be worked on")
    assert error_text(SessionStats(errors=7, last_error="why")).endswith("Last reason: why")


def test_the_pose_is_told_in_degrees_and_centimetres():
    rotation = rotation_from_yaw_pitch_roll(*np.radians([20.0, -10.0, 5.0]))
    state = FaceState(0.0, head_rotation=rotation, head_translation=np.array([0.0, 0.0, -0.55]))
    assert pose_line(state) == "Head: turned +20°, raised -10°, tilted +5° · 55 cm away"


def test_a_take_is_offered_in_both_forms_and_both_read_back(tmp_path):
    take = demo_take(duration_s=1.0)
    for suffix, content in take_files(take).items():
        path = tmp_path / f"take{suffix}"
        path.write_bytes(content)
        again = load_take(path)
        np.testing.assert_allclose(again.blendshapes, take.blendshapes, atol=1e-5)


def test_every_phase_has_its_own_still_picture_of_the_camera_s_size():
    assert set(WORDS) == set(Phase)
    assert placeholder(Phase.BUSY).shape == (480, 640, 3)
    assert (placeholder(Phase.BUSY) != placeholder(Phase.FAILED)).any()


def test_what_the_voice_lends_is_said():
    def stats(**weights: float) -> SessionStats:
        return SessionStats(voice=VoiceStats(0.9, 0.2, 60.0, 0, weights))

    assert voice_line(SessionStats()) == "" and voice_line(stats()) == ""
    assert "sees enough" in voice_line(stats(mouth=0.0, eyes=0.0))
    assert voice_line(stats(mouth=0.8, eyes=0.0)) == "From your voice: mouth 80 %, 60 ms after the sound"
