from __future__ import annotations

import json

import pytest

from core.bench.report import BenchResult, Reading, as_json, as_text, machine, percentiles, resident_mib


def test_a_budget_is_met_up_to_its_bound():
    assert Reading("a", 10.0, "ms", 10.0).is_met is True
    assert Reading("a", 10.1, "ms", 10.0).is_met is False
    assert Reading("a", 10.1, "ms").is_met is None


def test_percentiles_of_known_times():
    p50, p95 = percentiles("frame", list(range(101)), p50=49.0, p95=95.0)
    assert (p50.value, p95.value) == (50.0, 95.0)
    assert (p50.is_met, p95.is_met) == (False, True)


def test_text_shows_every_reading_and_its_verdict():
    readings = (Reading("quick", 1.0, "ms", 2.0), Reading("slow", 3.0, "ms", 2.0), Reading("free", 4.0, "%"))
    head, quick, slow, free = as_text(BenchResult("frame", "a video", readings)).splitlines()
    assert head == "frame: a video"
    assert quick.split() == ["quick", "1.00", "ms", "budget", "2:", "met"]
    assert slow.split() == ["slow", "3.00", "ms", "budget", "2:", "MISSED"]
    assert free.split() == ["free", "4.00", "%"]


def test_json_holds_machine_and_verdicts():
    at = machine()
    report = json.loads(json.dumps(as_json([BenchResult("frame", "a video", (Reading("a", 3.0, "ms", 2.0),))], at)))
    assert report["machine"]["cores"] >= 1
    assert report["machine"]["processor"]
    assert report["benches"][0]["readings"] == [{"name": "a", "value": 3.0, "unit": "ms", "bound": 2.0, "met": False}]


def test_memory_is_that_of_this_process():
    assert resident_mib() == pytest.approx(resident_mib(), rel=0.05)
    assert 20 < resident_mib() < 20_000
