"""Valence and arousal as a plane with a trail, and the emotions as bars."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from html import escape

from core.blendshapes import EMOTIONS
from core.structures import FaceState, FloatArray

TRAIL_POINTS = 24
"""Points of the trail: with two or three a second, the last ten seconds."""
CORNERS = {"excited": "top right", "tense": "top left", "calm": "bottom right", "sad": "bottom left"}
"""Words at the corners of the plane, after Russell 1980."""

# Drawn with boxes: Streamlit takes SVG out of a page's HTML.
STYLE = """
<style>
.affect { font-size: 0.78rem; }
.affect .plane { position: relative; width: 100%; max-width: 15rem; aspect-ratio: 1; margin: 0 auto 0.9rem;
                 border: 1px solid rgba(128, 140, 160, 0.45); border-radius: 0.5rem;
                 background: linear-gradient(rgba(128, 140, 160, 0.45), rgba(128, 140, 160, 0.45)) center / 1px 100%,
                 linear-gradient(rgba(128, 140, 160, 0.45), rgba(128, 140, 160, 0.45)) center / 100% 1px,
                 rgba(128, 140, 160, 0.10); background-repeat: no-repeat; }
.affect .word { position: absolute; font-size: 0.7rem; opacity: 0.8; line-height: 1; }
.affect .top { top: 0.45rem; } .affect .bottom { bottom: 0.45rem; }
.affect .left { left: 0.45rem; } .affect .right { right: 0.45rem; }
.affect .along { right: 0.45rem; top: calc(50% - 1rem); }
.affect .up { left: calc(50% + 0.3rem); top: 0.45rem; }
.affect .dot { position: absolute; border-radius: 50%; background: #0d9488; transform: translate(-50%, -50%); }
.affect .here { width: 0.8rem; height: 0.8rem; border: 2px solid #ffffff; }
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


def plane_html(valence: float, arousal: float) -> str:
    """The plane with one dot, for a mood that is chosen."""
    return f'{STYLE}<div class="affect">{_plane(((valence, arousal),))}</div>'


def _plane(trail: Sequence[tuple[float, float]]) -> str:
    words = "".join(f'<span class="word {corner}">{escape(word)}</span>' for word, corner in CORNERS.items())
    dots = []
    for number, (valence, arousal) in enumerate(trail):
        share = (number + 1) / len(trail)
        place = f"left:{50 * (1 + valence):.1f}%;top:{50 * (1 - arousal):.1f}%"
        if number == len(trail) - 1:
            dots.append(f'<span class="dot here" style="{place}"></span>')
        else:
            size = f"width:{2 + 5 * share:.0f}px;height:{2 + 5 * share:.0f}px;opacity:{0.6 * share:.2f}"
            dots.append(f'<span class="dot" style="{place};{size}"></span>')
    return (
        f'<div class="plane" role="img" aria-label="{escape(_spoken(trail))}">{words}<span class="word along">pleasant'
        f'</span><span class="word up">awake</span>{"".join(dots)}</div>'
    )


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
