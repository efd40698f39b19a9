"""Long work beside the page: its phase and fraction while it runs, its result or plain words at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from core.errors import Cancelled, LiveAvatarError

T = TypeVar("T")
UNEXPECTED = "Something went wrong. Try it again; the server's log says more."
LOOK_EVERY = 30  # steps between two looks whether the visitor is still here

logger = logging.getLogger(__name__)


class Progress:
    """What the work is told and tells. is_here: whether the visitor's tab is still open; phase and fraction: where it
    begins."""

    def __init__(self, is_here: Callable[[], bool], phase: str = "", fraction: float = 0.0) -> None:
        self._is_here = is_here
        self._stopped = threading.Event()
        self._steps = 0
        self.phase, self.fraction = phase, fraction

    def stop(self) -> None:
        """Asks the work to end at its next step."""
        self._stopped.set()

    def is_stopped(self) -> bool:
        """Whether the work was asked to end."""
        return self._stopped.is_set()

    def step(self, fraction: float, phase: str = "") -> None:
        """Says how far the work is, in [0, 1], and what it does now. Cancelled: nobody waits for it any more."""
        self.phase = phase or self.phase
        self.fraction = min(1.0, max(0.0, fraction))
        self._steps += 1
        if self.is_stopped() or (self._steps % LOOK_EVERY == 0 and not self._is_here()):
            raise Cancelled("Nobody waits for this any more.")


class Work(Generic[T]):
    """Runs a task in a thread of its own; every method may be called from any thread.

    phase and fraction: where it begins; unexpected: what is said of a defect.
    """

    def __init__(
        self,
        name: str,
        task: Callable[[Progress], T],
        is_here: Callable[[], bool],
        *,
        phase: str = "",
        fraction: float = 0.0,
        unexpected: str = UNEXPECTED,
    ) -> None:
        self._task: Callable[[Progress], T] | None = task
        self._progress = Progress(is_here, phase, fraction)
        self._unexpected = unexpected
        self.result: T | None = None
        self.problem = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def phase(self) -> str:
        """What it does now."""
        return self._progress.phase

    @property
    def fraction(self) -> float:
        """How far it is, in [0, 1]."""
        return self._progress.fraction

    @property
    def is_done(self) -> bool:
        """Whether it has ended: with a result, with a problem, or with neither when it was stopped."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Asks the work to end; it does so at its next step."""
        self._progress.stop()

    def join(self, timeout_s: float) -> bool:
        """Waits for the end; whether it came."""
        self._thread.join(timeout_s)
        return self.is_done

    def _run(self) -> None:
        task, self._task = self._task, None
        try:
            assert task is not None
            self.result = task(self._progress)
        except Cancelled:
            pass
        except LiveAvatarError as error:
            self.problem = str(error)
        except Exception:
            logger.exception("Work beside the page failed")
            self.problem = self._unexpected
