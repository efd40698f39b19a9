"""FLAME's decoder: codes to vertices and landmarks, batched and differentiable. Needs torch, which nothing else does.

Li et al. 2017, equations 1 to 5: shape, expression and pose correctives are added to the template, then linear blend
skinning turns neck, jaw and eyes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.head_model.flame_embedding import (
    CONTOUR_ROWS,
    YAW_LIMIT_DEG,
    IbugEmbedding,
    MediapipeEmbedding,
    SurfaceEmbedding,
    contour_sign,
)
from core.head_model.flame_file import EXPRESSION_COUNT, SHAPE_COUNT, FlameFile
from core.head_model.skinning import JOINT_NAMES, NECK
from core.head_model.torch_skinning import (
    joint_chain,
    padded,
    pose_features_of,
    require_torch,
    rotations_of,
    skinned,
)

if TYPE_CHECKING:
    import torch

POSE_COUNT = 3 * len(JOINT_NAMES)
_TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class FlameOutput:
    """vertices: (B, 5023, 3). joints: (B, 5, 3), turned. ibug: (B, 68, 3), the outline as seen at the head's yaw.
    ibug_fixed: (B, 68, 3), the outline of the frontal face. mediapipe: (B, 105, 3). Metres; None without the file."""

    vertices: torch.Tensor
    joints: torch.Tensor
    ibug: torch.Tensor | None
    ibug_fixed: torch.Tensor | None
    mediapipe: torch.Tensor | None


class FlameDecoder:
    """Decodes FLAME's codes. ModelPackError when torch is absent.

    dtype: `float32` or `float64`; device: as torch names it.
    """

    def __init__(
        self,
        model: FlameFile,
        ibug: IbugEmbedding | None = None,
        mediapipe: MediapipeEmbedding | None = None,
        *,
        dtype: str = "float32",
        device: str = "cpu",
    ) -> None:
        require_torch("FLAME's decoder")
        import torch

        self._torch = torch
        self._options: dict[str, Any] = {"dtype": getattr(torch, dtype), "device": torch.device(device)}
        count = len(model.template)
        self._template = self._real(model.template)
        directions = np.concatenate([model.shape_basis, model.expression_basis], axis=2)
        self._directions = self._real(directions.reshape(3 * count, -1).T)
        self._correctives = self._real(model.pose_correctives.reshape(3 * count, -1).T)
        self._regressor = self._real(model.joint_regressor)
        self._weights = self._real(model.skin_weights)
        self._triangles = self._whole(model.faces)
        self._ibug = ibug
        self._contour_sign = 1 if ibug is None else contour_sign(model, ibug.contours)
        self._contours = None if ibug is None else self._placed(ibug.contours)
        self._features = None if ibug is None else self._placed(ibug.features)
        self._fixed = None if ibug is None else self._placed(ibug.whole)
        self._mediapipe = None if mediapipe is None else self._placed(mediapipe.points)

    def __call__(
        self,
        shape: torch.Tensor | None = None,
        expression: torch.Tensor | None = None,
        pose: torch.Tensor | None = None,
    ) -> FlameOutput:
        """The heads of a batch.

        shape: (B, n <= 300); expression: (B, n <= 100); pose: (B, 15) axis-angle in radians of root, neck, jaw, left
        and right eye. What is left out is zero. Differentiable in all three, also at pose 0.
        """
        batch = max((len(code) for code in (shape, expression, pose) if code is not None), default=1)
        shaped = self._shaped(
            padded(shape, SHAPE_COUNT, batch, "FLAME", self._template),
            padded(expression, EXPRESSION_COUNT, batch, "FLAME", self._template),
        )
        vectors = padded(pose, POSE_COUNT, batch, "FLAME", self._template)
        rotations = rotations_of(vectors.reshape(batch, -1, 3))
        rest = self._torch.einsum("jv,bvd->bjd", self._regressor, shaped)
        corrected = shaped + (pose_features_of(rotations) @ self._correctives).reshape(batch, -1, 3)
        turns, places = joint_chain(rotations, rest)
        vertices = skinned(corrected, self._weights, turns, places, rest)
        return FlameOutput(
            vertices,
            places,
            self._seen_ibug(vertices, turns[:, NECK]),
            self._landmarks(vertices, self._fixed),
            self._landmarks(vertices, self._mediapipe),
        )

    def _real(self, values: Any) -> torch.Tensor:
        return self._torch.as_tensor(np.ascontiguousarray(values), **self._options)

    def _whole(self, values: Any) -> torch.Tensor:
        return self._torch.as_tensor(np.asarray(values, np.int64), device=self._options["device"])

    def _placed(self, embedding: SurfaceEmbedding) -> tuple[torch.Tensor, torch.Tensor]:
        return self._triangles[self._whole(embedding.faces)], self._real(embedding.weights)

    def _shaped(self, shape: torch.Tensor, expression: torch.Tensor) -> torch.Tensor:
        code = self._torch.cat([shape, expression], dim=1)
        return self._template + (code @ self._directions).reshape(len(code), -1, 3)

    def _landmarks(
        self, vertices: torch.Tensor, placed: tuple[torch.Tensor, torch.Tensor] | None
    ) -> torch.Tensor | None:
        if placed is None:
            return None
        corners, weights = placed
        return self._torch.einsum("nk,bnkd->bnd", weights, vertices[:, corners])

    def _seen_ibug(self, vertices: torch.Tensor, head: torch.Tensor) -> torch.Tensor | None:
        """(B, 68, 3): the outline for each head's yaw, then the 51 features."""
        features = self._landmarks(vertices, self._features)
        if features is None or self._contours is None:
            return None
        torch = self._torch
        sideways = torch.sqrt(head[:, 0, 0] ** 2 + head[:, 1, 0] ** 2 + _TINY)
        yaw = self._contour_sign * torch.atan2(-head[:, 2, 0], sideways).detach()
        degrees = torch.round(torch.rad2deg(yaw)).long().clamp(-YAW_LIMIT_DEG, YAW_LIMIT_DEG)
        row = torch.where(degrees < 0, YAW_LIMIT_DEG - degrees, degrees).clamp(max=CONTOUR_ROWS - 1)
        corners, weights = self._contours[0][row], self._contours[1][row]
        batch = torch.arange(len(vertices), device=vertices.device)[:, None, None]
        outline = torch.einsum("bnk,bnkd->bnd", weights, vertices[batch, corners])
        return torch.cat([outline, features], dim=1)
