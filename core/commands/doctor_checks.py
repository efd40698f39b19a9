"""The checks of `doctor`. What may crash (graphics drivers, the landmark network) is tried in a child process."""

from __future__ import annotations

import importlib.metadata
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.assets.registry import PACKS, PackStatus, models_folder, pack_status

REPOSITORY = Path(__file__).resolve().parents[2]
CHILD_TIMEOUT_S = 90.0
PORTS = (
    (8501, socket.SOCK_STREAM, "the app", "start it with PORT=8502, or stop what uses it"),
    (11111, socket.SOCK_DGRAM, "Live Link Face", "another program listens there; it may be the one you want to reach"),
    (39539, socket.SOCK_DGRAM, "VMC", "another program listens there; it may be the one you want to reach"),
)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Level(StrEnum):
    """How bad a finding is: a note takes nothing away that was asked for."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and what to do."""

    level: Level
    name: str
    text: str
    advice: str = ""


def check_python() -> Iterator[Finding]:
    """3.11 and 3.12 are the versions with wheels for every pin."""
    version = sys.version.split()[0]
    if (3, 11) <= sys.version_info[:2] <= (3, 12):
        yield Finding(Level.OK, "python", version)
    else:
        yield Finding(Level.PROBLEM, "python", f"{version} is too old or too new", "use Python 3.11 or 3.12")


def pinned_versions(requirements: Path) -> dict[str, str]:
    """Name and version of every `name==version` line."""
    lines = (line.split("#", 1)[0].strip() for line in requirements.read_text().splitlines())
    return dict(line.split("==", 1) for line in lines if "==" in line)


def check_packages(requirements: Path = REPOSITORY / "requirements.txt") -> Iterator[Finding]:
    """Every pinned package, installed in the pinned version."""
    pins = pinned_versions(requirements)
    wrong = []
    for name, wanted in pins.items():
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(Level.PROBLEM, "packages", f"{name} is not installed", "run 'make install'")
            continue
        if installed.split("+")[0] != wanted:
            wrong.append(f"{name} {installed} instead of {wanted}")
    if wrong:
        yield Finding(
            Level.NOTE, "packages", "; ".join(wrong), "untested versions: 'make install' brings the pinned ones"
        )
    else:
        yield Finding(Level.OK, "packages", f"all {len(pins)} in the pinned version")


def run_child(code: str) -> tuple[bool, str]:
    """Whether this Python code ran to its end in a child, and the last line that it said."""
    try:
        result = subprocess.run(
            [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=CHILD_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer within {CHILD_TIMEOUT_S:.0f} s"
    said = (result.stdout if result.returncode == 0 else result.stderr).strip().splitlines()
    if result.returncode < 0:
        return False, f"the child process was ended by signal {-result.returncode}"
    return result.returncode == 0, said[-1] if said else ""


_DRAW = """
from core.head_model.builtin import load_builtin_rig
from core.rendering.renderer import HeadRenderer
from core.structures import FaceState
with HeadRenderer(load_builtin_rig(), (512, 512)) as renderer:
    picture = renderer.render(FaceState(0.0))
"""


def check_graphics() -> Iterator[Finding]:
    """The head is drawn in a child process: a broken driver ends the process or draws one flat colour."""
    worked, said = run_child(_DRAW + "print('flat' if picture.std() < 5 else 'drawn')")
    if worked and said == "drawn":
        yield Finding(Level.OK, "graphics", "draws the head without a display")
    else:
        said = "the picture stays empty" if worked else said
        yield Finding(
            Level.PROBLEM,
            "graphics",
            said,
            "install libegl1 and libgl1-mesa-dri (Debian, Ubuntu), or a graphics driver",
        )


_FIND = """
from core.structures import Frame
from core.tracking.landmarker import create_landmarker
with create_landmarker(still_images=True) as landmarker:
    print(len(landmarker.detect(Frame(picture, 0.0))))
"""


def check_landmarks() -> Iterator[Finding]:
    """The landmark network has to find the drawn head."""
    worked, said = run_child(_DRAW + _FIND)
    if worked and said == "1":
        yield Finding(Level.OK, "landmarks", "the face network finds the built-in head")
    elif worked:
        yield Finding(
            Level.NOTE, "landmarks", "the face network runs, but did not find the built-in head", "try a photo"
        )
    else:
        yield Finding(Level.PROBLEM, "landmarks", said, "install libgl1 and libglib2.0-0, then run 'make install'")


_LISTEN = """
import numpy
from core.audio.speech_driver import SpeechDriver
from core.structures import AudioChunk
driver = SpeechDriver()
print(len(driver.push(AudioChunk(numpy.zeros(16000, numpy.float32), 16000, 0.0)) + driver.finish()))
"""


def check_speech() -> Iterator[Finding]:
    """The speech network listens to a second of silence."""
    worked, said = run_child(_LISTEN)
    if worked and said == "31":
        yield Finding(Level.OK, "speech", "the speech network listens")
    else:
        yield Finding(Level.PROBLEM, "speech", said or "no answer", "take the repository anew, or run 'make install'")


def check_cameras(folder: Path = Path("/dev")) -> Iterator[Finding]:
    """Cameras of this machine; the app uses the camera of the browser, which may be another machine's."""
    if not sys.platform.startswith("linux"):
        yield Finding(Level.NOTE, "camera", "not looked for on this system", "the app uses the browser's camera")
        return
    cameras = sorted(folder.glob("video*"))
    if cameras:
        yield Finding(Level.OK, "camera", ", ".join(map(str, cameras)))
    else:
        yield Finding(Level.NOTE, "camera", "none on this machine", "the app uses the browser's camera, also a phone's")


def check_ports() -> Iterator[Finding]:
    """Whether the ports of the app and of the usual wires are free."""
    for port, kind, use, advice in PORTS:
        name = f"port {port} ({use})"
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                # As servers do: a port whose last connection just ended is free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                yield Finding(Level.NOTE, name, "in use", advice)
            else:
                yield Finding(Level.OK, name, "free")


def check_programs() -> Iterator[Finding]:
    """Programs that not everybody needs."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if chromium:
        yield Finding(Level.OK, "chromium", chromium)
    else:
        yield Finding(Level.NOTE, "chromium", "not found; only the page tests need it", "apt-get install chromium")
    espeak = shutil.which("espeak-ng")
    if espeak:
        yield Finding(Level.OK, "espeak-ng", espeak)
    else:
        yield Finding(
            Level.NOTE,
            "espeak-ng",
            "not found; typed text (speak --text) and speech training need it",
            "apt-get install espeak-ng",
        )


def check_model_packs() -> Iterator[Finding]:
    """Optional packs: absent is fine, damaged is a problem."""
    by_status: dict[PackStatus, list[str]] = {status: [] for status in PackStatus}
    for model_pack in PACKS:
        by_status[pack_status(model_pack)].append(model_pack.name)
    for name in by_status[PackStatus.DAMAGED]:
        yield Finding(
            Level.PROBLEM, "models", f"{name} in {models_folder()} is damaged", "delete the file, or fetch it again"
        )
    present = ", ".join(by_status[PackStatus.PRESENT])
    if present:
        yield Finding(Level.OK, "models", f"present: {present}")
    else:
        yield Finding(
            Level.NOTE, "models", "no optional pack; none is needed", "'python -m core models list' tells more"
        )
