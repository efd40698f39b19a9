"""Recorded prompts as lessons: texts are read, what does not fit is left out."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")
pytest.importorskip("av")

import av

from training.speech.prompts import SOUNDS, TEXTS, spoken_prompts
from training.speech.recordings import TEXTS as RECORDED
from training.speech.recordings import read_recording


def write_g722(path, samples):
    with av.open(str(path), "w", format="g722") as file:
        stream = file.add_stream("g722", rate=16000, layout="mono")
        samples = samples[: len(samples) // 320 * 320]
        for part in samples.reshape(-1, 320):
            frame = av.AudioFrame.from_ndarray((part[None] * 32767).astype(np.int16), format="s16", layout="mono")
            frame.rate = 16000
            for packet in stream.encode(frame):
                file.mux(packet)


def test_prompts_are_aligned_and_signals_left_out(tmp_path, shared_file):
    samples = read_recording(shared_file("media/speech/jfk.wav"))
    (tmp_path / SOUNDS).mkdir(parents=True)
    (tmp_path / TEXTS).parent.mkdir(parents=True)
    with gzip.open(tmp_path / TEXTS, "wt") as file:
        file.write(f"; a list\nask: {RECORDED['jfk']}\nbeep: [a tone]\nfour: press 4\nmissing: nobody said it\n")
    for name in ("ask", "beep", "four"):
        write_g722(tmp_path / SOUNDS / f"{name}.g722", samples)
    (spoken,) = spoken_prompts(tmp_path)
    assert spoken.rate_hz == 16000 and abs(len(spoken.samples) - len(samples)) < 2000
    assert len(spoken.segments) > 60 and spoken.segments[-1].end_s <= len(samples) / 16000 + 0.02
    assert np.corrcoef(spoken.samples[22 : len(samples) - 2000], samples[: len(samples) - 2022])[0, 1] > 0.9
