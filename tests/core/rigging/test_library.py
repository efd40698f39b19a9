from __future__ import annotations

import json
import stat
from dataclasses import replace

import numpy as np
import pytest

from core import __version__
from core.blendshapes import ARKIT_NAMES
from core.errors import InputError, RigError
from core.rigging.library import RigLibrary, slug
from tests.builders import gradient_texture, tiny_rig

DAY_S = 86_400.0


@pytest.fixture
def library(tmp_path):
    return RigLibrary(tmp_path / "rigs")


def named(name):
    return replace(tiny_rig(), name=name)


def ids(library):
    return {entry.id for entry in library.list()}


def test_an_absent_folder_is_an_empty_library(library, tmp_path):
    assert library.list() == () and library.damaged() == ()
    assert library.delete_all() == 0 and library.expire(0.0, 0.0) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_kept_rig_comes_back(library):
    entry = library.add(
        named("Ada Löwe"), 1000.5, source_kind="video", quality={"sharpness": 0.5}, thumbnail=gradient_texture()
    )
    assert entry.id.startswith("ada-lowe-") and len(entry.id) == len("ada-lowe-") + 12
    assert library.list() == (entry,) and library.entry(entry.id) == entry
    assert (entry.name, entry.created_s, entry.is_demo) == ("Ada Löwe", 1000.5, False)
    assert (entry.source_kind, entry.quality) == ("video", {"sharpness": 0.5})
    assert entry.thumbnail.name == "thumbnail.png" and entry.path.name == "rig.glb"
    rig = library.load(entry.id)
    assert rig.name == "Ada Löwe" and np.array_equal(rig.shapes, tiny_rig().shapes)
    manifest = json.loads((entry.path.parent / "manifest.json").read_text())
    assert manifest["blendshapes"] == list(ARKIT_NAMES) and manifest["code_version"] == __version__


def test_everything_is_private(library):
    entry = library.add(named("Ada"), 0.0, thumbnail=gradient_texture())
    library.rename(entry.id, "Bea")
    folder = entry.path.parent
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder)] == [0o700, 0o700]
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == dict.fromkeys(
        ("rig.glb", "manifest.json", "thumbnail.png"), 0o600
    )


def test_the_newest_comes_first(library):
    for name, now_s in (("old", 1.0), ("new", 3.0), ("middle", 2.0)):
        library.add(named(name), now_s)
    assert [entry.name for entry in library.list()] == ["new", "middle", "old"]


def test_the_same_rig_again_is_one_entry_made_young(library):
    first = library.add(named("Ada"), 1.0)
    library.rename(first.id, "Bea")
    second = library.add(named("Ada"), 2.0)
    assert second == replace(first, name="Bea", created_s=2.0) and library.list() == (second,)


def test_renaming_keeps_the_id(library):
    entry = library.add(named("Ada"), 1.0)
    renamed = library.rename(entry.id, "  Bea ")
    assert renamed == replace(entry, name="Bea")
    assert library.load(entry.id).name == "Bea"


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "two\nlines", "bell\a"])
def test_names_that_cannot_be_shown_are_refused(library, name):
    entry = library.add(named("Ada"), 1.0)
    with pytest.raises(InputError):
        library.rename(entry.id, name)
    with pytest.raises(InputError):
        library.add(named(name), 1.0)
    assert [kept.name for kept in library.list()] == ["Ada"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "...", "日本", "CON", "-a-", "x" * 80, "a/b\\c"])
def test_any_name_gives_a_harmless_folder(library, name):
    entry = library.add(named(name), 1.0)
    assert entry.path.parent.parent.name == "rigs" and library.list() == (entry,)


def test_slugs():
    assert slug("Ada Löwe!") == "ada-lowe" and slug("日本") == "rig" and slug("a" * 39 + " b") == "a" * 39


@pytest.mark.parametrize(
    "rig_id", ["", ".", "..", "../rigs", "a/../b", "/etc", "a\\b", "A", "a--b", "-a", "a\n", "C:", "a" * 65, "é"]
)
@pytest.mark.parametrize("action", ["load", "delete", "entry"])
def test_ids_that_could_lead_elsewhere_are_refused(library, rig_id, action):
    library.add(named("Ada"), 1.0)
    with pytest.raises(InputError):
        getattr(library, action)(rig_id)
    with pytest.raises(InputError):
        library.rename(rig_id, "Bea")
    assert len(library.list()) == 1


def test_links_out_of_the_library_are_no_entries(library, tmp_path):
    entry = library.add(named("Ada"), 1.0)
    outside = tmp_path / "outside"
    entry.path.parent.rename(outside)
    entry.path.parent.symlink_to(outside)
    assert library.list() == ()
    with pytest.raises(RigError, match="no kept rig"):
        library.delete(entry.id)
    library.delete_all()
    assert (outside / "rig.glb").exists()


def test_deleting_leaves_nothing(library, tmp_path):
    kept, gone = library.add(named("Ada"), 1.0), library.add(named("Bea"), 1.0)
    library.delete(gone.id)
    assert ids(library) == {kept.id}
    assert [path.name for path in (tmp_path / "rigs").iterdir()] == [kept.id]
    with pytest.raises(RigError, match="no kept rig"):
        library.delete(gone.id)
    with pytest.raises(RigError, match="no kept rig"):
        library.load(gone.id)


DAMAGE = {
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "no rig": lambda folder: (folder / "rig.glb").unlink(),
    "half a manifest": lambda folder: (folder / "manifest.json").write_text('{"name": "A'),
    "a list": lambda folder: (folder / "manifest.json").write_text("[]"),
    "bytes": lambda folder: (folder / "manifest.json").write_bytes(b"\xff\xfe"),
    "other names": lambda folder: edit(folder, blendshapes=["jawOpen"]),
    "newer format": lambda folder: edit(folder, format_version=2),
    "name is a number": lambda folder: edit(folder, name=5),
    "no time": lambda folder: edit(folder, created_s=None),
    "time is true": lambda folder: edit(folder, created_s=True),
    "endless time": lambda folder: edit(folder, created_s=float("inf")),
    "huge time": lambda folder: edit(folder, created_s=10**400),
    "demo is a text": lambda folder: edit(folder, is_demo="yes"),
}


def edit(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_entries_are_told_and_can_be_deleted(library, damage):
    whole, broken = library.add(named("Ada"), 1.0), library.add(named("Bea"), 1.0)
    DAMAGE[damage](broken.path.parent)
    assert library.list() == (whole,)
    (told,) = library.damaged()
    assert told.id == broken.id and told.problem and "\n" not in told.problem
    for action in (library.load, library.entry):
        with pytest.raises(RigError, match="damaged"):
            action(broken.id)
    assert library.add(named("Bea"), 2.0).id == broken.id, "making it again mends it"
    DAMAGE[damage](broken.path.parent)
    library.delete(broken.id)
    assert library.damaged() == ()


def test_a_damaged_rig_file_is_told_on_loading(library):
    entry = library.add(named("Ada"), 1.0)
    entry.path.write_bytes(entry.path.read_bytes()[:-10])
    with pytest.raises(RigError, match=r"rig\.glb"):
        library.load(entry.id)


def test_foreign_files_beside_the_entries_are_left_alone(library, tmp_path):
    library.add(named("Ada"), 1.0)
    (tmp_path / "rigs" / "README.md").write_text("hello")
    assert len(library.list()) == 1 and library.damaged() == ()
    library.delete_all()
    assert [path.name for path in (tmp_path / "rigs").iterdir()] == ["README.md"]


def test_delete_all_spares_demos_only(library, tmp_path):
    demo = library.add(named("Demo"), 1.0, is_demo=True)
    library.add(named("Ada"), 1.0)
    DAMAGE["no manifest"](library.add(named("Bea"), 1.0).path.parent)
    for remainder in (".adding-99-" + "0" * 32, ".deleting-" + "0" * 32):
        (tmp_path / "rigs" / remainder).mkdir()
    assert library.delete_all() == 2
    assert [path.name for path in (tmp_path / "rigs").iterdir()] == [demo.id]
    library.delete(demo.id)
    assert library.list() == ()


def test_rigs_expire_by_the_given_clock(library, tmp_path):
    demo = library.add(named("Demo"), 0.0, is_demo=True)
    old, young = library.add(named("Old"), 1 * DAY_S), library.add(named("Young"), 5 * DAY_S)
    for remainder in (f".adding-{int(DAY_S)}-" + "0" * 32, f".adding-{int(5 * DAY_S)}-" + "1" * 32):
        (tmp_path / "rigs" / remainder).mkdir()
    assert library.expire(now_s=4 * DAY_S, max_age_s=7 * DAY_S) == ()
    assert library.expire(now_s=8 * DAY_S, max_age_s=7 * DAY_S) == (), "just as old as allowed"
    assert library.expire(now_s=9 * DAY_S, max_age_s=7 * DAY_S) == (old.id,)
    assert ids(library) == {demo.id, young.id}
    assert [path.name for path in (tmp_path / "rigs").glob(".*")] == [".adding-432000-" + "1" * 32]


def test_damaged_entries_expire_by_their_folder(library):
    entry = library.add(named("Ada"), 1.0)
    DAMAGE["no manifest"](entry.path.parent)
    made_s = entry.path.parent.stat().st_mtime
    assert library.expire(made_s + DAY_S, 2 * DAY_S) == ()
    assert library.expire(made_s + 3 * DAY_S, 2 * DAY_S) == (entry.id,)
    assert library.damaged() == ()


@pytest.mark.parametrize(
    "rig", [replace(tiny_rig(), details={"bad": object()}), replace(tiny_rig(), parts=tiny_rig().parts[1:])]
)
def test_a_failed_addition_leaves_nothing(library, tmp_path, rig):
    with pytest.raises(RigError):
        library.add(rig, 1.0)
    with pytest.raises(RigError):
        library.add(named("Ada"), 1.0, quality={"bad": float("nan")})
    assert list((tmp_path / "rigs").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RigError, match="could not be made"):
        RigLibrary(tmp_path / "file" / "rigs").add(named("Ada"), 1.0)
