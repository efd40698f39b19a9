"""Makes the expression network, and how landmarks move with each coefficient: draw, track, teach, measure, write.

    python -m training.expression [--work DIR] [--models DIR] [--takes DIR] [--jobs 81] [--strangers 87]
                                  [--steps 1500]

models: where `ict_facekit.npz` and `face_landmarker.task` (a second opinion) lie, takes: a folder of Live Link Face
.csv; without them only relatives of the built-in head, generated motion and the truth alone are used. The take named in
`HELD_TAKE` is never taught: there must be one to measure on. What was drawn stays in the work folder and is not drawn
again. Seeds are fixed; two processes draw.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from core.assets.registry import models_folder
from core.bench.expression import expression_result
from core.bench.report import as_text
from core.bench.truth_heads import ict_path
from core.expression.network import WEIGHTS_FILE
from core.expression.take_neutral import MOVEMENTS_FILE
from core.head_model.builtin import load_builtin_rig
from core.head_model.ict import load_ict_rig
from core.tracking.face_task import TASK_FILE_NAME
from training.expression.draw import draw, plan
from training.expression.learn import learn
from training.expression.lessons import read_lessons
from training.expression.movements import learned_movements, write_movements

HELD_TAKE = "S88-001.csv"
JOBS = 81  # of six heads and some 450 pictures each; a seventh more are of lids
STRANGERS = 87  # jobs of heads by other hands that move like nobody in the takes
STEPS, PEAK = 1500, 2e-3  # more learn what goes together in the takes: the take held out and a foreign head lose


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the expression network.")
    parser.add_argument("--work", type=Path, default=Path("expression-lessons"))
    parser.add_argument("--models", type=Path, default=models_folder())
    parser.add_argument("--takes", type=Path)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--strangers", type=int, default=STRANGERS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, default=WEIGHTS_FILE)
    wanted = parser.parse_args()
    jobs = plan(wanted.jobs, wanted.models, wanted.takes, (HELD_TAKE,), wanted.strangers)
    pictures = draw(jobs, wanted.work / "drawn", wanted.processes)
    task = wanted.models / TASK_FILE_NAME
    lessons = read_lessons(
        wanted.work / "drawn", wanted.work / "followed", task if task.is_file() else None, wanted.processes
    )
    print(f"{pictures} pictures drawn, {len(lessons.points)} to learn from, {len(lessons.neutrals)} heads", flush=True)
    pack = ict_path(wanted.models)
    rigs = [load_builtin_rig()] + ([load_ict_rig(pack)] if pack is not None else [])
    learn(lessons, wanted.output, rigs=rigs, steps=wanted.steps, peak=PEAK)
    write_movements(learned_movements(lessons), wanted.output.with_name(MOVEMENTS_FILE.name))
    print(as_text(expression_result(300)))


if __name__ == "__main__":
    main()
