"""`show_head`: the viewer as a Streamlit component."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import streamlit.components.v1 as components

PAGE = Path(__file__).resolve().parent / "page"
_viewer = components.declare_component("live_avatar_viewer", path=str(PAGE))


def show_head(
    glb: bytes,
    key: str,
    *,
    height_px: int = 560,
    motion: dict[str, Any] | None = None,
    autoplay: bool = True,
    controls: bool = True,
    still_png: bytes | None = None,
    live: dict[str, str] | None = None,
    sound: bytes | None = None,
) -> None:
    """Shows a GLB that can be turned, zoomed and moved by sliders; another GLB can be dropped on it.

    motion: what `viewer_motion` gives, looped. controls: the sliders beside the picture. still_png: shown where the
    browser cannot draw in 3D. live: `address` (ws://HOST:PORT) and `token` of a running WebSocket output, which then
    moves the head instead of the motion; how old its faces are is shown under the picture. sound: a WAV file that
    belongs to the motion, played by the visitor's press; until then the motion shows itself silently.
    """
    sound_id = _id(sound) if sound else None
    _viewer(
        glb=glb,
        head_id=_id(glb),
        height=height_px,
        motion=motion,
        motion_id=f"{_id(json.dumps(motion).encode())}-{sound_id}",
        sound=sound,
        sound_id=sound_id,
        autoplay=autoplay,
        controls=controls,
        still=still_png,
        live=live,
        key=key,
        default=None,
    )


def _id(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
