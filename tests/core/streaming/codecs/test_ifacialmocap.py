from __future__ import annotations

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, INDEX
from core.errors import InputError, StreamError
from core.geometry.rotation import yaw_pitch_roll
from core.streaming.codecs.ifacialmocap import (
    HELLO_V1,
    HELLO_V2,
    SHORT_NAMES,
    IFacialMocapDecoder,
    IFacialMocapEncoder,
    IFacialMocapOptions,
)
from core.structures import FaceState

# The sample frame of the app's page for developers (ifacialmocap.com/for-developer).
SAMPLE = (
    "mouthSmile_R-0|eyeLookOut_L-0|mouthUpperUp_L-11|eyeWide_R-0|mouthClose-8|mouthPucker-4|mouthRollLower-9|"
    "eyeBlink_R-7|eyeLookDown_L-17|cheekSquint_R-11|eyeBlink_L-7|tongueOut-0|jawRight-0|eyeLookIn_R-6|cheekSquint_L-11|"
    "mouthDimple_L-10|mouthPress_L-4|eyeSquint_L-11|mouthRight-0|mouthShrugLower-9|eyeLookUp_R-0|eyeLookOut_R-0|"
    "mouthPress_R-5|cheekPuff-2|jawForward-11|mouthLowerDown_L-9|mouthFrown_L-6|mouthShrugUpper-26|browOuterUp_L-4|"
    "browInnerUp-20|mouthDimple_R-10|browDown_R-0|mouthUpperUp_R-10|mouthRollUpper-8|mouthFunnel-12|mouthStretch_R-21|"
    "mouthFrown_R-13|eyeLookDown_R-17|jawOpen-12|jawLeft-0|browDown_L-0|mouthSmile_L-0|noseSneer_R-18|"
    "mouthLowerDown_R-8|noseSneer_L-21|eyeWide_L-0|mouthStretch_L-21|browOuterUp_R-4|eyeLookIn_L-4|eyeSquint_R-11|"
    "eyeLookUp_L-0|mouthLeft-1|=head#-21.488958,-6.038993,-6.6019735,-0.030653415,-0.10287084,-0.6584072|"
    "rightEye#6.0297494,2.4403017,0.25649446|leftEye#6.034903,-1.6660284,-0.17520553|"
)


def decoded(text: str) -> FaceState:
    state = IFacialMocapDecoder().decode(text.encode(), 3.0)
    assert state is not None
    return state


def test_the_apps_own_sample_is_read():
    state = decoded(SAMPLE)
    expected = {
        "mouthShrugUpper": 0.26,
        "jawOpen": 0.12,
        "mouthLeft": 0.01,
        "noseSneerLeft": 0.21,
        "eyeBlinkRight": 0.07,
    }
    for name, value in expected.items():
        assert state.blendshapes[INDEX[name]] == pytest.approx(value, abs=1e-6)
    yaw, pitch, roll = np.degrees(yaw_pitch_roll(state.head_rotation))
    assert (yaw, pitch, roll) == (
        pytest.approx(-6.038993, abs=1e-4), pytest.approx(21.488958, abs=1e-4), pytest.approx(-6.6019735, abs=1e-4)
    )  # fmt: skip
    np.testing.assert_allclose(state.head_translation, [-0.030653415, -0.10287084, -0.6584072], rtol=1e-6)
    # Both eyes look down, and each in: the signs agree with the coefficients of the same frame.
    (left_yaw, left_pitch), (right_yaw, right_pitch) = state.gaze
    assert left_pitch < 0 and right_pitch < 0
    assert left_yaw < 0 < right_yaw
    assert state.blendshapes[INDEX["eyeLookInLeft"]] > 0 and state.blendshapes[INDEX["eyeLookInRight"]] > 0
    assert state.timestamp_s == 3.0


def test_golden_text_of_both_versions(known_face):
    (old,) = IFacialMocapEncoder().encode(known_face)
    assert old.startswith(b"eyeBlink_L-0|eyeLookDown_L-2|eyeLookIn_L-3|eyeLookOut_L-5|")
    assert b"|jawLeft-23|jawRight-25|jawOpen-27|" in old and b"|mouthLeft-33|mouthRight-34|mouthSmile_L-36|" in old
    assert old.endswith(
        b"|tongueOut-80|=head#-7.161972,14.323945,-3.580986,0.031250,-0.062500,-0.500000|"
        b"rightEye#-3.580986,10.742959,0.000000|leftEye#-7.161972,14.323945,0.000000|"
    )
    (new,) = IFacialMocapEncoder(IFacialMocapOptions(version=2)).encode(known_face)
    start, _, end = old.partition(b"=head")
    assert new == start.replace(b"-", b"&") + b"=head" + end


def test_names_are_those_of_the_sample():
    assert set(SHORT_NAMES) == {part.split("-")[0] for part in SAMPLE.split("|") if "-" in part and "#" not in part}
    assert len(set(SHORT_NAMES)) == 52


@pytest.mark.parametrize("version", [1, 2])
def test_round_trip_to_half_a_percent(faces, version):
    encoder, decoder = IFacialMocapEncoder(IFacialMocapOptions(version=version)), IFacialMocapDecoder()
    for face in faces:
        (packet,) = encoder.encode(face)
        assert len(packet) < 1400
        state = decoder.decode(packet, face.timestamp_s)
        assert np.abs(state.blendshapes - face.blendshapes).max() <= 0.005 + 1e-6
        np.testing.assert_allclose(state.head_rotation, face.head_rotation, atol=1e-6)
        np.testing.assert_allclose(state.head_translation, face.head_translation, atol=1e-6)
        np.testing.assert_allclose(state.gaze, face.gaze, atol=1e-6)


def test_facemotion3ds_names_extra_parts_and_the_tcp_end_are_read():
    text = "eyeBlinkLeft&50|FM_whatever&12|=head#1,2,3,0,0,0|rightEye#0,0,0|leftEye#0,0,0|___iFacialMocap"
    assert decoded(text).blendshapes[INDEX["eyeBlinkLeft"]] == 0.5


def test_without_eyes_the_coefficients_turn_them():
    state = decoded("eyeLookUp_L-100|eyeLookUp_R-100|=head#0,0,0|")
    assert (state.gaze[:, 1] > 0.3).all() and not state.head_translation.any()


def test_nothing_is_sent_without_a_face():
    assert IFacialMocapEncoder().encode(FaceState.no_face(0.0)) == ()


def test_what_starts_the_phone_is_as_published():
    assert HELLO_V1 == b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
    assert HELLO_V2 == HELLO_V1 + b"|sendDataVersion=v2"
    with pytest.raises(StreamError):  # a stray greeting is no frame
        IFacialMocapDecoder().decode(HELLO_V2, 0.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "jawOpen-10|",
        "=head#0,0,0|",
        "jawOpen-ten|=head#0,0,0|",
        "jawOpen-nan|=head#0,0,0|",
        "jawOpen-500|=head#0,0,0|",
        "jawOpen--70|=head#0,0,0|",
        "jawOpen-1|=head#0,0|",
        "jawOpen-1|=head#0,inf,0|",
        "jawOpen-1|=head#0,1e9,0|",
        "jawOpen-1|=head#0,0,0,0,0,1e9|",
        "jawOpen-1|=head#0,0,0|rightEye#1|leftEye#1|",
        "jawOpen-1|" * 600,
    ],
)
def test_damage_is_told(text):
    with pytest.raises(StreamError):
        decoded(text)


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(InputError):
        IFacialMocapOptions(version=3)
    assert len(ARKIT_NAMES) == len(SHORT_NAMES)
