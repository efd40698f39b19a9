"""A head in stpyvista: an extra view where that package is installed; it needs the internet in the browser."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.head_model.rig import HeadRig

HEIGHT_PX = 480


@st.cache_resource(max_entries=2, show_spinner="Preparing the view…", hash_funcs={HeadRig: id})
def _plotter(rig: HeadRig) -> Any:
    import pyvista.plotting

    poly_data: Any = pyvista.PolyData
    plotter: Any = pyvista.Plotter(off_screen=True, window_size=[640, HEIGHT_PX])
    for part in rig.parts:
        triangles = rig.faces[part.faces] - part.vertices.start
        mesh = poly_data.from_regular_faces(rig.vertices[part.vertices], triangles)
        mesh.active_texture_coordinates = rig.uv[part.vertices] * (1.0, -1.0) + (0.0, 1.0)
        texture: Any = None if part.material.texture is None else pyvista.Texture(part.material.texture)
        plotter.add_mesh(mesh, color=part.material.color, texture=texture, smooth_shading=True)
    plotter.camera_position = [(0.0, -0.035, 0.75), (0.0, -0.035, -0.05), (0.0, 1.0, 0.0)]
    return plotter


def show_in_stpyvista(rig: HeadRig) -> None:
    """The head at rest, to be turned. Only the panel backend: the package's default one hangs."""
    from stpyvista import stpyvista

    stpyvista(_plotter(rig), backend="panel", key=f"stpyvista_{id(rig)}")
