"""People of the ICT-FaceKit pack drawn plainly: one colour a vertex, the model's own large eyeballs, no textures."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from types import TracebackType

import numpy as np
import pyvista
from scipy.sparse import csr_matrix

from core.blendshapes import ARKIT_NAMES, INDEX
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.geometry.rotation import rotation_from_yaw_pitch_roll
from core.head_model import ict_layout as layout
from core.head_model.ict_file import read_ict_file
from core.head_model.ict_model import METRES_PER_UNIT, IctModel, checked_model
from core.rendering.camera import vertical_view_angle_deg, window_center
from core.rendering.lights import add_lights
from core.structures import Camera, ImageArray
from training.expression.figures import bent, by_other_hands, smooth_fields

EYES = (slice(21_451, 23_021), slice(23_021, 24_591))  # both shells of the left and the right eye
IRIS_DEG, PUPIL_DEG = 30.0, 13.0
MERGED_M = 0.0045


@lru_cache(maxsize=1)
def plain_model(path: Path) -> tuple[IctModel, np.ndarray]:
    """The pack's mean head, metres, and its (n, 26719, 3) identities."""
    model = checked_model(read_ict_file(path), path.name)
    with np.load(path, allow_pickle=False) as stored:
        return model, stored["identity_delta"].astype(np.float32) * np.float32(METRES_PER_UNIT)


class PlainStudio:
    """Draws such people one after the other. size: (width, height). The thread that makes it owns it."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._model, self._identities = plain_model(path)
        triangles = self._model.triangles
        last = triangles.max(1)
        inner = ((last >= layout.LEFT_EYE_SHELL.stop) & (last < layout.RIGHT_EYE_SHELL.start)) | (
            last >= layout.RIGHT_EYE_SHELL.stop
        )
        corners = self._model.vertices[triangles]
        away = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] < 0
        behind = away & (last < layout.MOUTH_SOCKET.start) & (corners[:, :, 2].mean(1) < 0.02)
        self._triangles = triangles[~inner & ~behind]  # what a camera in front never sees costs a third of the time
        self._thin_out()
        n = len(self._triangles)
        columns = np.repeat(np.arange(n), 3)
        shape = (len(self._used), n)
        self._around = csr_matrix((np.ones(3 * n, np.float32), (self._triangles.ravel(), columns)), shape)
        self._plotter = pyvista.Plotter(off_screen=True, window_size=list(size))
        self._plotter.disable_anti_aliasing()
        self._plotter.camera.up = (0, 1, 0)
        self._mesh: pyvista.PolyData | None = None

    def _thin_out(self) -> None:
        """Merges the mouth's and the teeth's vertices in cells of 4.5 mm, and leaves out what no triangle needs."""
        vertices = self._model.vertices
        merged = np.arange(len(vertices))
        for part in (layout.MOUTH_SOCKET, layout.GUMS_AND_TONGUE, layout.UPPER_TEETH, layout.LOWER_TEETH):
            cells = np.floor(vertices[part] / MERGED_M).astype(int)
            _, first, group = np.unique(cells, axis=0, return_index=True, return_inverse=True)
            merged[part] = part.start + first[group.ravel()]
        triangles = merged[self._triangles]
        a, b, c = triangles.T
        triangles = triangles[(a != b) & (b != c) & (a != c)]
        self._used, compact = np.unique(triangles, return_inverse=True)
        self._triangles = compact.reshape(-1, 3)
        self._eyes = [np.flatnonzero((self._used >= eye.start) & (self._used < eye.stop)) for eye in EYES]

    def seat(
        self, seed: int, mixture: np.ndarray, rng: np.random.Generator, lights: tuple | None, is_strange: bool = False
    ) -> None:
        """The next person: `mixture` (52, 52) of the shapes; lights: VTK's light kit when None; is_strange: in bent
        space, with shapes by other hands and blotchy skin."""
        count = rng.integers(30, 101)
        code = np.zeros(len(self._identities), np.float32)
        code[:count] = np.random.default_rng(seed).normal(0, rng.uniform(0.5, 1.1), count)
        self._rest = self._model.vertices[self._used] + np.tensordot(code, self._identities[:, self._used], 1)
        shapes = self._model.shapes[:, self._used].reshape(len(ARKIT_NAMES), -1)
        self._shapes = (mixture @ shapes).astype(np.float32)
        if is_strange:
            made = by_other_hands(self._rest, self._shapes.reshape(len(ARKIT_NAMES), -1, 3), rng)
            self._rest, made = bent(self._rest, made, rng)
            self._shapes = made.reshape(len(made), -1).astype(np.float32)
        plotter = self._plotter
        plotter.clear_actors()
        faces = np.c_[np.full(len(self._triangles), 3), self._triangles].ravel()
        self._mesh = pyvista.PolyData(self._rest.astype(np.float32), faces)
        colours = self._colours(rng)[self._used]
        self._mesh["colour"] = self._blotchy(colours, rng) if is_strange else colours
        self._mesh.point_data["Normals"] = self._normals(self._rest)
        self._mesh.point_data.active_normals_name = "Normals"
        plotter.add_mesh(
            self._mesh, scalars="colour", rgb=True, ambient=rng.uniform(0.15, 0.45), diffuse=rng.uniform(0.55, 0.85),
            specular=rng.uniform(0.0, 0.3), specular_power=rng.uniform(2, 30), smooth_shading=False,
        )  # fmt: skip
        plotter.set_background([int(v) for v in rng.integers(20, 235, 3)])
        if lights is None:
            plotter.renderer.RemoveAllLights()
            plotter.enable_lightkit()
        else:
            add_lights(plotter.renderer, lights)

    def take(self, values: np.ndarray, rotation: np.ndarray, place: np.ndarray, camera: Camera) -> ImageArray:
        """(H, W, 3) uint8 picture; place: (3,) metres, camera frame, of the file's origin."""
        assert self._mesh is not None
        points = self._rest + (values @ self._shapes).reshape(-1, 3)
        for eye, (yaw, pitch) in zip(self._eyes, gaze_from_blendshapes(values), strict=True):
            centre = points[eye].mean(0)
            turn = rotation_from_yaw_pitch_roll(float(yaw), float(pitch), 0.0)
            points[eye] = (points[eye] - centre) @ turn.T + centre
        points = (points @ rotation.T + place).astype(np.float32)
        self._mesh.points = points
        self._mesh.point_data["Normals"] = self._normals(points)
        view = self._plotter.camera
        view.position, view.focal_point, view.up = (0, 0, 0), (0, 0, -1), (0, 1, 0)
        view.view_angle = vertical_view_angle_deg(camera)
        view.SetWindowCenter(*window_center(camera))
        view.clipping_range = (0.1, 5.0)
        self._plotter.render()
        return np.array(self._plotter.screenshot(return_img=True))

    def close(self) -> None:
        """Gives the window back."""
        self._plotter.close()

    def __enter__(self) -> PlainStudio:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _normals(self, points: np.ndarray) -> np.ndarray:
        a, b, c = (points[self._triangles[:, k]] for k in range(3))
        normals = self._around @ np.cross(b - a, c - a).astype(np.float32)
        return (normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9)).astype(np.float32)

    def _blotchy(self, colours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(V, 3) uint8 the colours, lighter and darker in spots of some centimetres, as make-up and shadows do."""
        rest = self._model.vertices[self._used]
        spots = smooth_fields(rest, 3, rng.uniform(0.006, 0.03), rng).T
        spots = spots.mean(1, keepdims=True) * rng.uniform(0, 0.10) + spots * rng.uniform(0, 0.03)
        eyes = np.isin(self._used, np.r_[EYES])
        return np.clip(colours * np.where(eyes[:, None], 1.0, 1.0 + spots), 0, 255).astype(np.uint8)

    def _colours(self, rng: np.random.Generator) -> np.ndarray:
        """(V, 3) uint8 skin, lips, brows, eyes, teeth; lips and brows lie where the model's own shapes move most."""
        vertices = self._model.vertices
        tone = (
            np.array([225, 175, 147])
            * (1 - rng.uniform(0, 0.65)) ** np.array([0.8, 1.0, 1.15])
            * rng.normal(1, 0.05, 3)
        )
        colours = np.tile(tone, (len(vertices), 1))
        colours[layout.MOUTH_SOCKET] = np.array([120, 50, 50]) * rng.uniform(0.5, 1.2)
        colours[layout.GUMS_AND_TONGUE] = np.array([170, 80, 80]) * rng.uniform(0.8, 1.15)
        colours[layout.UPPER_TEETH.start : layout.LOWER_TEETH.stop] = np.array([233, 228, 213]) * rng.uniform(0.8, 1.05)
        iris = rng.uniform(20, 130, 3)
        for eye in EYES:
            arms = vertices[eye] - vertices[eye].mean(0)
            angle = np.degrees(np.arccos(np.clip(arms[:, 2] / np.linalg.norm(arms, axis=1), -1, 1)))
            colours[eye] = 240 * rng.uniform(0.85, 1.0)
            colours[eye][angle < IRIS_DEG * rng.uniform(0.85, 1.1)] = iris
            colours[eye][angle < PUPIL_DEG * rng.uniform(0.8, 1.2)] = 10
        self._paint_face(colours, tone, rng)
        colours[: layout.MOUTH_SOCKET.start] += rng.normal(0, rng.uniform(0, 6), (layout.MOUTH_SOCKET.start, 3))
        return np.clip(colours, 0, 255).astype(np.uint8)

    def _paint_face(self, colours: np.ndarray, tone: np.ndarray, rng: np.random.Generator) -> None:
        def reach(*names: str) -> np.ndarray:
            return sum(np.linalg.norm(self._model.shapes[INDEX[name]][layout.FACE], axis=1) for name in names)

        lip = reach("mouthRollLower", "mouthRollUpper")
        weight = (np.clip(lip / np.percentile(lip, 98.5), 0, 1) ** rng.uniform(1.5, 3))[:, None] * rng.uniform(0.4, 1.0)
        red = np.array([180, 80, 80]) * tone.mean() / rng.uniform(150, 200)
        colours[layout.FACE] = colours[layout.FACE] * (1 - weight) + weight * red
        down, outer = reach("browDownLeft", "browDownRight"), reach("browOuterUpLeft", "browOuterUpRight")
        core = (down > 0.6 * down.max()) & (outer > 0.3 * outer.max())
        x, y, z = self._model.vertices[layout.FACE].T
        hair, height, thickness = (
            rng.uniform(15, 130) * np.array([1, 0.8, 0.6]),
            rng.uniform(0.0015, 0.0055),
            rng.uniform(0.0018, 0.0036),
        )
        share = rng.uniform(0.3, 1.0)
        for side in (x > 0, x < 0):
            chosen = core & side
            if chosen.sum() < 4:
                continue
            line = np.polyval(np.polyfit(x[chosen], y[chosen], 2), x) - height
            near = side & (np.abs(y - line) < thickness) & (np.abs(x) > 0.012) & (np.abs(x) < 0.049) & (z > 0.04)
            colours[layout.FACE][near] = (1 - share) * colours[layout.FACE][near] + share * hair
