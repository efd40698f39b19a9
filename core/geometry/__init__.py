"""Rotations, similarity fits, cameras and mesh measures: pure numpy, no state."""
