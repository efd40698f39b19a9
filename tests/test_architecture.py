"""The house rules, read from the source: who may import whom, how long things may be, who may print."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

# Each row imports only from the rows above it; rooms of one row do not import each other.
ROWS: tuple[tuple[str, ...], ...] = (
    ("core.errors", "core.blendshapes", "core.single_thread"),
    ("core.structures",),
    ("core.geometry", "core.filtering", "core.assets"),
    ("core.media", "core.head_model"),
    ("core.tracking", "core.audio"),
    ("core.expression", "core.rigging"),
    ("core.animation",),
    ("core.rendering", "core.streaming", "core.export"),
    ("core.face_follower", "core.rig_maker"),
    ("core.pipeline",),
    ("core.session",),
    ("core.bench",),
    ("core.commands",),
    ("core.cli",),
    ("core.__main__",),
)
ROW_OF = {room: row for row, rooms in enumerate(ROWS) for room in rooms}
FORBIDDEN_IN_CORE = ("streamlit", "streamlit_webrtc", "stpyvista", "ui", "pages", "training", "app")
# The command line is the one part of core that talks to a person.
MAY_PRINT = ("core.cli", "core.commands", "core.__main__")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
HEAVY = ("mediapipe", "cv2", "vtk", "vtkmodules", "pyvista", "scipy", "av", "PIL", "jax", "torch", "streamlit")


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name and its tree."""

    name: str
    tree: ast.Module
    lines: int

    @property
    def room(self) -> str:
        """The room the module lives in, see `room_of`."""
        return room_of(self.name)


def room_of(name: str) -> str:
    """`core.geometry` for `core.geometry.mesh`, `core.session` for `core.session` and for `core.session_inputs`."""
    first_two = ".".join(name.split(".")[:2])
    return next((room for room in ROW_OF if first_two == room or first_two.startswith(f"{room}_")), first_two)


def read_module(path: Path, root: Path) -> Module:
    parts = list(path.relative_to(root).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    text = path.read_text()
    return Module(".".join(parts), ast.parse(text, str(path)), len(text.splitlines()))


def read_package(root: Path, folder: str = "core") -> dict[str, Module]:
    modules = (read_module(path, root) for path in sorted((root / folder).rglob("*.py")))
    return {module.name: module for module in modules}


def imported_names(module: Module, known: set[str]) -> Iterator[str]:
    """Every module that this one imports, wherever in the file; `from a import b` counts as a.b where that is one."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name} uses a relative import"
            for alias in node.names:
                deeper = f"{node.module}.{alias.name}"
                yield deeper if deeper in known else str(node.module)


def layer_violations(modules: dict[str, Module]) -> list[str]:
    found = []
    for module in modules.values():
        if module.name == "core":
            continue
        if module.room not in ROW_OF:
            found.append(f"{module.name}: {module.room} stands in no row of the map")
            continue
        for name in imported_names(module, set(modules)):
            if name.split(".")[0] in FORBIDDEN_IN_CORE:
                found.append(f"{module.name} imports {name}: core knows no web layer and no training")
            room = room_of(name)
            if room.startswith("core.") and room != module.room and ROW_OF.get(room, 99) >= ROW_OF[module.room]:
                found.append(f"{module.name} imports {name}, which does not stand above it")
    return found


def import_cycles(modules: dict[str, Module]) -> list[str]:
    graph = {n: sorted({i for i in imported_names(m, set(modules)) if i in modules}) for n, m in modules.items()}
    done: set[str] = set()
    cycles = []

    def visit(name: str, way: tuple[str, ...]) -> None:
        if name in way:
            cycles.append(" -> ".join((*way[way.index(name) :], name)))
        elif name not in done:
            for target in graph[name]:
                visit(target, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())
    return cycles


def prints(modules: dict[str, Module]) -> list[str]:
    return [
        f"{module.name}:{node.lineno} prints"
        for module in modules.values()
        if module.room not in MAY_PRINT
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def too_long(modules: dict[str, Module]) -> list[str]:
    found = [f"{m.name} has {m.lines} lines" for m in modules.values() if m.lines > MAX_FILE_LINES]
    for module in modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    found.append(f"{module.name}.{node.name} has {lines} lines")
    return found


RULES = {"layers": layer_violations, "cycles": import_cycles, "prints": prints, "lengths": too_long}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_core_keeps_the_house_rules(rule):
    assert rule(read_package(REPOSITORY)) == []


@pytest.mark.parametrize("folder", ["ui", "pages", "training"])
def test_the_rooms_around_core_stay_readable(folder):
    assert too_long(read_package(REPOSITORY, folder)) == []


def test_every_room_of_the_map_is_written_in_the_docs():
    page = (REPOSITORY / "docs" / "architecture.md").read_text()
    for room in ROW_OF:
        path = REPOSITORY / Path(*room.split("."))
        if path.is_dir() or path.with_suffix(".py").exists():
            assert f"`{room.removeprefix('core.')}" in page, f"docs/architecture.md does not name {room}"


def test_every_setting_from_the_environment_is_written_in_the_docs():
    page = (REPOSITORY / "docs" / "running.md").read_text()
    files = [path for folder in ("core", "ui", "pages", "tests") for path in (REPOSITORY / folder).rglob("*.py")]
    names = {name for path in files for name in re.findall(r"LIVE_AVATAR_[A-Z]+(?:_[A-Z]+)*", path.read_text())}
    assert {"LIVE_AVATAR_MODELS", "LIVE_AVATAR_TURN_USER"} <= names
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_links_between_the_pages_lead_somewhere():
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"(?<!!)\[[^\]]*\]\(([^)#]+)\)", page.read_text())]
    assert len(links) > 5
    assert [
        f"{page.name}: {link}" for page, link in links if "//" not in link and not (page.parent / link).exists()
    ] == []


PLANTED = {
    "upwards": ("layers", {"core/geometry/bad.py": "from core.rendering.renderer import HeadRenderer\n"}),
    "upwards by package": ("layers", {"core/geometry/bad.py": "from core import session\n", "core/session.py": ""}),
    "upwards inside a function": (
        "layers",
        {"core/tracking/bad.py": "def f():\n    import core.pipeline\n"},
    ),
    "same row": ("layers", {"core/expression/bad.py": "import core.rigging\n"}),
    "no row": ("layers", {"core/attic/box.py": "x = 1\n"}),
    "web layer": ("layers", {"core/session.py": "import streamlit as st\n"}),
    "ui": ("layers", {"core/session.py": "from ui.state import chosen\n"}),
    "training": ("layers", {"core/audio/bad.py": "from training.speech import data\n"}),
    "cycle": (
        "cycles",
        {"core/geometry/a.py": "from core.geometry import b\n", "core/geometry/b.py": "import core.geometry.a\n"},
    ),
    "print": ("prints", {"core/geometry/bad.py": "print('hello')\n"}),
    "long file": ("lengths", {"core/geometry/bad.py": "x = 1\n" * (MAX_FILE_LINES + 1)}),
    "long function": (
        "lengths",
        {"core/geometry/bad.py": "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES},
    ),
}


@pytest.mark.parametrize(("rule", "files"), PLANTED.values(), ids=PLANTED)
def test_a_planted_violation_is_found(rule, files, tmp_path):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    assert RULES[rule](read_package(tmp_path))


def test_clean_code_passes_every_rule(tmp_path):
    (tmp_path / "core" / "geometry").mkdir(parents=True)
    (tmp_path / "core" / "geometry" / "good.py").write_text("from core.errors import InputError\nimport numpy\n")
    (tmp_path / "core" / "errors.py").write_text("class InputError(Exception): ...\n")
    (tmp_path / "core" / "cli.py").write_text("import core.geometry.good\nprint('allowed here')\n")
    modules = read_package(tmp_path)
    assert {name: rule(modules) for name, rule in RULES.items()} == {name: [] for name in RULES}


@pytest.mark.parametrize(
    "statement", ["import core", "import core.structures, core.assets.registry", "import core.cli"]
)
def test_a_light_import_loads_nothing_heavy(statement):
    code = f"{statement}\nimport sys\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
