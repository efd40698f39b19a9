"""Any head model in torch: form, ARKit coefficients and turned joints to vertices, batched and differentiable.

The same heads as `HeadModel.rig(code).deform(state)`, for training. Needs torch, which nothing else does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.blendshapes import COUNT, INDEX
from core.head_model.correctives import EXCESS, PairCorrective
from core.head_model.model import HeadModel
from core.head_model.skinning import JOINT_NAMES, LEFT_EYE, RIGHT_EYE
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


@dataclass(frozen=True, slots=True, eq=False)
class DecodedHeads:
    """vertices: (B, V, 3). joints: (B, 5, 3), turned. landmarks: (B, 478, 3), the FaceMesh points. Metres, head frame;
    the middle between the resting eyeballs is the origin."""

    vertices: torch.Tensor
    joints: torch.Tensor
    landmarks: torch.Tensor


class HeadDecoder:
    """Decodes one head model. ModelPackError when torch is absent. dtype: `float32` or `float64`; device: as torch
    names it."""

    def __init__(self, model: HeadModel, *, dtype: str = "float32", device: str = "cpu") -> None:
        require_torch("A head's decoder")
        import torch

        self._torch = torch
        self._options: dict[str, Any] = {"dtype": getattr(torch, dtype), "device": torch.device(device)}
        self._name = model.name
        self._shape_count = model.shape_count
        self._template = self._real(model.template)
        self._directions = self._real(model.shape_basis.reshape(-1, model.shape_count).T)
        self._shapes = self._real(model.arkit_shapes.reshape(COUNT, -1))
        self._pose_correctives = self._real(model.pose_correctives.reshape(len(model.template) * 3, -1).T)
        self._has_pose_correctives = bool(model.pose_correctives.any())
        self._regressor = self._real(model.joint_regressor)
        self._weights = self._real(model.skin_weights)
        self._corners = self._whole(model.faces[model.landmark_faces])
        self._landmark_weights = self._real(model.landmark_weights)
        self._pairs = [_Pair(self, pair) for pair in model.correctives]
        self._carried = None
        if model.carried is not None:
            self._carried = self._real(model.carried.directions.reshape(-1, model.shape_count).T)
            self._numbers, self._rows = self._whole(model.carried.numbers), self._whole(model.carried.rows)
            for pair, directions in zip(self._pairs, model.carried.pairs, strict=True):
                pair.directions = self._real(directions.reshape(-1, model.shape_count).T)

    def __call__(
        self,
        shape: torch.Tensor | None = None,
        blendshapes: torch.Tensor | None = None,
        pose: torch.Tensor | None = None,
    ) -> DecodedHeads:
        """The heads of a batch.

        shape: (B, n <= S); blendshapes: (B, 52) ARKit coefficients; pose: (B, 15) axis-angle in radians of root, neck,
        jaw, left and right eye, each relative to its parent. What is left out is zero; a batch of one serves all.
        """
        batch = max((len(code) for code in (shape, blendshapes, pose) if code is not None), default=1)
        code = padded(shape, self._shape_count, batch, self._name, self._template)
        shown = padded(blendshapes, COUNT, batch, "ARKit", self._template)
        vectors = padded(pose, POSE_COUNT, batch, "joints", self._template)
        rotations = rotations_of(vectors.reshape(batch, -1, 3))
        person = self._template + (code @ self._directions).reshape(batch, -1, 3)
        rest = self._torch.einsum("jv,bvd->bjd", self._regressor, person)
        origin = 0.5 * (rest[:, LEFT_EYE] + rest[:, RIGHT_EYE])[:, None]
        rest = rest - origin
        moved = person - origin + self._expression(code, shown)
        if self._has_pose_correctives:
            moved = moved + (pose_features_of(rotations) @ self._pose_correctives).reshape(batch, -1, 3)
        turns, places = joint_chain(rotations, rest)
        vertices = skinned(moved, self._weights, turns, places, rest)
        landmarks = self._torch.einsum("nk,bnkd->bnd", self._landmark_weights, vertices[:, self._corners])
        return DecodedHeads(vertices, places, landmarks)

    def _expression(self, code: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """(B, V, 3) what the coefficients move."""
        batch = len(code)
        moved = (shown @ self._shapes).reshape(batch, -1, 3)
        if self._carried is not None:
            change = (code @ self._carried).reshape(batch, -1, 3) * shown[:, self._numbers, None]
            moved = moved.index_add(1, self._rows, change)
        for pair in self._pairs:
            moved = moved.index_add(1, pair.rows, pair.displacement(code, shown))
        return moved

    def _real(self, values: Any) -> torch.Tensor:
        return self._torch.as_tensor(np.array(values), **self._options)

    def _whole(self, values: Any) -> torch.Tensor:
        return self._torch.as_tensor(np.array(values, np.int64), device=self._options["device"])


class _Pair:
    """A pair corrective of a decoder. directions: (S, 3n) how it follows the shape code, None when it does not."""

    def __init__(self, decoder: HeadDecoder, pair: PairCorrective) -> None:
        self._first, self._second = INDEX[pair.first], INDEX[pair.second]
        self._is_excess = pair.weight == EXCESS
        self._mean = decoder._real(pair.displacement)
        self.rows = decoder._whole(pair.rows)
        self.directions: torch.Tensor | None = None

    def displacement(self, code: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """(B, n, 3) of its rows."""
        a, b = shown[:, self._first], shown[:, self._second]
        amount = (a - b).clamp(min=0.0) if self._is_excess else a * b
        whole = self._mean.expand(len(code), -1, -1)
        if self.directions is not None:
            whole = whole + (code @ self.directions).reshape(len(code), -1, 3)
        return amount[:, None, None] * whole
