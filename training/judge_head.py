"""An outside judge of the built-in head's shapes: MediaPipe's blendshape network looks at their pictures.

    python -m training.judge_head MODELS_DIR        # needs face_landmarker.task there

Every shape is drawn at 0 and at 1 on five heads (the built-in one and four made-up relatives). It passes when the
network's own channel for it rises by 0.03 or more on average and stands among the three that rise most. mouthClose is
shown on an open jaw, where it means something; tongueOut has no channel.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.blendshapes import ARKIT_NAMES, INDEX
from core.expression.gaze_shapes import gaze_from_blendshapes
from core.head_model.builtin import load_builtin_rig
from core.rendering.renderer import HeadRenderer
from core.structures import FaceState
from training.learn_expression_prior import random_relative

NAMES = tuple(name for name in ARKIT_NAMES if name != "tongueOut")
HEADS, SEED, SIDE_PX = 5, 99, 512
LEAST_RISE, BEST_RANKS = 0.03, 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """rise: of the shape's own channel; rank: its place among the channels that rose, 1 the most."""

    name: str
    rise: float
    rank: int

    @property
    def passes(self) -> bool:
        return self.rise >= LEAST_RISE and self.rank <= BEST_RANKS


def weights_of(name: str | None) -> tuple[np.ndarray, np.ndarray]:
    """(52,) the pictures before and after a shape is raised."""
    before, after = np.zeros(52, np.float32), np.zeros(52, np.float32)
    if name == "mouthClose":
        before[INDEX["jawOpen"]] = after[INDEX["jawOpen"]] = 1.0
    if name is not None:
        after[INDEX[name]] = 1.0
    return before, after


def judge(task: Path) -> list[Verdict]:
    """The verdict on every shape, worst first."""
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(task)), output_face_blendshapes=True
    )
    base = load_builtin_rig()
    rises = np.zeros((HEADS, len(NAMES), len(NAMES)))
    with vision.FaceLandmarker.create_from_options(options) as network:
        for number in range(HEADS):
            rig = base if number == 0 else random_relative(base, np.random.default_rng([SEED, number]))
            with HeadRenderer(rig, (SIDE_PX, SIDE_PX)) as renderer:

                def scores(weights: np.ndarray, renderer: HeadRenderer = renderer) -> np.ndarray:
                    state = FaceState(0.0, blendshapes=weights, gaze=gaze_from_blendshapes(weights))
                    picture = np.ascontiguousarray(renderer.render(state))
                    found = network.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=picture)).face_blendshapes
                    by_name = {c.category_name: c.score for c in found[0]} if found else {}
                    return np.array([by_name.get(name, 0.0) for name in NAMES])

                for k, name in enumerate(NAMES):
                    before, after = weights_of(name)
                    rises[number, k] = scores(after) - scores(before)
    mean = rises.mean(axis=0)
    verdicts = [Verdict(n, float(mean[k, k]), int((mean[k] > mean[k, k]).sum()) + 1) for k, n in enumerate(NAMES)]
    return sorted(verdicts, key=lambda v: v.rise)


def main() -> None:
    parser = argparse.ArgumentParser(description="MediaPipe's blendshape network judges the built-in head.")
    parser.add_argument("models_dir", type=Path)
    verdicts = judge(parser.parse_args().models_dir / "face_landmarker.task")
    for verdict in verdicts:
        print(f"{verdict.name:22} {verdict.rise:+.3f}  rank {verdict.rank:2}  {'ok' if verdict.passes else '-'}")
    print(f"{sum(v.passes for v in verdicts)} of {len(verdicts)} pass")


if __name__ == "__main__":
    main()
