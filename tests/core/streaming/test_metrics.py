"""The metrics as Prometheus reads them."""

from __future__ import annotations

import re

import pytest

from core.streaming.metrics import BUCKETS_S, RECENT, Metrics

LINE = re.compile(r'[a-z_]+(\{([a-z_]+="(\\.|[^"\\])*",?)*\})? [0-9.e+-]+')


def values(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines)
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def test_counters_gauges_and_labels():
    metrics = Metrics("test")
    metrics.count("things_total", "Things", kind="a")
    metrics.count("things_total", "Things", 4, kind="a")
    metrics.count("things_total", "Things", kind='quo"te\n')
    metrics.set("level", "Level", 2)
    metrics.set("level", "Level", 3)
    text = metrics.text()
    assert "# HELP test_things_total Things\n# TYPE test_things_total counter\n" in text
    assert values(text) == {
        'test_things_total{kind="a"}': 5,
        'test_things_total{kind="quo\\"te\\n"}': 1,
        "test_level": 3,
    }
    assert metrics.value("things_total", kind="a") == 5
    assert metrics.value("things_total", kind="absent") == 0


def test_a_histogram_counts_up_and_sums():
    metrics = Metrics("test")
    times = [-1e-9, 0.0005, 0.003, 0.003, 7.0]
    for seconds in times:
        metrics.observe("delay_seconds", "Delay", seconds, stage="x")
    found = values(metrics.text())
    for bound in BUCKETS_S:
        name = f'test_delay_seconds_bucket{{stage="x",le="{bound:g}"}}'
        assert found[name] == sum(seconds <= bound for seconds in times)
    assert found['test_delay_seconds_bucket{stage="x",le="+Inf"}'] == 5
    assert found['test_delay_seconds_count{stage="x"}'] == 5
    assert found['test_delay_seconds_sum{stage="x"}'] == pytest.approx(7.0065)


def test_quantiles_look_at_what_came_last():
    metrics = Metrics("test")
    assert metrics.quantile("delay_seconds", 0.5) is None
    for k in range(1, 102):
        metrics.observe("delay_seconds", "Delay", k)
    assert metrics.quantile("delay_seconds", 0.5) == 51
    assert metrics.quantile("delay_seconds", 0.0) == 1
    assert metrics.quantile("delay_seconds", 1.0) == 101
    for _ in range(RECENT):
        metrics.observe("delay_seconds", "Delay", 0.25)
    assert metrics.quantile("delay_seconds", 1.0) == 0.25
