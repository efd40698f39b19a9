"""How well each region of a face is seen, as three small lights with words."""

from __future__ import annotations

from html import escape

from core.tracking.view_quality import REGION_POINTS, ViewQuality

CLEAR, UNSURE = 0.7, 0.35
"""Confidence from which a region counts as clear, and as unsure; below it is hidden."""
WORDS = {"clear": "clear", "unsure": "unsure", "hidden": "hidden", "covered": "covered"}

# The mark is full, half or empty, so that nobody needs to tell the colours apart.
STYLE = """
<style>
.lights { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.5rem; font-size: 0.8rem; line-height: 1.25; }
.lights .light { display: flex; align-items: flex-start; gap: 0.4rem; }
.lights .mark { flex: none; margin-top: 0.12rem; width: 0.75rem; height: 0.75rem; border-radius: 50%;
               border: 2px solid var(--light); }
.lights .clear { --light: #14908a; } .lights .clear .mark { background: var(--light); }
.lights .unsure { --light: #c27a0a; }
.lights .unsure .mark { background: linear-gradient(0deg, var(--light) 50%, transparent 50%); }
.lights .hidden, .lights .covered { --light: #d0453b; }
.lights .name { display: block; font-weight: 600; }
</style>
"""


def light_of(view: ViewQuality, region: str) -> str:
    """A key of `WORDS` for this region."""
    share = view.regions[region]
    if share >= CLEAR:
        return "clear"
    if share >= UNSURE:
        return "unsure"
    return "covered" if region in view.covered else "hidden"


def lights_html(view: ViewQuality) -> str:
    """The lights of brows, eyes and mouth, each with its word; the exact share stands in the tooltip."""
    items = "".join(_light(region, light_of(view, region), view.regions[region]) for region in REGION_POINTS)
    return f'{STYLE}<div class="lights" role="list" aria-label="How well the face is seen">{items}</div>'


def _light(region: str, light: str, share: float) -> str:
    return (
        f'<div role="listitem" class="light {light}" title="{escape(region)}: {100 * share:.0f} %">'
        f'<span class="mark" aria-hidden="true"></span>'
        f'<span><span class="name">{escape(region.capitalize())}</span> {WORDS[light]}</span></div>'
    )
