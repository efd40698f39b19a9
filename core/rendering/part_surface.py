"""One part of the head as VTK draws it: fixed triangles, points and normals that change in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyvista
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from core.head_model.rig import HeadRig, Part
from core.structures import FloatArray, Mesh

SMALLEST_SHININESS = 4.0
LARGEST_SHININESS = 160.0
SPECULAR_STRENGTH = 0.3
AMBIENT = 0.28  # light from all sides, as a share of the part's own colour


def shininess(roughness: float) -> float:
    """Blinn-Phong exponent of a roughness: 2 / roughness^4 - 2 (Karis 2013, "Specular BRDF Reference"), bounded."""
    exponent = 2.0 / max(roughness, 0.05) ** 4 - 2.0
    return float(np.clip(exponent, SMALLEST_SHININESS, LARGEST_SHININESS))


class PartSurface:
    """A part's actor. `update` moves it; nothing is rebuilt, so a frame costs a copy and an upload."""

    def __init__(self, rig: HeadRig, part: Part) -> None:
        self._rows = part.vertices
        count = part.vertices.stop - part.vertices.start
        self._points = np.array(rig.vertices[part.vertices], np.float32)
        self._normals = np.zeros((count, 3), np.float32)
        triangles = rig.faces[part.faces] - part.vertices.start
        points = vtkPoints()
        points.SetData(numpy_to_vtk(self._points))
        self._mesh: Any = pyvista.PolyData()
        self._mesh.SetPoints(points)
        self._mesh.regular_faces = triangles
        self._mesh.GetPointData().SetNormals(numpy_to_vtk(self._normals))
        # Rigs keep v = 0 at the top row of the picture, VTK at the bottom.
        texture_coordinates = (rig.uv[part.vertices] * (1.0, -1.0) + (0.0, 1.0)).astype(np.float32)
        self._mesh.GetPointData().SetTCoords(numpy_to_vtk(texture_coordinates, deep=True))
        self.actor = _actor(self._mesh, part)

    def update(self, mesh: Mesh) -> None:
        """Moves the part to where `mesh`, the whole posed head, has it."""
        self._points[:] = mesh.vertices[self._rows]
        self._normals[:] = mesh.normals[self._rows]
        self._mesh.GetPoints().GetData().Modified()
        self._mesh.GetPoints().Modified()
        self._mesh.GetPointData().GetNormals().Modified()
        self._mesh.Modified()


def _actor(mesh: pyvista.PolyData, part: Part) -> vtkActor:
    material = part.material
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh)
    mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    look = actor.GetProperty()
    look.SetInterpolationToPhong()
    look.SetColor(*material.color)
    # Hidden sides cost as much as seen ones; but the mouth is a bag that is looked into.
    look.SetBackfaceCulling(part.name != "mouth")
    look.SetAmbient(AMBIENT)
    look.SetDiffuse(1.0)
    look.SetSpecular(SPECULAR_STRENGTH * (1.0 - material.roughness))
    look.SetSpecularPower(shininess(material.roughness))
    if material.texture is not None:
        texture = pyvista.Texture(np.ascontiguousarray(material.texture))
        texture.InterpolateOn()
        texture.MipmapOn()
        # VTK's default of 4 doubles the time of a frame on a software driver.
        texture.SetMaximumAnisotropicFiltering(1)
        actor.SetTexture(texture)
    return actor


def surfaces_of(rig: HeadRig) -> tuple[PartSurface, ...]:
    """A surface for each part that has triangles."""
    return tuple(PartSurface(rig, part) for part in rig.parts if part.faces.stop > part.faces.start)


def depth_range(vertices: FloatArray, position: FloatArray, direction: FloatArray) -> tuple[float, float]:
    """(near, far) metres that hold all vertices, seen from `position` along the unit vector `direction`."""
    depth = (vertices - position) @ direction
    near = max(0.01, float(depth.min()) - 0.01)
    return near, max(near + 0.05, float(depth.max()) + 0.01)
