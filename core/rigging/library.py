"""The rigs that a user keeps, as folders on disk: one place, private, expiring, and deleted whole by one action.

A folder `<slug>-<hash12>/` holds `rig.glb`, `manifest.json` and perhaps `thumbnail.png`. Folders appear and vanish by
one rename, so a crash leaves either a whole entry or a hidden remainder, which the next sweep takes away.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from PIL import Image

from core.errors import InputError, RigError
from core.head_model.rig import HeadRig
from core.head_model.rig_glb import load_rig, save_rig
from core.rigging.calibration import KEY, calibration_of
from core.rigging.manifest import Manifest, read_manifest, write_manifest
from core.structures import ImageArray

RIG_FILE, MANIFEST_FILE, THUMBNAIL_FILE = "rig.glb", "manifest.json", "thumbnail.png"
MAX_NAME_LENGTH = 80
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_ID_LENGTH = 64
_MAX_SLUG_LENGTH = 40
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_REMAINDER = re.compile(r"\.(?:adding-(?P<created_s>\d+)|deleting)-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class RigEntry:
    """A kept rig. path: its rig.glb; created_s: seconds since 1970; is_demo: ships with the program, so neither
    `delete_all` nor `expire` takes it; thumbnail: its picture, where there is one."""

    id: str
    name: str
    path: Path
    created_s: float
    is_demo: bool
    thumbnail: Path | None
    source_kind: str
    quality: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DamagedEntry:
    """A folder that should be a kept rig but is not; `RigLibrary.delete` takes it away."""

    id: str
    problem: str


class RigLibrary:
    """The kept rigs in one folder. Holds no state but the folder: several may look at the same one.

    root: made with mode 0700 when absent. Entries have mode 0700, their files 0600.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def list(self) -> tuple[RigEntry, ...]:
        """The whole entries, newest first. Damaged ones are left out, see `damaged`."""
        found = (self._examine(rig_id) for rig_id in self._ids())
        entries = [entry for entry in found if isinstance(entry, RigEntry)]
        return tuple(sorted(entries, key=lambda entry: (-entry.created_s, entry.id)))

    def damaged(self) -> tuple[DamagedEntry, ...]:
        """The entries that cannot be used, each with its problem."""
        found = (self._examine(rig_id) for rig_id in self._ids())
        return tuple(entry for entry in found if isinstance(entry, DamagedEntry))

    def entry(self, rig_id: str) -> RigEntry:
        """The entry of this id. RigError when it is absent or damaged, InputError when it cannot be an id."""
        self._folder(rig_id)
        found = self._examine(rig_id)
        if isinstance(found, DamagedEntry):
            raise RigError(f"The kept rig '{rig_id}' is damaged: {found.problem} Delete it and make it again.")
        return found

    def add(
        self,
        rig: HeadRig,
        now_s: float,
        *,
        source_kind: str = "photo",
        quality: Mapping[str, object] | None = None,
        thumbnail: ImageArray | None = None,
        is_demo: bool = False,
    ) -> RigEntry:
        """Keep a rig and return its entry; the same rig again gives the entry that is there, as young as a new one.

        now_s: seconds since 1970; source_kind: what the rig was made from, such as "photo" or "video"; quality:
        plain JSON values; thumbnail: (H, W, 3) uint8. What a guided recording left with the rig stands in the manifest
        too.
        """
        name = checked_name(rig.name)
        self._make_root()
        building = self._root / f".adding-{max(0, int(now_s))}-{uuid4().hex}"
        try:
            building.mkdir(mode=_PRIVATE_FOLDER)
            save_rig(replace(rig, name=name), building / RIG_FILE)
            rig_id = f"{slug(name)}-{_content_hash(building / RIG_FILE)}"
            told = {key: value for key, value in (quality or {}).items() if key != KEY}
            manifest = Manifest(name, float(now_s), source_kind, is_demo, told, calibration=calibration_of(rig))
            write_manifest(manifest, building / MANIFEST_FILE)
            if thumbnail is not None:
                Image.fromarray(thumbnail).save(building / THUMBNAIL_FILE)
            self._publish(building, rig_id, manifest)
        except OSError as error:
            raise RigError(f"The rig '{name}' could not be kept: {error.strerror or error}.") from None
        finally:
            shutil.rmtree(building, ignore_errors=True)
        return self.entry(rig_id)

    def load(self, rig_id: str) -> HeadRig:
        """The rig, under the name it has in the library."""
        entry = self.entry(rig_id)
        return replace(load_rig(entry.path), name=entry.name)

    def rename(self, rig_id: str, name: str) -> RigEntry:
        """Give an entry another name; its id stays."""
        self.entry(rig_id)
        self._change_manifest(rig_id, name=checked_name(name))
        return self.entry(rig_id)

    def delete(self, rig_id: str) -> None:
        """Take away an entry with all its files, damaged or not. RigError when it is absent."""
        folder = self._folder(rig_id)
        leaving = self._root / f".deleting-{uuid4().hex}"
        try:
            folder.rename(leaving)
            shutil.rmtree(leaving)
        except OSError as error:
            raise RigError(f"The rig '{rig_id}' could not be deleted whole: {error.strerror or error}.") from None

    def delete_all(self) -> int:
        """Take away everything but demo entries, remainders of interrupted work included; how many entries went."""
        doomed = tuple(rig_id for rig_id in self._ids() if not self._is_demo(rig_id))
        self._delete_each(doomed)
        self._sweep(before_s=float("inf"))
        return len(doomed)

    def expire(self, now_s: float, max_age_s: float) -> tuple[str, ...]:
        """Take away entries made more than `max_age_s` before `now_s`, demo entries aside; their ids.

        A damaged entry still holds a face: it is as old as its folder.
        """
        oldest_s = now_s - max_age_s
        old = [entry.id for entry in self.list() if not entry.is_demo and entry.created_s < oldest_s]
        old += [entry.id for entry in self.damaged() if self._folder(entry.id).stat().st_mtime < oldest_s]
        self._delete_each(old)
        self._sweep(before_s=oldest_s)
        return tuple(old)

    def _delete_each(self, rig_ids: Sequence[str]) -> None:
        """Tries all before it complains about one."""
        problems = []
        for rig_id in rig_ids:
            try:
                self.delete(rig_id)
            except RigError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def _change_manifest(self, rig_id: str, **changes: Any) -> None:
        path = self._folder(rig_id) / MANIFEST_FILE
        write_manifest(replace(read_manifest(path), **changes), path)
        _make_private(path)

    def _ids(self) -> tuple[str, ...]:
        if not self._root.is_dir():
            return ()
        return tuple(sorted(path.name for path in self._root.iterdir() if _is_id(path.name) and _is_folder(path)))

    def _folder(self, rig_id: str) -> Path:
        if not _is_id(rig_id):
            raise InputError(
                f"A rig's id has small letters, digits and single hyphens, such as 'ada-0123456789ab', not {rig_id!r}."
            )
        folder = self._root / rig_id
        if not _is_folder(folder):
            raise RigError(f"There is no kept rig '{rig_id}'. It may have been deleted or have expired.")
        return folder

    def _examine(self, rig_id: str) -> RigEntry | DamagedEntry:
        folder = self._root / rig_id
        try:
            manifest = read_manifest(folder / MANIFEST_FILE)
        except RigError as error:
            return DamagedEntry(rig_id, str(error))
        if not (folder / RIG_FILE).is_file():
            return DamagedEntry(rig_id, f"{RIG_FILE} is absent.")
        thumbnail = folder / THUMBNAIL_FILE
        return RigEntry(
            id=rig_id,
            name=manifest.name,
            path=folder / RIG_FILE,
            created_s=manifest.created_s,
            is_demo=manifest.is_demo,
            thumbnail=thumbnail if thumbnail.is_file() else None,
            source_kind=manifest.source_kind,
            quality=manifest.quality,
        )

    def _is_demo(self, rig_id: str) -> bool:
        found = self._examine(rig_id)
        return isinstance(found, RigEntry) and found.is_demo

    def _make_root(self) -> None:
        try:
            self._root.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        except OSError as error:
            raise RigError(f"The folder for rigs could not be made: {error.strerror or error}.") from None

    def _publish(self, building: Path, rig_id: str, manifest: Manifest) -> None:
        for path in building.iterdir():
            _make_private(path)
        present = self._examine(rig_id)
        if isinstance(present, RigEntry):
            if not present.is_demo:
                self._change_manifest(rig_id, created_s=manifest.created_s)
            return
        target = self._root / rig_id
        if target.exists():
            self.delete(rig_id)
        building.rename(target)

    def _sweep(self, before_s: float) -> None:
        """Take away what interrupted additions before this time and interrupted deletions left."""
        if not self._root.is_dir():
            return
        for path in self._root.iterdir():
            remainder = _REMAINDER.fullmatch(path.name)
            if remainder and float(remainder["created_s"] or 0.0) < before_s:
                shutil.rmtree(path, ignore_errors=True)


def slug(name: str) -> str:
    """The name as small ASCII letters, digits and hyphens, at most 40; "rig" when nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_MAX_SLUG_LENGTH].strip("-") or "rig"


def checked_name(name: str) -> str:
    """The name without blanks around it. InputError when it is empty, too long or holds control characters."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        raise InputError(f"A rig's name must have 1 to {MAX_NAME_LENGTH} printable characters.")
    return name


def _content_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _is_id(name: str) -> bool:
    return len(name) <= _MAX_ID_LENGTH and _ID.fullmatch(name) is not None


def _is_folder(path: Path) -> bool:
    # A link could lead out of the library.
    return path.is_dir() and not path.is_symlink()


def _make_private(path: Path) -> None:
    with suppress(OSError):
        path.chmod(_PRIVATE_FILE)
