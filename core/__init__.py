"""The Live Avatar engine: one camera or one voice in, a living 3D face out.

A frame enters through `core.media`, becomes landmarks in `core.tracking`, coefficients in
`core.expression`, and leaves as a `core.structures.FaceState`; everything after that shows or sends it.
`docs/architecture.md` has the map. Importing this package loads nothing heavy.
"""

__version__ = "0.1.0"
