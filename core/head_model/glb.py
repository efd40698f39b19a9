"""The GLB container: a 12-byte header, one JSON chunk, one BIN chunk (glTF 2.0 specification, section 4)."""

from __future__ import annotations

import json
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

from core.errors import RigError

MAX_FILE_BYTES = 128 * 2**20
MAX_JSON_BYTES = 4 * 2**20
_MAGIC, _VERSION = 0x46546C67, 2
_JSON_CHUNK, _BIN_CHUNK = 0x4E4F534A, 0x004E4942
_HEADER, _CHUNK = struct.Struct("<III"), struct.Struct("<II")


def pack_glb(document: dict[str, Any], binary: bytes) -> bytes:
    """The bytes of a GLB file with this JSON document and this BIN chunk.

    RigError when the document holds what JSON has no form for.
    """
    try:
        text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RigError(f"A rig file holds plain JSON values only, but the rig's details do not fit: {error}.") from None
    text += b" " * (-len(text) % 4)
    if len(text) > MAX_JSON_BYTES:
        raise RigError(
            f"The JSON part of a rig file may have {MAX_JSON_BYTES} bytes, but it would have {len(text)}. "
            "Keep less in the rig's details."
        )
    binary = binary + b"\0" * (-len(binary) % 4)
    total = _HEADER.size + 2 * _CHUNK.size + len(text) + len(binary)
    return b"".join(
        (
            _HEADER.pack(_MAGIC, _VERSION, total),
            _CHUNK.pack(len(text), _JSON_CHUNK),
            text,
            _CHUNK.pack(len(binary), _BIN_CHUNK),
            binary,
        )
    )


def read_glb(path: Path) -> tuple[dict[str, Any], bytes]:
    """The JSON document and the BIN chunk of a GLB file.

    Every length is held against the real size before it is used. RigError when the file is absent, too large,
    cut short, or not GLB version 2.
    """
    return unpack_glb(_read_file(path), path.name)


def unpack_glb(data: bytes, name: str) -> tuple[dict[str, Any], bytes]:
    """As `read_glb`, from bytes; name: what errors call the file."""
    if len(data) < _HEADER.size + _CHUNK.size:
        raise RigError(f"{name} is not a GLB file: it has only {len(data)} bytes.")
    magic, version, length = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise RigError(f"{name} is not a GLB file: it does not begin with 'glTF'.")
    if version != _VERSION:
        raise RigError(f"{name} must be GLB version {_VERSION}, but it is version {version}.")
    if length != len(data):
        raise RigError(
            f"{name} should have {length} bytes, but it has {len(data)}. It may be cut short; copy it again."
        )
    text, offset = _chunk(data, _HEADER.size, _JSON_CHUNK, name)
    binary = _chunk(data, offset, _BIN_CHUNK, name)[0] if offset < length else b""
    if len(text) > MAX_JSON_BYTES:
        raise RigError(f"The JSON part of {name} may have {MAX_JSON_BYTES} bytes, but it has {len(text)}.")
    return _parse_json(text, name), binary


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise RigError(f"The rig file {path.name} could not be read: {error.strerror or error}.") from None
    if len(data) > MAX_FILE_BYTES:
        raise RigError(f"{path.name} is larger than {MAX_FILE_BYTES // 2**20} MiB, the most a rig file may have.")
    return data


def _chunk(data: bytes, offset: int, kind: int, name: str) -> tuple[bytes, int]:
    start = offset + _CHUNK.size
    if start > len(data):
        raise RigError(f"{name} is damaged: a chunk begins beyond the end of the file.")
    length, found = _CHUNK.unpack_from(data, offset)
    if found != kind or start + length > len(data):
        raise RigError(f"{name} is damaged: the chunk at byte {offset} is of the wrong kind or too long.")
    return data[start : start + length], start + length


def _parse_json(text: bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RigError(f"{name} is damaged: its JSON part cannot be read.") from None
    if not isinstance(document, dict):
        raise RigError(f"{name} is damaged: its JSON part must be an object.")
    return document


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path`: the old file stays whole until the new one is. RigError when the disk refuses."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise RigError(f"{path.name} could not be written: {error.strerror or error}.") from None
