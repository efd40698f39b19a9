"""The pins: exact, installed as written, and free of what the app must not bring."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

REPOSITORY = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "requirements-dev.txt", "requirements-train.txt")


def pins(file_name: str) -> dict[str, Version]:
    """Name and version of every line that is not a comment."""
    found = {}
    for line in (REPOSITORY / file_name).read_text().splitlines():
        text = line.split("#", 1)[0].strip()
        if text and text != "-r requirements.txt":
            requirement = Requirement(text)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", f"{file_name}: {text} is not an exact pin"
            assert "*" not in specifier.version, f"{file_name}: {text} is not an exact pin"
            assert requirement.name not in found, f"{file_name} names {requirement.name} twice"
            found[requirement.name] = Version(specifier.version)
    return found


@pytest.mark.parametrize("file_name", FILES)
def test_every_pin_is_exact_and_stands_once(file_name):
    assert pins(file_name)


@pytest.mark.parametrize("file_name", FILES[1:])
def test_further_packages_never_come_without_the_runtime_pins(file_name):
    assert "-r requirements.txt" in (REPOSITORY / file_name).read_text().splitlines()


@pytest.mark.parametrize("file_name", FILES[:2])
def test_what_is_installed_is_what_is_pinned(file_name):
    for name, version in pins(file_name).items():
        assert Version(importlib.metadata.version(name)).public == version.public, name


def test_starlette_is_one_that_streamlit_can_serve_media_with():
    assert pins("requirements.txt")["starlette"] in SpecifierSet(">=0.52.1,<1.8,!=1.4.0")


def test_security_floors_hold():
    runtime, training = pins("requirements.txt"), pins("requirements-train.txt")
    for name, floor in {"aiortc": "1.15", "av": "18.1", "pillow": "12.3"}.items():
        assert runtime[name] >= Version(floor), name
    assert training["torch"] >= Version("2.6")


def runtime_closure() -> set[str]:
    """Every distribution that requirements.txt brings, as installed here."""
    found: set[str] = set()
    todo = list(pins("requirements.txt"))
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in found:
            continue
        found.add(name)
        for text in importlib.metadata.requires(name) or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                todo.append(requirement.name)
    return found


def test_the_app_brings_no_torch_no_cuda_and_one_opencv():
    names = runtime_closure()
    assert "mediapipe" in names
    assert "jaxlib" in names  # the walk does reach what only a wheel asks for
    heavy = {n for n in names if n.startswith(("torch", "nvidia", "cuda", "triton", "tensorflow", "jax-cuda"))}
    assert not heavy
    assert {n for n in names if n.startswith("opencv")} == {"opencv-contrib-python"}
    assert "stpyvista" not in names  # GPL-3.0


def test_this_python_is_one_the_pins_have_wheels_for():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert ".".join(map(str, sys.version_info[:3])) in SpecifierSet(project["requires-python"])
