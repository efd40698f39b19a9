"""An outside judge of the heads' shapes: MediaPipe's blendshape network looks at their pictures.

    python -m training.judge_head MODELS_DIR     # needs face_landmarker.task there; judges ICT-FaceKit where it is

Every shape is drawn at 0 and at 1 on five identities of each head (the head itself and four made-up relatives), with
skin, brows and eyes. It passes when the network's own channel for it rises by 0.03 or more on average and stands among
the three that rise most. mouthClose is shown on an open jaw, where it means something; tongueOut has no channel.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.blendshapes import ARKIT_NAMES, INDEX
from core.geometry.gaze_shapes import gaze_from_blendshapes
from core.head_model.heads import HEAD_TITLES, available_heads, load_head
from core.head_model.rig import HeadRig
from core.rendering.renderer import HeadRenderer
from core.structures import FaceState
from training.learn_expression_prior import random_relative

NAMES = tuple(name for name in ARKIT_NAMES if name != "tongueOut")
JUDGED_HEADS = ("builtin", "ict")
IDENTITIES, SEED, SIDE_PX = 5, 99, 512
LEAST_RISE, BEST_RANKS = 0.03, 3
Judge = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Verdict:
    """rise: of the shape's own channel; rank: its place among the channels that rose, 1 the most."""

    name: str
    rise: float
    rank: int

    @property
    def passes(self) -> bool:
        return self.rise >= LEAST_RISE and self.rank <= BEST_RANKS


def weights_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    """(52,) the pictures before and after a shape is raised."""
    before, after = np.zeros(52, np.float32), np.zeros(52, np.float32)
    if name == "mouthClose":
        before[INDEX["jawOpen"]] = after[INDEX["jawOpen"]] = 1.0
    after[INDEX[name]] = 1.0
    return before, after


def rises_of(judge: Judge) -> np.ndarray:
    """(51, 51) how every channel (columns) changes when each shape (rows) is raised. judge: pictures' scores (51,)."""
    known: dict[bytes, np.ndarray] = {}
    rises = np.zeros((len(NAMES), len(NAMES)))
    for row, name in enumerate(NAMES):
        before, after = weights_of(name)
        for weights in (before, after):
            if weights.tobytes() not in known:
                known[weights.tobytes()] = judge(weights)
        rises[row] = known[after.tobytes()] - known[before.tobytes()]
    return rises


def verdicts_of(rises: np.ndarray) -> dict[str, Verdict]:
    """The verdict on every shape by name. rises: (51, 51), the mean over identities."""
    own = rises.diagonal()
    ranks = (rises > own[:, None]).sum(axis=1) + 1
    return {name: Verdict(name, float(own[k]), int(ranks[k])) for k, name in enumerate(NAMES)}


def judge_head(base: HeadRig, task: Path) -> dict[str, Verdict]:
    """The verdicts on a head, drawn as five identities."""
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(task)), output_face_blendshapes=True
    )
    identities = [random_relative(base, np.random.default_rng([SEED, n])) for n in range(1, IDENTITIES)]
    rises = []
    with vision.FaceLandmarker.create_from_options(options) as network:
        for rig in (base, *identities):
            with HeadRenderer(rig, (SIDE_PX, SIDE_PX)) as renderer:

                def scores(weights: np.ndarray, renderer: HeadRenderer = renderer) -> np.ndarray:
                    state = FaceState(0.0, blendshapes=weights, gaze=gaze_from_blendshapes(weights))
                    picture = np.ascontiguousarray(renderer.render(state))
                    found = network.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=picture)).face_blendshapes
                    by_name = {c.category_name: c.score for c in found[0]} if found else {}
                    return np.array([by_name.get(name, 0.0) for name in NAMES])

                rises.append(rises_of(scores))
    return verdicts_of(np.mean(rises, axis=0))


def table(titles: Sequence[str], columns: Sequence[dict[str, Verdict]]) -> Iterator[str]:
    """The lines of the table, one column a head: the shape whose worst rise is least comes first, totals last."""
    yield f"{'':22}" + "".join(f"{title:>26}" for title in titles)
    for name in sorted(NAMES, key=lambda n: (min(column[n].rise for column in columns), n)):
        yield f"{name:22}" + "".join(f"{_cell(column[name]):>26}" for column in columns)
    passed = (sum(verdict.passes for verdict in column.values()) for column in columns)
    yield f"{'pass':22}" + "".join(f"{f'{count} of {len(NAMES)}':>26}" for count in passed)


def _cell(verdict: Verdict) -> str:
    return f"{verdict.rise:+.3f}  rank {verdict.rank:2}  {'ok' if verdict.passes else ' -'}"


def main() -> None:
    parser = argparse.ArgumentParser(description="MediaPipe's blendshape network judges the heads' shapes.")
    parser.add_argument("models_dir", type=Path)
    models_dir = parser.parse_args().models_dir
    heads = [name for name in JUDGED_HEADS if name in available_heads(models_dir)]
    columns = [judge_head(load_head(name, models_dir), models_dir / "face_landmarker.task") for name in heads]
    print("\n".join(table([HEAD_TITLES[name] for name in heads], columns)))


if __name__ == "__main__":
    main()
