"""Makes the demo rig from the portrait that ships in scikit-image (NASA, public domain) and keeps it in `rig_cache/`.

    python -m training.build_demo_rig

Run it again whenever the built-in head or the rigging changes; the result is committed, so that the app shows a
person's head at first start without scikit-image.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from core.head_model.rig_glb import save_rig
from core.rendering.camera import THREE_QUARTER
from core.rendering.renderer import HeadRenderer
from core.rig_maker import make_rig
from core.rigging.library import MANIFEST_FILE, RIG_FILE, THUMBNAIL_FILE
from core.rigging.manifest import Manifest, write_manifest
from core.structures import FaceState

NAME = "Astronaut (demo)"
CREATED_S = 1_795_219_200.0  # 2026-11-21: a fixed date, so that the files do not differ from run to run
FOLDER = Path(__file__).resolve().parent.parent / "rig_cache" / "demo-astronaut"


def main(folder: Path = FOLDER) -> None:
    from skimage import data

    rig = make_rig([np.ascontiguousarray(data.astronaut())], NAME)
    folder.mkdir(parents=True, exist_ok=True)
    save_rig(rig, folder / RIG_FILE, compact=True)
    write_manifest(Manifest(NAME, CREATED_S, "photo", True, dict(rig.details)), folder / MANIFEST_FILE)
    with HeadRenderer(rig, (320, 320), antialias=True) as renderer:
        Image.fromarray(renderer.render(FaceState(0.0), THREE_QUARTER)).save(folder / THUMBNAIL_FILE, optimize=True)
    print(f"{folder}: {sum(f.stat().st_size for f in folder.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
