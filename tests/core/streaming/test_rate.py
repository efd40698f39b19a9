"""Which frames pass."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.streaming.rate import RateGate


@pytest.mark.parametrize(("comes_hz", "most_hz"), [(60, 30), (60, 24), (120, 50), (30, 29)])
def test_the_rate_is_kept_evenly(comes_hz, most_hz):
    gate = RateGate(most_hz)
    times = [k / comes_hz for k in range(10 * comes_hz) if gate.passes(k / comes_hz)]
    assert len(times) == pytest.approx(10 * most_hz, abs=2)
    assert np.diff(times).max() <= 1 / most_hz + 1 / comes_hz + 1e-9


@pytest.mark.parametrize("most_hz", [30, 31, 60, None])
def test_an_unsteady_camera_loses_nothing_at_its_own_rate(most_hz):
    gate = RateGate(most_hz)
    shaking = np.random.default_rng(0).uniform(-0.008, 0.008, 300)
    passed = sum(gate.passes(k / 30 + shake) for k, shake in enumerate(shaking))
    assert passed >= 297


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("nan"), float("inf"), 5000.0])
def test_what_is_no_rate_is_refused(rate_hz):
    with pytest.raises(InputError):
        RateGate(rate_hz)
