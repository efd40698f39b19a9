"""The example voice of the Speech page: one sentence by flite's voice slt.

    python -m training.make_example_voice        needs the program flite (Debian: apt install flite)

flite's slt is a statistical voice, built from recordings that CMU gives freely for any use; the sentence is our own.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import av

SENTENCE = "Hello! This mouth moves by my voice alone. No camera is needed."
TARGET = Path(__file__).resolve().parent.parent / "ui" / "example_voice.flac"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "spoken.wav"
        words = ["flite", "-voice", "slt", "--setf", "duration_stretch=1.05", "-t", SENTENCE, "-o", str(wav)]
        subprocess.run(words, check=True)
        with av.open(str(wav)) as source, av.open(str(TARGET), "w") as target:
            stream = target.add_stream("flac", rate=source.streams.audio[0].rate, layout="mono")
            for frame in source.decode(audio=0):
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
    print(f"{TARGET} {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
