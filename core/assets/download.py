"""Fetching a model pack from its official place."""

from __future__ import annotations

import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from core.assets.registry import ModelPack, PackStatus, pack_status, sha256_of
from core.errors import ModelPackError

_CHUNK_BYTES = 256 * 1024
_TIMEOUT_S = 30.0

Progress = Callable[[int, int], None]
"""Called with the bytes that came and the bytes that will have come."""


def fetch_pack(model_pack: ModelPack, models_dir: Path | None = None, progress: Progress | None = None) -> Path:
    """Path of the pack's file, fetched if it is not there yet.

    The file appears under its name only when size and SHA-256 are right. ModelPackError where the pack has to be
    fetched by a person (licence, registration), the place does not answer, or something else came.
    """
    path = model_pack.path(models_dir)
    if pack_status(model_pack, models_dir) is PackStatus.PRESENT:
        return path
    if model_pack.url is None or model_pack.size_bytes is None or model_pack.sha256 is None:
        raise ModelPackError(
            f"{model_pack.title} cannot be fetched for you (licence: {model_pack.licence}). "
            f"Get it from {model_pack.page} and put it at {path}."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary_name = tempfile.mkstemp(dir=path.parent, prefix=".fetch-")
    os.close(handle)
    temporary = Path(temporary_name)
    try:
        _download(model_pack.url, temporary, model_pack.size_bytes, progress)
        if sha256_of(temporary) != model_pack.sha256:
            raise ModelPackError(
                f"What {model_pack.url} sent is not the published {model_pack.title}: its checksum differs. "
                "Nothing was kept; try again later."
            )
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _download(url: str, target: Path, size_bytes: int, progress: Progress | None) -> None:
    """Exactly `size_bytes` from `url` into `target`; anything else is refused."""
    received = 0
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response, target.open("wb") as file:
            while chunk := response.read(_CHUNK_BYTES):
                received += len(chunk)
                if received > size_bytes:
                    break
                file.write(chunk)
                if progress is not None:
                    progress(received, size_bytes)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise ModelPackError(
            f"{url} could not be reached ({error}). Check the connection, or fetch the file with a browser."
        ) from error
    if received != size_bytes:
        raise ModelPackError(
            f"{url} should send {size_bytes} bytes, but sent {'more' if received > size_bytes else received}. "
            "Nothing was kept; try again."
        )
