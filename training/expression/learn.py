"""Teaches the expression network. The network of `core.expression.network`, in torch, and how its weights are found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor, nn

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX, MIRROR
from core.expression.network import PLAIN_FEATURES
from core.head_model.rig import HeadRig
from training.expression.draw import FIRST_OF_LIDS, FIRST_STRANGE, HEADS_A_JOB
from training.expression.lessons import FAMILY_STRIDE, Lessons
from training.expression.school import WARM_UP, Batch, Drawer, school_of

SEED = 20261121
WIDTH, TRUNK, CELL = 288, 160, 128
BATCH = 24
FOLLOWING = 0.5  # weight of the correlation over time
SIDES = 0.05  # weight of the correlation of the difference between both sides
SECOND = 0.5  # weight of the second opinion
MISSING = 0.25  # share of the features that are hidden in a run
MOVES = 4e-4  # variance from which on a channel counts as moving
LEFT = [INDEX[name] for name in ARKIT_NAMES if name.endswith("Left") and not name.startswith("eyeLook")]
RIGHT = [MIRROR[k] for k in LEFT]


class Network(nn.Module):
    """bases: the principal components of both kinds of point features, fixed: (1404, k) and their scales folded in."""

    def __init__(self, bases: dict[str, Tensor], template: Tensor) -> None:
        super().__init__()
        for name, basis in bases.items():
            self.register_buffer(f"basis_{name}", basis)
        self.register_buffer("template", template)
        self.geometry = nn.Linear(sum(b.shape[1] for b in bases.values()) + PLAIN_FEATURES, WIDTH)
        self.trunk = nn.Linear(WIDTH, TRUNK)
        self.cell_input = nn.Linear(TRUNK, 3 * CELL)
        self.cell_state = nn.Parameter(torch.randn(3 * CELL, CELL) * 0.08)
        self.answer = nn.Linear(TRUNK + CELL, 2 * COUNT)
        self.second = nn.Linear(TRUNK, COUNT)
        with torch.no_grad():
            self.cell_input.bias[:CELL] = 0.5
            self.answer.bias[:COUNT] = -2.0
            self.answer.bias[COUNT:] = -2.5
            self.second.bias[:] = -2.0

    def forward(self, points: Tensor, plain: Tensor, elapsed: Tensor) -> tuple[Tensor, Tensor]:
        """((b, t, 104) answer, (b, t, 52) second opinion); points (b, t, k + m) in both bases; plain (b, t, 13);
        elapsed (b, t) in usual steps."""
        geometry = self._thinned(torch.relu(self.geometry(torch.cat([points, plain], -1))))
        trunk = self._thinned(torch.relu(self.trunk(geometry)))
        hidden = self.remember(trunk, elapsed)
        return self.answer(torch.cat([trunk, hidden], -1)), self.second(trunk)

    def _thinned(self, values: Tensor) -> Tensor:
        """While it learns, some features are missing for a whole run (Gal and Ghahramani 2016), so that it does not
        rely on what goes together in few takes."""
        if not self.training:
            return values
        kept = torch.rand(len(values), 1, values.shape[2]) >= MISSING
        return values * kept / (1.0 - MISSING)

    def remember(self, trunk: Tensor, elapsed: Tensor) -> Tensor:
        given = self.cell_input(trunk)
        hidden = trunk.new_zeros(len(trunk), CELL)
        seen = []
        for k in range(trunk.shape[1]):
            gates = torch.sigmoid(given[:, k, : 2 * CELL] + hidden @ self.cell_state[: 2 * CELL].T)
            new = torch.tanh(given[:, k, 2 * CELL :] + (gates[:, CELL:] * hidden) @ self.cell_state[2 * CELL :].T)
            keep = (1 - gates[:, :CELL] + 1e-6) ** elapsed[:, k, None]
            hidden = keep * hidden + (1 - keep) * new
            seen.append(hidden)
        return torch.stack(seen, 1)

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights as `core.expression.network` names them."""
        with torch.no_grad():
            k = self.basis_displacement.shape[1]
            m = self.basis_shape.shape[1]
            w = self.geometry.weight
            found = {
                "template": self.template, "displacement": w[:, :k] @ self.basis_displacement.T,
                "shape": w[:, k : k + m] @ self.basis_shape.T, "plain": w[:, k + m :],
                "geometry.bias": self.geometry.bias,
                "trunk": self.trunk.weight, "trunk.bias": self.trunk.bias, "answer": self.answer.weight,
                "answer.bias": self.answer.bias, "cell.input": self.cell_input.weight,
                "cell.bias": self.cell_input.bias,
                "cell.state": self.cell_state, "second": self.second.weight, "second.bias": self.second.bias,
            }  # fmt: skip
        return {name: np.ascontiguousarray(value.detach().numpy()) for name, value in found.items()}


def loss_of(answer: Tensor, second: Tensor, given: Batch) -> Tensor:
    """Error in place, in movement from frame to frame, in following small movements as well as large ones, in telling
    both sides apart, in what the colleague says, and how well the doubt foresees the error."""
    truth, weights = given.truth, given.weights
    guess, doubt = torch.sigmoid(answer[..., :COUNT]), answer[..., COUNT:].clamp(-6, 0)
    error = guess - truth
    place = (torch.sqrt(error**2 + 1e-4) * weights).mean() + 4.0 * (error**2 * weights).mean()
    steps = (guess[:, 1:] - guess[:, :-1]) - (truth[:, 1:] - truth[:, :-1])
    movement = (torch.sqrt(steps**2 + 1e-5) * weights[:, 1:]).mean()
    foreseen = ((error.abs().detach() * torch.exp(-doubt) + doubt) * weights).mean()
    apart = torch.sigmoid(second) - given.second
    opinion = (torch.sqrt(apart**2 + 1e-4) + 4.0 * apart**2) * given.asked
    agreed = opinion.sum() / (given.asked.sum() * COUNT).clamp(min=1)
    following = lost_following(guess, truth, weights)
    uneven, truly = (values[..., LEFT] - values[..., RIGHT] for values in (guess, truth))
    sides = lost_following(uneven, truly, weights[..., LEFT] * weights[..., RIGHT])
    follows = FOLLOWING * following + SIDES * sides
    return place + 0.6 * movement + follows + 0.02 * foreseen + SECOND * agreed


def lost_following(guess: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """1 less the correlation over time, (b, t, 52) each, in the mean over the channels of the runs that move."""
    w = weights[:, WARM_UP:]
    count = w.sum(1, keepdim=True).clamp(min=1)
    told, true = (
        (values - (values * w).sum(1, keepdim=True) / count) * w for values in (guess[:, WARM_UP:], truth[:, WARM_UP:])
    )
    spread = (true**2).sum(1) / count[:, 0]
    common = (told * true).sum(1) / count[:, 0]
    correlation = common / torch.sqrt((spread + 1e-6) * ((told**2).sum(1) / count[:, 0] + 1e-5))
    moves = (spread > MOVES).float()
    return ((1 - correlation) * moves).sum() / moves.sum().clamp(min=1)


def learn(
    lessons: Lessons, output: Path, *, steps: int, peak: float, rigs: Sequence[HeadRig], families: str = "bip",
    seed: int = SEED,
) -> Network:  # fmt: skip
    """Teaches the clips of these families (first letters) in so many steps and writes the weights.

    peak: highest learning rate; rigs: heads whose exact shapes are shown too.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    school = school_of(lessons, seed, rigs)
    chosen = np.array([k for k, (a, _) in enumerate(school.starts) if str(lessons.family[a]) in families])
    jobs = lessons.clip[school.starts[chosen, 0]] % FAMILY_STRIDE // HEADS_A_JOB
    of_lids = (jobs >= FIRST_OF_LIDS) & (jobs < FIRST_STRANGE)
    chosen = np.concatenate([chosen, chosen[of_lids]])  # shown twice: there are few of them
    network = Network(school.bases, torch.tensor(school.template.ravel(), dtype=torch.float32))
    drawer = Drawer(school, chosen, rng)
    optimiser = torch.optim.AdamW(network.parameters(), lr=peak, weight_decay=0.03)
    mean = 0.0
    for step in range(steps):
        rate = peak * min(1.0, (step + 1) / 100) * (0.5 * (1 + np.cos(np.pi * step / steps)) + 0.005)
        for group in optimiser.param_groups:
            group["lr"] = rate
        given = drawer.batch(BATCH)
        loss = loss_of(*network(given.points, given.plain, given.elapsed), given)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if (step + 1) % 50 == 0:
            print(f"{step + 1} of {steps} steps, loss {mean:.4f}", flush=True)
    write(network, output)
    return network


def write(network: Network, output: Path) -> None:
    """The weights as half-precision safetensors with the names of what they answer."""
    arrays = {name: value.astype(np.float16) for name, value in network.arrays().items()}
    output.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, output, metadata={"blendshapes": " ".join(ARKIT_NAMES)})
