from __future__ import annotations

import math

import numpy as np
import pytest

from core.errors import InputError
from core.filtering.one_euro import OneEuroFilter, OneEuroParameters


def run(parameters, signal, times_s):
    one_euro = OneEuroFilter(parameters)
    return np.array([one_euro.filter(np.atleast_1d(signal(t)), t) for t in times_s])


def test_constant_input_gives_the_same_constant():
    values = np.random.default_rng(1).normal(size=(4, 3))
    one_euro = OneEuroFilter(OneEuroParameters(0.5, 3.0, 1.0))
    for k in range(50):
        np.testing.assert_array_equal(one_euro.filter(values, k / 30), values)


@pytest.mark.parametrize("beta", [0.0, 0.7])
def test_the_same_movement_gives_the_same_curve_at_every_frame_rate(beta):
    parameters = OneEuroParameters(1.5, beta, 1.0)
    at_rates = {
        rate: run(parameters, lambda t: np.array([math.sin(2 * t), 3 * t]), np.arange(0, 4 * rate + 1) / rate)
        for rate in (60, 240)
    }
    # a sampled signal is held for half a frame on average, so two rates differ by that much lag and no more
    allowed = np.array([2.0, 3.0]) * (0.5 / 60 - 0.5 / 240) * 1.15
    difference = np.abs(at_rates[60] - at_rates[240][::4]).max(axis=0)
    assert (difference <= allowed).all()


def test_step_response_is_exactly_the_same_at_every_frame_rate_without_beta():
    def final(rate):
        one_euro = OneEuroFilter(OneEuroParameters(2.0, 0.0, 1.0))
        one_euro.filter(np.zeros(1), 0.0)
        return [one_euro.filter(np.ones(1), k / rate)[0] for k in range(1, rate + 1)]

    assert final(30)[-1] == pytest.approx(final(120)[-1], abs=1e-12)
    assert final(30)[9] == pytest.approx(1 - math.exp(-2 * math.pi * 2.0 * 10 / 30), abs=1e-12)


@pytest.mark.parametrize("min_cutoff_hz, beta", [(1.0, 0.0), (1.0, 2.0), (8.0, 0.0)])
def test_lag_behind_a_ramp_is_at_most_one_time_constant(min_cutoff_hz, beta):
    speed = 3.0
    out = run(OneEuroParameters(min_cutoff_hz, beta, 1.0), lambda t: speed * t, np.arange(0, 300) / 30)
    lag_s = 299 / 30 - out[-1, 0] / speed
    assert 0 < lag_s <= 1 / (2 * math.pi * (min_cutoff_hz + beta * speed)) + 1e-9


def test_noise_at_rest_shrinks():
    noise = np.random.default_rng(0).normal(size=600)
    one_euro = OneEuroFilter(OneEuroParameters(1.0, 0.0, 1.0))
    out = np.array([one_euro.filter(noise[k : k + 1], k / 60)[0] for k in range(600)])
    assert out[60:].std() < 0.3 * noise.std()


def test_reset_makes_it_as_new():
    one_euro = OneEuroFilter(OneEuroParameters(1.0, 1.0, 1.0))
    for k in range(10):
        one_euro.filter(np.array([float(k)]), k / 30)
    one_euro.reset()
    assert one_euro.filter(np.array([-5.0, 2.0]), 0.1).tolist() == [-5.0, 2.0]


def test_time_that_goes_backwards_starts_anew_and_equal_time_holds():
    one_euro = OneEuroFilter()
    one_euro.filter(np.array([1.0]), 5.0)
    held = one_euro.filter(np.array([2.0]), 5.1)
    assert one_euro.filter(np.array([99.0]), 5.1).tolist() == held.tolist()
    assert one_euro.filter(np.array([7.0]), 0.0).tolist() == [7.0]


def test_nan_is_held_for_its_element_only_and_time_goes_on():
    one_euro = OneEuroFilter(OneEuroParameters(1.0, 0.0, 1.0))
    assert np.isnan(one_euro.filter(np.array([np.nan, 4.0]), 0.0)).tolist() == [True, False]
    assert one_euro.filter(np.array([3.0, np.nan]), 0.1).tolist() == [3.0, 4.0]
    # after the gap the element catches up by all the time that went by, here 0.2 s
    assert one_euro.filter(np.array([3.0, 5.0]), 0.2)[1] == pytest.approx(4 + 1 - math.exp(-2 * math.pi * 0.2))


def test_keeps_float32():
    assert OneEuroFilter().filter(np.zeros(2, np.float32), 0.0).dtype == np.float32


@pytest.mark.parametrize("wrong", [{"min_cutoff_hz": 0.0}, {"beta": -1.0}, {"derivative_cutoff_hz": math.nan}])
def test_refuses_senseless_parameters(wrong):
    with pytest.raises(InputError):
        OneEuroParameters(**wrong)


def test_refuses_another_shape_and_a_time_that_is_no_number():
    one_euro = OneEuroFilter()
    one_euro.filter(np.zeros(3), 0.0)
    with pytest.raises(InputError, match="shape"):
        one_euro.filter(np.zeros(4), 0.1)
    with pytest.raises(InputError, match="finite time"):
        one_euro.filter(np.zeros(3), math.nan)
