"""Work beside the page: it ends with a result, with plain words, or when nobody waits."""

from __future__ import annotations

import threading

import pytest

from core.errors import Cancelled, MediaError
from ui.work import LOOK_EVERY, UNEXPECTED, Progress, Work

PATIENCE_S = 20.0


def forever(progress: Progress) -> int:
    while True:
        progress.step(0.5)


def test_a_result_comes_out_and_the_fraction_grows():
    seen = []

    def task(progress: Progress) -> str:
        for number in range(4):
            progress.step((number + 1) / 4)
            seen.append(progress.fraction)
        return "done"

    work = Work("work", task, lambda: True)
    assert work.join(PATIENCE_S) and work.is_done
    assert (work.result, work.problem) == ("done", "")
    assert seen == [0.25, 0.5, 0.75, 1.0]


def test_what_went_wrong_is_said_in_plain_words():
    def known(progress: Progress) -> None:
        raise MediaError("This is no sound.")

    def unknown(progress: Progress) -> None:
        raise ZeroDivisionError("secret details")

    for task, words in ((known, "This is no sound."), (unknown, UNEXPECTED)):
        work = Work("work", task, lambda: True)
        assert work.join(PATIENCE_S)
        assert (work.result, work.problem) == (None, words)


def test_work_that_is_stopped_ends_without_words():
    work = Work("work", forever, lambda: True)
    assert not work.is_done
    work.stop()
    assert work.join(PATIENCE_S)
    assert (work.result, work.problem) == (None, "")


def test_work_ends_when_the_visitor_has_gone():
    is_here = threading.Event()
    is_here.set()
    work = Work("work", forever, is_here.is_set)
    assert not work.join(0.05)
    is_here.clear()
    assert work.join(PATIENCE_S)


def test_the_fraction_stays_in_range_and_the_visitor_is_asked_now_and_then():
    asked = []
    progress = Progress(lambda: not asked.append(1))
    for value in (-1.0, 2.0, *[0.5] * (LOOK_EVERY - 2)):
        progress.step(value)
        assert 0.0 <= progress.fraction <= 1.0
    assert len(asked) == 1
    progress.stop()
    with pytest.raises(Cancelled):
        progress.step(1.0)


def test_the_phase_is_told_and_stays_until_the_next():
    def task(progress: Progress) -> tuple[str, str]:
        begun = progress.phase
        progress.step(0.2, "Second")
        progress.step(0.4)
        return begun, progress.phase

    work = Work("work", task, lambda: True, phase="First", fraction=0.1)
    assert work.join(PATIENCE_S)
    assert (work.result, work.phase, work.fraction) == (("First", "Second"), "Second", 0.4)
