"""The picture that a live session sends back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import TypeAlias

import cv2
import numpy as np

from core.head_model.builtin import load_builtin_rig
from core.head_model.rig import HeadRig
from core.rendering.overlay import draw_landmarks
from core.rendering.renderer import HeadRenderer
from core.session_parts import LiveSettings, View
from core.structures import FaceLandmarks, FaceState, ImageArray

MakeRenderer: TypeAlias = Callable[[HeadRig], HeadRenderer]
"""Called in the engine thread, where the renderer also draws and ends."""


HEAD_SIZE = (640, 480)  # the shape of a webcam's picture, so that a change of view does not move the page


def make_live_renderer(rig: HeadRig) -> HeadRenderer:
    """The renderer of a live session: webcam-shaped, without antialiasing."""
    return HeadRenderer(rig, HEAD_SIZE)


class SessionPainter:
    """Draws the chosen view. The renderer is made at the first picture that needs it and closed by `resources`."""

    def __init__(self, rig: HeadRig | None, make_renderer: MakeRenderer, resources: ExitStack) -> None:
        self._rig = rig
        self._make_renderer = make_renderer
        self._resources = resources
        self._renderer: HeadRenderer | None = None

    def paint(
        self,
        settings: LiveSettings,
        state: FaceState,
        image: ImageArray | None,
        landmarks: tuple[FaceLandmarks, ...],
    ) -> ImageArray:
        """(H, W, 3) uint8 RGB with even sides: the camera picture, the head in `state`, or both; the head alone
        when there is no camera picture. Mirrored where the settings say so."""
        panes = []
        if image is not None and settings.view is not View.AVATAR:
            panes.append(draw_landmarks(image, landmarks) if settings.draws_landmarks else image)
        if image is None or settings.view is not View.CAMERA:
            panes.append(self._head(state, settings))
        if settings.mirrored:
            panes = [pane[:, ::-1] for pane in panes]
        return _even(panes[0] if len(panes) == 1 else side_by_side(panes[0], panes[1]))

    def _head(self, state: FaceState, settings: LiveSettings) -> ImageArray:
        if self._renderer is None:
            renderer = self._make_renderer(self._rig or load_builtin_rig())
            self._renderer = self._resources.enter_context(closing(renderer))
        return self._renderer.render(state, settings.orbit)


def side_by_side(left: ImageArray, right: ImageArray) -> ImageArray:
    """Both pictures in one, `left` brought to the height of `right`."""
    height = right.shape[0]
    width = round(left.shape[1] * height / left.shape[0])
    method = cv2.INTER_AREA if height < left.shape[0] else cv2.INTER_LINEAR
    resized = cv2.resize(np.ascontiguousarray(left), (width, height), interpolation=method)
    return np.concatenate([resized, right], axis=1)


def _even(picture: ImageArray) -> ImageArray:
    # Video codecs halve the colour planes; an odd side makes the encoder fail.
    height, width = picture.shape[:2]
    return np.ascontiguousarray(picture[: height - height % 2, : width - width % 2])
