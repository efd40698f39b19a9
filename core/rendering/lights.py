"""Portrait lighting: a warm key, a cool fill, a rim from behind; they follow the camera, so every view is lit well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vtkmodules.vtkRenderingCore import vtkLight, vtkRenderer


@dataclass(frozen=True, slots=True)
class LightParameters:
    """A far light. direction: where it stands, camera frame; color: sRGB in [0, 1]; intensity: 1 is full."""

    direction: tuple[float, float, float]
    color: tuple[float, float, float]
    intensity: float


KEY = LightParameters((-0.5, 0.4, 1.0), (1.0, 0.97, 0.93), 0.70)
FILL = LightParameters((0.95, 0.0, 0.8), (0.88, 0.93, 1.0), 0.31)
RIM = LightParameters((0.8, 0.6, -0.7), (1.0, 0.98, 0.96), 0.45)


def add_lights(renderer: vtkRenderer, lights: Sequence[LightParameters] = (KEY, FILL, RIM)) -> None:
    """Replaces the renderer's lights by these, or by key, fill and rim."""
    renderer.RemoveAllLights()
    renderer.AutomaticLightCreationOff()
    for parameters in lights:
        light = vtkLight()
        light.SetLightTypeToCameraLight()
        light.SetPosition(*parameters.direction)
        light.SetFocalPoint(0.0, 0.0, 0.0)
        light.SetDiffuseColor(*parameters.color)
        light.SetSpecularColor(*parameters.color)
        light.SetIntensity(parameters.intensity)
        renderer.AddLight(light)
