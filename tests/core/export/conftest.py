"""The Khronos glTF validator, installed once into tests/tools/node_modules from its lock file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture(scope="session")
def validate_gltf() -> Callable[[Path], dict[str, Any]]:
    """`validate_gltf(path)`: the validator's issues; skips where Node is absent."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"'{program}' is not installed; the Khronos glTF validator needs Node.js with npm")
    if not (TOOLS / "node_modules" / "gltf-validator" / "package.json").exists():
        install = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=TOOLS, capture_output=True, text=True)
        assert install.returncode == 0, f"npm ci failed in tests/tools: {install.stderr[-500:]}"

    def validate(path: Path) -> dict[str, Any]:
        run = subprocess.run(
            ["node", TOOLS / "validate_gltf.js", path], check=True, capture_output=True, text=True, timeout=60
        )
        issues: dict[str, Any] = json.loads(run.stdout)["issues"]
        return issues

    return validate
