"""What a file is by its first bytes. Only the kinds that are told apart before a decoder is chosen."""

from __future__ import annotations

HEAD_BYTES = 512

PICTURE_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
SOUND_BRANDS = (b"M4A ", b"M4B ", b"M4P ")
QUICKTIME_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
TRANSPORT_PACKET_BYTES = 188
SOUND_STARTS = ((b"fLaC", "flac"), (b"ID3", "mp3"), (b"caff", "caf"), (b".snd", "au"), (b"#!AMR", "amr"))


def is_heic(head: bytes) -> bool:
    """Whether the first bytes are those of a HEIC, HEIF or AVIF picture."""
    return head[4:8] == b"ftyp" and head[8:12] in PICTURE_BRANDS


def video_container(head: bytes) -> str | None:
    """FFmpeg's name of the container that starts with these bytes, or None when it is none that is read.

    The list is closed on purpose: playlists, concatenations and picture lists name other files to open.
    """
    if head[4:8] in QUICKTIME_ATOMS:
        return None if is_heic(head) or head[8:12] in SOUND_BRANDS else "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:4] == b"\x00\x00\x01\xba":
        return "mpeg"
    if head[:1] == b"G" and head[TRANSPORT_PACKET_BYTES : TRANSPORT_PACKET_BYTES + 1] == b"G":
        return "mpegts"
    return "ogg" if head[:4] == b"OggS" else None


def sound_container(head: bytes) -> str | None:
    """FFmpeg's name of the container that starts with these bytes and may hold sound, videos included, or None."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[4:8] == b"ftyp" and head[8:12] in SOUND_BRANDS:
        return "mov"
    for start, container in SOUND_STARTS:
        if head.startswith(start):
            return container
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:  # the sync word of MPEG sound
        return "mp3" if head[1] & 0x06 else "aac"
    return video_container(head)
