"""Shared Streamlit widgets, typed session state and cached resources: what several pages need.

Importing it before NumPy keeps each matrix product on the thread that asks for it, unless the environment says
otherwise: a live network's products are too small to share, and on a busy machine the other core comes late.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
