"""The guided recording as it is made, and the calibration that it leaves in a rig and its manifest."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from core.errors import RigError
from core.rigging.calibration import KEY, Calibration, LidRange, calibration_of, read_calibration
from core.rigging.guided_poses import GUIDED_POSES, LEAD_IN_S, NEUTRAL
from core.rigging.guided_recording import GuidedRecording
from core.rigging.library import MANIFEST_FILE, RigLibrary
from core.rigging.manifest import read_manifest
from core.structures import FaceLandmarks
from tests.builders import tiny_rig

FACE = FaceLandmarks(np.zeros((478, 3), np.float32), (640, 480))
STEP_S = 0.1


def hold(recording: GuidedRecording, seconds: float, start_s: float = 0.0, face: FaceLandmarks | None = FACE) -> float:
    """Offers frames for so long; the time after the last."""
    for k in range(round(seconds / STEP_S)):
        recording.offer(face, start_s + k * STEP_S)
    return start_s + seconds


def test_prompts_come_one_at_a_time_and_every_pose_is_kept_without_its_lead_in():
    recording, time_s = GuidedRecording(), 0.0
    for number, pose in enumerate(GUIDED_POSES, 1):
        state = recording.state()
        assert (state.pose, state.number, state.holds) == (pose, number, False)
        time_s = hold(recording, LEAD_IN_S + pose.hold_s + 2 * STEP_S, time_s)
    assert recording.state().pose is None and recording.state().fraction == 1.0
    for pose in GUIDED_POSES:
        assert len(recording.held()[pose.name]) == pytest.approx(pose.hold_s / STEP_S, abs=2)


def test_moments_without_a_face_do_not_count():
    recording = GuidedRecording()
    hold(recording, 60.0, face=None)
    assert recording.state().pose is GUIDED_POSES[0] and not recording.state().sees_face
    recording.offer(FACE, 60.0)
    recording.offer(FACE, 600.0)  # a frame that comes late is no long hold
    assert recording.state().fraction < 0.3 and recording.held() == {}


def test_poses_are_skipped_and_done_again_but_the_calm_face_is_not_skipped():
    recording = GuidedRecording()
    recording.skip()
    assert recording.state().number == 1
    time_s = hold(recording, LEAD_IN_S + GUIDED_POSES[0].hold_s + 2 * STEP_S)
    recording.skip()
    assert recording.state().number == 3 and set(recording.held()) == {NEUTRAL}
    hold(recording, LEAD_IN_S + 0.5, time_s)
    recording.redo()
    assert recording.state().number == 3 and recording.state().fraction == 0.0
    recording.redo()
    recording.redo()
    assert recording.state().number == 1 and recording.held() == {}


def calibration() -> Calibration:
    neutral = np.random.default_rng(0).normal(0, 0.05, (478, 3)).astype(np.float32)
    return Calibration(
        neutral, LidRange(0.05, 0.3, 0.41), LidRange(0.08, 0.25, 0.25), {"jawOpen": 0.9}, {"open": 0.97, "smile": 0.0}
    )


def test_it_is_kept_with_the_rig_and_read_back(tmp_path):
    rig = replace(tiny_rig(), details={"head": "builtin", KEY: calibration().to_json()})
    library = RigLibrary(tmp_path)
    entry = library.add(rig, 1.0, quality=rig.details)
    manifest = read_manifest(tmp_path / entry.id / MANIFEST_FILE)
    assert KEY not in manifest.quality
    for found in (manifest.calibration, calibration_of(library.load(entry.id))):
        np.testing.assert_allclose(found.neutral, calibration().neutral, atol=1e-5)
        assert (found.left, found.right) == (calibration().left, calibration().right)
        assert found.amplitudes == {"jawOpen": 0.9} and found.confidence == {"open": 0.97, "smile": 0.0}
    assert library.rename(entry.id, "Other").name == "Other"
    assert read_manifest(tmp_path / entry.id / MANIFEST_FILE).calibration is not None
    assert calibration_of(tiny_rig()) is None and read_calibration(None) is None


def test_lids_range_from_shut_over_rest_to_wide():
    lid = LidRange(0.1, 0.3, 0.4)
    assert [lid.closed(v) for v in (0.0, 0.1, 0.2, 0.3, 0.5)] == pytest.approx([1, 1, 0.5, 0, 0])
    assert [lid.widened(v) for v in (0.2, 0.3, 0.35, 0.9)] == pytest.approx([0, 0, 0.5, 1])
    for values in ((0.3, 0.3, 0.4), (0.1, 0.3, 0.2), (-0.1, 0.3, 0.4), (0.1, float("nan"), 0.4), (0.1, 0.3, 9.0)):
        with pytest.raises(RigError):
            LidRange(*values)


LIES = {
    "a list": lambda c: [],
    "no neutral": lambda c: c.pop("neutral"),
    "short neutral": lambda c: c["neutral"].pop(),
    "text in the neutral": lambda c: c["neutral"][0].__setitem__(0, "x"),
    "a far neutral": lambda c: c["neutral"][0].__setitem__(0, 1e9),
    "nan": lambda c: c["neutral"][0].__setitem__(0, float("nan")),
    "lids are text": lambda c: c.update(lids="x"),
    "a lid lacks": lambda c: c["lids"]["left"].pop("wide"),
    "a lid is turned": lambda c: c["lids"]["left"].update(shut=0.5),
    "unknown shape": lambda c: c["amplitudes"].update(smile=1.0),
    "a huge amplitude": lambda c: c["amplitudes"].update(jawOpen=50),
    "true": lambda c: c["confidence"].update(open=True),
}


@pytest.mark.parametrize("name", LIES)
def test_damaged_ones_are_refused_in_one_line(tmp_path, name):
    rig = replace(tiny_rig(), details={KEY: calibration().to_json()})
    library = RigLibrary(tmp_path)
    path = tmp_path / library.add(rig, 1.0).id / MANIFEST_FILE
    content = json.loads(path.read_text())
    if name == "a list":
        content[KEY] = []
    else:
        LIES[name](content[KEY])
    path.write_text(json.dumps(content))
    with pytest.raises(RigError) as caught:
        read_manifest(path)
    assert "\n" not in str(caught.value)
    assert len(library.damaged()) == 1
