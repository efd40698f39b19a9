"""Has a foreign file of FLAME read by a bounded child process, and takes plain arrays back."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ModelPackError

REPOSITORY = Path(__file__).resolve().parents[2]
ADVICE = "Get it again from https://flame.is.tue.mpg.de."
_ACCEPTED, _REFUSED = b"A", b"R"


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What reading may cost. max_bytes: size of the file; memory_bytes: address space, libraries included;
    cpu_s: processor time; patience_s: wall time."""

    max_bytes: int = 512 << 20
    memory_bytes: int = 3 << 30
    cpu_s: int = 60
    patience_s: float = 120.0


def read_in_child(path: Path, kind: str, limits: ChildLimits | None = None) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of the file. kind: `model`, `landmarks`, `mediapipe` or `eyelid`, see `flame_worker`.

    ModelPackError in one line: the file is absent, too large, damaged, hostile or of another kind. No code of the
    file is run, and whatever it costs is paid by the child.
    """
    bounds = limits or ChildLimits()
    answer = _ask(path, kind, _content(path, bounds), bounds)
    if answer[:1] == _REFUSED:
        raise ModelPackError(f"{path.name} {answer[1:2000].decode('utf-8', 'replace')} {ADVICE}")
    if answer[:1] != _ACCEPTED:
        raise ModelPackError(f"{path.name} could not be read within the limits on memory and time. {ADVICE}")
    with np.load(io.BytesIO(answer[1:]), allow_pickle=False) as stored:
        return dict(stored)


def _content(path: Path, limits: ChildLimits) -> bytes:
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise ModelPackError(f"{path} is no file, but a folder or a device. {ADVICE}")
    try:
        too_large = path.stat().st_size > limits.max_bytes
        with path.open("rb") as file:
            data = b"" if too_large else file.read(limits.max_bytes + 1)
    except OSError as error:
        raise ModelPackError(f"{path} could not be read: {error.strerror or error}.") from None
    if too_large or len(data) > limits.max_bytes:
        raise ModelPackError(f"{path.name} is larger than {limits.max_bytes >> 20} MB, which no FLAME file is.")
    return data


def _ask(path: Path, kind: str, data: bytes, limits: ChildLimits) -> bytes:
    """What the child said; nothing when it died. The child is always ended."""
    request = {"kind": kind, "memory_bytes": limits.memory_bytes, "cpu_s": limits.cpu_s}
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    with subprocess.Popen(
        [sys.executable, "-m", "core.head_model.flame_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **one_thread},
        start_new_session=True,
    ) as process:
        try:
            return process.communicate(json.dumps(request).encode() + b"\n" + data, timeout=limits.patience_s)[0]
        except subprocess.TimeoutExpired:
            raise ModelPackError(f"{path.name} took longer than {limits.patience_s:.0f} s to read. {ADVICE}") from None
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
