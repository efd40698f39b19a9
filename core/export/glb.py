"""Writes a rig for other programs and lets nothing pass that they would stumble over."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from core.errors import RigError
from core.export.glb_check import check_glb
from core.head_model.rig import HeadRig
from core.head_model.rig_glb import save_rig


def export_glb(rig: HeadRig, path: Path, *, compact: bool | None = None) -> None:
    """Write the rig as GLB and check the file; `path` changes only when the new file passed.

    compact: displacements as sparse accessors, several times smaller, but not every importer reads them; left out, only
    heads that would not fit into 8 MB get them.
    RigError with the first problem when the file does not pass `check_glb`.
    """
    candidate = path.with_name(f".{path.name}.{uuid4().hex}.unchecked")
    try:
        save_rig(rig, candidate, compact=compact)
        problems = check_glb(candidate)
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise RigError(f"'{rig.name}' was not exported, other programs would misread it: {problems[0]}{more}")
        candidate.replace(path)
    except OSError as error:
        raise RigError(f"{path.name} could not be written: {error.strerror or error}.") from None
    finally:
        with suppress(OSError):
            candidate.unlink()
