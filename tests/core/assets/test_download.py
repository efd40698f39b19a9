from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from dataclasses import replace

import pytest

from core.assets.download import fetch_pack
from core.assets.registry import ModelPack, pack
from core.errors import ModelPackError

CONTENT = b"model bytes " * 50_000


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served_pack(tmp_path) -> ModelPack:
    """A pack that a local server sends."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "model.bin").write_bytes(CONTENT)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield replace(
        pack("face_landmarker"),
        file="sub/model.bin",
        url=f"http://127.0.0.1:{server.server_port}/model.bin",
        size_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )
    server.shutdown()
    thread.join()
    server.server_close()


def leftovers(folder):
    return [p.name for p in folder.rglob("*") if p.is_file()]


def test_fetch_brings_the_checked_file_and_tells_how_far_it_is(served_pack, tmp_path):
    seen = []
    path = fetch_pack(served_pack, tmp_path / "models", progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert leftovers(tmp_path / "models") == ["model.bin"]


def test_a_present_pack_is_not_fetched_again(served_pack, tmp_path):
    path = served_pack.path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert fetch_pack(replace(served_pack, url="http://127.0.0.1:9/nobody"), tmp_path) == path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": "0" * 64}, "checksum"),
        ({"size_bytes": len(CONTENT) - 1}, "more"),
        ({"size_bytes": len(CONTENT) + 1}, "bytes"),
        ({"url": "http://127.0.0.1:9/nobody"}, "could not be reached"),
    ],
)
def test_anything_else_is_refused_and_leaves_nothing(served_pack, tmp_path, change, words):
    with pytest.raises(ModelPackError, match=words):
        fetch_pack(replace(served_pack, **change), tmp_path / "models")
    assert leftovers(tmp_path / "models") == []


def test_a_pack_behind_a_licence_names_its_page(tmp_path):
    with pytest.raises(ModelPackError, match=r"flame\.is\.tue\.mpg\.de"):
        fetch_pack(pack("flame2020"), tmp_path)
