"""What the maker measured of a head, in words a person reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.assets.registry import PackStatus, pack, pack_status
from core.head_model.flame_files import FLAME_PACKS
from core.head_model.heads import HEAD_TITLES, available_heads, missing_for
from core.rigging.calibration import KEY
from core.rigging.guided import LEAST_CONFIDENCE
from core.rigging.guided_poses import BLINK, POSES

MUCH_SEEN, ENOUGH_SEEN = 0.8, 0.55
CLOSE_MM, APART_MM = 2.0, 4.0
MOST_NAMES = 4


def head_title(details: Mapping[str, object]) -> str:
    """The base head as a person reads it; an unknown one by its own name."""
    name = str(details.get("head", "builtin"))
    return HEAD_TITLES.get(name, name)


def absent_heads(models_dir: Path) -> tuple[str, ...]:
    """One line for the base heads that are not here, and one for a FLAME model that lacks a file beside it."""
    absent = [name for name in HEAD_TITLES if name not in available_heads(models_dir)]
    lines = []
    if "flame" in absent and any(pack_status(pack(name), models_dir) is PackStatus.PRESENT for name in FLAME_PACKS):
        lines.append(missing_for("flame", models_dir))
        absent.remove("flame")
    if absent:
        titles = " and ".join(HEAD_TITLES[name] for name in absent)
        lines.append(f"Not here: {titles}. `python -m core models list` says how to get {_them(absent)}.")
    return tuple(lines)


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def report_lines(details: Mapping[str, object]) -> tuple[str, ...]:
    """Sentences on base head, pictures, what was seen of the face, how far the pictures agree, and what was made up.

    details: of a rig from photos; what is absent or of another kind is left out. () for a head nobody was fitted to.
    """
    if _number(details, "pictures_used") is None:
        return ()
    tellers = (_base, _pictures, _seen, _agreement, _expected_error, _shading, _expression, _made, _guided, _remarks)
    found = (tell(details) for tell in tellers)
    return tuple(line for line in found if line)


def _guided(details: Mapping[str, object]) -> str:
    told = details.get(KEY)
    confidence = told.get("confidence") if isinstance(told, Mapping) else None
    if not isinstance(confidence, Mapping):
        return ""
    was_used = {name: value >= LEAST_CONFIDENCE or (name == BLINK and value > 0) for name, value in confidence.items()}
    used, missed = (
        [POSES[name].title.lower() for name, is_used in was_used.items() if name in POSES and is_used is wanted]
        for wanted in (True, False)
    )
    line = f"Refined by a guided recording: {', '.join(used)}." if used else "The guided recording told nothing sure."
    return f"{line} Not used: {', '.join(missed)}." if missed else line


def _number(details: Mapping[str, object], key: str) -> float | None:
    value = details.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _base(details: Mapping[str, object]) -> str:
    return f"Base head: {head_title(details)}."


def _pictures(details: Mapping[str, object]) -> str:
    used = round(_number(details, "pictures_used") or 0)
    given = round(_number(details, "pictures_given") or _number(details, "pictures_seen") or used)
    if given <= used:
        return f"{_count(used)} used."
    return f"{used} of {given} pictures used; the others show no whole face, or say less about it."


def _count(pictures: int) -> str:
    return "One picture" if pictures == 1 else f"{pictures} pictures"


def _seen(details: Mapping[str, object]) -> str:
    share = _number(details, "face_seen")
    if share is None:
        return ""
    advice = ""
    if share < ENOUGH_SEEN:
        advice = " A photo from the front, or several, would show more."
    elif share < MUCH_SEEN:
        advice = " A second photo from the other side would show more."
    return f"{100 * share:.0f} % of the face's skin was seen; the rest is filled in.{advice}"


def _agreement(details: Mapping[str, object]) -> str:
    spread = _number(details, "halves_differ_mm")
    if spread is None:
        return ""
    verdict = "well." if spread < CLOSE_MM else "fairly." if spread < APART_MM else "poorly. Is it always one person?"
    return f"Heads from either half of the pictures differ by {spread:.1f} mm: they agree {verdict}"


def _expected_error(details: Mapping[str, object]) -> str:
    error = _number(details, "expected_error_mm")
    return "" if error is None else f"Points of the face are expected to be off by {error:.1f} mm."


def _shading(details: Mapping[str, object]) -> str:
    moved = _number(details, "shading_moved_mm")
    return "" if moved is None else f"The skin's shading refined the form: points of the face moved by {moved:.1f} mm."


def _remarks(details: Mapping[str, object]) -> str:
    remarks = details.get("remarks")
    return " ".join(str(remark) for remark in remarks) if isinstance(remarks, list) else ""


def _expression(details: Mapping[str, object]) -> str:
    removed = details.get("expression_removed")
    if not isinstance(removed, Mapping) or not removed:
        return ""
    return f"Taken out of the photo's expression: {_names([str(name) for name in removed])}."


def _made(details: Mapping[str, object]) -> str:
    made = details.get("unreachable")
    if not isinstance(made, list) or not made:
        return ""
    names = _names([str(name) for name in made])
    return f"Borrowed from the built-in head, for {head_title(details)} cannot make them: {names}."


def _names(shapes: Sequence[str]) -> str:
    """`mouthSmileLeft`, `mouthSmileRight` as "mouth smile": sides together, a long list cut short."""
    bare = list(dict.fromkeys(re.sub(r"(Left|Right)$", "", shape) for shape in shapes))
    words = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() for name in bare]
    more = len(words) - MOST_NAMES
    return ", ".join(words[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
