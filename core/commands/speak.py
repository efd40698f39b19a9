"""`speak SOUND -o take.csv`: a voice to a take, and to a video of a talking head where one is asked for."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.commands.arguments import picture_size, require_file, require_output
from core.errors import InputError

if TYPE_CHECKING:
    from core.animation.take import Take
    from core.audio.speech_driver import SpeechDriver
    from core.audio.speech_settings import SpeechSettings
    from core.structures import AudioChunk


def add_parser(subparsers: Any) -> None:
    """Adds `speak`."""
    parser = subparsers.add_parser(
        "speak", help="a voice to a take: mouth, blinks, brows and head of somebody who speaks"
    )
    parser.add_argument("sound", type=Path, nargs="?", metavar="SOUND", help="WAV, FLAC, MP3, Ogg, M4A, or a video")
    parser.add_argument("--text", help="say this instead of a sound, by espeak-ng where it is installed")
    parser.add_argument("--voice", default="en-us", help="espeak-ng's voice for --text, en-us where left out")
    parser.add_argument("--keep-sound", type=Path, metavar="OUT.wav", help="write what --text sounds like")
    parser.add_argument("-o", "--output", type=Path, metavar="TAKE", help="take.csv (Live Link Face) or take.jsonl")
    parser.add_argument(
        "--export",
        type=Path,
        metavar="MODEL",
        help="write the network for other programs: .onnx, .pt or .ptl (needs torch)",
    )
    parser.add_argument("--fps", type=float, default=30.0, metavar="HZ", help="rows a second, 30 where left out")
    _add_settings(parser)
    video = parser.add_argument_group("video")
    video.add_argument("--render", type=Path, metavar="OUT.mp4", help="also draw it, with its sound")
    video.add_argument("--rig", type=Path, metavar="RIG.glb", help="the head; the built-in one where left out")
    video.add_argument("--size", type=picture_size, default=(512, 512), help="512 (where left out) or 640x480")
    parser.set_defaults(run=run)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the face")
    numbers = {
        "look-ahead": (
            100.0,
            "MS",
            "sound heard ahead of a moment, 0 to 100 ms: more is truer, and a file waits for nobody",
        ),
        "strength": (1.0, "S", "of the mouth's movement, 0 to 2"),
        "valence": (0.0, "V", "mood from -1, bad, to 1, good"),
        "arousal": (0.0, "A", "mood from -1, tired, to 1, excited"),
        "brows": (1.0, "S", "of the brows' movement, 0 to 2"),
        "head-motion": (1.0, "S", "of the head's movement, 0 to 2"),
    }
    for name, (default, unit, text) in numbers.items():
        group.add_argument(
            f"--{name}", type=float, default=default, metavar=unit, help=f"{text}; {default:g} where left out"
        )
    group.add_argument("--no-blinks", action="store_true", help="leave the eyes open")
    group.add_argument("--seed", type=int, default=0, help="of blinks, brows and head; the same seed gives the same")


def run(arguments: argparse.Namespace) -> int:
    """Listens, writes what was asked for and prints where."""
    if arguments.export:
        print(_export(arguments))
        if not (arguments.output or arguments.render):
            return 0
    outputs = _require_outputs(arguments)
    if arguments.rig:
        require_file(arguments.rig)
    settings = _settings(arguments)
    if not 1.0 <= arguments.fps <= 240.0:
        raise InputError(f"--fps must lie between 1 and 240, but it is {arguments.fps:g}.")

    from core.animation.take_files import save_take
    from core.audio.speech_driver import SpeechDriver

    sound = _sound(arguments)
    driver = SpeechDriver(settings=settings, seed=arguments.seed)
    take = listen(sound, driver, outputs[0].stem)
    if arguments.fps != take.rate_hz:
        take = take.resampled(arguments.fps)
    if arguments.output:
        save_take(take, arguments.output)
    if arguments.render:
        _draw(take, sound, arguments)
    for path in outputs:
        print(path)
    return 0


def listen(sound: Path | bytes, driver: SpeechDriver, name: str) -> Take:
    """The take of a sound from its file's start on, silence before the first sample included. TakeError: no sound."""
    from core.animation.speech_take import speech_take
    from core.commands.progress import counting_bar
    from core.media.sounds import probe_sound, read_sound

    duration_s = probe_sound(sound).duration_s
    with counting_bar("listening", round(duration_s) if duration_s else None, "s") as bar:
        return speech_take(_counted(_from_the_start(read_sound(sound)), bar), driver, name)


def _require_outputs(arguments: argparse.Namespace) -> list[Path]:
    asked = ((arguments.output, (".csv", ".jsonl")), (arguments.render, (".mp4",)), (arguments.keep_sound, (".wav",)))
    outputs = [require_output(path, suffixes) for path, suffixes in asked if path]
    if not (arguments.output or arguments.render):
        raise InputError("Nothing would be written: name a take with -o take.csv, or a video with --render out.mp4.")
    if (arguments.sound is None) == (arguments.text is None):
        raise InputError("Give either a sound file or --text with something to say.")
    if arguments.keep_sound and arguments.text is None:
        raise InputError("--keep-sound goes with --text; a sound file is there already.")
    return outputs


def _export(arguments: argparse.Namespace) -> Path:
    from core.audio.speech_export import FORMATS, export_speech_network

    return export_speech_network(require_output(arguments.export, tuple(FORMATS)), arguments.look_ahead)


def _settings(arguments: argparse.Namespace) -> SpeechSettings:
    from core.audio.speech_settings import SpeechSettings

    return SpeechSettings(
        look_ahead_ms=arguments.look_ahead,
        strength=arguments.strength,
        valence=arguments.valence,
        arousal=arguments.arousal,
        blinks=not arguments.no_blinks,
        brows=arguments.brows,
        head_motion=arguments.head_motion,
    )


def _sound(arguments: argparse.Namespace) -> Path | bytes:
    if arguments.text is None:
        return require_file(arguments.sound)

    from core.media.atomic_file import written_whole
    from core.media.text_voice import speak_text

    sound = speak_text(arguments.text, arguments.voice)
    if arguments.keep_sound:
        with written_whole(arguments.keep_sound) as temporary:
            temporary.write_bytes(sound)
    return sound


def _from_the_start(chunks: Iterable[AudioChunk]) -> Iterator[AudioChunk]:
    """The same, with silence before a first chunk that begins late: the sound of a video may."""
    from core.structures import AudioChunk

    begun = False
    for chunk in chunks:
        rate_hz = chunk.rate_hz
        silent = 0 if begun else round(chunk.timestamp_s * rate_hz)
        for first in range(0, silent, rate_hz):
            yield AudioChunk(np.zeros(min(rate_hz, silent - first), np.float32), rate_hz, first / rate_hz)
        begun = True
        yield chunk


def _counted(chunks: Iterable[AudioChunk], bar: Any) -> Iterator[AudioChunk]:
    for chunk in chunks:
        yield chunk
        bar.update(len(chunk.samples) / chunk.rate_hz)


def _draw(take: Take, sound: Path | bytes, arguments: argparse.Namespace) -> None:
    from core.commands.render import write_video
    from core.head_model.builtin import load_builtin_rig
    from core.head_model.rig_glb import load_rig
    from core.rendering.renderer import HeadRenderer

    rig = load_rig(arguments.rig) if arguments.rig else load_builtin_rig()
    with HeadRenderer(rig, arguments.size, antialias=True) as renderer:
        write_video(renderer, take, arguments.render, sound=sound)
