"""The 52 coefficients as bars: by region from the brows down, left and right as a mirrored pair."""

from __future__ import annotations

import re
from html import escape

from core.blendshapes import ARKIT_NAMES, INDEX, REGIONS, mirror_name
from core.structures import FloatArray

STYLE = """
<style>
.bars { display: grid; grid-template-columns: 1fr; gap: 0.1rem; font-size: 0.78rem; line-height: 1.25; }
.bars h6 { margin: 0.55rem 0 0.1rem; padding: 0; font-size: 0.72rem; letter-spacing: 0.08em;
           text-transform: uppercase; opacity: 0.75; font-weight: 600; text-align: center; }
.bars .row { display: grid; grid-template-columns: 1.6rem 1fr 5.4rem 1fr 1.6rem; gap: 0.35rem; align-items: center; }
.bars .name { text-align: center; white-space: nowrap; }
.bars .value { font-variant-numeric: tabular-nums; opacity: 0.8; }
.bars .value.left { text-align: right; }
.bars .track { height: 0.5rem; border-radius: 0.25rem; background: rgba(128, 140, 160, 0.25); overflow: hidden;
               display: flex; }
.bars .track.left { justify-content: flex-end; }
@container (max-width: 17rem) {
  .bars .row { grid-template-columns: 1.6rem 1fr 1fr 1.6rem; grid-template-areas: "name name name name" "a b c d"; }
  .bars .row .name { grid-area: name; }
}
.bars .fill { height: 100%; border-radius: 0.25rem; background: #0d9488; }
.bars .ends { display: flex; justify-content: space-between; opacity: 0.75; }
</style>
"""


def bar_rows() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """(region, ((left name, right name), ...)) for all 52; a shape without a side stands alone as (name, name)."""
    rows = []
    for region, names in REGIONS.items():
        pairs = [(name, mirror_name(name)) for name in names if not name.endswith("Right") or not _has_twin(name)]
        rows.append((region, tuple(pairs)))
    return tuple(rows)


def bars_html(values: FloatArray) -> str:
    """The panel for (52,) coefficients in [0, 1]; the subject's left stands left, as in a mirror."""
    parts = [
        STYLE,
        '<div style="container-type: inline-size"><div class="bars">',
        '<div class="ends"><span>Left</span><span>Right</span></div>',
    ]
    for region, pairs in bar_rows():
        parts.append(f"<h6>{escape(region)}</h6>")
        parts.extend(_row(left, right, values) for left, right in pairs)
    return "".join(parts) + "</div></div>"


def readable_name(name: str) -> str:
    """`mouthSmileLeft` as "smile", `jawLeft` as "sideways": region and side are said elsewhere."""
    words = re.findall(r"[A-Z][a-z]*", re.sub(r"(Left|Right)$", "", name))
    return " ".join(words).lower() or "sideways"


def _has_twin(name: str) -> bool:
    return mirror_name(name) in ARKIT_NAMES and mirror_name(name) != name


def _row(left: str, right: str, values: FloatArray) -> str:
    name = escape(readable_name(left))
    if left == right:
        value = float(values[INDEX[left]])
        return (
            f'<div class="row" title="{escape(left)}"><span></span>{_track(value, "left")}'
            f'<span class="name">{name}</span>{_track(value, "right")}{_value(value, "right")}</div>'
        )
    left_value, right_value = float(values[INDEX[left]]), float(values[INDEX[right]])
    return (
        f'<div class="row" title="{escape(left)} / {escape(right)}">{_value(left_value, "left")}'
        f'{_track(left_value, "left")}<span class="name">{name}</span>{_track(right_value, "right")}'
        f"{_value(right_value, 'right')}</div>"
    )


def _value(value: float, side: str) -> str:
    return f'<span class="value {side}">{100 * value:.0f}</span>'


def _track(value: float, side: str) -> str:
    return f'<span class="track {side}"><span class="fill" style="width:{100 * value:.0f}%"></span></span>'
