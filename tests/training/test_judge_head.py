"""The judge's rules, on a network that is made up."""

from __future__ import annotations

import numpy as np

from core.blendshapes import ARKIT_NAMES, INDEX
from training.judge_head import NAMES, Verdict, rises_of, table, verdicts_of


def as_channels(weights: np.ndarray) -> np.ndarray:
    return np.array([weights[INDEX[name]] for name in NAMES], float)


def test_a_network_that_sees_all_passes_all():
    verdicts = verdicts_of(rises_of(as_channels))
    assert set(verdicts) == set(ARKIT_NAMES) - {"tongueOut"}
    assert all(v == Verdict(name, 1.0, 1) and v.passes for name, v in verdicts.items())


def test_every_picture_is_looked_at_once_and_mouth_close_on_an_open_jaw():
    looked = []

    def judge(weights):
        looked.append(weights.copy())
        return as_channels(weights)

    rises_of(judge)
    assert len(looked) == 1 + len(NAMES) and len({w.tobytes() for w in looked}) == len(looked)
    (closed,) = [w for w in looked if w[INDEX["mouthClose"]]]
    assert closed[INDEX["jawOpen"]] == 1.0


def test_weak_rises_and_low_ranks_fail():
    rises = np.eye(len(NAMES)) * 0.5
    rises[0, 0] = 0.029
    rises[1, 2:4] = 0.6
    rises[2, 3:6] = 0.6
    verdicts = list(verdicts_of(rises).values())
    assert [v.passes for v in verdicts[:4]] == [False, True, False, True]
    assert [v.rank for v in verdicts[:4]] == [1, 3, 4, 1]


def test_the_table_has_the_worst_first_and_totals_last():
    good = verdicts_of(np.eye(len(NAMES)))
    bad = {**good, "jawLeft": Verdict("jawLeft", -0.2, 9), "cheekPuff": Verdict("cheekPuff", 0.01, 1)}
    lines = list(table(["Built-in", "ICT-FaceKit"], [good, bad]))
    assert lines[0].split() == ["Built-in", "ICT-FaceKit"]
    assert [line.split()[0] for line in lines[1:3]] == ["jawLeft", "cheekPuff"]
    assert lines[1].split() == ["jawLeft", "+1.000", "rank", "1", "ok", "-0.200", "rank", "9", "-"]
    assert lines[-1].split() == ["pass", "51", "of", "51", "49", "of", "51"]
    assert len(lines) == len(NAMES) + 2
