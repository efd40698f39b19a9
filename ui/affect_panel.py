"""Valence and arousal as a plane with a trail, and the emotions as bars."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from html import escape

from core.blendshapes import EMOTIONS
from core.structures import FaceState, FloatArray

TRAIL_POINTS = 24
"""Points of the trail: with two or three a second, the last ten seconds."""
CORNERS = ((0.97, 0.93, "end", "excited"), (-0.97, 0.93, "start", "tense"), (0.97, -0.85, "end", "calm"),
           (-0.97, -0.85, "start", "sad"))  # fmt: skip
"""Words at the corners of the plane, after Russell 1980: place, text anchor, word."""
RADIUS = 100.0

STYLE = """
<style>
.affect { container-type: inline-size; font-size: 0.78rem; }
.affect svg { width: 100%; max-width: 15rem; display: block; margin: 0 auto; }
.affect text { font-size: 11px; fill: currentColor; opacity: 0.75; }
.affect .frame { fill: rgba(128, 140, 160, 0.10); stroke: rgba(128, 140, 160, 0.45); }
.affect .axis { stroke: rgba(128, 140, 160, 0.45); }
.affect .here { fill: #0d9488; stroke: #ffffff; stroke-width: 1.5; }
.affect .trail { fill: #0d9488; }
.affect .row { display: grid; grid-template-columns: 5.2rem 1fr 2rem; gap: 0.4rem; align-items: center; }
.affect .row.most { font-weight: 650; }
.affect .track { height: 0.5rem; border-radius: 0.25rem; background: rgba(128, 140, 160, 0.25); overflow: hidden; }
.affect .fill { display: block; height: 100%; background: #0d9488; border-radius: 0.25rem; }
.affect .value { text-align: right; font-variant-numeric: tabular-nums; opacity: 0.8; }
</style>
"""


class AffectTrail:
    """The last places in the plane; bounded, and begun anew when the face goes."""

    def __init__(self) -> None:
        self._places: deque[tuple[float, float]] = deque(maxlen=TRAIL_POINTS)

    def add(self, state: FaceState) -> Sequence[tuple[float, float]]:
        """The trail with this moment at its end, oldest first; empty without a face."""
        if state.has_face:
            self._places.append((state.valence, state.arousal))
        else:
            self._places.clear()
        return self.places

    @property
    def places(self) -> Sequence[tuple[float, float]]:
        """The trail as it stands, oldest first."""
        return tuple(self._places)


def affect_html(trail: Sequence[tuple[float, float]], emotion: FloatArray) -> str:
    """The plane with its trail, and eight bars. trail: valence and arousal in [-1, 1], oldest first; emotion: (8,)."""
    return f'{STYLE}<div class="affect">{_plane(trail)}{_bars(emotion)}</div>'


def _plane(trail: Sequence[tuple[float, float]]) -> str:
    side = 2 * RADIUS
    words = "".join(
        f'<text x="{_x(x):.0f}" y="{_y(y) + 4:.0f}" text-anchor="{anchor}">{escape(word)}</text>'
        for x, y, anchor, word in CORNERS
    )
    parts = [
        f'<svg viewBox="-2 -2 {side + 4:.0f} {side + 4:.0f}" role="img" aria-label="{escape(_spoken(trail))}">',
        f'<rect class="frame" width="{side:.0f}" height="{side:.0f}" rx="8"/>',
        f'<path class="axis" d="M0 {RADIUS:.0f}H{side:.0f}M{RADIUS:.0f} 0V{side:.0f}"/>',
        words,
        f'<text x="{side - 4:.0f}" y="{RADIUS - 5:.0f}" text-anchor="end">pleasant</text>',
        f'<text x="{RADIUS + 5:.0f}" y="12">awake</text>',
    ]
    for number, (valence, arousal) in enumerate(trail):
        share = (number + 1) / len(trail)
        is_here = number == len(trail) - 1
        look = 'class="here" r="6"' if is_here else f'class="trail" r="{1 + 2 * share:.1f}" opacity="{0.6 * share:.2f}"'
        parts.append(f'<circle cx="{_x(valence):.1f}" cy="{_y(arousal):.1f}" {look}/>')
    return "".join(parts) + "</svg>"


def _bars(emotion: FloatArray) -> str:
    strongest = int(emotion.argmax())
    return "".join(
        f'<div class="row{" most" if number == strongest else ""}"><span>{escape(name)}</span>'
        f'<span class="track"><span class="fill" style="width:{100 * float(share):.0f}%"></span></span>'
        f'<span class="value">{100 * float(share):.0f}</span></div>'
        for number, (name, share) in enumerate(zip(EMOTIONS, emotion, strict=True))
    )


def _spoken(trail: Sequence[tuple[float, float]]) -> str:
    if not trail:
        return "Valence and arousal: no face"
    valence, arousal = trail[-1]
    return f"Valence {100 * valence:+.0f}, arousal {100 * arousal:+.0f} of 100"


def _x(valence: float) -> float:
    return RADIUS * (1 + valence)


def _y(arousal: float) -> float:
    return RADIUS * (1 - arousal)
