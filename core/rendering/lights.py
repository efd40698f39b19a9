"""Portrait lighting: a warm key, a cool fill, a rim from behind; they follow the camera, so every view is lit well."""

from __future__ import annotations

from dataclasses import dataclass

from vtkmodules.vtkRenderingCore import vtkLight, vtkRenderer


@dataclass(frozen=True, slots=True)
class LightParameters:
    """A far light. direction: where it stands, camera frame; color: sRGB in [0, 1]; intensity: 1 is full."""

    direction: tuple[float, float, float]
    color: tuple[float, float, float]
    intensity: float


KEY = LightParameters((-0.55, 0.65, 1.0), (1.0, 0.965, 0.92), 0.70)
FILL = LightParameters((0.95, 0.05, 0.8), (0.86, 0.92, 1.0), 0.28)
RIM = LightParameters((0.8, 0.6, -0.7), (1.0, 0.98, 0.96), 0.42)
AMBIENT = (0.20, 0.195, 0.20)


def add_lights(renderer: vtkRenderer) -> None:
    """Replaces the renderer's lights by key, fill, rim and an even ambient light."""
    renderer.RemoveAllLights()
    renderer.AutomaticLightCreationOff()
    renderer.SetAmbient(*AMBIENT)
    for parameters in (KEY, FILL, RIM):
        light = vtkLight()
        light.SetLightTypeToCameraLight()
        light.SetPosition(*parameters.direction)
        light.SetFocalPoint(0.0, 0.0, 0.0)
        light.SetDiffuseColor(*parameters.color)
        light.SetSpecularColor(*parameters.color)
        light.SetIntensity(parameters.intensity)
        renderer.AddLight(light)
