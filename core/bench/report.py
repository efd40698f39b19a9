"""What a measurement says, and the budgets it is held against. A missed budget is shown, never an error."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reading:
    """One number. bound: the most it may be, or None where no budget is set."""

    name: str
    value: float
    unit: str
    bound: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the budget is kept; None where there is none."""
        return None if self.bound is None else self.value <= self.bound


@dataclass(frozen=True, slots=True)
class BenchResult:
    """The readings of one bench. setting: what was measured, in words."""

    name: str
    setting: str
    readings: tuple[Reading, ...]


def percentiles(
    name: str, samples_ms: Sequence[float], p50: float | None = None, p95: float | None = None
) -> list[Reading]:
    """Median and 95th percentile of times in milliseconds, with their budgets."""
    return [
        Reading(f"{name} p50", float(np.percentile(samples_ms, 50)), "ms", p50),
        Reading(f"{name} p95", float(np.percentile(samples_ms, 95)), "ms", p95),
    ]


def resident_mib() -> float:
    """Memory of this process that lies in RAM, MiB."""
    return float(psutil.Process().memory_info().rss) / MEBIBYTE


def machine() -> dict[str, object]:
    """Processor, cores, memory, load and system of this machine; names nobody."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / MEBIBYTE / 1024, 1),
        "load_1_min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def as_json(results: Sequence[BenchResult], at: dict[str, object]) -> dict[str, object]:
    """Plain values for `json.dumps`."""
    return {
        "machine": at,
        "benches": [
            {
                "name": result.name,
                "setting": result.setting,
                "readings": [{**asdict(reading), "met": reading.is_met} for reading in result.readings],
            }
            for result in results
        ],
    }


def as_text(result: BenchResult) -> str:
    """A block of lines for a terminal."""
    lines = [f"{result.name}: {result.setting}"]
    for reading in result.readings:
        line = f"  {reading.name:<34} {reading.value:9.2f} {reading.unit:<3}"
        if reading.bound is not None:
            line += f"  budget {reading.bound:g}: {'met' if reading.is_met else 'MISSED'}"
        lines.append(line.rstrip())
    return "\n".join(lines)
