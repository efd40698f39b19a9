"""The learned estimate: what it may be given, what it must not depend on, and the gestures that everybody reads."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.errors import ModelPackError
from core.expression.network import ExpressionNetwork, load_weights, shipped_weights
from core.structures import HeadPose

AHEAD = HeadPose(np.eye(3), np.array([0.0, 0.0, -0.55]))


def shown(rest, shapes, seconds=1.0, rate_hz=30.0, **coefficients):
    """(52,) the last answer for a face that holds these coefficients after half a second at rest."""
    network, held = ExpressionNetwork(), rest + sum(v * shapes[INDEX[k]] for k, v in coefficients.items())
    for number in range(int((0.5 + seconds) * rate_hz)):
        points = rest if number < 0.5 * rate_hz else held
        reading = network.step(points, rest, np.zeros((2, 2)), AHEAD, number / rate_hz)
    return reading.blendshapes


def test_the_shipped_weights_answer_bounded_finite_values_to_anything(rest):
    network = ExpressionNetwork()
    rng = np.random.default_rng(0)
    for number in range(20):
        wild = rest + rng.normal(0, 0.5, rest.shape)
        reading = network.step(wild, rest, rng.normal(0, 1, (2, 2)), AHEAD, number / 30)
        assert np.isfinite(reading.doubt).all() and reading.doubt.shape == (COUNT,)
        for values in (reading.blendshapes, reading.second_opinion):
            assert values.shape == (COUNT,) and values.dtype == np.float32
            assert np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1
    assert sum(values.nbytes for values in shipped_weights().values()) < 8_000_000


def test_a_resting_face_is_read_as_calm(rest, shapes):
    calm = shown(rest, shapes)
    assert calm.max() < 0.1 and calm.mean() < 0.03


@pytest.mark.parametrize(
    "names",
    [
        ("jawOpen",), ("mouthSmileLeft", "mouthSmileRight"), ("eyeBlinkLeft", "eyeBlinkRight"),
        ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
        ("mouthPucker",), ("mouthLeft",), ("mouthRight",), ("browDownLeft", "browDownRight"),
        ("mouthFrownLeft", "mouthFrownRight"),
    ],
)  # fmt: skip
def test_a_gesture_is_read_as_itself(rest, shapes, names):
    """Exact points, which FaceMesh never gives, of the built-in head."""
    change = shown(rest, shapes, **dict.fromkeys(names, 0.8)) - shown(rest, shapes)
    assert min(change[INDEX[name]] for name in names) > 0.4
    assert ARKIT_NAMES[int(change.argmax())] in names


def test_a_held_face_reads_alike_at_every_frame_rate(rest, shapes):
    slow, usual, fast = (
        shown(rest, shapes, 2.0, rate, mouthSmileLeft=0.6, mouthSmileRight=0.6) for rate in (15, 30, 60)
    )
    assert np.abs(slow - usual).max() < 0.1 and np.abs(fast - usual).max() < 0.1


def test_a_time_before_the_last_one_begins_anew(rest, shapes):
    network, fresh = ExpressionNetwork(), ExpressionNetwork()
    moved = rest + shapes[INDEX["jawOpen"]]
    for number in range(10):
        network.step(moved, rest, np.zeros((2, 2)), AHEAD, 5.0 + number / 30)
    first = network.step(rest, rest, np.zeros((2, 2)), AHEAD, 0.0)
    np.testing.assert_array_equal(first.blendshapes, fresh.step(rest, rest, np.zeros((2, 2)), AHEAD, 0.0).blendshapes)


def test_foreign_weights_are_refused(tmp_path):
    good = {name: values.astype(np.float16) for name, values in shipped_weights().items()}
    names = " ".join(ARKIT_NAMES)
    path = tmp_path / "weights.safetensors"
    with pytest.raises(ModelPackError, match="cannot be read"):
        load_weights(path)
    path.write_bytes(b"not weights")
    with pytest.raises(ModelPackError, match="cannot be read"):
        load_weights(path)
    for metadata in ({}, {"blendshapes": " ".join(ARKIT_NAMES[::-1])}):
        save_file(good, path, metadata=metadata)
        with pytest.raises(ModelPackError, match="52 ARKit names"):
            load_weights(path)
    save_file({k: v for k, v in good.items() if k != "trunk"}, path, metadata={"blendshapes": names})
    with pytest.raises(ModelPackError, match="must hold trunk"):
        load_weights(path)
    save_file(good | {"answer.bias": good["answer.bias"][:10]}, path, metadata={"blendshapes": names})
    with pytest.raises(ModelPackError, match="another version"):
        load_weights(path)
    save_file(good | {"trunk.bias": np.full_like(good["trunk.bias"], np.nan)}, path, metadata={"blendshapes": names})
    with pytest.raises(ModelPackError, match="not finite"):
        load_weights(path)
