"""Progress of long work on stderr, so that stdout stays fit for other programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self, TypeVar

from tqdm import tqdm

T = TypeVar("T")


class StepProgress:
    """A bar from 0 to 1 with the name of the present step; silent where stderr is no terminal."""

    def __init__(self, title: str) -> None:
        self._bar = tqdm(
            total=100, desc=title, unit="%", file=sys.stderr, disable=None, leave=False, bar_format=_FORMAT
        )

    def __call__(self, step: str, done: float) -> None:
        self._bar.set_description(step, refresh=False)
        self._bar.n = round(100 * min(max(done, 0.0), 1.0))
        self._bar.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.close()


_FORMAT = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}"


def counting_bar(title: str, total: int | None, unit: str) -> tqdm[None]:
    """A bar that counts units; use it with `with`, call `update()` after each."""
    return tqdm(total=total, desc=title, unit=unit, file=sys.stderr, disable=None, leave=False)


def byte_progress(title: str, total: int) -> tuple[tqdm[None], Callable[[int, int], None]]:
    """A bar in bytes and the callback that moves it."""
    bar = tqdm(total=total, desc=title, unit="B", unit_scale=True, file=sys.stderr, disable=None, leave=False)

    def move(done: int, _total: int) -> None:
        bar.update(done - bar.n)

    return bar, move


def counted(things: Iterable[T], bar: tqdm[None]) -> Iterator[T]:
    """The things, the bar one further after each."""
    for thing in things:
        yield thing
        bar.update()
