"""Shared Streamlit widgets, typed session state and cached resources: what several pages need."""

from __future__ import annotations

from core.single_thread import keep_products_on_one_thread

keep_products_on_one_thread()
