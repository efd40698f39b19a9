"""Stills of a rig for pages: drawn in one thread of their own, because every rerun of a page is another thread."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import streamlit as st
from PIL import Image

from core.errors import RenderError
from core.head_model.rig import HeadRig
from core.head_model.rig_to_gltf import rig_to_gltf
from core.rendering.camera import FRONT, SIDE, THREE_QUARTER, OrbitCamera
from core.rendering.renderer import HeadRenderer
from core.structures import FaceState, ImageArray

STILL_SIZE = (360, 420)
THUMBNAIL_SIZE = (192, 192)
THUMBNAIL_VIEW = OrbitCamera(yaw_rad=0.3, distance_m=0.6)
THREE_SIDES = (FRONT, THREE_QUARTER, SIDE)
PATIENCE_S = 60.0


@st.cache_resource
def _drawing_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="stills")


def draw_stills(rig: HeadRig, cameras: Sequence[OrbitCamera], size: tuple[int, int]) -> tuple[ImageArray, ...]:
    """(H, W, 3) uint8 pictures of the rig at rest, one from each camera. RenderError without OpenGL."""

    def draw() -> tuple[ImageArray, ...]:
        with HeadRenderer(rig, size, antialias=True) as renderer:
            return tuple(renderer.render(FaceState(0.0), camera) for camera in cameras)

    return _drawing_thread().submit(draw).result(PATIENCE_S)


def _identity(rig: HeadRig) -> int:
    # Rigs are immutable, and the cache holds the rig itself, so its address stays its own.
    return id(rig)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={HeadRig: _identity})
def _stills_of(rig: HeadRig) -> tuple[HeadRig, tuple[ImageArray, ...]]:
    return rig, draw_stills(rig, THREE_SIDES, STILL_SIZE)


def three_sides(rig: HeadRig) -> tuple[ImageArray, ...]:
    """Front, three quarters and side of the rig."""
    return _stills_of(rig)[1]


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={HeadRig: _identity})
def _glb_of(rig: HeadRig, compact: bool | None) -> tuple[HeadRig, bytes]:
    return rig, rig_to_gltf(rig, compact=compact)


def viewer_glb(rig: HeadRig) -> bytes:
    """The rig as a small GLB for the browser's viewer."""
    return _glb_of(rig, True)[1]


def download_glb(rig: HeadRig) -> bytes:
    """The rig as a GLB for other programs, under 8 MB."""
    return _glb_of(rig, None)[1]


def png(picture: ImageArray) -> bytes:
    """The picture as a PNG file."""
    encoded = io.BytesIO()
    Image.fromarray(picture).save(encoded, "PNG")
    return encoded.getvalue()


def still_png(rig: HeadRig) -> bytes | None:
    """The front view as a PNG file, for browsers without 3D; None where the server cannot draw either."""
    try:
        return png(three_sides(rig)[0])
    except RenderError:
        return None


def forget_pictures() -> None:
    """Drops stills and files held in memory, so that a deleted face is gone everywhere."""
    _stills_of.clear()
    _glb_of.clear()
