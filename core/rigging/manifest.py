"""What is written beside a kept rig: where it comes from and which names its shapes have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import __version__
from core.blendshapes import ARKIT_NAMES
from core.errors import RigError
from core.head_model.glb import write_atomically
from core.rigging.calibration import Calibration, read_calibration

FORMAT_VERSION = 1
MAX_BYTES = 256 * 2**10
LATEST_S = 1e12  # far beyond any clock, and not NaN or infinity


@dataclass(frozen=True, slots=True)
class Manifest:
    """name: as the user reads it; created_s: seconds since 1970; source_kind: "photo", "video", …; is_demo: ships
    with the program; quality: what the maker measured, plain JSON values; code_version: of the program that made
    it; calibration: of a guided recording, None where there was none."""

    name: str
    created_s: float
    source_kind: str
    is_demo: bool
    quality: Mapping[str, object]
    code_version: str = __version__
    calibration: Calibration | None = None


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write as JSON, atomically. RigError when a value has no form in JSON or the disk refuses."""
    content = {
        "format_version": FORMAT_VERSION,
        "name": manifest.name,
        "created_s": manifest.created_s,
        "source_kind": manifest.source_kind,
        "is_demo": manifest.is_demo,
        "code_version": manifest.code_version,
        "quality": dict(manifest.quality),
        "blendshapes": list(ARKIT_NAMES),
    }
    if manifest.calibration is not None:
        content["calibration"] = manifest.calibration.to_json()
    try:
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RigError(f"A rig's quality must be plain JSON values, but it does not fit: {error}.") from None
    write_atomically(path, text.encode())


def read_manifest(path: Path) -> Manifest:
    """The manifest. RigError, one line, when it is absent, damaged or of another shape list."""
    content = _read_object(path)
    if content.get("format_version") != FORMAT_VERSION:
        raise RigError(f"{path.name} must have format version {FORMAT_VERSION}, not {content.get('format_version')!r}.")
    if content.get("blendshapes") != list(ARKIT_NAMES):
        raise RigError(f"{path.name} must list the 52 ARKit names in their order, but it does not.")
    kinds = {"name": str, "source_kind": str, "code_version": str, "is_demo": bool, "quality": dict}
    for key, kind in kinds.items():
        if not isinstance(content.get(key), kind):
            raise RigError(f"{path.name} must have a {kind.__name__} at '{key}', but it does not.")
    created_s = content.get("created_s")
    if isinstance(created_s, bool) or not isinstance(created_s, int | float) or not abs(created_s) < LATEST_S:
        raise RigError(f"{path.name} must have a number of seconds at 'created_s', but it does not.")
    return Manifest(
        name=content["name"],
        created_s=float(created_s),
        source_kind=content["source_kind"],
        is_demo=content["is_demo"],
        quality=content["quality"],
        code_version=content["code_version"],
        calibration=read_calibration(content.get("calibration")),
    )


def _read_object(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(MAX_BYTES).decode("utf-8"))
    except OSError as error:
        raise RigError(f"{path.name} could not be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise RigError(f"{path.name} is damaged: it is not JSON.") from None
    if not isinstance(content, dict):
        raise RigError(f"{path.name} is damaged: it must be a JSON object.")
    return content
