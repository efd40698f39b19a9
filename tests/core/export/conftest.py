"""Readers of exported files that are not ours: small Node tools, installed once from the lock file of tests/tools."""

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
def node_tools() -> Path:
    """The folder of the Node tools with their packages; skips where Node is absent."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"'{program}' is not installed; the Khronos glTF validator and three.js need Node.js with npm")
    if not all((TOOLS / "node_modules" / name / "package.json").exists() for name in ("gltf-validator", "three")):
        install = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=TOOLS, capture_output=True, text=True)
        assert install.returncode == 0, f"npm ci failed in tests/tools: {install.stderr[-500:]}"
    return TOOLS


@pytest.fixture(scope="session")
def validate_gltf(node_tools) -> Callable[[Path], dict[str, Any]]:
    """`validate_gltf(path)`: the validator's issues."""

    def validate(path: Path) -> dict[str, Any]:
        run = subprocess.run(
            ["node", node_tools / "validate_gltf.js", path], check=True, capture_output=True, text=True, timeout=60
        )
        issues: dict[str, Any] = json.loads(run.stdout)["issues"]
        return issues

    return validate


@pytest.fixture(scope="session")
def load_in_three(node_tools) -> Callable[[Path, dict[str, float]], dict[str, dict[str, Any]]]:
    """`load_in_three(path, weights)`: the meshes by name as three.js shows them at these weights of the shapes."""

    def load(path: Path, weights: dict[str, float]) -> dict[str, dict[str, Any]]:
        command = ["node", node_tools / "load_in_three.mjs", path, json.dumps(weights)]
        run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, run.stderr[-1000:]
        return {mesh["name"]: mesh for mesh in json.loads(run.stdout)["meshes"]}

    return load
