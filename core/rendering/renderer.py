"""`HeadRenderer`: a rig and a `FaceState` in, a picture out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

from core.errors import InputError, RenderError
from core.geometry.projection import transform
from core.head_model.rig import HeadRig
from core.rendering.camera import FRONT, OrbitCamera, vertical_view_angle_deg, window_center
from core.rendering.graphics import ADVICE, choose_window, require_graphics
from core.rendering.lights import LightParameters, add_lights
from core.structures import Camera, FaceState, HeadPose, ImageArray, Mesh

choose_window()

# Two threads that touch a lazy `pyvista.Plotter` at once lose one of them (pyvista 0.49), so it is loaded here.
import pyvista.plotting  # noqa: E402

from core.rendering.part_surface import depth_range, surfaces_of  # noqa: E402

Color = tuple[float, float, float]
BACKGROUND: Color = (0.72, 0.74, 0.77)
BACKGROUND_TOP: Color = (0.90, 0.91, 0.92)
SUPERSAMPLING = 2
LOOK_AHEAD = np.array((0.0, 0.0, -1.0))


class HeadRenderer:
    """Draws one head at a time. The thread that makes it owns it: OpenGL shows other threads a black picture.

    size: (width, height) pixels. background: sRGB in [0, 1], at the lower edge when `background_top` is given.
    antialias: drawn at twice the size and averaged; smooth edges for stills, about three times the cost.
    Raises RenderError where OpenGL is missing or another thread calls.
    """

    def __init__(
        self,
        rig: HeadRig,
        size: tuple[int, int] = (512, 512),
        background: Color = BACKGROUND,
        antialias: bool = False,
        background_top: Color | None = BACKGROUND_TOP,
    ) -> None:
        if min(size) < 1:
            raise InputError(f"A picture needs a width and a height of at least 1, but the size is {size}.")
        self._owner = threading.get_ident()
        self._size = size
        self._scale = SUPERSAMPLING if antialias else 1
        self._pixels = vtkUnsignedCharArray()
        require_graphics()
        drawn_size = [side * self._scale for side in size]
        self._is_open = True
        plotter: Any = pyvista.Plotter(off_screen=True, window_size=drawn_size, lighting="none")
        self._plotter = plotter
        self._plotter.disable_anti_aliasing()  # VTK's own 8x multisampling costs three times a plain frame
        self._window = plotter.render_window
        add_lights(self._plotter.renderer)
        self._set_background(background, background_top)
        self.set_rig(rig)
        self._window.Render()
        if not self._window.IsCurrent():
            self.close()
            raise RenderError(f"OpenGL could not be started on this machine. {ADVICE}")

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the pictures, pixels."""
        return self._size

    @property
    def rig(self) -> HeadRig:
        """The rig that is drawn."""
        return self._rig

    def set_rig(self, rig: HeadRig) -> None:
        """Draws another head from now on."""
        self._require_owner()
        renderer = self._plotter.renderer
        renderer.RemoveAllViewProps()
        self._rig = rig
        self._surfaces = surfaces_of(rig)
        for surface in self._surfaces:
            renderer.AddActor(surface.actor)

    def set_lights(self, lights: Sequence[LightParameters]) -> None:
        """Lights the head in another way from now on."""
        self._require_owner()
        add_lights(self._plotter.renderer, lights)

    def render(self, state: FaceState, camera: OrbitCamera | Camera = FRONT) -> ImageArray:
        """(H, W, 3) uint8 RGB picture of the head in `state`; a new array each time.

        With an `OrbitCamera` the shoulders stay and the head turns on its neck; the head's translation is left out.
        With a pinhole `Camera` the whole head is put rigidly where `state.head_rotation` and
        `state.head_translation` say in the camera frame, so the picture is exact truth for a tracker.
        """
        self._require_owner()
        if isinstance(camera, Camera):
            mesh = self._place_before_pinhole(state, camera)
        else:
            mesh = self._rig.deform(state)
            self._look_from_orbit(camera, mesh)
        for surface in self._surfaces:
            surface.update(mesh)
        self._window.Render()
        return self._read_picture()

    def close(self) -> None:
        """Gives the window and its memory back; may be called twice."""
        if not self._is_open:
            return
        self._require_owner()
        self._surfaces = ()
        self._plotter.renderer.RemoveAllViewProps()
        self._window.Finalize()
        self._plotter.close()
        self._plotter.deep_clean()
        self._plotter = self._window = None
        self._is_open = False

    def __enter__(self) -> HeadRenderer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _require_owner(self) -> None:
        if threading.get_ident() != self._owner:
            raise RenderError(
                "A HeadRenderer works only in the thread that made it, but another thread called it. "
                "Make one in the thread that draws."
            )
        if not self._is_open:
            raise RenderError("This HeadRenderer is closed. Make a new one to draw again.")

    def _set_background(self, lower: Color, upper: Color | None) -> None:
        renderer = self._plotter.renderer
        renderer.SetBackground(*lower)
        renderer.SetGradientBackground(upper is not None)
        if upper is not None:
            renderer.SetBackground2(*upper)

    def _look_from_orbit(self, camera: OrbitCamera, mesh: Mesh) -> None:
        position = camera.position()
        direction = (np.asarray(camera.target) - position) / camera.distance_m
        view = self._plotter.renderer.GetActiveCamera()
        view.SetPosition(*position)
        view.SetFocalPoint(*camera.target)
        view.SetViewUp(0.0, 1.0, 0.0)
        view.SetViewAngle(np.degrees(camera.vertical_fov_rad))
        view.SetWindowCenter(0.0, 0.0)
        view.SetClippingRange(*depth_range(mesh.vertices, position, direction))

    def _place_before_pinhole(self, state: FaceState, camera: Camera) -> Mesh:
        if camera.image_size != self._size:
            raise InputError(
                f"The camera's picture size must be the renderer's {self._size}, but it is {camera.image_size}."
            )
        upright = self._rig.deform(replace(state, head_rotation=np.eye(3, dtype=np.float32)))
        pose = HeadPose(state.head_rotation, state.head_translation)
        vertices = transform(pose, upright.vertices)
        view = self._plotter.renderer.GetActiveCamera()
        view.SetPosition(0.0, 0.0, 0.0)
        view.SetFocalPoint(*LOOK_AHEAD)
        view.SetViewUp(0.0, 1.0, 0.0)
        view.SetViewAngle(vertical_view_angle_deg(camera))
        view.SetWindowCenter(*window_center(camera))
        view.SetClippingRange(*depth_range(vertices, np.zeros(3), LOOK_AHEAD))
        return Mesh(vertices, upright.faces, upright.normals @ pose.rotation.T)

    def _read_picture(self) -> ImageArray:
        width, height = self._window.GetSize()
        self._window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, self._pixels, 0)
        bottom_up = vtk_to_numpy(self._pixels).reshape(height, width, 4)
        picture = cv2.flip(cv2.cvtColor(bottom_up, cv2.COLOR_RGBA2RGB), 0)
        if self._scale > 1:
            picture = cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)
        return np.asarray(picture, np.uint8)
