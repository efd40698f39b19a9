"""FACS action units as bars on their scale of 0 to 5."""

from __future__ import annotations

from html import escape

from core.expression.action_units import ACTION_UNITS, GRADES, action_units
from core.structures import FloatArray

GRADE_LETTERS = "-ABCDE"
"""FACS writes intensities as letters, A (a trace) to E (the most); a dash where the unit is absent."""

STYLE = """
<style>
.units { font-size: 0.78rem; line-height: 1.35; display: grid; gap: 0.15rem; }
.units .row { display: grid; grid-template-columns: 2.5rem minmax(0, 8.4rem) 1fr 2.2rem; gap: 0.4rem;
              align-items: center; }
.units .code { font-weight: 600; }
.units .name { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.units .track { height: 0.5rem; border-radius: 0.25rem; background: rgba(128, 140, 160, 0.25); overflow: hidden; }
.units .fill { display: block; height: 100%; background: #0d9488; border-radius: 0.25rem; }
.units .value { text-align: right; font-variant-numeric: tabular-nums; }
@container (max-width: 15rem) {
  .units .row { grid-template-columns: 2.5rem 1fr 2.2rem; }
  .units .track { grid-column: 1 / -1; grid-row: 2; }
}
.units .absent .code, .units .absent .name, .units .absent .value { opacity: 0.75; font-weight: 400; }
</style>
"""


def grade_letter(intensity: float) -> str:
    """The FACS letter of an intensity in [0, 5]."""
    return GRADE_LETTERS[min(len(GRADE_LETTERS) - 1, round(intensity))]


def action_units_html(blendshapes: FloatArray) -> str:
    """All 24 units of (52,) coefficients, in the order of their numbers."""
    rows = "".join(
        _row(code, name, float(intensity))
        for (code, (name, _)), intensity in zip(ACTION_UNITS.items(), action_units(blendshapes), strict=True)
    )
    return f'{STYLE}<div style="container-type: inline-size"><div class="units">{rows}</div></div>'


def _row(code: str, name: str, intensity: float) -> str:
    letter = grade_letter(intensity)
    return (
        f'<div class="row{" absent" if letter == "-" else ""}"><span class="code">{escape(code)}</span>'
        f'<span class="name" title="{escape(name)}">{escape(name)}</span>'
        f'<span class="track"><span class="fill" style="width:{100 * intensity / GRADES:.0f}%"></span></span>'
        f'<span class="value">{letter} {intensity:.1f}</span></div>'
    )
