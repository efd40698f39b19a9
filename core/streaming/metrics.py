"""Counts and times of a running stream, and their text for Prometheus (text format 0.0.4).

    metrics = Metrics("liveavatar")
    metrics.count("frames_sent_total", "Frames sent", subprotocol="json")
    metrics.observe("stage_seconds", "Time by stage", 0.004, stage="tracking")
    text = metrics.text()

Every method may be called from any thread. Values are times and counts; no coefficient ever enters.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from itertools import accumulate

BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
RECENT = 512  # observations that `quantile` looks back on

Labels = tuple[tuple[str, str], ...]


@dataclass
class _Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    total: float = 0.0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def add(self, value: float) -> None:
        self.counts[bisect_left(BUCKETS_S, value)] += 1
        self.total += value
        self.recent.append(value)


class Metrics:
    """A set of counters, gauges and histograms, made when first named."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._lock = threading.Lock()
        self._kinds: dict[str, tuple[str, str]] = {}
        self._values: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {}

    def count(self, name: str, what: str, by: float = 1.0, **labels: str) -> None:
        """Adds to a counter."""
        with self._lock:
            self._kinds.setdefault(name, ("counter", what))
            series = self._values.setdefault(name, {})
            key = _key(labels)
            series[key] = series.get(key, 0.0) + by

    def set(self, name: str, what: str, value: float, **labels: str) -> None:
        """Sets a gauge."""
        with self._lock:
            self._kinds.setdefault(name, ("gauge", what))
            self._values.setdefault(name, {})[_key(labels)] = value

    def observe(self, name: str, what: str, seconds: float, **labels: str) -> None:
        """Adds a time to a histogram; what lies before zero by a clock's rounding counts as zero."""
        with self._lock:
            self._kinds.setdefault(name, ("histogram", what))
            self._histograms.setdefault(name, {}).setdefault(_key(labels), _Histogram()).add(max(0.0, seconds))

    def value(self, name: str, **labels: str) -> float:
        """A counter's or gauge's value; 0 where nothing was counted yet."""
        with self._lock:
            return self._values.get(name, {}).get(_key(labels), 0.0)

    def quantile(self, name: str, q: float, **labels: str) -> float | None:
        """The q-quantile, q in [0, 1], of the last observations, seconds; None before the first."""
        with self._lock:
            found = self._histograms.get(name, {}).get(_key(labels))
            recent = sorted(found.recent) if found else []
        return recent[min(len(recent) - 1, int(q * len(recent)))] if recent else None

    def text(self) -> str:
        """All of it as Prometheus reads it."""
        with self._lock:
            lines: list[str] = []
            for name, (kind, what) in self._kinds.items():
                full = f"{self._prefix}_{name}"
                lines += [f"# HELP {full} {what}", f"# TYPE {full} {kind}"]
                for labels, value in self._values.get(name, {}).items():
                    lines.append(f"{full}{_braces(labels)} {value:.10g}")
                for labels, histogram in self._histograms.get(name, {}).items():
                    lines += _histogram_lines(full, labels, histogram)
            return "".join(f"{line}\n" for line in lines)


def _key(labels: dict[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _histogram_lines(name: str, labels: Labels, histogram: _Histogram) -> list[str]:
    sums = list(accumulate(histogram.counts))
    bounds = [*(f"{bound:g}" for bound in BUCKETS_S), "+Inf"]
    lines = [
        f"{name}_bucket{_braces((*labels, ('le', bound)))} {count}" for bound, count in zip(bounds, sums, strict=True)
    ]
    return [
        *lines,
        f"{name}_sum{_braces(labels)} {histogram.total:.10g}",
        f"{name}_count{_braces(labels)} {sums[-1]}",
    ]
