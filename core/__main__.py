"""`python -m core`."""

from __future__ import annotations

import sys

from core.single_thread import keep_products_on_one_thread

if __name__ == "__main__":
    keep_products_on_one_thread()
    from core.cli import main

    sys.exit(main())
