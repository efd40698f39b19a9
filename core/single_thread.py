"""Keeps each matrix product on the thread that asks for it, unless the environment says otherwise.

To be called before NumPy is imported. The products of a live network are too small to share, and on a busy machine the
other core comes late; a rig from a photo took 4.4 s with OpenBLAS's threads on two cores and 3.2 s without, because
they wait by spinning.
"""

from __future__ import annotations

import os


def keep_products_on_one_thread() -> None:
    """For this process and its children; does nothing where OPENBLAS_NUM_THREADS is set."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
