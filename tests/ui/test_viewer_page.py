import re

from ui.viewer.component import PAGE

NAMED_FILE = r'(?:from|import|src=|href=|import\()\s*"([\w./-]+\.(?:js|css))"'


def own_files():
    return [path for path in PAGE.rglob("*") if path.suffix in (".html", ".js", ".css") and "three" not in path.parts]


def test_every_file_that_the_page_names_is_here():
    for path in own_files():
        for name in re.findall(
            r'(?:from|import|src=|href=|import\()\s*"(\.?\.?/?[\w./-]+\.(?:js|css))"', path.read_text()
        ):
            assert (path.parent / name).is_file(), f"{path.name} names {name}"


def test_page_asks_for_nothing_from_elsewhere():
    for path in own_files():
        links = re.findall(r"(?:src|href|fetch|import)\W{1,3}(https?://)", path.read_text())
        assert not links, path.name


def test_three_has_its_licence_beside_it():
    assert "MIT" in (PAGE / "three" / "LICENSE").read_text()
