"""Shared Streamlit widgets, typed session state and cached resources: what several pages need."""
