import base64

import numpy as np
from scipy.spatial.transform import Rotation

from core.animation.demo import demo_take
from core.blendshapes import ARKIT_NAMES
from ui.viewer.motion import viewer_motion


def test_motion_holds_the_take_within_its_steps():
    take = demo_take(duration_s=2.0)
    motion = viewer_motion(take.states, take.rate_hz)
    values = np.frombuffer(base64.b64decode(motion["values"]), np.uint8).reshape(motion["frames"], 52) / 255
    assert motion["names"] == list(ARKIT_NAMES)
    assert np.abs(values - np.stack([s.blendshapes for s in take.states])).max() <= 0.5 / 255 + 1e-6
    turns = Rotation.from_quat(np.reshape(motion["turns"]["neck"], (-1, 4))).as_matrix()
    assert np.abs(turns - np.stack([s.head_rotation for s in take.states])).max() < 1e-3
