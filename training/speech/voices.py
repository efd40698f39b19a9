"""Voices that speak a text and say when each phone ends: flite, festival (recorded from humans) and espeak-ng.

All come from Debian's packages, named in docs/speech.md; a voice that is not installed is left out, and said so.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from training.speech.sounds import Segment, segments_of

FESTIVAL_VOICES = Path("/usr/share/festival/voices")


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker. engine: flite, festival or espeak; share: how often it is drawn beside the others; late_s: how
    long after the sound its labels begin, found from the energy around p and b."""

    name: str
    engine: str
    language: str = "en"
    phone_set: str = "arpabet"
    share: float = 1.0
    late_s: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """samples: (N,) float32 in [-1, 1] at rate_hz; segments: its sounds in order."""

    samples: np.ndarray
    rate_hz: int
    segments: list[Segment]


VOICES: tuple[Voice, ...] = (
    Voice("rms", "flite", share=2.0),
    Voice("slt", "flite", share=2.0),
    Voice("awb", "flite", share=2.0),
    Voice("kal16", "flite", share=1.0),
    Voice("kal_diphone", "festival", share=1.0),
    Voice("ked_diphone", "festival", share=2.0),
    Voice("cmu_us_slt_arctic_hts", "festival", share=1.0),
    Voice("czech_dita", "festival", "cs", "czech"),
    Voice("czech_krb", "festival", "cs", "czech"),
    Voice("czech_machac", "festival", "cs", "czech"),
    Voice("czech_ph", "festival", "cs", "czech"),
    Voice("lp_diphone", "festival", "it", "italian"),
    Voice("pc_diphone", "festival", "it", "italian"),
    Voice("suo_fi_lj_diphone", "festival", "fi", "finnish"),
    Voice("hy_fi_mv_diphone", "festival", "fi", "finnish"),
    Voice("upc_ca_ona_hts", "festival", "ca", "catalan"),
    Voice("msu_ru_nsh_clunits", "festival", "ru", "russian", 1.5, late_s=0.03),
    *(Voice(f"en-us+{variant}", "espeak", "en", "espeak", 0.2) for variant in ("m1", "m3", "m7", "f1", "f4", "klatt")),
    *(Voice(name, "espeak", name, "espeak", 0.2) for name in ("de", "es", "fr", "pl", "pt", "nl")),
)


def installed(voice: Voice) -> bool:
    """Whether this machine has the voice."""
    if voice.engine == "flite":
        return shutil.which("flite") is not None
    if voice.engine == "festival":
        return any(FESTIVAL_VOICES.glob(f"*/{voice.name}"))
    from training.speech.espeak import library

    return library() is not None


def speak(voice: Voice, texts: list[str], rng: np.random.Generator) -> list[Spoken]:
    """The texts as sound with phone times; one that the voice could not read is left out."""
    if voice.engine == "flite":
        found = [_flite(voice, text, rng) for text in texts]
    elif voice.engine == "festival":
        found = _festival(voice, texts, rng)
    else:
        from training.speech.espeak import speak_text

        found = [speak_text(voice.name, text, rng) for text in texts]
    return [spoken for spoken in found if spoken is not None and len(spoken.segments) > 2]


def _read_wave(path: Path) -> tuple[np.ndarray, int]:
    rate_hz, samples = wavfile.read(path)
    return samples.astype(np.float32) / 32768.0, int(rate_hz)


def _flite(voice: Voice, text: str, rng: np.random.Generator) -> Spoken | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        stretch = rng.uniform(0.75, 1.3)
        pitch = [] if voice.name == "kal16" else ["--setf", f"int_f0_target_stddev={rng.uniform(8, 25):.1f}"]
        words = ["flite", "-voice", voice.name, "--setf", f"duration_stretch={stretch:.2f}", *pitch]
        done = subprocess.run(
            [*words, "-psdur", "-t", text, "-o", str(path)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0 or not path.exists():
            return None
        samples, rate_hz = _read_wave(path)
    phones, start = [], 0.0
    for item in done.stdout.split():
        name, end = item.rsplit(":", 1)
        phones.append((name, start, float(end)))
        start = float(end)
    return Spoken(samples, rate_hz, segments_of(phones, voice.phone_set))


def _festival(voice: Voice, texts: list[str], rng: np.random.Generator) -> list[Spoken | None]:
    """All texts in one process: loading a voice costs more than a sentence."""
    encoding = {"cs": "iso-8859-2", "fi": "iso-8859-15", "ca": "iso-8859-15", "it": "iso-8859-1"}
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"(voice_{voice.name})"]
        for i, text in enumerate(texts):
            base = f"{folder}/{i}"
            lines += [
                f"(Parameter.set 'Duration_Stretch {rng.uniform(0.8, 1.3):.2f})",
                f'(unwind-protect (begin (set! u (utt.synth (Utterance Text "{text}")))'
                f' (utt.save.segs u "{base}.seg") (utt.save.wave u "{base}.wav" \'riff)) nil)',
            ]
        script = Path(folder) / "speak.scm"
        script.write_bytes("\n".join(lines).encode(encoding.get(voice.language, "utf-8"), "ignore"))
        subprocess.run(["festival", "-b", str(script)], capture_output=True, check=False)
        return [_read_festival(Path(folder) / str(i), voice) for i in range(len(texts))]


def _read_festival(base: Path, voice: Voice) -> Spoken | None:
    labels, sound = base.with_suffix(".seg"), base.with_suffix(".wav")
    if not labels.exists() or not sound.exists():
        return None
    samples, rate_hz = _read_wave(sound)
    phones, start = [], 0.0
    for line in labels.read_bytes().decode("utf-8", "replace").splitlines():
        words = line.split()
        if len(words) >= 3:
            end = max(start, float(words[0]) - voice.late_s)
            phones.append((words[2], start, end))
            start = end
    return Spoken(samples, rate_hz, segments_of(phones, voice.phone_set))
