"""Draws the built-in head at rest and in its 52 shapes: `python -m training.head_sheet [file]`."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import cv2
import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX
from core.head_model.builtin import load_builtin_rig
from core.rendering.camera import OrbitCamera
from core.rendering.pictures import render_sheet
from core.structures import FaceState

SHEET = Path(__file__).resolve().parent.parent / "docs" / "images" / "head_sheet.png"
CAMERA = OrbitCamera(yaw_rad=math.radians(18.0), distance_m=0.62, vertical_fov_rad=math.radians(21.0))
LOOK = {"Up": (0.0, 0.35), "Down": (0.0, -0.35), "Left": (0.45, 0.0), "Right": (-0.45, 0.0)}
TURNS = {"OutLeft": "Left", "InLeft": "Right", "OutRight": "Right", "InRight": "Left"}


def state_of(name: str) -> FaceState:
    """The head with this one shape at 1, and the eye turned where an eyeLook shape says."""
    coefficients = np.zeros(COUNT, np.float32)
    gaze = np.zeros((2, 2), np.float32)
    if name in INDEX:
        coefficients[INDEX[name]] = 1.0
    if name == "mouthClose":  # means: closed lips over an open jaw
        coefficients[[INDEX["mouthClose"], INDEX["jawOpen"]]] = 0.6
    if name.startswith("eyeLook"):
        way = name.removeprefix("eyeLook")
        eye = 0 if way.endswith("Left") else 1
        gaze[eye] = LOOK[TURNS.get(way) or way.removesuffix("Left").removesuffix("Right")]
    return FaceState(0.0, blendshapes=coefficients, gaze=gaze)


def main(path: Path = SHEET) -> None:
    names = ["neutral", *ARKIT_NAMES]
    states = [state_of(name) for name in names]
    labels = ["mouthClose + jawOpen" if name == "mouthClose" else name for name in names]
    sheet = render_sheet(load_builtin_rig(), states, 9, labels, (200, 200), CAMERA)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), sheet[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{path}: {sheet.shape[1]} x {sheet.shape[0]}, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
