"""Rotations, joints and skinning in torch, batched and differentiable (Li et al. 2017, equations 2 to 4).

Shared by the decoders of FLAME's codes and of any head model. Torch is imported when a function is called: nothing else
in the engine needs it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from core.errors import ModelPackError
from core.head_model.skinning import JOINT_PARENTS, ROOT

if TYPE_CHECKING:
    import torch


def require_torch(what: str) -> None:
    """ModelPackError when torch is absent. what: what needs it, as the beginning of a sentence."""
    if find_spec("torch") is None:
        raise ModelPackError(f"{what} needs torch, which is absent. Run `pip install torch==2.13.0`.")


def padded(code: torch.Tensor | None, count: int, batch: int, what: str, like: torch.Tensor) -> torch.Tensor:
    """(batch, count) a code (batch or 1, at most count) with zeros behind it, of the kind of `like`; zeros for None.

    ModelPackError for another shape; what: whose code it is.
    """
    import torch

    if code is None:
        return like.new_zeros((batch, count))
    if code.ndim != 2 or code.shape[1] > count or len(code) not in (1, batch):
        raise ModelPackError(
            f"A code of {what} must have shape ({batch} or 1, at most {count}), but it has {tuple(code.shape)}."
        )
    return torch.nn.functional.pad(code.to(like).expand(batch, -1), (0, count - code.shape[1]))


def rotations_of(vectors: torch.Tensor) -> torch.Tensor:
    """(..., 3, 3) of axis-angle vectors (..., 3), radians, by Rodrigues' formula with sin(a)/a and (1 - cos(a))/a^2,
    whose series serve near zero."""
    import torch

    squared = (vectors**2).sum(dim=-1)[..., None, None]
    is_small = squared < 1e-8
    angle = torch.sqrt(torch.where(is_small, torch.ones_like(squared), squared))
    first = torch.where(is_small, 1 - squared / 6, torch.sin(angle) / angle)
    half = torch.sin(0.5 * angle) / angle
    second = torch.where(is_small, 0.5 - squared / 24, 2 * half**2)
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(*x.shape, 3, 3)
    return torch.eye(3, dtype=vectors.dtype, device=vectors.device) + first * cross + second * (cross @ cross)


def pose_features_of(rotations: torch.Tensor) -> torch.Tensor:
    """(B, 36) R - I of all joints but the root, row by row. rotations: (B, 5, 3, 3), each relative to its parent."""
    import torch

    turned = rotations[:, ROOT + 1 :] - torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    return turned.reshape(len(rotations), -1)


def joint_chain(rotations: torch.Tensor, rest: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, 5, 3, 3) turns and (B, 5, 3) places of the joints in space. rest: (B, 5, 3) their places at rest."""
    import torch

    turns, places = [rotations[:, ROOT]], [rest[:, ROOT]]
    for joint, parent in enumerate(JOINT_PARENTS[1:], start=1):
        bone = (turns[parent] @ (rest[:, joint] - rest[:, parent])[..., None])[..., 0]
        turns.append(turns[parent] @ rotations[:, joint])
        places.append(places[parent] + bone)
    return torch.stack(turns, dim=1), torch.stack(places, dim=1)


def skinned(
    vertices: torch.Tensor, weights: torch.Tensor, turns: torch.Tensor, places: torch.Tensor, rest: torch.Tensor
) -> torch.Tensor:
    """(B, V, 3) vertices (B, V, 3) carried by the joints of `joint_chain`, by weights (V, 5)."""
    import torch

    shifts = places - torch.einsum("bjik,bjk->bji", turns, rest)
    blended = torch.einsum("vj,bjik->bvik", weights, turns)
    moved = torch.einsum("bvik,bvk->bvi", blended, vertices)
    return moved + torch.einsum("vj,bji->bvi", weights, shifts)
