"""What the live pages show before anything runs: an example of what will be there."""

from __future__ import annotations

import math
import threading

import numpy as np
import streamlit as st

from core.blendshapes import INDEX
from core.geometry.projection import project, transform
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model.rig import HeadRig
from core.rendering.overlay import draw_landmarks
from core.rendering.renderer import HeadRenderer
from core.structures import Camera, FaceLandmarks, FaceState, HeadPose, ImageArray

SIZE = (960, 540)
DISTANCE_M = 0.55
GLANCE = rotation_from_yaw_pitch_roll(math.radians(-14.0), math.radians(4.0), 0.0)


def _smile() -> FaceState:
    values = np.zeros(52, np.float32)
    for name, value in {"mouthSmileLeft": 0.55, "mouthSmileRight": 0.5, "browInnerUp": 0.3, "jawOpen": 0.08}.items():
        values[INDEX[name]] = value
    return FaceState(0.0, blendshapes=values, head_rotation=GLANCE, head_translation=np.array([0.0, 0.03, -DISTANCE_M]))


@st.cache_data(show_spinner=False, max_entries=16)
def example_picture(rig_id: str, _rig: HeadRig, with_landmarks: bool) -> ImageArray:
    """(540, 960, 3) uint8 RGB: the head in a friendly moment, with its landmarks where asked."""
    drawn: list[ImageArray] = []
    thread = threading.Thread(target=lambda: drawn.append(_draw(_rig, with_landmarks)), name="avatar-example")
    thread.start()  # OpenGL belongs to one thread, and Streamlit runs every rerun in another
    thread.join()
    return drawn[0]


def _draw(rig: HeadRig, with_landmarks: bool) -> ImageArray:
    state = _smile()
    camera = Camera.from_field_of_view(SIZE, math.radians(30.0))
    renderer = HeadRenderer(rig, SIZE, antialias=True)
    try:
        picture = renderer.render(state, camera)
    finally:
        renderer.close()
    if not with_landmarks:
        return picture
    pose = HeadPose(state.head_rotation, state.head_translation)
    points = project(camera, transform(pose, rig.landmarks(rig.shaped_vertices(state.blendshapes))))
    return draw_landmarks(picture, (FaceLandmarks(np.pad(points, ((0, 0), (0, 1))), SIZE),))
