"""Runs the app as `streamlit run` does, and lets a test look into the process.

    python serve.py APP PORT CENSUS_FILE [FAULT]

CENSUS_FILE is rewritten a few times a second with the names of all threads (JSON). FAULT "exception" makes every
tenth step of the pipeline raise; "no voice model" takes the speech network away.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def take_census(path: Path) -> None:
    while True:
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps([thread.name for thread in threading.enumerate()]))
        fresh.replace(path)
        time.sleep(0.2)


def break_every_tenth_step() -> None:
    from core.pipeline import Pipeline

    whole_step, count = Pipeline.step, iter(range(10**9))

    def step(self, frame):
        if next(count) % 10 == 9:
            raise RuntimeError("planted fault")
        return whole_step(self, frame)

    Pipeline.step = step


def take_the_voice_model_away() -> None:
    from core.audio import speech_driver
    from core.errors import ModelPackError

    def absent():
        raise ModelPackError("planted: the voice model is not there.")

    speech_driver.load_network = absent


def main() -> None:
    app, port, census, *faults = sys.argv[1:]
    sys.path.insert(0, str(REPOSITORY))
    threading.Thread(target=take_census, args=(Path(census),), daemon=True, name="census").start()
    if "exception" in faults:
        break_every_tenth_step()
    if "no voice model" in faults:
        take_the_voice_model_away()
    from streamlit.web import cli

    sys.argv = [
        "streamlit", "run", app, f"--server.port={port}", "--server.headless=true", "--server.address=127.0.0.1",
        "--server.fileWatcherType=none", "--browser.gatherUsageStats=false",
    ]  # fmt: skip
    cli.main()


if __name__ == "__main__":
    main()
